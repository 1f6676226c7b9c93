//! Hooks: what else happens at the end of a flow. Two moments: `weigh` may amend or refuse while nothing
//! is written; `settle` shapes the answer when everything can be read back.

mod revoke_active_sessions;
pub(crate) mod verification;

use async_trait::async_trait;

use crate::{
    config::{HookConfig, SelfService},
    cx::Cx,
    decision::Halt,
    flow::{Flow, Kind},
    login::{Login, SignedIn},
    recovery::{Recovered, Recovery},
    registration::{Registration, SignedUp},
    settings::{Saved, Settings},
};

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

/// The configured hooks of a change, in order.
pub fn after_settings(configured: &[HookConfig]) -> Vec<SettingsHook> {
    let hook = |hook: &HookConfig| -> Option<SettingsHook> {
        match hook.hook.as_str() {
            "revoke_active_sessions" => {
                Some(Box::new(revoke_active_sessions::RevokeActiveSessions))
            }
            "show_verification_ui" => Some(Box::new(verification::ShowVerificationUi)),
            _ => None,
        }
    };
    configured.iter().filter_map(hook).collect()
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
