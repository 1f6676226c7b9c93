//! Threads for work that would hold up the runtime, fair among projects: a project's crowd delays another
//! project by one turn. Each thread keeps a workbench of its own: what the next piece of work can use again.

mod queue;
#[cfg(test)]
mod tests;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;
use uuid::Uuid;

pub use queue::{FairQueue, Ticket};

/// What a thread keeps from one piece of work to the next.
pub trait Workbench: Default + 'static {
    /// Without work for so long, a thread clears it.
    const IDLE: Duration;
    /// Is there nothing to give back?
    fn is_empty(&self) -> bool;
    /// Give back what it holds.
    fn clear(&mut self);
}

/// What the threads and gauges are called.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// Of threads; a number follows.
    pub thread: &'static str,
    /// The gauge of those that wait.
    pub waiting: &'static str,
    /// The gauge of those that run.
    pub running: &'static str,
    /// The counter of those that were refused.
    pub refused: &'static str,
}

/// How much there may be at once.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Threads; at least one.
    pub threads: usize,
    /// Waiting in all.
    pub waiting_max: usize,
    /// Waiting of one project.
    pub waiting_per_project_max: usize,
}

/// Why work has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// Too much is waiting; nothing was begun.
    Full,
    /// It panicked.
    Panicked,
}

type Job<B> = Box<dyn FnOnce(&mut B) + Send>;

/// So many threads, which take work from the projects in turn; what is too much is refused at once. A caller
/// that goes away while waiting frees its place. Dropping the pool ends its threads.
pub struct FairPool<B: Workbench> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    work: Condvar,
    names: Names,
}

struct State<B> {
    queue: FairQueue<Job<B>>,
    running: u32,
    closed: bool,
}

impl<B: Workbench> FairPool<B> {
    /// Starts its threads.
    ///
    /// # Panics
    /// When the system gives not a single thread.
    pub fn new(names: Names, extent: Extent) -> Self {
        let queue = FairQueue::new(extent.waiting_max, extent.waiting_per_project_max);
        let state = Mutex::new(State {
            queue,
            running: 0,
            closed: false,
        });
        let shared = Arc::new(Shared {
            state,
            work: Condvar::new(),
            names,
        });
        let (name, wanted) = (names.thread, extent.threads.max(1));
        for number in 0..wanted {
            let mine = Arc::clone(&shared);
            let started = std::thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || mine.serve());
            if let Err(error) = started {
                assert!(number > 0, "no thread for {name}: {error}");
                tracing::warn!(%error, name, started = number, wanted, "fewer threads than wanted");
                break;
            }
        }
        Self { shared }
    }

    /// Queues `job` and waits for its answer.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn run<R, F>(&self, project: Uuid, job: F) -> Result<R, NotDone>
    where
        R: Send + 'static,
        F: FnOnce(&mut B) -> R + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job<B> = Box::new(move |bench| {
            // The caller may have left between the queue and here.
            if !answer.is_closed() {
                drop(answer.send(job(bench)));
            }
        });
        let _place = self.shared.enter(project, job)?;
        answered.await.map_err(|_| NotDone::Panicked)
    }

    /// How many wait: for tests.
    #[doc(hidden)]
    pub fn waiting(&self) -> usize {
        self.shared.lock().queue.waiting()
    }
}

/// Callers borrow the pool, so nobody is waiting any more.
impl<B: Workbench> Drop for FairPool<B> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

/// Held by a waiting caller; gives the place back when the caller goes away.
struct Place<'p, B: Workbench> {
    shared: &'p Shared<B>,
    ticket: Ticket,
}

impl<B: Workbench> Drop for Place<'_, B> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let left = state.queue.cancel(self.ticket);
        state.report(&self.shared.names);
        drop(state);
        drop(left);
    }
}

impl<B: Workbench> Shared<B> {
    /// Nothing under this lock can panic half-way, so a poisoned state is still whole.
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, project: Uuid, job: Job<B>) -> Result<Place<'_, B>, NotDone> {
        let mut state = self.lock();
        let Some(ticket) = state.queue.push(project, job) else {
            drop(state);
            metrics::counter!(self.names.refused).increment(1);
            return Err(NotDone::Full);
        };
        state.report(&self.names);
        drop(state);
        self.work.notify_one();
        Ok(Place {
            shared: self,
            ticket,
        })
    }

    fn serve(&self) {
        let (mut state, mut bench) = (self.lock(), B::default());
        while !state.closed {
            let Some(job) = state.queue.take() else {
                state = self.wait(state, &mut bench);
                continue;
            };
            state.running += 1;
            state.report(&self.names);
            drop(state);
            // A job that panics drops its sender, which the caller sees; the thread lives on.
            if catch_unwind(AssertUnwindSafe(|| job(&mut bench))).is_err() {
                tracing::error!(threads = self.names.thread, "work panicked");
            }
            state = self.lock();
            state.running -= 1;
            state.report(&self.names);
        }
    }

    /// For work; after a while without any the bench is cleared first.
    fn wait<'s>(
        &'s self,
        state: MutexGuard<'s, State<B>>,
        bench: &mut B,
    ) -> MutexGuard<'s, State<B>> {
        if bench.is_empty() {
            let woken = self.work.wait(state);
            return woken.unwrap_or_else(PoisonError::into_inner);
        }
        let (state, waited) = self
            .work
            .wait_timeout(state, B::IDLE)
            .unwrap_or_else(PoisonError::into_inner);
        if !waited.timed_out() {
            return state;
        }
        drop(state);
        bench.clear();
        self.lock()
    }
}

impl<B> State<B> {
    fn report(&self, names: &Names) {
        let waiting = u32::try_from(self.queue.waiting()).unwrap_or(u32::MAX);
        metrics::gauge!(names.waiting).set(waiting);
        metrics::gauge!(names.running).set(self.running);
    }
}
