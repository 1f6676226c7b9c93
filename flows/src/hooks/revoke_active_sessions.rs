//! `revoke_active_sessions`: a login, a recovery or a change here signs out everywhere else, in the same
//! commit.

use async_trait::async_trait;
use identity::sessions::SessionWrite;

use crate::engine::{
    attempt::Attempt,
    cx::Cx,
    decision::Halt,
    hook::{About, Hook, Subject},
};

pub(crate) struct RevokeActiveSessions;

#[async_trait]
impl Hook for RevokeActiveSessions {
    async fn before_commit(
        &self,
        _cx: &Cx<'_>,
        _about: &About<'_>,
        _attempt: &mut Attempt,
        subject: &mut Subject,
    ) -> Result<(), Halt> {
        subject.effects.push(SessionWrite::RevokeOthers);
        Ok(())
    }
}
