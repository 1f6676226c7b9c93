//! Errors that a browser is sent to a page with: stored for a day, read by id.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tenants::{Fault, Project, ids};
use uuid::Uuid;

use super::rows;

const KIND: &str = "error";
const KEPT_FOR: TimeDelta = TimeDelta::days(1);

/// A stored error.
#[derive(Debug)]
pub struct StoredError {
    /// UUIDv4.
    pub id: Uuid,
    /// The inner error object.
    pub error: Value,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// Keep an error object for the error page.
pub async fn keep(project: &Project, error: &Value) -> Result<Uuid, Fault> {
    let (id, now) = (ids::v4(), project.now());
    let state = json!({"error": error, "at": now});
    rows::insert_state(project, id, (KIND, state), now + KEPT_FOR).await?;
    Ok(id)
}

/// Read one; any number of times.
pub async fn read(project: &Project, id: Uuid) -> Result<Option<StoredError>, Fault> {
    let mut tx = project.begin().await?;
    let Some((mut state, _)) = rows::load_state(&mut tx, id, KIND).await? else {
        return Ok(None);
    };
    let at = serde_json::from_value(state["at"].take())
        .map_err(|e| Fault::broken(format!("unreadable stored error: {e}")))?;
    Ok(Some(StoredError {
        id,
        error: state["error"].take(),
        at,
    }))
}
