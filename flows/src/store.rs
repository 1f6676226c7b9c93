//! The one `flows` table.

use serde_json::Value;
use tenants::{Fault, Job, Project, Tx};
use uuid::Uuid;

use crate::flow::{Flow, Kind};

/// A flow that is not stored yet.
#[derive(Clone, Debug)]
pub struct NewFlow {
    id: Uuid,
    kind: &'static str,
    state: Value,
    expires_at: chrono::DateTime<chrono::Utc>,
}

impl NewFlow {
    /// Its id.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// The row of a flow as it is now.
    pub fn of<K: Kind>(flow: &Flow<K>) -> Result<Self, Fault> {
        Ok(Self {
            id: flow.id,
            kind: K::NAME,
            state: to_json(flow)?,
            expires_at: flow.expires_at,
        })
    }
}

/// Store a new flow, and see to it that it will be swept.
pub async fn insert<K: Kind>(project: &Project, flow: &Flow<K>) -> Result<(), Fault> {
    let row = NewFlow::of(flow)?;
    let mut tx = project.begin().await?;
    insert_row(&mut tx, &row).await?;
    tx.commit().await
}

pub(crate) async fn insert_state(
    project: &Project,
    id: Uuid,
    (kind, state): (&'static str, Value),
    expires_at: chrono::DateTime<chrono::Utc>,
) -> Result<(), Fault> {
    let row = NewFlow {
        id,
        kind,
        state,
        expires_at,
    };
    let mut tx = project.begin().await?;
    insert_row(&mut tx, &row).await?;
    tx.commit().await
}

/// In the caller's transaction.
pub(crate) async fn insert_row(tx: &mut Tx, row: &NewFlow) -> Result<(), Fault> {
    let now = tx.project().now();
    sqlx::query!(
        "insert into flows (id, kind, state, expires_at, created_at) values ($1, $2, $3, $4, $5)",
        row.id,
        row.kind,
        row.state,
        row.expires_at,
        now
    )
    .execute(tx.conn())
    .await?;
    if let Some((job, run_at)) = tx.project().sweep_to_ask_for() {
        tx.enqueue_as(job, &Job::SweepExpired, run_at).await?;
    }
    Ok(())
}

/// A flow of this kind in this project.
pub async fn load<K: Kind>(project: &Project, id: Uuid) -> Result<Option<Flow<K>>, Fault> {
    let Some((state, version)) = load_state(project, id, K::NAME).await? else {
        return Ok(None);
    };
    let mut flow: Flow<K> = serde_json::from_value(state)
        .map_err(|e| Fault::broken(format!("unreadable {} flow: {e}", K::NAME)))?;
    flow.version = version;
    Ok(Some(flow))
}

pub(crate) async fn load_state(
    project: &Project,
    id: Uuid,
    kind: &str,
) -> Result<Option<(Value, i32)>, Fault> {
    let mut tx = project.begin().await?;
    let row = sqlx::query!(
        "select state, version from flows where id = $1 and kind = $2",
        id,
        kind
    );
    Ok(row
        .fetch_optional(tx.conn())
        .await?
        .map(|r| (r.state, r.version)))
}

/// Take a state away: of several that ask at once one gets it, with the time it was good until.
pub(crate) async fn take_state(
    project: &Project,
    id: Uuid,
    kind: &str,
) -> Result<Option<(Value, chrono::DateTime<chrono::Utc>)>, Fault> {
    let mut tx = project.begin().await?;
    let row = sqlx::query!(
        "delete from flows where id = $1 and kind = $2 returning state, expires_at",
        id,
        kind
    );
    let row = row.fetch_optional(tx.conn()).await?;
    tx.commit().await?;
    Ok(row.map(|r| (r.state, r.expires_at)))
}

/// Forget every flow that is about an identity, and what waits for one. Rare, so it needs no index. One that
/// is being submitted is left: its submission waits for the identity, which we hold, and finds it gone.
pub(crate) async fn forget_identity(tx: &mut Tx, identity_id: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "delete from flows where id in
            (select id from flows where state #>> '{state,identity_id}' = $1 for update skip locked)",
        identity_id.to_string()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Take what waits for an address of somebody's out of their verifications, which go on as ordinary ones. The
/// identity's row must be locked. One that is being submitted is left: it waits for that row, and what becomes
/// of it is as if it had come first.
pub(crate) async fn drop_held(tx: &mut Tx, identity_id: Uuid) -> Result<(), Fault> {
    sqlx::query!(
        "update flows set state = state #- '{state,held}', version = version + 1 where id in
            (select f.id from flows f
              where f.id in (select flow_id from codes where identity_id = $1 and purpose = 'verification')
                and f.state #> '{state,held}' is not null
                for update skip locked)",
        identity_id
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Write the flow as it is now, if nobody else did since it was loaded. False: somebody did.
pub async fn save<K: Kind>(tx: &mut Tx, flow: &Flow<K>) -> Result<bool, Fault> {
    let saved = sqlx::query!(
        "update flows set state = $3, version = version + 1 where id = $1 and version = $2",
        flow.id,
        flow.version,
        to_json(flow)?
    );
    Ok(saved.execute(tx.conn()).await?.rows_affected() == 1)
}

/// Write what a refused submission left of the flow. The errand is where it was, so whoever judges the
/// flow at the same moment is not held up by it. False: somebody else moved the flow on.
pub(crate) async fn save_refused<K: Kind>(tx: &mut Tx, flow: &Flow<K>) -> Result<bool, Fault> {
    let saved = sqlx::query!(
        "update flows set state = $3 where id = $1 and version = $2",
        flow.id,
        flow.version,
        to_json(flow)?
    );
    Ok(saved.execute(tx.conn()).await?.rows_affected() == 1)
}

/// Until [`undo`], what is written can be undone without the rest.
pub(crate) async fn mark(tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query!("savepoint pretended")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Undo what was written since [`mark`].
pub(crate) async fn undo(tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query!("rollback to savepoint pretended")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Delete up to `limit` flows that expired before `before`. Answers how many went.
pub async fn sweep(
    tx: &mut Tx,
    before: chrono::DateTime<chrono::Utc>,
    limit: i64,
) -> Result<u64, Fault> {
    let gone = sqlx::query!(
        "delete from flows where id in (select id from flows where expires_at < $1 order by expires_at limit $2)",
        before,
        limit
    );
    Ok(gone.execute(tx.conn()).await?.rows_affected())
}

fn to_json<K: Kind>(flow: &Flow<K>) -> Result<Value, Fault> {
    serde_json::to_value(flow).map_err(|e| Fault::broken(format!("a flow cannot be stored: {e}")))
}
