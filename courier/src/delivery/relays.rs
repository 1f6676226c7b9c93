//! What is known of relays while this process lives: connections that wait for the next message, and which
//! relays are left alone. Nothing here is shared with other processes.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use identity::schema::Via;
use tenants::{Project, ProjectId};
use tokio::time::Instant;

use super::{smtp::Connection, verdict};

/// Connections of all projects that wait.
const IDLE_MAX: usize = 64;
/// Longer than between two messages of a batch, shorter than relays allow.
const IDLE_SECONDS_MAX: Duration = Duration::from_secs(20);
/// A channel's transport as one revision of one project's configuration describes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TransportKey {
    project: ProjectId,
    revision: i32,
    channel: &'static str,
}

impl TransportKey {
    pub(super) fn of(project: &Project, via: Via) -> Self {
        Self {
            project: project.id(),
            revision: project.config_revision(),
            channel: via.as_str(),
        }
    }
}

struct Rest {
    times: u32,
    until: DateTime<Utc>,
}

/// Connections and rests of all relays.
#[derive(Default)]
pub(super) struct Relays {
    idle: Mutex<Vec<(TransportKey, Instant, Connection)>>,
    rests: Mutex<HashMap<TransportKey, Rest>>,
}

impl Relays {
    /// A connection that waits for the next message of this transport: the one that was used last.
    pub(super) fn take(&self, key: TransportKey) -> Option<Connection> {
        let mut idle = lock(&self.idle);
        idle.retain(|(_, since, _)| since.elapsed() < IDLE_SECONDS_MAX);
        let at = idle.iter().rposition(|(of, ..)| *of == key)?;
        Some(idle.remove(at).2)
    }

    /// Keep a connection for the next message, unless it had its time.
    pub(super) fn put_back(&self, key: TransportKey, connection: Option<Connection>) {
        let Some(connection) = connection else {
            return;
        };
        let mut idle = lock(&self.idle);
        idle.retain(|(_, since, _)| since.elapsed() < IDLE_SECONDS_MAX);
        if idle.len() >= IDLE_MAX {
            idle.remove(0);
        }
        idle.push((key, Instant::now(), connection));
    }

    /// How much longer, if it is.
    pub(super) fn is_left_alone(&self, key: TransportKey, now: DateTime<Utc>) -> Option<Duration> {
        let rests = lock(&self.rests);
        let rest = rests.get(&key)?.until - now;
        rest.to_std().ok().filter(|rest| !rest.is_zero())
    }

    /// It refused us, not a message: longer each time. True when it was well before.
    pub(super) fn leave_alone(&self, key: TransportKey, now: DateTime<Utc>) -> bool {
        let mut rests = lock(&self.rests);
        // Earlier revisions of the same project, and what was not asked for in a day.
        rests.retain(|of, rest| {
            let replaced = of.project == key.project && of.revision < key.revision;
            !replaced && now - rest.until < TimeDelta::days(1)
        });
        let rest = rests.entry(key).or_insert(Rest {
            times: 0,
            until: now,
        });
        let was_well = rest.times == 0;
        // Those that failed together are one failure.
        if rest.until <= now {
            rest.times += 1;
            let pause = TimeDelta::from_std(verdict::rest(rest.times));
            rest.until = now + pause.unwrap_or_default();
        }
        was_well
    }

    /// It took a message. True when it did not before.
    pub(super) fn is_well(&self, key: TransportKey) -> bool {
        lock(&self.rests).remove(&key).is_some()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
