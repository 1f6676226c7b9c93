//! What the visitors saw during one fault.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{Done, proxy::Trouble};

/// What was seen since the last look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Errands that came to their end.
    pub(crate) good: u64,
    /// Errands that found nobody to do them.
    pub(crate) idle: u64,
    /// The slowest request that was answered well.
    pub(crate) slowest: Duration,
    /// By kind: a status, or how the connection failed.
    pub(crate) troubles: BTreeMap<String, u64>,
    pub(crate) first: Option<Instant>,
    pub(crate) last: Option<Instant>,
}

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Tally {
    seen: Mutex<Seen>,
    log: Mutex<File>,
    began: Instant,
}

impl Tally {
    /// Each trouble is written down there.
    pub(crate) fn new(log: &Path) -> Done<Self> {
        Ok(Self {
            seen: Mutex::default(),
            log: Mutex::new(File::create(log)?),
            began: Instant::now(),
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn good(&self) {
        self.seen().good += 1;
    }

    pub(crate) fn idle(&self) {
        self.seen().idle += 1;
    }

    pub(crate) fn trouble(&self, errand: &str, trouble: &Trouble) {
        let now = Instant::now();
        let mut seen = self.seen();
        *seen.troubles.entry(trouble.kind()).or_default() += 1;
        seen.first.get_or_insert(now);
        seen.last = Some(now);
        drop(seen);
        self.write(&format!("{errand}: {trouble}"));
    }

    /// A line in the log, with the time since the beginning.
    pub(crate) fn write(&self, line: &str) {
        let at = self.began.elapsed().as_secs_f64();
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written is no reason to stop.
        let _ = writeln!(log, "{at:9.3} {line}");
    }

    /// What was seen so far; from here on anew.
    pub(crate) fn take(&self, slowest: Duration) -> Seen {
        Seen {
            slowest,
            ..std::mem::take(&mut *self.seen())
        }
    }
}
