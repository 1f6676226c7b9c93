//! How much the visitors of a network make a project store without being done: flows that they begin, submissions
//! that are refused or go on to another screen, errors that are kept for the error page. Each is a row, or a new version of one.
//!
//! Counted in the memory of each process, because counting in PostgreSQL would cost what it is to save.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use identity::limits::Network;
use tenants::{Project, ProjectId};

/// So many minutes' worth may come at once.
const AT_ONCE_MINUTES: f64 = 10.0;
/// A wide network (48 bits of an IPv6 address) has so many times what one of its networks has.
const WIDE: f64 = 10.0;
/// Networks that are remembered; beyond it the one that was seen longest ago is forgiven.
const NETWORKS_MAX: u64 = 100_000;

type Level = Arc<Mutex<(f64, DateTime<Utc>)>>;

/// Levels of all networks, each a bucket that empties with time.
pub(crate) struct Visits {
    per_minute: f64,
    levels: moka::sync::Cache<(ProjectId, String), Level>,
}

impl Visits {
    pub(crate) fn new(per_minute: u32) -> Self {
        let forgiven_after = Duration::from_mins(20);
        let levels = moka::sync::Cache::builder().max_capacity(NETWORKS_MAX);
        Self {
            per_minute: f64::from(per_minute),
            levels: levels.time_to_idle(forgiven_after).build(),
        }
    }

    /// Count one more of a visitor from that network. `Err`: it must not be, before so long; it was not counted.
    pub(crate) fn count(&self, project: &Project, network: &Network) -> Result<(), Duration> {
        for level in self.with_room(project, network)? {
            level.lock().unwrap_or_else(PoisonError::into_inner).0 += 1.0;
        }
        Ok(())
    }

    /// Would one more be refused?
    pub(crate) fn look(&self, project: &Project, network: &Network) -> Result<(), Duration> {
        self.with_room(project, network).map(|_| ())
    }

    /// The levels in which there is room for one more. The wide network is asked first: when that has none, nothing is
    /// remembered of its many narrow ones.
    fn with_room(&self, project: &Project, network: &Network) -> Result<Vec<Level>, Duration> {
        let wide = network.wide.as_ref().map(|wide| (wide, WIDE));
        let all = wide.into_iter().chain([(&network.narrow, 1.0)]);
        let now = project.now();
        all.map(|(network, times)| {
            let per_minute = self.per_minute * times;
            let key = (project.id(), network.clone());
            let new = || Arc::new(Mutex::new((0.0, now)));
            let level = self.levels.get_with(key, new);
            let mut held = level.lock().unwrap_or_else(PoisonError::into_inner);
            let minutes = (now - held.1).as_seconds_f64().max(0.0) / 60.0;
            *held = ((held.0 - minutes * per_minute).max(0.0), now.max(held.1));
            let beyond = held.0 + 1.0 - AT_ONCE_MINUTES * per_minute;
            drop(held);
            if beyond > 0.0 {
                let wait = Duration::from_secs_f64((beyond / per_minute * 60.0).ceil());
                return Err(wait.max(Duration::from_secs(1)));
            }
            Ok(level)
        })
        .collect()
    }
}
