//! What is written down of each attempt to send a message. An attempt is begun and ended in transactions
//! of their own, and an attempt that was overtaken meanwhile writes nothing.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tenants::{Fault, Project, Tx, ids};
use uuid::Uuid;

use crate::store::{Dispatch, Status};

/// The end of one attempt.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Where the message stands now.
    pub status: Status,
    /// When the attempt was begun.
    pub began: DateTime<Utc>,
    /// Why it failed; `None` when it did not.
    pub failure: Option<String>,
    /// What administrators read, when there is more to say of a success.
    pub note: Option<&'static str>,
}

const SHOWN_CHARS_MAX: usize = 500;

/// Begin an attempt that may reach the recipient: from here on a crash leaves its trace. Answers its number;
/// `None` when the message is through with.
pub async fn begin(project: &Project, id: Uuid) -> Result<Option<i32>, Fault> {
    let mut tx = project.begin().await?;
    let now = project.now();
    let crashed = dispatch(
        "failed",
        Some(error("The attempt before this one ended with its process.")),
        now,
        now,
    );
    let number = sqlx::query_scalar!(
        "update messages set status = 'processing', send_count = send_count + 1, updated_at = $2,
                dispatches = case when status = 'processing' then dispatches || $3::jsonb else dispatches end
          where id = $1 and status in ('queued', 'processing') returning send_count",
        id,
        now,
        json!([crashed])
    );
    let number = number.fetch_optional(tx.conn()).await?;
    tx.commit().await?;
    Ok(number)
}

/// End the attempt of that number. False: another one was begun since, and tells its own end.
pub async fn end(project: &Project, id: Uuid, number: i32, ended: &Ended) -> Result<bool, Fault> {
    let mut tx = project.begin().await?;
    let now = project.now();
    let done = sqlx::query!(
        "update messages set status = $3, updated_at = $4, dispatches = dispatches || $5::jsonb
          where id = $1 and status = 'processing' and send_count = $2",
        id,
        number,
        ended.status.as_str(),
        now,
        json!([ended.dispatch(now)])
    );
    let done = done.execute(tx.conn()).await?.rows_affected() == 1;
    tx.commit().await?;
    Ok(done)
}

/// The attempt of that number failed through no fault of the message: it counts as not begun.
pub async fn take_back(project: &Project, id: Uuid, number: i32) -> Result<(), Fault> {
    let mut tx = project.begin().await?;
    sqlx::query!(
        "update messages set status = 'queued', send_count = send_count - 1, updated_at = $3
          where id = $1 and status = 'processing' and send_count = $2",
        id,
        number,
        project.now()
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Record an attempt that ended before it could reach the recipient; unless another was begun after `begun`.
pub async fn whole(project: &Project, id: Uuid, begun: i32, ended: &Ended) -> Result<(), Fault> {
    let mut tx = project.begin().await?;
    let now = project.now();
    sqlx::query!(
        "update messages set status = $2, send_count = send_count + 1, updated_at = $3, dispatches = dispatches || $4::jsonb
          where id = $1 and status in ('queued', 'processing') and send_count = $5",
        id,
        ended.status.as_str(),
        now,
        json!([ended.dispatch(now)]),
        begun
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Record why a message waits, or was given up waiting, without an attempt; unless one was begun after `begun`.
pub async fn waits(project: &Project, id: Uuid, begun: i32, ended: &Ended) -> Result<(), Fault> {
    let mut tx = project.begin().await?;
    let now = project.now();
    sqlx::query!(
        "update messages set status = $2, updated_at = $3, dispatches = dispatches || $4::jsonb
          where id = $1 and status in ('queued', 'processing') and send_count = $5",
        id,
        ended.status.as_str(),
        now,
        json!([ended.dispatch(now)]),
        begun
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Delete messages that are through with and older than `before`, at most `limit`. Answers how many.
pub async fn sweep(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, Fault> {
    let gone = sqlx::query!(
        "delete from messages where id in (
            select id from messages where created_at < $1 and status in ('sent', 'abandoned') order by created_at limit $2)",
        before,
        limit
    );
    Ok(gone.execute(tx.conn()).await?.rows_affected())
}

impl Ended {
    fn dispatch(&self, now: DateTime<Utc>) -> Dispatch {
        match &self.failure {
            Some(why) => dispatch("failed", Some(error(why)), self.began, now),
            None => dispatch(
                "success",
                self.note.map(|note| json!({"message": note})),
                self.began,
                now,
            ),
        }
    }
}

fn dispatch(
    status: &str,
    error: Option<Value>,
    began: DateTime<Utc>,
    ended: DateTime<Utc>,
) -> Dispatch {
    Dispatch {
        id: ids::v4(),
        status: status.to_owned(),
        error,
        created_at: began,
        updated_at: ended,
    }
}

/// The inner error object, as Kratos shows it.
fn error(why: &str) -> Value {
    let why: String = why
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN_CHARS_MAX)
        .collect();
    json!({
        "code": 500,
        "status": "Internal Server Error",
        "message": "The message could not be sent.",
        "reason": why,
    })
}
