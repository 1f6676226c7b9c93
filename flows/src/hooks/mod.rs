//! Hooks: what else happens at the end of a flow. Two moments: `weigh` may amend or refuse while nothing
//! is written; `settle` shapes the answer when everything can be read back.

mod notify_previous_addresses;
mod revoke_active_sessions;
pub(crate) mod verification;
mod verify_new_address;

use async_trait::async_trait;
use identity::Identity;
use serde_json::Value;
use tenants::{Environment, config::ConfigViolation};

use crate::{
    config::{HookConfig, SelfService},
    cx::Cx,
    decision::{Effects, Halt},
    flow::{Flow, Kind},
    login::{Login, SignedIn},
    recovery::{Recovered, Recovery},
    registration::{Registration, SignedUp},
    settings::{Saved, Settings, SettingsConfig},
};

const VERIFY_NEW_ADDRESS: &str = "verify_new_address";
const NOTIFY_PREVIOUS_ADDRESSES: &str = "notify_previous_addresses";

/// A hook of a flow of kind `K` that answers `S`.
#[async_trait]
pub trait Hook<K: Kind, S: Send>: Send + Sync {
    /// Nothing is written yet: amend the decision, or refuse it.
    async fn weigh(
        &self,
        _cx: &Cx<'_>,
        _flow: &Flow<K>,
        _decision: &mut K::Decision,
    ) -> Result<(), Halt> {
        Ok(())
    }

    /// Everything is committed: shape the answer.
    async fn settle(&self, _cx: &Cx<'_>, _settled: &mut S) -> Result<(), Halt> {
        Ok(())
    }
}

type LoginHook = Box<dyn Hook<Login, SignedIn>>;
type RecoveryHook = Box<dyn Hook<Recovery, Recovered>>;
type SettingsHook = Box<dyn Hook<Settings, Saved>>;
type RegistrationHook = Box<dyn Hook<Registration, SignedUp>>;

/// The configured hooks of a login, in order. Names that are not served were refused with the configuration.
pub fn after_login(configured: &[HookConfig]) -> Vec<LoginHook> {
    let hook = |hook: &HookConfig| -> Option<LoginHook> {
        match hook.hook.as_str() {
            "revoke_active_sessions" => {
                Some(Box::new(revoke_active_sessions::RevokeActiveSessions))
            }
            "verification" => Some(Box::new(verification::SendVerification)),
            "show_verification_ui" => Some(Box::new(verification::ShowVerificationUi)),
            "require_verified_address" => Some(Box::new(verification::RequireVerifiedAddress)),
            _ => None,
        }
    };
    configured.iter().filter_map(hook).collect()
}

/// The configured hooks of a change, in order; but one that may hold it back comes before those that would
/// act on it.
pub fn after_settings(configured: &[HookConfig]) -> Vec<SettingsHook> {
    let hook = |hook: &HookConfig| -> Option<SettingsHook> {
        match hook.hook.as_str() {
            VERIFY_NEW_ADDRESS => Some(Box::new(verify_new_address::VerifyNewAddress)),
            NOTIFY_PREVIOUS_ADDRESSES => {
                let recipients = hook.config.recipients;
                Some(Box::new(
                    notify_previous_addresses::NotifyPreviousAddresses { recipients },
                ))
            }
            "revoke_active_sessions" => {
                Some(Box::new(revoke_active_sessions::RevokeActiveSessions))
            }
            "show_verification_ui" => Some(Box::new(verification::ShowVerificationUi)),
            _ => None,
        }
    };
    let mut hooks: Vec<&HookConfig> = configured.iter().collect();
    hooks.sort_by_key(|hook| hook.hook != VERIFY_NEW_ADDRESS);
    hooks.into_iter().filter_map(hook).collect()
}

/// The configured hooks of a registration, in order. `session` is not among them: it is always last, and
/// only says who gets the token (see [`hands_out_session`]).
pub fn after_registration(configured: &[HookConfig]) -> Vec<RegistrationHook> {
    let hook = |hook: &HookConfig| -> Option<RegistrationHook> {
        match hook.hook.as_str() {
            "show_verification_ui" => Some(Box::new(verification::ShowVerificationUi)),
            _ => None,
        }
    };
    configured.iter().filter_map(hook).collect()
}

/// The configured hooks of a recovery, in order.
pub fn after_recovery(configured: &[HookConfig]) -> Vec<RecoveryHook> {
    let hook = |hook: &HookConfig| -> Option<RecoveryHook> {
        match hook.hook.as_str() {
            "revoke_active_sessions" => {
                Some(Box::new(revoke_active_sessions::RevokeActiveSessions))
            }
            _ => None,
        }
    };
    configured.iter().filter_map(hook).collect()
}

/// Is the `session` hook configured for that method?
pub fn hands_out_session(cx: &Cx<'_>, method: &str) -> bool {
    let config = cx.project.config::<SelfService>();
    config
        .flows
        .registration
        .after
        .hooks_of(method)
        .iter()
        .any(|hook| hook.hook == "session")
}

/// What previous addresses are told of a change of traits that was held back and is made now.
pub(crate) async fn tell_of_change(
    cx: &Cx<'_>,
    request_url: &str,
    change: (&Identity, &Identity),
) -> Result<Effects, Halt> {
    let mut effects = Effects::default();
    let config = cx.project.config::<SettingsConfig>();
    for hook in config.after.hooks_of("profile") {
        if hook.hook == NOTIFY_PREVIOUS_ADDRESSES {
            let recipients = hook.config.recipients;
            let notices =
                notify_previous_addresses::notices(cx, request_url, recipients, change).await?;
            effects.0.extend(notices.0);
        }
    }
    Ok(effects)
}

/// What is wrong with the hooks that follow a change of traits.
pub(crate) fn check(document: &Value, _environment: Environment) -> Vec<ConfigViolation> {
    const HOOKS: &str = "/selfservice/flows/settings/after/profile/hooks";
    let verifies = document.pointer("/selfservice/flows/verification/enabled");
    let mut found = Vec::new();
    let hooks = document.pointer(HOOKS).and_then(Value::as_array);
    for (at, hook) in hooks.into_iter().flatten().enumerate() {
        let name = hook["hook"].as_str().unwrap_or_default();
        if name == VERIFY_NEW_ADDRESS && verifies != Some(&Value::Bool(true)) {
            let why = "holds a change back until its address is verified, and nobody can verify one: \
                set selfservice.flows.verification.enabled";
            found.push(ConfigViolation::new(format!("{HOOKS}/{at}/hook"), why));
        }
        if name != NOTIFY_PREVIOUS_ADDRESSES && hook.get("config").is_some() {
            let why = format!("the hook `{name}` has no options");
            found.push(ConfigViolation::new(format!("{HOOKS}/{at}/config"), why));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(hooks: &Value, verifies: bool) -> Vec<(String, String)> {
        let document = json!({"selfservice": {"flows": {
            "verification": {"enabled": verifies},
            "settings": {"after": {"profile": {"hooks": hooks}}},
        }}});
        let found = check(&document, Environment::Production).into_iter();
        found.map(|it| (it.pointer, it.message)).collect()
    }

    #[test]
    fn what_cannot_work_is_told_when_it_is_written() {
        let at = |key: &str| format!("/selfservice/flows/settings/after/profile/hooks/1/{key}");
        let hooks = json!([{"hook": "show_verification_ui"}, {"hook": "verify_new_address"}]);
        assert_eq!(found(&hooks, true), []);
        let off = found(&hooks, false);
        assert_eq!((off.len(), &off[0].0), (1, &at("hook")));
        assert!(off[0].1.contains("selfservice.flows.verification.enabled"));
        let hooks = json!([
            {"hook": "notify_previous_addresses", "config": {"recipients": "all"}},
            {"hook": "show_verification_ui", "config": {}},
        ]);
        let odd = found(&hooks, false);
        assert_eq!((odd.len(), &odd[0].0), (1, &at("config")));
        assert!(odd[0].1.contains("`show_verification_ui` has no options"));
    }
}
