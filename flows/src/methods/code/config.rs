//! What the configuration says of one-time codes.

use std::time::Duration;

use serde::Deserialize;
use tenants::{Section, config::units};

/// `selfservice.methods.code`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct CodeConfig {
    /// May codes verify addresses and recover accounts? See [`CodeConfig::is_enabled`].
    enabled: bool,
    /// May people sign in and up with nothing but a code?
    pub passwordless_enabled: bool,
    /// Is a code a second factor? Never together with `passwordless_enabled`.
    pub mfa_enabled: bool,
    /// How codes are made and judged.
    pub config: CodeRules,
}

impl Section for CodeConfig {
    const POINTER: &'static str = "/selfservice/methods/code";
}

impl Default for CodeConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            passwordless_enabled: false,
            mfa_enabled: false,
            config: CodeRules::default(),
        }
    }
}

impl CodeConfig {
    /// May codes verify addresses and recover accounts? Signing in by code implies it.
    pub fn is_enabled(&self) -> bool {
        self.enabled || self.passwordless_enabled
    }
}

/// `selfservice.methods.code.config`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct CodeRules {
    /// How long a code is good.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// So many tries a flow, right or wrong.
    pub max_submissions: i32,
    /// May an identity without a code credential sign in by an address that it verified?
    pub missing_credential_fallback_enabled: bool,
}

impl Default for CodeRules {
    fn default() -> Self {
        Self {
            lifespan: Duration::from_mins(15),
            max_submissions: 5,
            missing_credential_fallback_enabled: false,
        }
    }
}

/// The flags that concern codes, of `feature_flags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct CodeFlags {
    /// Who authenticates again picks one of the identity's addresses instead of typing it.
    pub refresh_login_choose_address: bool,
}

impl Section for CodeFlags {
    const POINTER: &'static str = "/feature_flags";
}
