//! `notify_previous_addresses`: whoever had an account's addresses before a change hears of it, in the commit
//! that makes it. So somebody whose account was taken over hears of that too.

use async_trait::async_trait;
use courier::Template;
use identity::{Identity, identities::VerifiableAddress, schema::Address};

use super::Hook;
use crate::{
    config::Recipients,
    cx::Cx,
    decision::{Effects, Halt, Write},
    flow::Flow,
    limits, messages,
    settings::{Change, Saved, Settings},
};

pub(super) struct NotifyPreviousAddresses {
    pub(super) recipients: Recipients,
}

#[async_trait]
impl Hook<Settings, Saved> for NotifyPreviousAddresses {
    async fn weigh(
        &self,
        cx: &Cx<'_>,
        flow: &Flow<Settings>,
        change: &mut Change,
    ) -> Result<(), Halt> {
        // A change that is held back is told of when it is made.
        let after = change.after.as_ref().filter(|_| change.held.is_none());
        let Some(after) = after else {
            return Ok(());
        };
        let notices = notices(
            cx,
            &flow.request_url,
            self.recipients,
            (&change.before, after),
        );
        change.effects.0.extend(notices.await?.0);
        Ok(())
    }
}

/// One notice to each of them, if the addresses are others at all. They count as messages that the visitor
/// causes, but are never left out: after too many the change has to wait.
pub(super) async fn notices(
    cx: &Cx<'_>,
    request_url: &str,
    recipients: Recipients,
    (before, after): (&Identity, &Identity),
) -> Result<Effects, Halt> {
    let mut effects = Effects::default();
    for address in previous(recipients, before, after) {
        let to = Address {
            via: address.via,
            value: address.value.clone(),
        };
        limits::mail(cx, &to).await?;
        let template = Template::VerifiableAddressChanged {
            changed_at: cx.project.now(),
        };
        let cause = messages::cause(cx, Some(after), request_url, None);
        let message = messages::render(cx, &to, template, &cause)?;
        effects.0.push(Write::Send(message));
    }
    Ok(effects)
}

/// Of the addresses there were, those that are told.
fn previous<'a>(
    recipients: Recipients,
    before: &'a Identity,
    after: &Identity,
) -> Vec<&'a VerifiableAddress> {
    let (old, new) = (&before.verifiable_addresses, &after.verifiable_addresses);
    let is_in = |all: &[VerifiableAddress], one: &VerifiableAddress| {
        all.iter()
            .any(|it| it.via == one.via && it.value == one.value)
    };
    if old.len() == new.len() && new.iter().all(|address| is_in(old, address)) {
        return Vec::new();
    }
    let told = |address: &&VerifiableAddress| match recipients {
        Recipients::Removed => !is_in(new, address),
        Recipients::AllVerified => address.verified,
        Recipients::All => true,
    };
    old.iter().filter(told).collect()
}
