//! What reaches a flow, and how it is answered.

use super::{flow::Flow, kind::Kind, submission::Submission};
use crate::ui::Message;

/// What reached a flow.
pub enum Arrival {
    /// A form was submitted, or its address opened; a body that could not be decoded is a message on the form.
    Submission(Result<Submission, Message>),
    /// A browser came back from where that method had sent it.
    Return {
        /// The method's id.
        method: &'static str,
        /// What it brings: the parameters of the address.
        brings: Submission,
    },
}

/// How a submission was answered.
#[derive(Debug)]
pub enum Outcome<K: Kind> {
    /// The form again: another screen, or something to say.
    Form {
        /// The flow as it is now.
        flow: Box<Flow<K>>,
        /// Something has to be mended.
        complains: bool,
    },
    /// Done.
    Done {
        /// The flow as it ended.
        flow: Box<Flow<K>>,
        /// What came of it.
        done: Box<K::Done>,
    },
    /// The browser goes elsewhere, and comes back.
    Leave {
        /// The flow that waits.
        flow: Box<Flow<K>>,
        /// An absolute URL.
        to: String,
    },
    /// It went on as a flow of another kind.
    Became(Box<Outcome<K::Counterpart>>),
}

impl<K: Kind> Outcome<K> {
    /// Is nothing left to do?
    pub fn is_done(&self) -> bool {
        match self {
            Self::Done { .. } => true,
            Self::Became(other) => other.is_done(),
            Self::Form { .. } | Self::Leave { .. } => false,
        }
    }
}
