//! How a command ends when it does not end well: the words on standard error and the exit status.

use std::{error::Error, fmt::Write as _, process::ExitCode};

use tenants::{ChangeError, Fault};

/// Why a command ended without doing what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// A wrong argument or a missing setting: exit status 2.
    Usage(String),
    /// It was tried and failed: exit status 1.
    Failed(String),
    /// Looked only, and found something to do: exit status 3.
    Pending,
    /// There is nothing of that name: exit status 4.
    NotFound(String),
    /// The server does not answer, or not now: exit status 5.
    Unreachable(String),
}

impl Failure {
    /// Something went wrong, told with its causes.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::Failed(chain(error))
    }

    /// Say it on standard error. Answers the exit status.
    pub fn report(&self) -> ExitCode {
        let (status, text) = match self {
            Self::Failed(text) => (1, Some(text)),
            Self::Usage(text) => (2, Some(text)),
            Self::Pending => (3, None),
            Self::NotFound(text) => (4, Some(text)),
            Self::Unreachable(text) => (5, Some(text)),
        };
        if let Some(text) = text {
            eprintln!("insula: {text}");
        }
        ExitCode::from(status)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::of(&fault)
    }
}

impl From<private_postgres::Error> for Failure {
    fn from(error: private_postgres::Error) -> Self {
        Self::of(&error)
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        let mut text = chain(&error);
        if let ChangeError::Violations(violations) = &error {
            for violation in violations {
                let _ = write!(text, "\n  {}: {}", violation.pointer, violation.message);
            }
        }
        Self::Failed(text)
    }
}

/// The error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        // Some errors already repeat their cause.
        if !text.contains(&said) {
            let _ = write!(text, ": {said}");
        }
        cause = next.source();
    }
    text
}
