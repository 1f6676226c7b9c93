//! What caches must forget, read from `control.invalidation` by watermark.
//!
//! Caches are not told; they ask. An entry notes when its load began and which keys it depends on; it
//! is true as long as none of them was invalidated after that moment, and as long as the last good
//! poll is recent. So an entry loaded while its row was changing can never outlive the change.

use std::{
    collections::HashSet,
    sync::{
        RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Fault, clock::Clock};

/// Half of the half second within which a revocation must be seen everywhere.
pub(crate) const POLL_EVERY: Duration = Duration::from_millis(250);
/// Memory may answer only when the last good poll is younger than this.
const FRESH_FOR: Duration = Duration::from_millis(500);
/// After so long without a poll rows may have been pruned unseen: forget everything.
const BLIND_AFTER: Duration = Duration::from_mins(4);
/// Longer than any cached entry lives.
const REMEMBER_FOR: Duration = Duration::from_secs(90);
/// A replica whose clock is further off than this is not ready.
pub(crate) const CLOCK_SKEW_MAX: Duration = Duration::from_secs(2);

/// What one replica knows about changes.
pub(crate) struct Invalidations {
    forgotten: moka::sync::Cache<(i32, Uuid), Instant>,
    state: RwLock<State>,
    skewed: AtomicBool,
}

struct State {
    last_good: Option<Instant>,
    /// Entries loaded before this are not to be trusted.
    epoch: Instant,
    watermark: Option<u64>,
    /// Which history of which PostgreSQL: its identifier and timeline.
    system: Option<String>,
    /// Rows of the overlap between two polls, so that each is heard once.
    heard: HashSet<(String, Uuid, u64)>,
}

/// When a load began: taken before the first statement of the load.
#[derive(Clone, Copy, Debug)]
pub struct Load(Instant);

impl Load {
    pub(crate) fn age(self) -> Duration {
        self.0.elapsed()
    }
}

impl Invalidations {
    pub(crate) fn new() -> Self {
        let state = State {
            last_good: None,
            epoch: Instant::now(),
            watermark: None,
            system: None,
            heard: HashSet::new(),
        };
        Self {
            forgotten: moka::sync::Cache::builder()
                .time_to_live(REMEMBER_FOR)
                .build(),
            state: RwLock::new(state),
            skewed: AtomicBool::new(false),
        }
    }

    pub(crate) fn loading() -> Load {
        Load(Instant::now())
    }

    /// Forget here and now.
    pub(crate) fn forget(&self, slot: i32, key: Uuid) {
        self.forgotten.insert((slot, key), Instant::now());
    }

    /// Is the machine's clock within two seconds of Postgres's?
    pub(crate) fn clock_is_right(&self) -> bool {
        !self.skewed.load(Ordering::Relaxed)
    }

    /// Is what was loaded then still true, given all that was heard since?
    pub(crate) fn holds(&self, load: Load, slot: i32, keys: &[Uuid]) -> bool {
        let Ok(state) = self.state.read() else {
            return false;
        };
        if load.0 < state.epoch || state.last_good.is_none_or(|at| at.elapsed() > FRESH_FOR) {
            return false;
        }
        drop(state);
        keys.iter().all(|key| {
            self.forgotten
                .get(&(slot, *key))
                .is_none_or(|at| at < load.0)
        })
    }

    /// Read what has changed since the last poll. A standby is not listened to: it may be behind, so memory is
    /// not trusted either.
    ///
    /// A restored or promoted PostgreSQL gives out transaction ids anew, and what was changed under those of before
    /// is not heard of: its timeline tells. (`pg_control_checkpoint()` would not do: it follows minutes later.)
    pub(crate) async fn poll(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        let began = Instant::now();
        let since = self
            .state
            .read()
            .ok()
            .and_then(|s| s.watermark)
            .map_or_else(|| "0".to_owned(), |w| w.to_string());
        // A first poll wants no history: nothing is cached yet.
        let rows = sqlx::query!(
            r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "next!", clock_timestamp() as "at!",
                      pg_is_in_recovery() as "standby!",
                      (select system_identifier::text from pg_control_system()) as "system!",
                      case when pg_is_in_recovery() then '' else substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as "timeline!",
                      i.xid::text as xid, i.db_role as "db_role?", i.key as "key?"
                 from (select 1) as one
                 left join control.invalidation i on i.xid >= $1::text::xid8 and $1 <> '0'"#,
            since
        )
        .fetch_all(connection)
        .await?;
        let Some(first) = rows.first() else {
            return Ok(());
        };
        if first.standby {
            return Err(Fault::Standby);
        }
        let elapsed = began.elapsed();
        self.compare_clocks(Clock::machine_now() - first.at, elapsed);
        let next = first
            .next
            .parse::<u64>()
            .map_err(|_| Fault::broken("unreadable watermark"))?;
        let system = format!("{} {}", first.system, first.timeline);
        let heard = rows
            .into_iter()
            .filter_map(|r| Some((r.db_role?, r.key?, r.xid?.parse().ok()?)));
        self.hear(began, next, system, heard.collect());
        Ok(())
    }

    /// `ahead`: the machine's clock before the database's, within the time that the answer took. Told when it is
    /// another way than before.
    fn compare_clocks(&self, ahead: TimeDelta, took: Duration) {
        let seconds = ahead.as_seconds_f64();
        metrics::gauge!("insula_clock_ahead_seconds").set(seconds);
        let skew = ahead.abs().to_std().unwrap_or(Duration::MAX);
        let off = skew > CLOCK_SKEW_MAX + took;
        if self.skewed.swap(off, Ordering::Relaxed) == off {
            return;
        }
        if off {
            tracing::warn!(
                seconds,
                "this machine's clock is not the database's, so this process is not ready"
            );
        } else {
            tracing::warn!(seconds, "this machine's clock is right again");
        }
    }

    fn hear(&self, began: Instant, next: u64, system: String, rows: Vec<(String, Uuid, u64)>) {
        let Ok(mut state) = self.state.write() else {
            return;
        };
        let blind = state.last_good.is_none_or(|at| at.elapsed() > BLIND_AFTER);
        let restored = state.system.as_ref().is_some_and(|s| *s != system)
            || state.watermark.is_some_and(|w| next < w);
        if blind || restored {
            state.epoch = Instant::now();
            state.heard.clear();
        }
        for (role, key, xid) in rows {
            let Some(slot) = slot_of(&role) else { continue };
            if state.heard.insert((role, key, xid)) {
                self.forgotten.insert((slot, key), Instant::now());
            }
        }
        state.heard.retain(|(_, _, xid)| *xid >= next);
        state.watermark = Some(next);
        state.system = Some(system);
        // As of when it was asked, not answered.
        state.last_good = Some(began);
    }
}

/// `i7k2q_t_000123` -> 123.
pub(crate) fn slot_of(role: &str) -> Option<i32> {
    role.rsplit_once("_t_")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn an_entry_loaded_before_a_change_is_not_true_after_it() {
        let heard = Invalidations::new();
        let early = Invalidations::loading();
        heard.hear(Instant::now(), 10, "a".into(), vec![]);
        let load = Invalidations::loading();
        assert!(!heard.holds(early, 1, &[]), "loaded before the first poll");
        assert!(heard.holds(load, 1, &[key(1)]));
        heard.hear(
            Instant::now(),
            11,
            "a".into(),
            vec![("i00000_t_000001".into(), key(1), 10)],
        );
        assert!(!heard.holds(load, 1, &[key(2), key(1)]));
        assert!(
            heard.holds(load, 2, &[key(1)]),
            "another project's key of the same value"
        );
        assert!(
            heard.holds(Invalidations::loading(), 1, &[key(1)]),
            "a load after the change"
        );
    }

    #[test]
    fn a_row_delivered_twice_is_heard_once() {
        let heard = Invalidations::new();
        // Two changes of one key, both in the overlap.
        let role = || "i00000_t_000001".to_owned();
        let row = || vec![(role(), key(1), 10), (role(), key(1), 12)];
        heard.hear(Instant::now(), 5, "a".into(), row());
        let load = Invalidations::loading();
        heard.hear(Instant::now(), 5, "a".into(), row());
        assert!(
            heard.holds(load, 1, &[key(1)]),
            "a long transaction holds the watermark back; caches must not starve"
        );
    }

    #[test]
    fn a_restored_database_empties_memory() {
        let heard = Invalidations::new();
        heard.hear(Instant::now(), 100, "a".into(), vec![]);
        let load = Invalidations::loading();
        heard.hear(Instant::now(), 90, "a".into(), vec![]);
        assert!(!heard.holds(load, 1, &[]), "the horizon went back");
        let load = Invalidations::loading();
        heard.hear(Instant::now(), 91, "a 2".into(), vec![]);
        assert!(
            !heard.holds(load, 1, &[]),
            "another cluster answers, or another history of the same"
        );
    }

    #[test]
    fn without_a_recent_poll_memory_does_not_answer() {
        let heard = Invalidations::new();
        assert!(!heard.holds(Invalidations::loading(), 1, &[]));
        let Some(old) = Instant::now().checked_sub(Duration::from_secs(1)) else {
            return;
        };
        heard.hear(old, 10, "a".into(), vec![]);
        assert!(!heard.holds(Invalidations::loading(), 1, &[]));
    }

    #[test]
    fn a_clock_is_off_beyond_two_seconds_and_what_the_answer_took() {
        let heard = Invalidations::new();
        let took = Duration::from_millis(300);
        for (milliseconds, right) in [
            (2_300, true),
            (-2_300, true),
            (2_301, false),
            (-9_000, false),
        ] {
            heard.compare_clocks(TimeDelta::milliseconds(milliseconds), took);
            assert_eq!(heard.clock_is_right(), right, "{milliseconds}");
        }
        heard.compare_clocks(TimeDelta::zero(), took);
        assert!(heard.clock_is_right());
    }

    #[test]
    fn slots_are_read_from_role_names() {
        assert_eq!(slot_of("i7k2q_t_000123"), Some(123));
        assert_eq!(slot_of("gate"), None);
    }
}
