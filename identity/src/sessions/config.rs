//! What the configuration says of sessions and cookies.

use std::time::Duration;

use serde::Deserialize;
use tenants::{Section, config::units};

/// `session.*`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct SessionConfig {
    /// How long a session lasts from its last authentication.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// Its cookie.
    pub cookie: SessionCookie,
    /// What a check demands.
    pub whoami: Whoami,
}

impl Section for SessionConfig {
    const POINTER: &'static str = "/session";
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            lifespan: Duration::from_hours(24),
            cookie: SessionCookie::default(),
            whoami: Whoami::default(),
        }
    }
}

/// `session.cookie.*`; what is unset falls back to `cookies.*`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct SessionCookie {
    /// Default `ory_session_{slug}`.
    pub name: Option<String>,
    /// The path the cookie is sent to.
    pub path: Option<String>,
    /// When other sites may cause it to be sent.
    pub same_site: Option<SameSite>,
    /// `"true"` or `"false"`; default: true unless the environment is DEVELOPMENT.
    pub secure: Option<String>,
    /// Outlives the browser's session.
    pub persistent: bool,
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self {
            name: None,
            path: None,
            same_site: None,
            secure: None,
            persistent: true,
        }
    }
}

/// `session.whoami.*`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Whoami {
    /// The level a check demands.
    pub required_aal: RequiredAal,
}

/// `required_aal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAal {
    /// Any session will do.
    Aal1,
    /// An identity that has a second factor must have used it.
    #[default]
    HighestAvailable,
}

/// `cookies.*`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Cookies {
    /// The path they are sent to.
    pub path: String,
    /// When other sites may cause them to be sent.
    pub same_site: SameSite,
    /// `"true"` or `"false"`; default: true unless the environment is DEVELOPMENT.
    pub secure: Option<String>,
}

impl Section for Cookies {
    const POINTER: &'static str = "/cookies";
}

impl Default for Cookies {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            same_site: SameSite::Lax,
            secure: None,
        }
    }
}

/// The cookie attribute of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SameSite {
    /// Never on cross-site requests.
    Strict,
    /// On top-level navigation.
    Lax,
    /// Always; needs `Secure`.
    None,
}

impl SameSite {
    /// As written in `Set-Cookie`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}
