//! Why a change to the installation is refused.

use crate::{
    Fault,
    config::{ConfigViolation, SESSION_COOKIE},
    fault::broken_constraint,
};

/// Why a change was refused. Expected; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Given out before, perhaps to a project that is gone.
    #[error("this slug was already given out")]
    SlugTaken,
    /// The input breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The document breaks rules.
    #[error("the configuration is not valid")]
    Violations(Vec<ConfigViolation>),
    /// Another change came first; the latest revision is given.
    #[error("the configuration changed meanwhile: the latest revision is {latest}")]
    Conflict {
        /// The revision in force.
        latest: i32,
    },
    /// The project's state does not allow it.
    #[error("{0}")]
    WrongState(String),
    /// The change is not to blame; it can be tried again.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ChangeError {
    /// The name of the session cookie is another project's.
    pub(super) fn cookie_taken() -> Self {
        let message = "another project has this name, and both would have the same cookie";
        Self::Violations(vec![ConfigViolation::new(SESSION_COOKIE, message)])
    }
}

/// The database settles who was first.
impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        match broken_constraint(&error) {
            Some("projects_slug_key") => Self::SlugTaken,
            Some("projects_session_cookie_key") => Self::cookie_taken(),
            _ => Self::Fault(error.into()),
        }
    }
}
