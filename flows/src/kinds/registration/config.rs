//! What the configuration says of registrations.

use std::time::Duration;

use serde::Deserialize;
use tenants::{Section, config::units};

use crate::engine::after::After;

/// `selfservice.flows.registration`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct RegistrationConfig {
    /// May visitors sign up?
    pub enabled: bool,
    /// Default: the project's own page.
    pub ui_url: Option<String>,
    /// How long a flow can be used.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// Traits first, credentials on a second screen; or all at once.
    pub style: RegistrationStyle,
    /// Older spelling of `style: unified`; wins.
    pub enable_legacy_one_step: bool,
    /// What happens at its end.
    pub after: After,
}

impl Section for RegistrationConfig {
    const POINTER: &'static str = "/selfservice/flows/registration";
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            ui_url: None,
            lifespan: Duration::from_hours(1),
            style: RegistrationStyle::ProfileFirst,
            enable_legacy_one_step: false,
            after: After::default(),
        }
    }
}

/// `registration.style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStyle {
    /// One screen.
    Unified,
    /// Two screens.
    ProfileFirst,
}
