//! The hooks around addresses: `verification` sends for one when somebody signs in, `show_verification_ui`
//! leads there, `require_verified_address` lets nobody in without.

use std::sync::Arc;

use async_trait::async_trait;
use identity::sessions::Aal;

use super::Hook;
use crate::{
    config::FeatureFlags,
    continue_with::ContinueWith,
    cx::Cx,
    decision::{Error, Halt, Refusal, SignIn, SignUp, Unverified},
    flow::{Flow, Transport},
    login::{Login, SignedIn},
    registration::{Registration, SignedUp},
    settings::{Saved, Settings},
    ui::text,
    verification::{self, Occasion},
};

/// `verification`: in the commit of a first-factor sign-in.
pub(super) struct SendVerification;

#[async_trait]
impl Hook<Login, SignedIn> for SendVerification {
    async fn weigh(
        &self,
        cx: &Cx<'_>,
        flow: &Flow<Login>,
        decision: &mut SignIn,
    ) -> Result<(), Halt> {
        if flow.state.requested_aal == Aal::Aal2 {
            return Ok(());
        }
        let stays = cx
            .session
            .is_some_and(|session| session.identity.id == decision.identity.id);
        let mut occasion = Occasion::of(cx, flow).optional();
        if flow.transport == Transport::Browser && !stays {
            occasion = occasion.with_next_csrf(cx);
        }
        let identity = Arc::make_mut(&mut decision.identity);
        let announced = verification::announce(cx, occasion, identity, |a| !a.verified).await?;
        decision.effects.0.extend(announced.effects.0);
        decision.announced.extend(announced.shown);
        Ok(())
    }
}

/// `show_verification_ui`: tells of a verification that began with this.
pub(super) struct ShowVerificationUi;

/// The first is where a page goes; clients hear of it, unless they hear of all of them anyway.
fn lead_to(announced: &[ContinueWith], told: &mut Vec<ContinueWith>, detour: &mut Option<String>) {
    let Some(first) = announced.first() else {
        return;
    };
    if told.is_empty() {
        told.push(first.clone());
    }
    if let ContinueWith::ShowVerificationUi { url, .. } = first {
        *detour = Some(url.clone());
    }
}

#[async_trait]
impl Hook<Login, SignedIn> for ShowVerificationUi {
    async fn settle(&self, _cx: &Cx<'_>, settled: &mut SignedIn) -> Result<(), Halt> {
        lead_to(
            &settled.announced,
            &mut settled.continue_with,
            &mut settled.detour,
        );
        Ok(())
    }
}

#[async_trait]
impl Hook<Registration, SignedUp> for ShowVerificationUi {
    async fn settle(&self, _cx: &Cx<'_>, settled: &mut SignedUp) -> Result<(), Halt> {
        lead_to(
            &settled.announced,
            &mut settled.continue_with,
            &mut settled.detour,
        );
        Ok(())
    }
}

#[async_trait]
impl Hook<Settings, Saved> for ShowVerificationUi {
    async fn settle(&self, cx: &Cx<'_>, settled: &mut Saved) -> Result<(), Halt> {
        let mut detour = None;
        lead_to(&settled.announced, &mut settled.continue_with, &mut detour);
        if let (Some(url), false) = (detour, cx.client.json) {
            settled.target = url;
        }
        Ok(())
    }
}

/// What clients hear of verifications without any hook: all of it, with the flag of old.
pub(crate) fn told_anyway(cx: &Cx<'_>, announced: &[ContinueWith]) -> Vec<ContinueWith> {
    let flags = cx.project.config::<FeatureFlags>();
    if flags.legacy_continue_with_verification_ui {
        announced.to_vec()
    } else {
        Vec::new()
    }
}

/// `require_verified_address`: any verified address will do.
pub(super) struct RequireVerifiedAddress;

#[async_trait]
impl Hook<Login, SignedIn> for RequireVerifiedAddress {
    async fn weigh(
        &self,
        cx: &Cx<'_>,
        flow: &Flow<Login>,
        decision: &mut SignIn,
    ) -> Result<(), Halt> {
        let addresses = &decision.identity.verifiable_addresses;
        if addresses.iter().any(|address| address.verified) {
            return Ok(());
        }
        let flags = cx.project.config::<FeatureFlags>();
        if flags.legacy_require_verified_login_error {
            return Err(Halt::refused(Refusal {
                active: flow.active.is_some().then_some("password"),
                ..Refusal::form(text::address_not_verified())
            }));
        }
        let identity = Arc::make_mut(&mut decision.identity);
        // Nobody signs in, so the visitor keeps their CSRF cookie.
        let occasion = Occasion::of(cx, flow);
        let announced = verification::announce(cx, occasion, identity, |_| true).await?;
        let unverified = Unverified {
            shown: announced.shown,
            effects: announced.effects,
        };
        Err(Error::AddressUnverified(Box::new(unverified)).into())
    }
}

/// The verification that is built into a registration: in its commit, if the project verifies at all.
pub(crate) async fn after_sign_up(
    cx: &Cx<'_>,
    flow: &Flow<Registration>,
    decision: &mut SignUp,
) -> Result<(), Halt> {
    let hands_out = super::hands_out_session(cx, &decision.amr.method);
    let mut occasion = Occasion::of(cx, flow);
    if flow.transport == Transport::Browser && hands_out {
        occasion = occasion.with_next_csrf(cx);
    }
    let identity = &mut decision.prepared.identity;
    let announced = verification::announce(cx, occasion, identity, |a| !a.verified).await?;
    decision.effects.0.extend(announced.effects.0);
    decision.announced.extend(announced.shown);
    Ok(())
}
