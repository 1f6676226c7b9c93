//! Threads of their own for password work, fair among projects. A slow hash must hold up neither the runtime
//! nor another project. Knows projects by id only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::queue::{FairQueue, Ticket};
use super::{HashError, Hasher, Scratch, Stored};

/// Told to a caller who is refused: a full queue is worked off in about this time.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A thread without work for so long gives its memory back.
const IDLE: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&mut Scratch) + Send>;

/// A pool of its own for password work: `threads` jobs at once, taken from the projects in turn, at most
/// `waiting_max` waiting in all and `waiting_per_project_max` in each project; beyond that it refuses at once.
/// A caller that goes away while waiting frees its place. Dropping the pool ends its threads.
pub struct HashPool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    queue: FairQueue<Job>,
    running: u32,
    closed: bool,
}

impl HashPool {
    /// Starts `threads` threads (at least one).
    ///
    /// # Panics
    /// When the system gives not a single thread.
    pub fn new(threads: usize, waiting_max: usize, waiting_per_project_max: usize) -> Self {
        let queue = FairQueue::new(waiting_max, waiting_per_project_max);
        let state = Mutex::new(State {
            queue,
            running: 0,
            closed: false,
        });
        let shared = Arc::new(Shared {
            state,
            work: Condvar::new(),
        });
        for number in 0..threads.max(1) {
            let mine = Arc::clone(&shared);
            let started = std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || mine.serve());
            if let Err(error) = started {
                assert!(number > 0, "no thread for password work: {error}");
                tracing::warn!(%error, started = number, wanted = threads, "fewer threads for password work");
                break;
            }
        }
        Self { shared }
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
        self.run(project, move |scratch| hasher.hash(&password, scratch))
            .await
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
        self.run(project, move |scratch| stored.matches(&password, scratch))
            .await
    }

    /// The work of a real verification for an identifier nobody has, so that the time tells nothing. Always false.
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
        self.run(project, move |scratch| {
            stored.matches(&password, scratch).map(|_| false)
        })
        .await
    }

    /// Queues `job` and waits for its answer.
    pub(super) async fn run<R, F>(&self, project: Uuid, job: F) -> Result<R, HashError>
    where
        R: Send + 'static,
        F: FnOnce(&mut Scratch) -> Result<R, HashError> + Send + 'static,
    {
        tenants::hold::assert_none("hashing a password");
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |scratch| {
            // The caller may have left between the queue and here.
            if !answer.is_closed() {
                drop(answer.send(job(scratch)));
            }
        });
        let _place = self.shared.enter(project, job)?;
        answered
            .await
            .unwrap_or_else(|_| Err(HashError::Failed("the work ended without an answer".into())))
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.shared.lock().queue.waiting()
    }
}

/// Callers borrow the pool, so nobody is waiting any more.
impl Drop for HashPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

/// Held by a waiting caller; gives the place back when the caller goes away.
struct Place<'p> {
    shared: &'p Shared,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let left = state.queue.cancel(self.ticket);
        state.report();
        drop(state);
        drop(left);
    }
}

impl Shared {
    /// Nothing under this lock can panic half-way, so a poisoned state is still whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, project: Uuid, job: Job) -> Result<Place<'_>, HashError> {
        let mut state = self.lock();
        let Some(ticket) = state.queue.push(project, job) else {
            drop(state);
            metrics::counter!("insula_hash_refused_total").increment(1);
            return Err(HashError::Overloaded {
                retry_after: RETRY_AFTER,
            });
        };
        state.report();
        drop(state);
        self.work.notify_one();
        Ok(Place {
            shared: self,
            ticket,
        })
    }

    fn serve(&self) {
        let (mut state, mut scratch) = (self.lock(), Scratch::default());
        while !state.closed {
            let Some(job) = state.queue.take() else {
                state = self.wait(state, &mut scratch);
                continue;
            };
            state.running += 1;
            state.report();
            drop(state);
            // A job that panics drops its sender, which the caller sees as a failure; the thread lives on.
            if catch_unwind(AssertUnwindSafe(|| job(&mut scratch))).is_err() {
                tracing::error!("password work panicked");
            }
            state = self.lock();
            state.running -= 1;
            state.report();
        }
    }
}

impl Shared {
    /// For work; after a while without any the memory goes first.
    fn wait<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
        scratch: &mut Scratch,
    ) -> MutexGuard<'s, State> {
        if scratch.is_empty() {
            let woken = self.work.wait(state);
            return woken.unwrap_or_else(PoisonError::into_inner);
        }
        let (state, waited) = self
            .work
            .wait_timeout(state, IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        if !waited.timed_out() {
            return state;
        }
        drop(state);
        scratch.clear();
        self.lock()
    }
}

impl State {
    fn report(&self) {
        let waiting = u32::try_from(self.queue.waiting()).unwrap_or(u32::MAX);
        metrics::gauge!("insula_hash_waiting").set(waiting);
        metrics::gauge!("insula_hash_running").set(self.running);
    }
}
