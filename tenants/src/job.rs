//! What the worker can be asked to do. A closed enum: with a kind that is not handled it does not compile.

use std::time::Duration;

use uuid::Uuid;

use crate::Project;

/// Work that outlives the request that asked for it. It names things by id and carries no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Remove what has expired in one project: flows, sessions.
    SweepExpired,
    /// The grace of a deletion is over: drop the project's schema and everything that refers to it.
    PurgeProject,
    /// Send one message, by e-mail or another channel.
    SendMessage {
        /// The row of `messages`.
        message: Uuid,
    },
}

impl Job {
    const SWEEP_EXPIRED: &str = "sweep_expired";
    const PURGE_PROJECT: &str = "purge_project";
    pub(crate) const SEND_MESSAGE: &str = "send_message";

    /// The name under which the queue keeps it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::SweepExpired => Self::SWEEP_EXPIRED,
            Self::PurgeProject => Self::PURGE_PROJECT,
            Self::SendMessage { .. } => Self::SEND_MESSAGE,
        }
    }

    pub(crate) fn reference(&self) -> Option<Uuid> {
        match self {
            Self::SweepExpired | Self::PurgeProject => None,
            Self::SendMessage { message } => Some(*message),
        }
    }

    pub(crate) fn read(kind: &str, reference: Option<Uuid>) -> Option<Self> {
        match kind {
            Self::SWEEP_EXPIRED => Some(Self::SweepExpired),
            Self::PURGE_PROJECT => Some(Self::PurgeProject),
            Self::SEND_MESSAGE => reference.map(|message| Self::SendMessage { message }),
            _ => None,
        }
    }
}

/// A job that is ours until its lease runs out, then any worker's. No row lock is held while it runs.
#[derive(Debug)]
pub struct Claimed {
    pub(crate) id: Uuid,
    pub(crate) attempts: i32,
    /// Whose job it is. Also there for suspended and deleted projects: work is not refused to them.
    pub project: Project,
    /// What to do.
    pub job: Job,
}

impl Claimed {
    /// How often this job was begun, this time included; from 1.
    pub fn attempt(&self) -> u32 {
        self.attempts.unsigned_abs()
    }
}

/// How a job ended.
#[derive(Debug)]
pub enum Verdict {
    /// Finished; the row goes.
    Done,
    /// Failed, worth another attempt.
    Retry {
        /// Pause before it.
        after: Duration,
        /// For the operator.
        why: String,
    },
    /// Failed for good; the row stays with its reason.
    Abandon {
        /// For the operator.
        why: String,
    },
}
