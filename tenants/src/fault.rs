//! What went wrong that the caller cannot mend: only the edge turns this into a status.

use std::{fmt, time::Duration};

/// A fault: ours or the database's, never the person's. Logged once, at the edge, with its chain.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Postgres does not answer, is shutting down, is out of connections or takes no writes: try again soon.
    #[error("the database is not available: {}", Said(.0))]
    Unavailable(sqlx::Error),
    /// Postgres answers, but is a copy that follows another one: what it says may be old.
    #[error(
        "the database is a standby, which takes no writes: DATABASE_URL has to lead to the primary"
    )]
    Standby,
    /// Too much work is waiting already.
    #[error("overloaded: {what}")]
    Overloaded {
        /// What is short, for the log.
        what: &'static str,
        /// When another attempt makes sense.
        retry_after: Duration,
    },
    /// Any other database error: a defect of ours.
    #[error("database error: {}", Said(.0))]
    Database(sqlx::Error),
    /// A stored value that cannot be read back, or a state that must not occur.
    #[error("{0}")]
    Broken(String),
}

impl Fault {
    /// Something stored cannot be understood.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) {
            Self::Unavailable(error)
        } else {
            Self::Database(error)
        }
    }
}

/// What Postgres said, with its code; for anything else what the driver says.
pub(crate) struct Said<'e>(pub(crate) &'e sqlx::Error);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                write!(f, "{} (SQLSTATE {code})", error.message())
            }
            other => other.fmt(f),
        }
    }
}

/// Does this error say that Postgres is away, rather than that the statement is wrong?
/// SQLSTATE classes 08 (connection), 53 (resources), 57P (shutdown), 57014 (statement timeout),
/// 25P03 (idle in transaction), 25006 (read-only: a standby, a full disk of a managed service), 55P03 (lock timeout),
/// 40P01 (deadlock).
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(e) => e.code().is_some_and(|code| {
            code.starts_with("08")
                || code.starts_with("53")
                || code.starts_with("57")
                || code == "25P03"
                || code == "25006"
                || code == "55P03"
                || code == "40P01"
        }),
        // A connection that died between two messages: the driver says "protocol".
        sqlx::Error::Protocol(text) => text.contains("closed") || text.contains("EOF"),
        _ => false,
    }
}

/// The name of the constraint that an insert or update broke, if that is what happened.
pub fn broken_constraint(error: &sqlx::Error) -> Option<&str> {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint)
}
