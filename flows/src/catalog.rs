//! Who takes part in what: the methods and the hooks of each kind of flow. The one file above all of them.

use crate::{
    engine::{after::HookConfig, hook::Hook, kind::Listed, strategy::Strategy},
    hooks::{
        addresses::{RequireVerifiedAddress, SendVerification, ShowVerificationUi},
        notify_previous_addresses::NotifyPreviousAddresses,
        revoke_active_sessions::RevokeActiveSessions,
        verify_new_address::{VERIFY_NEW_ADDRESS, VerifyNewAddress},
    },
    kinds::{
        login::Login,
        recovery::Recovery,
        registration::Registration,
        settings::{
            Settings,
            notices::{NOTIFY_PREVIOUS_ADDRESSES, Recipients},
        },
        verification::Verification,
    },
    methods::{
        account::Account, code::Code, identifier_first::IdentifierFirst, link::Link,
        password::Password, profile::Profile,
    },
};

/// Order here is the order in which methods draw and are asked; the first that claims a submission judges it.
static LOGIN: &[&dyn Strategy<Login>] = &[&Password, &Code, &IdentifierFirst];
static REGISTRATION: &[&dyn Strategy<Registration>] = &[&Profile, &Password, &Code];
static SETTINGS: &[&dyn Strategy<Settings>] = &[&Profile, &Password, &Account];
static RECOVERY: &[&dyn Strategy<Recovery>] = &[&Code, &Link];
static VERIFICATION: &[&dyn Strategy<Verification>] = &[&Code, &Link];

/// How a hook is made from its block in the configuration.
type Made = fn(&HookConfig) -> Box<dyn Hook>;

const REVOKE: (&str, Made) = ("revoke_active_sessions", |_| Box::new(RevokeActiveSessions));
const SHOW_VERIFICATION: (&str, Made) = ("show_verification_ui", |_| Box::new(ShowVerificationUi));

/// The hooks that a kind of flow may have, by name. Other names were refused with the configuration.
static LOGIN_HOOKS: &[(&str, Made)] = &[
    REVOKE,
    SHOW_VERIFICATION,
    ("verification", |_| Box::new(SendVerification)),
    ("require_verified_address", |_| {
        Box::new(RequireVerifiedAddress)
    }),
];
static REGISTRATION_HOOKS: &[(&str, Made)] = &[SHOW_VERIFICATION];
static SETTINGS_HOOKS: &[(&str, Made)] = &[
    REVOKE,
    SHOW_VERIFICATION,
    (VERIFY_NEW_ADDRESS, |_| Box::new(VerifyNewAddress)),
    (NOTIFY_PREVIOUS_ADDRESSES, |hook| {
        let recipients = Recipients::of(hook);
        Box::new(NotifyPreviousAddresses { recipients })
    }),
];
static RECOVERY_HOOKS: &[(&str, Made)] = &[REVOKE];
static VERIFICATION_HOOKS: &[(&str, Made)] = &[];

fn make(hooks: &[(&str, Made)], configured: &HookConfig) -> Option<Box<dyn Hook>> {
    let mut hooks = hooks.iter();
    let (_, made) = hooks.find(|(name, _)| *name == configured.hook)?;
    Some(made(configured))
}

macro_rules! listed {
    ($($kind:ty: $strategies:ident, $hooks:ident, $counterpart:ty;)*) => {
        $(impl Listed for $kind {
            type Counterpart = $counterpart;

            fn strategies() -> &'static [&'static dyn Strategy<Self>] {
                $strategies
            }

            fn hook(configured: &HookConfig) -> Option<Box<dyn Hook>> {
                make($hooks, configured)
            }
        })*
    };
}

listed! {
    Login: LOGIN, LOGIN_HOOKS, Registration;
    Registration: REGISTRATION, REGISTRATION_HOOKS, Login;
    Settings: SETTINGS, SETTINGS_HOOKS, Self;
    Recovery: RECOVERY, RECOVERY_HOOKS, Self;
    Verification: VERIFICATION, VERIFICATION_HOOKS, Self;
}
