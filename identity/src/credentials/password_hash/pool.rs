//! Threads of their own for password work, fair among projects. A slow hash must hold up neither the runtime
//! nor another project, and what is far dearer than usual only others of its kind. Knows projects by id only.

use std::time::Duration;

use tenants::fair::{Extent, FairPool, Names, NotDone, Workbench};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{HashError, Hasher, Scratch, Stored, Weight};

/// Told to a caller who is refused: a full queue is worked off in about this time.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);
const HEAVY_RETRY_AFTER: Duration = Duration::from_secs(10);

const NAMES: Names = Names {
    thread: "hash",
    waiting: "insula_hash_waiting",
    running: "insula_hash_running",
    refused: "insula_hash_refused_total",
};
const HEAVY_NAMES: Names = Names {
    thread: "heavy-hash",
    waiting: "insula_heavy_hash_waiting",
    running: "insula_heavy_hash_running",
    refused: "insula_heavy_hash_refused_total",
};
/// One at a time in the whole server: each takes up to a GiB and many seconds.
const HEAVY: Extent = Extent {
    threads: 1,
    waiting_max: 100,
    waiting_per_project_max: 8,
    gives_way: true,
};

impl Workbench for Scratch {
    const IDLE: Duration = Duration::from_secs(2);

    fn is_empty(&self) -> bool {
        Scratch::is_empty(self)
    }

    fn clear(&mut self) {
        Scratch::clear(self);
    }
}

/// A pool of its own for password work: `threads` jobs at once, taken from the projects in turn, at most
/// `waiting_max` waiting in all and `waiting_per_project_max` in each project; beyond that it refuses at once.
/// [`Weight::Heavy`] work has a thread and a queue of its own beside these. A caller that goes away while
/// waiting frees its place. Dropping the pool ends its threads.
pub struct HashPool {
    usual: FairPool<Scratch>,
    heavy: FairPool<Scratch>,
}

impl HashPool {
    /// Starts `threads` threads (at least one) and the one for heavy work.
    ///
    /// # Panics
    /// When the system gives not a single thread.
    pub fn new(threads: usize, waiting_max: usize, waiting_per_project_max: usize) -> Self {
        let extent = Extent {
            threads,
            waiting_max,
            waiting_per_project_max,
            gives_way: false,
        };
        Self {
            usual: FairPool::new(NAMES, extent),
            heavy: FairPool::new(HEAVY_NAMES, HEAVY),
        }
    }

    /// A new hash of `password` with a new salt.
    ///
    /// # Errors
    /// `Overloaded`; `TooLong` for bcrypt; `Failed` for parameters out of range.
    pub async fn hash(
        &self,
        project: Uuid,
        hasher: Hasher,
        password: Zeroizing<String>,
    ) -> Result<String, HashError> {
        if matches!(hasher, Hasher::Bcrypt { .. })
            && password.len() > super::BCRYPT_PASSWORD_BYTES_MAX
        {
            return Err(HashError::TooLong);
        }
        let job = move |scratch: &mut Scratch| hasher.hash(&password, scratch);
        self.run((project, hasher.weight()), job).await
    }

    /// Whether `password` is the one behind `hash`.
    ///
    /// # Errors
    /// `Overloaded`; `Unsupported` for a hash of unknown format or with parameters over the ceilings.
    pub async fn verify(
        &self,
        project: Uuid,
        password: Zeroizing<String>,
        hash: String,
    ) -> Result<bool, HashError> {
        let stored = Stored::parse(&hash).ok_or(HashError::Unsupported)?;
        let weight = stored.weight();
        let job = move |scratch: &mut Scratch| stored.matches(&password, scratch);
        self.run((project, weight), job).await
    }

    /// The work of a real verification for an unknown identifier, so that the time tells nothing. Always false.
    ///
    /// # Errors
    /// `Overloaded`, like a real one; `Failed` for parameters out of range.
    pub async fn verify_nothing(
        &self,
        project: Uuid,
        hasher: Hasher,
        password: Zeroizing<String>,
    ) -> Result<bool, HashError> {
        let stored = Stored::nothing(hasher)?;
        let weight = stored.weight();
        let job = move |scratch: &mut Scratch| stored.matches(&password, scratch).map(|_| false);
        self.run((project, weight), job).await
    }

    /// Queues `job` and waits for its answer.
    pub(super) async fn run<R, F>(
        &self,
        (project, weight): (Uuid, Weight),
        job: F,
    ) -> Result<R, HashError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Scratch) -> Result<R, HashError> + Send + 'static,
    {
        tenants::open_transactions::assert_none("hashing a password");
        let (threads, retry_after) = match weight {
            Weight::Usual => (&self.usual, RETRY_AFTER),
            Weight::Heavy => (&self.heavy, HEAVY_RETRY_AFTER),
        };
        match threads.run(project, job).await {
            Ok(done) => done,
            Err(NotDone::Full) => Err(HashError::Overloaded { retry_after }),
            Err(NotDone::Panicked) => {
                Err(HashError::Failed("the work ended without an answer".into()))
            }
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self, weight: Weight) -> usize {
        match weight {
            Weight::Usual => self.usual.waiting(),
            Weight::Heavy => self.heavy.waiting(),
        }
    }
}
