//! A change that waits for its owner to authenticate once more: kept for a quarter of an hour in the table
//! of flows, sealed because it may hold a password, and found again by a cookie of the browser that sent it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use identity::Session;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenants::{Fault, ids};
use uuid::Uuid;

use crate::engine::{
    cx::Cx,
    decision::Effects,
    rows::{self, FlowRow, FlowWrite},
    submission::Submission,
};

pub(crate) const KIND: &str = "continuity";
/// How long it waits, here and in the browser.
pub const KEPT_FOR: TimeDelta = TimeDelta::minutes(15);
/// More is not kept: its sender has to send it again.
const BYTES_MAX: usize = 64 << 10;

/// What waits.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    /// For which flow.
    pub flow_id: Uuid,
    /// Whose.
    pub identity_id: Uuid,
    /// When it was sent.
    pub asked_at: DateTime<Utc>,
    /// What was sent.
    pub submission: Submission,
}

/// How a submission is kept in the place of whatever waited in this browser, and under which id: none, when it
/// is too large.
pub(super) fn keep(
    cx: &Cx<'_>,
    (flow_id, session): (Uuid, &Session),
    submission: &Submission,
) -> Result<(Option<Uuid>, Effects), Fault> {
    let mut effects = Effects::default();
    if let Some(former) = cx.client.continuity {
        effects.push(FlowWrite::Drop(former, KIND));
    }
    let (id, now) = (ids::v4(), cx.project.now());
    let pending = Pending {
        flow_id,
        identity_id: session.identity.id,
        asked_at: now,
        submission: submission.clone(),
    };
    let plain = serde_json::to_vec(&pending)
        .map_err(|e| Fault::broken(format!("a pending change cannot be stored: {e}")))?;
    if plain.len() > BYTES_MAX {
        return Ok((None, effects));
    }
    let key = cx.project.data_key();
    let sealed = key.seal(id.as_bytes(), &plain, ids::bytes());
    // Its identity stands outside as well: it goes when that goes.
    let state = json!({
        "state": {"identity_id": session.identity.id},
        "sealed": STANDARD.encode(sealed),
    });
    let row = FlowRow::state(id, (KIND, state), now + KEPT_FOR);
    effects.push(FlowWrite::Begin(Box::new(row)));
    Ok((Some(id), effects))
}

/// Forget what waits in this browser.
pub(super) async fn drop_former(cx: &Cx<'_>) -> Result<(), Fault> {
    if let Some(former) = cx.client.continuity {
        rows::take_state(cx.project, former, KIND).await?;
    }
    Ok(())
}

/// Take what waits in this browser, so that no other request can, if it is still good. What was sealed under
/// another key, or is no longer understood, is nothing.
pub(super) async fn take(cx: &Cx<'_>) -> Result<Option<Pending>, Fault> {
    let Some(id) = cx.client.continuity else {
        return Ok(None);
    };
    let Some((state, expires_at)) = rows::take_state(cx.project, id, KIND).await? else {
        return Ok(None);
    };
    let pending = (expires_at >= cx.project.now()).then(|| open(cx, id, &state));
    Ok(pending.flatten())
}

fn open(cx: &Cx<'_>, id: Uuid, state: &Value) -> Option<Pending> {
    let sealed = STANDARD.decode(state["sealed"].as_str()?).ok()?;
    let plain = cx.project.data_key().open(id.as_bytes(), &sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}
