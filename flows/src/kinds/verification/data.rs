//! What a verification flow remembers.

use identity::{addresses, schema::Via};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::engine::address_proof::ProofData;

/// Between two requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct VerificationData {
    /// What was sent where.
    #[serde(rename = "memory")]
    pub proof: ProofData,
    /// The code of a link that was followed, to be shown in the form.
    pub prefilled: Option<String>,
    /// Begun by us rather than by the visitor: the button that sends again is named after its channel.
    pub announced: bool,
    /// The identity whose change waits for it: it goes when that goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<Uuid>,
    /// The change that waits for it, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

impl VerificationData {
    /// How the address is reached.
    pub(crate) fn via(&self) -> Via {
        addresses::read_typed(&self.proof.address).via
    }
}
