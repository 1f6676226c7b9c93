//! What the configuration says of settings, and of what people may do with their whole account.

use std::time::Duration;

use identity::sessions::RequiredAal;
use serde::Deserialize;
use tenants::{Section, config::units};

use crate::engine::after::After;

/// `selfservice.flows.settings`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct SettingsConfig {
    /// Default: the project's own page.
    pub ui_url: Option<String>,
    /// How long a flow can be used.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// So long after an authentication a password or an address may be changed without another one.
    #[serde(with = "units::duration")]
    pub privileged_session_max_age: Duration,
    /// Must people who have a second factor have used it?
    pub required_aal: RequiredAal,
    /// What happens at its end.
    pub after: After,
}

impl Section for SettingsConfig {
    const POINTER: &'static str = "/selfservice/flows/settings";
}

impl Default for SettingsConfig {
    fn default() -> Self {
        Self {
            ui_url: None,
            lifespan: Duration::from_hours(1),
            privileged_session_max_age: Duration::from_hours(1),
            required_aal: RequiredAal::default(),
            after: After::default(),
        }
    }
}
