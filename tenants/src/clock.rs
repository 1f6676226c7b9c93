//! Time is handed in: the machine's clock in production, one that tests move by hand.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the wall clock"
)]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

/// Where "now" comes from. Times are cut to microseconds, as Postgres stores them, so that what was
/// answered before a commit equals what is read after it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Machine,
    /// Microseconds that a test has moved ahead of the machine's clock.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self(Source::Machine)
    }

    /// A clock that starts at the machine's time and can be moved forward.
    pub fn shiftable() -> Self {
        Self(Source::Shifted(Arc::default()))
    }

    /// The present moment, in UTC, at microsecond precision.
    pub fn now(&self) -> DateTime<Utc> {
        let machine = Utc::now().trunc_subsecs(6);
        match &self.0 {
            Source::Machine => machine,
            Source::Shifted(by) => machine + TimeDelta::microseconds(by.load(Ordering::SeqCst)),
        }
    }

    /// The machine's own time whatever a test did to this clock: only for comparing machines.
    pub(crate) fn machine_now() -> DateTime<Utc> {
        Utc::now()
    }

    /// Move a shiftable clock. The machine's clock stays where it is.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Shifted(total) = &self.0 {
            total.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}
