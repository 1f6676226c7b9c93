//! Threads for work that would hold up the runtime, fair among projects: a project's crowd delays another
//! project by one turn, and no project holds all of several threads, however long its work takes. Each
//! thread keeps a workbench of its own: what the next piece of work can use again.

mod queue;
#[cfg(test)]
mod tests;

use std::{
    cell::Cell,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::{process::setpriority_process, thread::gettid};
use tokio::sync::oneshot;
use uuid::Uuid;

pub use queue::{FairQueue, Ticket};

thread_local! {
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// On what kind of thread this runs, for a metric of costly work: `own`, of a pool of this kind, or `serving`,
/// where it would hold up all requests.
pub fn thread_kind() -> &'static str {
    if IS_OWN.get() { "own" } else { "serving" }
}

/// Work that takes long, where it is called: a thread that serves hands its other tasks over first.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// What a thread keeps from one piece of work to the next.
pub trait Workbench: Default + 'static {
    /// Without work for so long, a thread clears it.
    const IDLE: Duration;
    /// Is there nothing to give back?
    fn is_empty(&self) -> bool;
    /// Give back what it holds.
    fn clear(&mut self);
}

/// Work that leaves nothing to be used again.
impl Workbench for () {
    const IDLE: Duration = Duration::MAX;

    fn is_empty(&self) -> bool {
        true
    }

    fn clear(&mut self) {}
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

/// How much lower than usual the priority of such a thread is: a tenth of the processor beside one that serves.
const NICENESS: i32 = 10;

/// How much there may be at once, and how urgent it is.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Threads; at least one.
    pub threads: usize,
    /// Waiting in all.
    pub waiting_max: usize,
    /// Waiting of one project.
    pub waiting_per_project_max: usize,
    /// The threads give way to all others: what they do can be as dear as a project likes.
    pub gives_way: bool,
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

/// So many threads, which take work from the projects in turn; what is too much is refused at once. One of
/// several is always left to other projects. A caller that goes away while waiting frees its place.
/// Dropping the pool ends its threads.
pub struct FairPool<B: Workbench> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    work: Condvar,
    names: Names,
    gives_way: bool,
}

struct State<B> {
    queue: FairQueue<(Uuid, Job<B>)>,
    running: HashMap<Uuid, usize>,
    running_per_project_max: usize,
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
            running: HashMap::new(),
            running_per_project_max: 1,
            closed: false,
        });
        let shared = Arc::new(Shared {
            state,
            work: Condvar::new(),
            names,
            gives_way: extent.gives_way,
        });
        let (name, wanted) = (names.thread, extent.threads.max(1));
        let mut threads = wanted;
        for number in 0..wanted {
            let mine = Arc::clone(&shared);
            let started = std::thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || mine.serve());
            if let Err(error) = started {
                assert!(number > 0, "no thread for {name}: {error}");
                tracing::warn!(%error, name, started = number, wanted, "fewer threads than wanted");
                threads = number;
                break;
            }
        }
        shared.lock().running_per_project_max = (threads - 1).max(1);
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

/// Callers borrow the pool, so none is waiting any more.
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
        let Some(ticket) = state.queue.push(project, (project, job)) else {
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
        IS_OWN.set(true);
        if self.gives_way {
            // Where it is refused, all are alike.
            let _ = setpriority_process(Some(gettid()), NICENESS);
        }
        let (mut state, mut bench) = (self.lock(), B::default());
        while !state.closed {
            let Some((project, job)) = state.take() else {
                state = self.wait(state, &mut bench);
                continue;
            };
            state.report(&self.names);
            drop(state);
            // A job that panics drops its sender, which the caller sees; the thread lives on.
            if catch_unwind(AssertUnwindSafe(|| job(&mut bench))).is_err() {
                tracing::error!(threads = self.names.thread, "work panicked");
            }
            state = self.lock();
            // Whatever may be taken because of this, this thread takes: none has to be woken.
            state.finish(project);
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
    fn take(&mut self) -> Option<(Uuid, Job<B>)> {
        let (running, most) = (&self.running, self.running_per_project_max);
        let may = |project| running.get(&project).is_none_or(|number| *number < most);
        let taken = self.queue.take_of(may)?;
        *self.running.entry(taken.0).or_default() += 1;
        Some(taken)
    }

    fn finish(&mut self, project: Uuid) {
        if let Some(number) = self.running.get_mut(&project) {
            *number -= 1;
        }
        self.running.retain(|_, number| *number > 0);
    }

    fn report(&self, names: &Names) {
        let waiting = u32::try_from(self.queue.waiting()).unwrap_or(u32::MAX);
        metrics::gauge!(names.waiting).set(waiting);
        let running: usize = self.running.values().sum();
        metrics::gauge!(names.running).set(u32::try_from(running).unwrap_or(u32::MAX));
    }
}
