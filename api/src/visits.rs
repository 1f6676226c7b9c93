//! How much the visitors of a network make a project store without being let in: flows that they begin, submissions
//! that are refused, errors that are kept for the error page. Each is a row, or a new version of one.
//!
//! Counted in the memory of each process, because counting in PostgreSQL would cost what it is to save. Whoever calls
//! from this machine is not counted: a proxy that nobody told the server of would make all visitors one network.

use std::{
    net::{IpAddr, SocketAddr},
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

    /// Count one more of a visitor from that address. `Err`: it must not be, before so long; it was not counted.
    pub(crate) fn count(&self, project: &Project, address: &str) -> Result<(), Duration> {
        self.add(project, address, 1.0)
    }

    /// Would one more be refused?
    pub(crate) fn look(&self, project: &Project, address: &str) -> Result<(), Duration> {
        self.add(project, address, 0.0)
    }

    fn add(&self, project: &Project, address: &str, more: f64) -> Result<(), Duration> {
        if is_this_machine(address) {
            return Ok(());
        }
        let network = Network::of(address);
        let narrow = Some((network.narrow, 1.0));
        let wide = network.wide.map(|wide| (wide, WIDE));
        let now = project.now();
        for (network, times) in narrow.into_iter().chain(wide) {
            let per_minute = self.per_minute * times;
            let level = self
                .levels
                .get_with((project.id(), network), || Arc::new(Mutex::new((0.0, now))));
            let mut level = level.lock().unwrap_or_else(PoisonError::into_inner);
            let (held, counted_at) = *level;
            let minutes = (now - counted_at).as_seconds_f64().max(0.0) / 60.0;
            let held = (held - minutes * per_minute).max(0.0);
            let beyond = held + 1.0 - AT_ONCE_MINUTES * per_minute;
            if beyond > 0.0 {
                let wait = Duration::from_secs_f64((beyond / per_minute * 60.0).ceil());
                return Err(wait.max(Duration::from_secs(1)));
            }
            *level = (held + more, now.max(counted_at));
        }
        Ok(())
    }
}

pub(crate) fn is_this_machine(address: &str) -> bool {
    let ip = address.parse::<IpAddr>().ok();
    let ip = ip.or_else(|| address.parse::<SocketAddr>().ok().map(|peer| peer.ip()));
    ip.is_some_and(|ip| ip.to_canonical().is_loopback())
}
