//! Flows in their table: load, insert, and save if no other submission was faster.

use serde_json::Value;
use tenants::{Fault, Project, Tx};
use uuid::Uuid;

use super::{
    flow::Flow,
    kind::Kind,
    rows::{self, FlowRow},
};

pub use super::rows::sweep;

/// The row of a flow as it is now.
pub(crate) fn row<K: Kind>(flow: &Flow<K>) -> Result<FlowRow, Fault> {
    Ok(FlowRow {
        id: flow.id,
        kind: K::NAME,
        state: to_json(flow)?,
        expires_at: flow.expires_at,
    })
}

/// Store a new flow, and see to it that it will be swept.
pub async fn insert<K: Kind>(project: &Project, flow: &Flow<K>) -> Result<(), Fault> {
    let row = row(flow)?;
    let mut tx = project.begin().await?;
    rows::insert(&mut tx, &row).await?;
    tx.commit().await
}

/// A flow of this kind in this project.
pub async fn load<K: Kind>(project: &Project, id: Uuid) -> Result<Option<Flow<K>>, Fault> {
    let mut tx = project.begin().await?;
    load_in(&mut tx, id).await
}

/// The same in the caller's transaction.
pub(crate) async fn load_in<K: Kind>(tx: &mut Tx, id: Uuid) -> Result<Option<Flow<K>>, Fault> {
    let Some((state, version)) = rows::load_state(tx, id, K::NAME).await? else {
        return Ok(None);
    };
    let mut flow: Flow<K> = serde_json::from_value(state)
        .map_err(|e| Fault::broken(format!("unreadable {} flow: {e}", K::NAME)))?;
    flow.version = version;
    Ok(Some(flow))
}

/// Write the flow as it is now, if no other submission did since it was loaded. False: one did.
pub async fn save<K: Kind>(tx: &mut Tx, flow: &Flow<K>) -> Result<bool, Fault> {
    let saved = sqlx::query!(
        "update flows set state = $3, version = version + 1 where id = $1 and version = $2",
        flow.id,
        flow.version,
        to_json(flow)?
    );
    Ok(saved.execute(tx.conn()).await?.rows_affected() == 1)
}

/// Write what a refused submission left of the flow. The flow is where it was, so a submission that is judged
/// at the same moment is not held up by it. False: another submission moved the flow on.
pub(crate) async fn save_refused<K: Kind>(tx: &mut Tx, flow: &Flow<K>) -> Result<bool, Fault> {
    let saved = sqlx::query!(
        "update flows set state = $3 where id = $1 and version = $2",
        flow.id,
        flow.version,
        to_json(flow)?
    );
    Ok(saved.execute(tx.conn()).await?.rows_affected() == 1)
}

fn to_json<K: Kind>(flow: &Flow<K>) -> Result<Value, Fault> {
    serde_json::to_value(flow).map_err(|e| Fault::broken(format!("a flow cannot be stored: {e}")))
}
