//! `revoke_active_sessions`: signing in, or a change, here signs out everywhere else, in the same commit.

use async_trait::async_trait;

use super::Hook;
use crate::{
    cx::Cx,
    decision::{Halt, SignIn, Write},
    login::SignedIn,
    settings::{Change, Saved},
};

pub(super) struct RevokeActiveSessions;

#[async_trait]
impl Hook<SignIn, SignedIn> for RevokeActiveSessions {
    async fn weigh(&self, _cx: &Cx<'_>, decision: &mut SignIn) -> Result<(), Halt> {
        decision.effects.0.push(Write::RevokeOtherSessions);
        Ok(())
    }
}

#[async_trait]
impl Hook<Change, Saved> for RevokeActiveSessions {
    async fn weigh(&self, _cx: &Cx<'_>, change: &mut Change) -> Result<(), Halt> {
        change.effects.0.push(Write::RevokeOtherSessions);
        Ok(())
    }
}
