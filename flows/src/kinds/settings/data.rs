//! What a settings flow remembers.

use identity::Identity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::engine::cx::Cx;

/// Between two requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SettingsData {
    /// The identity whose settings these are.
    pub identity_id: Uuid,
    /// The identity as its owner may see it, as of the last drawing.
    pub identity: Value,
    /// What the profile's fields show: what is stored, or what was typed and refused.
    #[serde(default)]
    pub traits: Value,
}

impl SettingsData {
    /// Of that identity, with nothing typed.
    pub(super) fn of(cx: &Cx<'_>, identity: &Identity) -> Self {
        Self {
            identity_id: identity.id,
            identity: identity.public_view(cx.project.base_url()),
            traits: identity.traits.clone(),
        }
    }

    /// Which of the project's schemas the traits follow.
    pub(crate) fn schema_id(&self) -> &str {
        self.identity["schema_id"].as_str().unwrap_or_default()
    }
}
