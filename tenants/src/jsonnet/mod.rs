//! Jsonnet that projects write, evaluated in child processes: a snippet may loop or eat memory, and ends
//! there alone. At most four at once, fair among projects; each in a virtual machine of its own.
//!
//! ```text
//! Project::jsonnet ─> a thread ─> its child (this very binary, as a sandbox) ─> JSON, or why not
//! ```

mod child;
mod evaluate;
mod parent;

use std::{ffi::OsString, io, path::PathBuf, sync::Arc, sync::OnceLock};

use serde_json::Value;
use uuid::Uuid;

pub use child::serve_sandbox;
use parent::Warm;

use crate::{
    Fault,
    fair::{Extent, FairPool, Names, NotDone},
};

const CHILDREN_MAX: usize = 4;
const WAITING_MAX: usize = 1_000;
const WAITING_PER_PROJECT_MAX: usize = 100;
const NAMES: Names = Names {
    thread: "jsonnet",
    waiting: "insula_jsonnet_waiting",
    running: "insula_jsonnet_running",
    refused: "insula_jsonnet_refused_total",
};

/// What is started as the sandbox: a program that calls [`serve_sandbox`] first thing.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What makes it a sandbox.
    pub args: Vec<OsString>,
}

impl Program {
    /// This very program, called with `sandbox`. Also where the file was replaced meanwhile.
    pub fn this() -> Self {
        let itself = PathBuf::from("/proc/self/exe");
        let path = if itself.exists() {
            itself
        } else {
            std::env::current_exe().unwrap_or_default()
        };
        Self {
            path,
            args: vec!["sandbox".into()],
        }
    }
}

/// Why a snippet has no value. The texts are for its author.
#[derive(Debug, thiserror::Error)]
pub enum JsonnetError {
    /// It is wrong, or says `error` itself.
    #[error("{0}")]
    Wrong(String),
    /// Over a second of computing.
    #[error("it takes longer than a second")]
    TooLong,
    /// It did not live on 512 MiB.
    #[error("it takes more memory than there is for it")]
    TooMuch,
    /// Over 1 MiB came out.
    #[error("more than 1 MiB comes out of it")]
    TooLarge,
    /// Too many wait already.
    #[error("too many snippets are waiting")]
    Overloaded,
    /// The child cannot be started, or something of ours is broken.
    #[error("the sandbox does not work: {0}")]
    NoSandbox(#[source] io::Error),
}

/// The children, none of which lives before the first snippet.
pub(crate) struct Sandbox {
    program: Arc<Program>,
    threads: OnceLock<FairPool<Warm>>,
}

impl Sandbox {
    pub(crate) fn new(program: Program) -> Self {
        Self {
            program: Arc::new(program),
            threads: OnceLock::new(),
        }
    }

    /// Read the snippet, and call it when there is a `ctx`.
    pub(crate) async fn evaluate(
        &self,
        project: Uuid,
        source: String,
        ctx: Option<Value>,
    ) -> Result<Value, JsonnetError> {
        crate::open_transactions::assert_none("evaluating Jsonnet");
        let program = Arc::clone(&self.program);
        let done = self.threads().run(project, move |warm| {
            warm.evaluate(&program, &source, ctx.as_ref())
        });
        match done.await {
            Ok(value) => value,
            Err(NotDone::Full) => Err(JsonnetError::Overloaded),
            Err(NotDone::Panicked) => Err(JsonnetError::NoSandbox(io::Error::other("it panicked"))),
        }
    }

    fn threads(&self) -> &FairPool<Warm> {
        self.threads.get_or_init(|| {
            let cores = std::thread::available_parallelism().map_or(2, usize::from);
            let extent = Extent {
                threads: cores.min(CHILDREN_MAX),
                waiting_max: WAITING_MAX,
                waiting_per_project_max: WAITING_PER_PROJECT_MAX,
                gives_way: true,
            };
            FairPool::new(NAMES, extent)
        })
    }
}

/// The text for the snippet's author, unless the snippet is not to blame.
impl JsonnetError {
    pub(crate) fn into_fault(self) -> Result<String, Fault> {
        match self {
            Self::Overloaded => Err(Fault::Overloaded {
                what: "jsonnet",
                retry_after: std::time::Duration::from_secs(1),
            }),
            Self::NoSandbox(_) => Err(Fault::broken(self.to_string())),
            other => Ok(other.to_string()),
        }
    }
}
