//! What a submission writes of a credential.

use serde_json::Value;
use tenants::Tx;
use uuid::Uuid;

use super::{CredentialKind, password, store};
use crate::write::WriteError;

/// One write of a credential.
#[derive(Debug)]
pub enum CredentialWrite {
    /// Replace the configuration of a credential that exists.
    Replace {
        /// Of that identity.
        identity_id: Uuid,
        /// Of that kind.
        kind: CredentialKind,
        /// What takes its place.
        config: Value,
    },
    /// The same, if the credential is still at the revision that was judged: a counter that goes up with each use.
    /// Else the submission is outdated.
    Consume {
        /// Of that identity.
        identity_id: Uuid,
        /// Of that kind.
        kind: CredentialKind,
        /// As it was judged.
        revision: i32,
        /// What takes its place.
        config: Value,
    },
    /// Give an identity a password, in the place of whatever it had.
    SetPassword {
        /// That identity.
        identity_id: Uuid,
        /// Hashed.
        hash: String,
        /// Identifiers under which it will be found besides the stored ones.
        new_identifiers: Vec<String>,
    },
}

impl CredentialWrite {
    /// Will the credential that was judged be another one afterwards?
    pub fn changes(&self) -> bool {
        match self {
            Self::Replace { .. } | Self::Consume { .. } => true,
            Self::SetPassword { .. } => false,
        }
    }

    /// Carry it out.
    pub async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        match self {
            Self::Replace {
                identity_id,
                kind,
                config,
            } => store::replace_config(tx, *identity_id, *kind, config).await?,
            Self::Consume {
                identity_id,
                kind,
                revision,
                config,
            } => {
                if !store::consume(tx, (*identity_id, *kind), *revision, config).await? {
                    return Err(WriteError::Outdated);
                }
            }
            Self::SetPassword {
                identity_id,
                hash,
                new_identifiers,
            } => password::set(tx, *identity_id, hash, new_identifiers).await?,
        }
        Ok(())
    }
}
