//! What the configuration says of logins.

use std::time::Duration;

use serde::Deserialize;
use tenants::{Section, config::units};

use crate::engine::after::After;

/// `selfservice.flows.login`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct LoginConfig {
    /// Default: the project's own page.
    pub ui_url: Option<String>,
    /// How long a flow can be used.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// All methods at once, or the identifier first.
    pub style: LoginStyle,
    /// What happens at its end.
    pub after: After,
}

impl Section for LoginConfig {
    const POINTER: &'static str = "/selfservice/flows/login";
}

impl Default for LoginConfig {
    fn default() -> Self {
        Self {
            ui_url: None,
            lifespan: Duration::from_hours(1),
            style: LoginStyle::Unified,
            after: After::default(),
        }
    }
}

/// `login.style`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginStyle {
    /// One screen.
    Unified,
    /// The identifier, then the methods that fit it.
    IdentifierFirst,
}
