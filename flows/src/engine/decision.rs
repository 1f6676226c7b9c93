//! What a method decides, and why it may not: plain data, so that hooks can read it and one place
//! writes it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use identity::{
    Identity, credentials::CredentialKind, identities::create::Prepared, schema::Violation,
    sessions::AuthMethod, write::WriteError,
};

pub use super::{
    error::{CsrfTrouble, Error},
    write::{Effects, Write},
};
use crate::ui::{Message, text};

/// Why judging stopped.
#[derive(Debug)]
pub enum Halt {
    /// The person can mend it: the form is drawn again with what to say. A refusal carries writes too
    /// (a secret that is good for nothing any more).
    Refused(Refusal, Effects),
    /// What was judged is not true any more, or another submission of the flow was faster: judge again.
    Outdated,
    /// The flow is of no further use: another one takes its place and says why. It can carry writes, too.
    Replaced(Box<Message>, Effects),
    /// It is too late, since then: another flow takes the place of this one.
    Expired(DateTime<Utc>),
    /// It cannot be answered on the form. What is written goes with it all the same.
    Stopped(Error, Effects),
}

impl Halt {
    /// A refusal that writes nothing.
    pub fn refused(refusal: Refusal) -> Self {
        Self::Refused(refusal, Effects::default())
    }

    /// What a write that could not be carried out means for its submission.
    pub fn unwritten(error: impl Into<WriteError>) -> Self {
        match error.into() {
            WriteError::Outdated => Self::Outdated,
            WriteError::Conflict(_) => Self::refused(Refusal::form(text::identifier_taken())),
            WriteError::Fault(fault) => fault.into(),
        }
    }

    /// A successor that says so.
    pub fn replaced(message: Message) -> Self {
        Self::Replaced(Box::new(message), Effects::default())
    }
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Stopped(error.into(), Effects::default())
    }
}

/// What the form says to a visitor who has to try again.
#[derive(Debug, Default)]
pub struct Refusal {
    /// Complaints by node name; `None` is the form as a whole.
    pub complaints: Vec<(Option<String>, Message)>,
    /// What the identity schema objects to.
    pub violations: Vec<Violation>,
    /// The method is kept as `active` (it was right; something else was not).
    pub active: Option<&'static str>,
    /// Scripts are answered 200 all the same, as Kratos does.
    pub is_mild: bool,
}

impl Refusal {
    /// One message for the form as a whole.
    pub fn form(message: Message) -> Self {
        Self {
            complaints: vec![(None, message)],
            ..Self::default()
        }
    }

    /// The same where scripts are answered 200.
    #[must_use]
    pub fn mild(self) -> Self {
        Self {
            is_mild: true,
            ..self
        }
    }

    /// One message at a node.
    pub fn at(node: &str, message: Message) -> Self {
        Self {
            complaints: vec![(Some(node.to_owned()), message)],
            ..Self::default()
        }
    }

    /// What the identity schema objects to.
    pub fn violations(violations: Vec<Violation>) -> Self {
        Self {
            violations,
            ..Self::default()
        }
    }

    /// Nothing to say?
    pub fn is_empty(&self) -> bool {
        self.complaints.is_empty() && self.violations.is_empty()
    }
}

/// A credential that was judged, to be looked at again in the transaction that writes.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Of which kind.
    pub kind: CredentialKind,
    /// The credential's revision when it was judged.
    pub revision: i32,
}

/// An identity proved who it is.
#[derive(Debug)]
pub struct SignIn {
    /// The identity.
    pub identity: Arc<Identity>,
    /// How it was authenticated.
    pub amr: AuthMethod,
    /// The credentials that must still be as they were judged. A sign-in may judge several, and rest on
    /// conditional writes besides: a code used up, a counter gone up.
    pub judged: Vec<Judged>,
    /// What is written with it.
    pub effects: Effects,
}

/// A new identity.
#[derive(Debug)]
pub struct SignUp {
    /// Not yet written.
    pub prepared: Prepared,
    /// How it will have been authenticated.
    pub amr: AuthMethod,
    /// What is written with it.
    pub effects: Effects,
}
