//! What a project is for, and so how strictly its configuration is judged.

use serde::{Deserialize, Serialize};

/// What a project is for; it decides how much carelessness is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Environment {
    /// Insecure cookies, cheap hashing and calls to private addresses are allowed.
    Development,
    /// As strict as production.
    Staging,
    /// Only what is safe for real people is let through.
    Production,
}

impl Environment {
    /// The name as the API and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "DEVELOPMENT",
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
        }
    }
}

/// The environment's name is none of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an environment is DEVELOPMENT, STAGING or PRODUCTION")]
pub struct UnknownEnvironment;

impl std::str::FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Development, Self::Staging, Self::Production]
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or(UnknownEnvironment)
    }
}
