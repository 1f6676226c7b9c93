//! What a client does next, in the order in which it is told (docs/wire.md, W3.14 and W3.15).

use serde_json::{Value, json};
use uuid::Uuid;

use super::{cx::Cx, flags::FeatureFlags};

/// One item of `continue_with`.
#[derive(Clone)]
pub enum ContinueWith {
    /// Prove an address.
    ShowVerificationUi {
        /// The verification flow.
        flow_id: Uuid,
        /// Which address.
        address: String,
        /// Its page.
        url: String,
    },
    /// Change what was recovered.
    ShowSettingsUi {
        /// The settings flow.
        flow_id: Uuid,
        /// Its page.
        url: String,
    },
    /// Begin the recovery again.
    ShowRecoveryUi {
        /// The new recovery flow.
        flow_id: Uuid,
        /// Its page.
        url: String,
    },
    /// Where a browser goes.
    RedirectBrowserTo(String),
    /// The token of a session that an API client now has.
    SetSessionToken(String),
}

impl ContinueWith {
    /// As clients see it.
    pub fn view(&self) -> Value {
        match self {
            Self::ShowVerificationUi {
                flow_id,
                address,
                url,
            } => json!({
                "action": "show_verification_ui",
                "flow": {"id": flow_id, "verifiable_address": address, "url": url},
            }),
            Self::ShowSettingsUi { flow_id, url } => {
                json!({"action": "show_settings_ui", "flow": {"id": flow_id, "url": url}})
            }
            Self::ShowRecoveryUi { flow_id, url } => {
                json!({"action": "show_recovery_ui", "flow": {"id": flow_id, "url": url}})
            }
            Self::RedirectBrowserTo(url) => {
                json!({"action": "redirect_browser_to", "redirect_browser_to": url})
            }
            Self::SetSessionToken(token) => {
                json!({"action": "set_ory_session_token", "ory_session_token": token})
            }
        }
    }
}

/// What clients hear of verifications without any hook: all of them, with the flag of old.
pub(crate) fn legacy_continue_with(cx: &Cx<'_>, announced: &[ContinueWith]) -> Vec<ContinueWith> {
    let flags = cx.project.config::<FeatureFlags>();
    if flags.legacy_continue_with_verification_ui {
        announced.to_vec()
    } else {
        Vec::new()
    }
}

impl std::fmt::Debug for ContinueWith {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.view()["action"].as_str().unwrap_or_default())
    }
}
