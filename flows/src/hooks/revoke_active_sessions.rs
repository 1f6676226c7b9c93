//! `revoke_active_sessions`: signing in, a recovery or a change here signs out everywhere else, in the same
//! commit.

use async_trait::async_trait;

use super::Hook;
use crate::{
    challenge::Proof,
    cx::Cx,
    decision::{Halt, SignIn, Write},
    flow::Flow,
    login::{Login, SignedIn},
    recovery::{Recovered, Recovery},
    settings::{Change, Saved, Settings},
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
impl Hook<Settings, Saved> for RevokeActiveSessions {
    async fn weigh(
        &self,
        _cx: &Cx<'_>,
        _flow: &Flow<Settings>,
        change: &mut Change,
    ) -> Result<(), Halt> {
        change.effects.0.push(Write::RevokeOtherSessions);
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
