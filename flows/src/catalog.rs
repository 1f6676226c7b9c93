//! Who takes part in what: the methods and the hooks of each kind of flow. The one file above all of them.

use crate::{
    engine::{
        after::HookConfig,
        fields::{Described, Submitted},
        hook::Hook,
        kind::Listed,
        strategy::Strategy,
    },
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
        account::{self, Account},
        code::{self, Code},
        identifier_first::{self, IdentifierFirst},
        link::{self, Link},
        password::{self, Password},
        profile::{self, Profile},
    },
};

/// Order here is the order in which methods draw and are asked; the first that claims a submission judges it.
static LOGIN: &[&dyn Strategy<Login>] = &[&Password, &Code, &IdentifierFirst];
static REGISTRATION: &[&dyn Strategy<Registration>] = &[&Profile, &Password, &Code];
static SETTINGS: &[&dyn Strategy<Settings>] = &[&Profile, &Password, &Account];
static RECOVERY: &[&dyn Strategy<Recovery>] = &[&Code, &Link];
static VERIFICATION: &[&dyn Strategy<Verification>] = &[&Code, &Link];

/// Order here is the order in which the description of the REST interface lists the methods.
static LOGIN_FIELDS: &[Described] = &[
    Described::of::<password::LoginFields>(),
    Described::of::<code::LoginFields>(),
    Described::of::<identifier_first::LoginFields>(),
];
static REGISTRATION_FIELDS: &[Described] = &[
    Described::of::<password::RegistrationFields>(),
    Described::of::<code::RegistrationFields>(),
    Described::of::<profile::RegistrationFields>(),
];
static SETTINGS_FIELDS: &[Described] = &[
    Described::of::<password::SettingsFields>(),
    Described::of::<profile::SettingsFields>(),
    Described::of::<account::SettingsFields>(),
];
static RECOVERY_FIELDS: &[Described] = &[
    Described::of::<code::RecoveryFields>(),
    Described::of::<link::RecoveryFields>(),
];
static VERIFICATION_FIELDS: &[Described] = &[
    Described::of::<code::VerificationFields>(),
    Described::of::<link::VerificationFields>(),
];

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
    ($($kind:ty: $strategies:ident, $fields:ident, $hooks:ident, $counterpart:ty;)*) => {
        $(impl Listed for $kind {
            type Counterpart = $counterpart;

            fn strategies() -> &'static [&'static dyn Strategy<Self>] {
                $strategies
            }

            fn hook(configured: &HookConfig) -> Option<Box<dyn Hook>> {
                make($hooks, configured)
            }
        }

        impl Submitted for $kind {
            fn described() -> &'static [Described] {
                $fields
            }
        })*
    };
}

listed! {
    Login: LOGIN, LOGIN_FIELDS, LOGIN_HOOKS, Registration;
    Registration: REGISTRATION, REGISTRATION_FIELDS, REGISTRATION_HOOKS, Login;
    Settings: SETTINGS, SETTINGS_FIELDS, SETTINGS_HOOKS, Self;
    Recovery: RECOVERY, RECOVERY_FIELDS, RECOVERY_HOOKS, Self;
    Verification: VERIFICATION, VERIFICATION_FIELDS, VERIFICATION_HOOKS, Self;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A method that can be submitted to is described, and no other.
    #[test]
    fn every_method_is_described() {
        fn of<K: Listed + Submitted>() {
            let mut served: Vec<_> = K::strategies().iter().map(|it| it.id()).collect();
            let mut described: Vec<_> = K::described().iter().map(|it| it.method).collect();
            served.sort_unstable();
            described.sort_unstable();
            assert_eq!(described, served, "{}", K::NAME);
        }
        of::<Login>();
        of::<Registration>();
        of::<Settings>();
        of::<Recovery>();
        of::<Verification>();
    }
}
