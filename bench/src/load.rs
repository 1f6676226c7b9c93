//! The load itself, open or closed.
//!
//! Open loop: operation `i` is due at `start + i / rate`, fixed before anything is sent, and its time
//! counts from then. A server that stalls therefore shows as slow for every visitor that came meanwhile,
//! whether or not a connection was free to send their request (no coordinated omission).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Failure,
    args::Scenario,
    client::{PATIENCE, Trouble, Wire},
    kratos,
    people::Crowd,
    tally::Tally,
    usage::{Used, Watched},
};

/// So that every connection waits before the first operation is due.
const LEAD: Duration = Duration::from_millis(50);

/// How fast operations are begun.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Operations a second, begun on time (open loop).
    Rate(f64),
    /// As fast as the connections can (closed loop).
    Max,
}

/// What one measurement does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) scenario: Scenario,
    pub(crate) pace: Pace,
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
    pub(crate) connections: u32,
    pub(crate) watched: Watched,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) tally: Tally,
    /// From the end of the warm-up to the end of the last operation.
    pub(crate) measured: Duration,
    pub(crate) used: Used,
}

/// What connections share.
struct Work {
    crowd: Arc<Crowd>,
    plan: Plan,
    next: AtomicU64,
    /// Operations in all.
    total: u64,
    /// One permit for each operation that is due.
    due: Semaphore,
    start: Instant,
    measured_from: Instant,
    end: Instant,
}

impl Plan {
    /// Load the crowd's server.
    pub(crate) async fn run(self, crowd: &Arc<Crowd>) -> Result<Outcome, Failure> {
        if self.scenario == Scenario::WhoamiFirst && crowd.unseen() == 0 {
            return Err(Failure(
                "whoami-first: every session was checked before; give more --sessions, or \
                                a --people-file and start the server anew"
                    .to_owned(),
            ));
        }
        if matches!(self.scenario, Scenario::Whoami | Scenario::Mixed) {
            crowd.check_every_session(self.connections).await?;
        }
        let start = Instant::now() + LEAD;
        let (measured_from, end) = (start + self.warm_up, start + self.warm_up + self.time);
        let (watched, connections) = (self.watched, self.connections);
        let work = Arc::new(Work {
            total: self.total(crowd),
            crowd: Arc::clone(crowd),
            plan: self,
            next: AtomicU64::new(0),
            due: Semaphore::new(0),
            start,
            measured_from,
            end,
        });
        let mut lines = JoinSet::new();
        for _ in 0..connections {
            lines.spawn(Arc::clone(&work).line());
        }
        let pacer = Arc::clone(&work);
        let pacer = thread::spawn(move || pacer.pace());
        tokio::time::sleep_until(measured_from.into()).await;
        let before = watched.read();
        let mut tally = Tally::default();
        for one in lines.join_all().await {
            tally.add(one);
        }
        let used = watched.read().since(&before);
        pacer
            .join()
            .map_err(|_| Failure("the pacer died".to_owned()))?;
        let last = tally.last().unwrap_or(end);
        Ok(Outcome {
            tally,
            measured: last.saturating_duration_since(measured_from),
            used,
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive, and at most a million a second for two days"
    )]
    fn total(&self, crowd: &Crowd) -> u64 {
        let sessions = match self.scenario {
            Scenario::WhoamiFirst => crowd.unseen(),
            _ => u64::MAX,
        };
        let wanted = match self.pace {
            Pace::Rate(rate) => (rate * (self.warm_up + self.time).as_secs_f64()).ceil() as u64,
            Pace::Max => u64::MAX,
        };
        wanted.min(sessions)
    }
}

impl Work {
    /// Says when operations are due. A thread of its own, because timers of the runtime are no finer than
    /// a millisecond, which is longer than a session check.
    fn pace(&self) {
        let Pace::Rate(_) = self.plan.pace else {
            return;
        };
        for number in 0..self.total {
            let wait = self
                .due_at(number)
                .saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            self.due.add_permits(1);
        }
        // For each connection to find that there is nothing more to do.
        self.due.add_permits(self.plan.connections as usize);
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 operations are enough")]
    fn due_at(&self, number: u64) -> Instant {
        match self.plan.pace {
            Pace::Rate(rate) => self.start + Duration::from_secs_f64(number as f64 / rate),
            Pace::Max => Instant::now(),
        }
    }

    /// One connection: the next operation, as soon as it is due and this one is free.
    async fn line(self: Arc<Self>) -> Tally {
        let (mut wire, mut tally) = (Wire::default(), Tally::default());
        let is_open = matches!(self.plan.pace, Pace::Rate(_));
        tokio::time::sleep_until(self.start.into()).await;
        loop {
            if is_open && let Ok(permit) = self.due.acquire().await {
                permit.forget();
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let (due, now) = (self.due_at(number), Instant::now());
            if number >= self.total || (!is_open && now >= self.end) {
                return tally;
            }
            let result = if now > self.end + PATIENCE {
                Err(Trouble::NotSent)
            } else {
                self.operate(&mut wire, number).await
            };
            if due < self.measured_from {
                continue;
            }
            match result {
                Ok(()) => tally.done(due.elapsed(), now.saturating_duration_since(due)),
                Err(trouble) => tally.failed(&trouble),
            }
        }
    }

    async fn operate(&self, wire: &mut Wire, number: u64) -> Result<(), Trouble> {
        let (crowd, chance) = (&self.crowd, scatter(number));
        match kind(self.plan.scenario, chance) {
            Scenario::Whoami | Scenario::Mixed => {
                let (base, token) = crowd.session(chance >> 8);
                kratos::whoami(wire, base, token).await
            }
            Scenario::WhoamiFirst => {
                let Some((base, token)) = crowd.unseen_session() else {
                    return Err(Trouble::Unexpected("no session is left"));
                };
                kratos::whoami(wire, base, token).await
            }
            Scenario::Login => {
                let (base, email) = crowd.person(chance >> 8);
                kratos::sign_in(wire, base, email).await.map(drop)
            }
            Scenario::Registration => {
                let (base, email) = crowd.newcomer();
                kratos::sign_up(wire, base, &email).await.map(drop)
            }
        }
    }
}

/// What operation a visitor does, of a scenario that may be mixed.
fn kind(scenario: Scenario, chance: u64) -> Scenario {
    match (scenario, chance % 100) {
        (Scenario::Mixed, 0) => Scenario::Registration,
        (Scenario::Mixed, 1..=4) => Scenario::Login,
        (Scenario::Mixed, _) => Scenario::Whoami,
        (scenario, _) => scenario,
    }
}

/// The same for every run, and without a pattern (the finaliser of splitmix64).
fn scatter(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_day_is_mixed_as_promised() {
        let count = |wanted| {
            (0..100_000)
                .filter(|&number| kind(Scenario::Mixed, scatter(number)) == wanted)
                .count()
        };
        assert!((94_500..95_500).contains(&count(Scenario::Whoami)));
        assert!((3_700..4_300).contains(&count(Scenario::Login)));
        assert!((800..1_200).contains(&count(Scenario::Registration)));
    }
}
