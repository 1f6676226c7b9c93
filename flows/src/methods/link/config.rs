//! What the configuration says of links.

use std::time::Duration;

use serde::Deserialize;
use tenants::{Section, config::units};

/// `selfservice.methods.link`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LinkConfig {
    /// May links verify addresses and recover accounts?
    pub enabled: bool,
    /// How links are made.
    pub config: LinkRules,
}

impl Section for LinkConfig {
    const POINTER: &'static str = "/selfservice/methods/link";
}

/// `selfservice.methods.link.config`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct LinkRules {
    /// How long a link is good.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
}

impl Default for LinkRules {
    fn default() -> Self {
        Self {
            lifespan: Duration::from_hours(1),
        }
    }
}
