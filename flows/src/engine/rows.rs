//! Rows of the one `flows` table, whatever is in them: flows, and states that are kept beside them.

use chrono::{DateTime, Utc};
use identity::write::WriteError;
use serde_json::Value;
use tenants::{Fault, Job, Project, Tx};
use uuid::Uuid;

/// A write of another flow than the one that was submitted.
#[derive(Debug)]
pub enum FlowWrite {
    /// Store a flow that this submission begins, or a state that is no flow.
    Begin(Box<FlowRow>),
    /// Drop a state that is no flow, of that kind.
    Drop(Uuid, &'static str),
    /// Whatever change of that identity's waits for an address is of no use any more.
    DropHeld(Uuid),
    /// Forget every flow that is about that identity.
    Forget(Uuid),
}

impl FlowWrite {
    pub(super) async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        match self {
            Self::Begin(row) => insert(tx, row).await?,
            Self::Drop(id, kind) => {
                take_state_in(tx, *id, kind).await?;
            }
            Self::DropHeld(identity_id) => drop_held(tx, *identity_id).await?,
            Self::Forget(identity_id) => forget_identity(tx, *identity_id).await?,
        }
        Ok(())
    }
}

/// A row that is not stored yet.
#[derive(Clone, Debug)]
pub struct FlowRow {
    pub(super) id: Uuid,
    pub(super) kind: &'static str,
    pub(super) state: Value,
    pub(super) expires_at: DateTime<Utc>,
}

impl FlowRow {
    /// Its id.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    /// Something else than a flow that is kept in the same table for a while.
    pub(crate) fn state(
        id: Uuid,
        (kind, state): (&'static str, Value),
        expires_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            kind,
            state,
            expires_at,
        }
    }
}

pub(crate) async fn insert_state(
    project: &Project,
    id: Uuid,
    state: (&'static str, Value),
    expires_at: DateTime<Utc>,
) -> Result<(), Fault> {
    let row = FlowRow::state(id, state, expires_at);
    let mut tx = project.begin().await?;
    insert(&mut tx, &row).await?;
    tx.commit().await
}

/// In the caller's transaction.
pub(crate) async fn insert(tx: &mut Tx, row: &FlowRow) -> Result<(), Fault> {
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

pub(crate) async fn load_state(
    tx: &mut Tx,
    id: Uuid,
    kind: &str,
) -> Result<Option<(Value, i32)>, Fault> {
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
) -> Result<Option<(Value, DateTime<Utc>)>, Fault> {
    let mut tx = project.begin().await?;
    let taken = take_state_in(&mut tx, id, kind).await?;
    tx.commit().await?;
    Ok(taken)
}

async fn take_state_in(
    tx: &mut Tx,
    id: Uuid,
    kind: &str,
) -> Result<Option<(Value, DateTime<Utc>)>, Fault> {
    let row = sqlx::query!(
        "delete from flows where id = $1 and kind = $2 returning state, expires_at",
        id,
        kind
    );
    let row = row.fetch_optional(tx.conn()).await?;
    Ok(row.map(|r| (r.state, r.expires_at)))
}

/// Count one more try at this flow's codes, before it is judged. Answers how many there were, this one included.
pub(crate) async fn count_try(tx: &mut Tx, flow_id: Uuid) -> Result<i32, Fault> {
    let count = sqlx::query_scalar!(
        "update flows set submissions = submissions + 1 where id = $1 returning submissions",
        flow_id
    );
    let count = count.fetch_optional(tx.conn()).await?;
    Ok(count.unwrap_or(i32::MAX))
}

/// How many tries at this flow's codes there were so far.
pub(crate) async fn tries(tx: &mut Tx, flow_id: Uuid) -> Result<i32, Fault> {
    let count = sqlx::query_scalar!("select submissions from flows where id = $1", flow_id);
    Ok(count.fetch_optional(tx.conn()).await?.unwrap_or(i32::MAX))
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

/// Take what waits for an address of an identity out of its verifications, which go on as ordinary ones. The
/// identity's row must be locked. One that is being submitted is left, but its code goes: a submission that is
/// about to end it waits for the identity's row, and then finds no code.
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
    sqlx::query!(
        "delete from codes c using flows f
          where c.identity_id = $1 and c.purpose = 'verification' and f.id = c.flow_id and f.state #> '{state,held}' is not null",
        identity_id
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Delete up to `limit` flows that expired before `before`. Answers how many went.
pub async fn sweep(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, Fault> {
    let gone = sqlx::query!(
        "delete from flows where id in (select id from flows where expires_at < $1 order by expires_at limit $2)",
        before,
        limit
    );
    Ok(gone.execute(tx.conn()).await?.rows_affected())
}
