//! What a recovery flow remembers.

use serde::{Deserialize, Serialize};

use super::Choice;
use crate::engine::address_proof::{DeliveryMethod, ProofData};

/// The states of the newer form.
pub(crate) const ASK: &str = "recovery_awaiting_address";
/// The account has several addresses.
pub(crate) const PICK: &str = "recovery_awaiting_address_choice";
/// The picked one has to be typed in full.
pub(crate) const CONFIRM: &str = "recovery_confirming_address";
/// A code is on its way.
pub(crate) const ENTER: &str = "recovery_awaiting_code";

/// Between two requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RecoveryData {
    /// What was sent where.
    #[serde(rename = "memory")]
    pub proof: ProofData,
    /// Begun by an administrator, who handed the secret over: nothing is sent, and the secret may come back from
    /// anywhere.
    pub by_administrator: bool,
    /// End at the return URL rather than in the settings.
    pub skip_settings: bool,
    /// The address first typed, in the newer form.
    pub entered: String,
    /// The addresses to choose from, in the newer form.
    pub choices: Vec<Choice>,
    /// The token of the choice that was made, else of the address first typed.
    pub chosen: String,
}

impl RecoveryData {
    /// By that method, with nothing sent yet.
    pub(super) fn by(method: DeliveryMethod) -> Self {
        Self {
            proof: ProofData {
                method,
                ..ProofData::default()
            },
            ..Self::default()
        }
    }
}
