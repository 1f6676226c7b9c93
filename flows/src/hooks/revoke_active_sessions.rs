//! `revoke_active_sessions`: signing in here signs out everywhere else, in the same commit.

use async_trait::async_trait;

use super::Hook;
use crate::{
    challenge::Proof,
    cx::Cx,
    decision::{Halt, SignIn, Write},
    flow::Flow,
    login::{Login, SignedIn},
    recovery::{Recovered, Recovery},
};

pub(super) struct RevokeActiveSessions;

#[async_trait]
impl Hook<Login, SignedIn> for RevokeActiveSessions {
    async fn weigh(
        &self,
        _cx: &Cx<'_>,
        _flow: &Flow<Login>,
        decision: &mut SignIn,
    ) -> Result<(), Halt> {
        decision.effects.0.push(Write::RevokeOtherSessions);
        Ok(())
    }
}

#[async_trait]
impl Hook<Recovery, Recovered> for RevokeActiveSessions {
    async fn weigh(
        &self,
        _cx: &Cx<'_>,
        _flow: &Flow<Recovery>,
        proof: &mut Proof,
    ) -> Result<(), Halt> {
        proof.effects.0.push(Write::RevokeOtherSessions);
        Ok(())
    }
}
