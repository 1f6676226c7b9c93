//! What a submission writes of an identity as a whole.

use tenants::Tx;
use uuid::Uuid;

use super::{change::NewTraits, store};
use crate::write::WriteError;

/// One write of an identity.
#[derive(Debug)]
pub enum IdentityWrite {
    /// Replace its traits, and what follows from them.
    ReplaceTraits(Box<NewTraits>),
    /// Delete it, with its credentials, addresses and sessions.
    Delete(Uuid),
}

impl IdentityWrite {
    /// Carry it out.
    pub async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        match self {
            Self::ReplaceTraits(new) => new.write(tx).await?,
            Self::Delete(id) => {
                store::delete(tx, *id).await?;
            }
        }
        Ok(())
    }
}
