//! What happens later: jobs that a commit asked for are carried out here, and what has expired goes.
//!
//! It owns loops, pauses and leases; what a job means is said in `run`, and how its work is done in the crates of
//! messages, flows, identities and projects. It listens on nothing and speaks no protocol.

mod jobs;
mod pause;
mod prune;
mod run;
mod slots;
mod sweep;

use courier::Courier;
use tenants::{Fault, Installation, Project};
use tokio::sync::watch;

#[doc(hidden)]
pub use crate::jobs::IN_HAND_MAX;

/// Carries out the jobs of one installation and keeps its house.
#[derive(Clone)]
pub struct Worker {
    installation: Installation,
    courier: Courier,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("installation", &self.installation)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker of that installation; it does nothing until [`Self::run`] or [`Self::work_off`].
    pub fn new(installation: Installation) -> Self {
        Self {
            installation,
            courier: Courier::new(courier::SEND_SECONDS_MAX),
        }
    }

    /// For tests: give up on relays that say nothing after so long.
    #[doc(hidden)]
    #[must_use]
    pub fn with_patience(self, patience: std::time::Duration) -> Self {
        Self {
            courier: Courier::new(patience),
            ..self
        }
    }

    /// Work until `shutdown` is true or its sender is gone, then finish what was begun.
    ///
    /// Nothing that fails ends it: faults are logged and tried again after growing pauses.
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        let installation = &self.installation;
        tokio::join!(
            jobs::work(&self, shutdown.clone()),
            slots::keep(installation, shutdown.clone()),
            prune::prune(installation, shutdown),
        );
    }

    /// For tests: carry out the due jobs of these projects, one after another, until none is due at the
    /// installation's clock. Answers how many were carried out, whatever became of them.
    pub async fn work_off(&self, only: &[Project]) -> Result<usize, Fault> {
        jobs::work_off(self, only).await
    }
}

/// Resolves when it is time to stop.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // An error says that the sender is gone, which also means to stop.
    let _ = shutdown.wait_for(|stop| *stop).await;
}
