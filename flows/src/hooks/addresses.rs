//! The hooks around addresses: `verification` sends for one at a login, `show_verification_ui`
//! leads there, `require_verified_address` lets no account in without.

use async_trait::async_trait;
use identity::{credentials::CredentialKind, sessions::Aal};

use crate::{
    engine::{
        attempt::Attempt,
        continue_with::ContinueWith,
        cx::Cx,
        decision::{Error, Halt, Refusal},
        flags::FeatureFlags,
        flow::Transport,
        hook::{About, Hook, Next, Subject},
    },
    kinds::verification::{Occasion, announce},
    ui::text,
};

/// `verification`: in the commit of a first-factor sign-in.
pub(crate) struct SendVerification;

#[async_trait]
impl Hook for SendVerification {
    async fn before_commit(
        &self,
        cx: &Cx<'_>,
        about: &About<'_>,
        attempt: &mut Attempt,
        subject: &mut Subject,
    ) -> Result<(), Halt> {
        if subject.amr.as_ref().is_some_and(|amr| amr.aal == Aal::Aal2) {
            return Ok(());
        }
        let Some(identity) = subject.identity_mut() else {
            return Ok(());
        };
        let stays = cx
            .session
            .is_some_and(|session| session.identity.id == identity.id);
        let mut occasion = Occasion::of(cx, about).optional();
        if about.transport == Transport::Browser && !stays {
            occasion = occasion.with_next_csrf(cx);
        }
        let announced =
            announce(cx, occasion, attempt, identity, |address| !address.verified).await?;
        subject.effects.append(announced.effects);
        subject.announced.extend(announced.shown);
        Ok(())
    }
}

/// `show_verification_ui`: tells of a verification that began with this. The first is where a page goes; clients
/// hear of it, unless they hear of all of them anyway.
pub(crate) struct ShowVerificationUi;

#[async_trait]
impl Hook for ShowVerificationUi {
    async fn after_commit(
        &self,
        _cx: &Cx<'_>,
        _about: &About<'_>,
        _subject: &Subject,
        next: &mut Next,
    ) -> Result<(), Error> {
        let Some(first) = next.announced.first() else {
            return Ok(());
        };
        if let ContinueWith::ShowVerificationUi { url, .. } = first {
            next.detour = Some(url.clone());
        }
        if next.continue_with.is_empty() {
            next.continue_with.push(first.clone());
        }
        Ok(())
    }
}

/// `require_verified_address`: any verified address will do.
pub(crate) struct RequireVerifiedAddress;

#[async_trait]
impl Hook for RequireVerifiedAddress {
    /// No other hook sends what is sent here again.
    fn goes_first(&self) -> bool {
        true
    }

    async fn before_commit(
        &self,
        cx: &Cx<'_>,
        about: &About<'_>,
        attempt: &mut Attempt,
        subject: &mut Subject,
    ) -> Result<(), Halt> {
        let Some(identity) = subject.identity_mut() else {
            return Ok(());
        };
        let mut addresses = identity.verifiable_addresses.iter();
        if addresses.any(|address| address.verified) {
            return Ok(());
        }
        let flags = cx.project.config::<FeatureFlags>();
        if flags.legacy_require_verified_login_error {
            return Err(Halt::refused(Refusal {
                active: about
                    .active
                    .is_some()
                    .then_some(CredentialKind::Password.as_str()),
                ..Refusal::form(text::address_not_verified())
            }));
        }
        // No session begins, so the visitor keeps the CSRF cookie. The verification begins all the same.
        let occasion = Occasion::of(cx, about);
        let announced = announce(cx, occasion, attempt, identity, |_| true).await?;
        let error = Error::AddressUnverified(announced.shown);
        Err(Halt::Stopped(error, announced.effects))
    }
}
