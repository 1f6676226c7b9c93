//! What a submission writes of the sessions of its identity.

use std::sync::Arc;

use tenants::Tx;

use super::{AuthMethod, Session, SessionConfig, store};
use crate::write::WriteError;

/// One write of sessions.
#[derive(Debug)]
pub enum SessionWrite {
    /// End every other session of the identity.
    RevokeOthers,
    /// The session that the submission happens in is one method surer: its level may rise, as at the end of a
    /// login. The submission is outdated when the session was revoked meanwhile.
    Raise(AuthMethod),
}

impl SessionWrite {
    /// Carry it out. `session` is the one that the submission begins, renews or happens in; without one there is
    /// nothing to do.
    pub async fn apply(&self, tx: &mut Tx, session: Option<&Session>) -> Result<(), WriteError> {
        let Some(session) = session else {
            return Ok(());
        };
        match self {
            Self::RevokeOthers => {
                store::revoke_others(tx, session.identity.id, session.id).await?;
            }
            Self::Raise(method) => {
                let lifespan = tx.project().config::<SessionConfig>().lifespan;
                let stored = store::lock(tx, session.id).await?;
                let stored = stored.ok_or(WriteError::Outdated)?;
                let identity = Arc::clone(&stored.identity);
                let raised = stored.authenticated_again(identity, method.clone(), lifespan);
                store::renew(tx, &raised).await?;
            }
        }
        Ok(())
    }
}
