//! Switches of the configuration that concern several kinds of flow or several methods.

use serde::Deserialize;
use tenants::Section;

/// `feature_flags`, as far as flows go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FeatureFlags {
    /// Tell scripts and API clients what comes next, rather than redirect them.
    pub use_continue_with_transitions: bool,
    /// Let people choose where their recovery code goes.
    pub choose_recovery_address: bool,
    /// Tell of every verification that begins with something else, whatever the hooks.
    pub legacy_continue_with_verification_ui: bool,
    /// An unverified address is a message on the login form, no more.
    pub legacy_require_verified_login_error: bool,
}

impl Section for FeatureFlags {
    const POINTER: &'static str = "/feature_flags";
}

/// `security.account_enumeration`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Enumeration {
    /// Answer alike whether an identifier exists or not.
    pub mitigate: bool,
}

impl Section for Enumeration {
    const POINTER: &'static str = "/security/account_enumeration";
}
