//! What the addresses that an account had before a change are told of it.

use courier::{MessageWrite, Template};
use identity::{Identity, identities::VerifiableAddress, schema::Address};
use serde::Deserialize;

use super::config::SettingsConfig;
use crate::engine::{
    after::HookConfig,
    attempt::Attempt,
    cx::Cx,
    decision::{Effects, Halt},
    limits, messages,
};

/// The method that changes traits. Its hooks run for a change that was held back, too.
pub(crate) const PROFILE: &str = "profile";

/// The hook that sends them.
pub(crate) const NOTIFY_PREVIOUS_ADDRESSES: &str = "notify_previous_addresses";

/// Which of the addresses that an account had before a change are told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Recipients {
    /// Those that are gone.
    #[default]
    Removed,
    /// Those that were verified.
    AllVerified,
    /// All there were.
    All,
}

impl Recipients {
    /// As the hook's options say. What cannot be read was refused when it was configured.
    pub(crate) fn of(hook: &HookConfig) -> Self {
        Self::deserialize(&hook.config["recipients"]).unwrap_or_default()
    }
}

/// One notice to each of them, if the addresses are others at all. They count as messages that the visitor
/// causes, but are never left out: after too many the change has to wait.
pub(crate) async fn notices(
    cx: &Cx<'_>,
    request_url: &str,
    attempt: &mut Attempt,
    (recipients, before, after): (Recipients, &Identity, &Identity),
) -> Result<Effects, Halt> {
    let mut effects = Effects::default();
    for address in previous(recipients, before, after) {
        let to = Address {
            via: address.via,
            value: address.value.clone(),
        };
        limits::message(cx, attempt, &to).await?;
        let template = Template::VerifiableAddressChanged {
            changed_at: cx.project.now(),
        };
        let cause = messages::cause(cx, Some(after), request_url, None);
        let message = messages::render(cx, &to, template, &cause)?;
        effects.push(MessageWrite::Send(message));
    }
    Ok(effects)
}

/// The notices of a change of traits that was held back and is made now.
pub(crate) async fn of_held_change(
    cx: &Cx<'_>,
    request_url: &str,
    attempt: &mut Attempt,
    (before, after): (&Identity, &Identity),
) -> Result<Effects, Halt> {
    let mut effects = Effects::default();
    let config = cx.project.config::<SettingsConfig>();
    for hook in config.after.hooks_of(PROFILE) {
        if hook.hook == NOTIFY_PREVIOUS_ADDRESSES {
            let change = (Recipients::of(hook), before, after);
            effects.append(notices(cx, request_url, attempt, change).await?);
        }
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
