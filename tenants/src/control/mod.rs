//! Tables of the installation: the directory, keys, revisions, the audit trail. All SQL on them is here.

mod change_error;
mod changes;
mod data_keys;
pub(crate) mod directory;
mod events;
pub(crate) mod key;
mod keys;
mod lifecycle;
pub(crate) mod projects;
pub(crate) mod revisions;
mod ways_out;

pub use change_error::ChangeError;

/// Who does something, for the audit trail and the author of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(pub String);

impl Actor {
    /// The installation itself: start-up, the worker.
    pub fn system() -> Self {
        Self("system".to_owned())
    }
}
