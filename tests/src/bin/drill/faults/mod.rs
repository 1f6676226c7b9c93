//! The faults, in the order in which they happen, and what is promised of each.

mod disk;
mod failover;
mod list;
mod operations;
mod postgres;
mod replicas;
mod staleness;
mod worker;

use std::{pin::Pin, time::Duration};

use crate::{Done, stage::Stage};

pub(crate) use list::ALL;

type Happening<'a> = Pin<Box<dyn Future<Output = Done> + 'a>>;

/// The minute of a lease, and some air.
const LEASE: Duration = Duration::from_secs(75);

/// What visitors may see of a fault. Never a 500, never a lost write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    /// 503 may be seen, and until so long after the fault was over.
    pub(crate) away: Option<Duration>,
    /// So many connections may break off.
    pub(crate) broken_off: u64,
    /// A mail comes at the latest.
    pub(crate) mails: Duration,
    /// A mail may come twice.
    pub(crate) twice: bool,
}

impl Promise {
    /// No error at all.
    pub(crate) const NOTHING: Self = Self {
        away: None,
        broken_off: 0,
        mails: Duration::from_secs(15),
        twice: false,
    };
    /// 503, and soon no longer.
    const AWAY: Self = Self {
        away: Some(Duration::from_secs(5)),
        ..Self::AT_LEAST_ONCE
    };
    /// A mail that was sent and could not be recorded is sent again when its lease is over.
    const AT_LEAST_ONCE: Self = Self {
        mails: LEASE,
        twice: true,
        ..Self::NOTHING
    };
}

/// One fault.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) under_load: bool,
    pub(crate) promise: Promise,
    pub(crate) happen: for<'a> fn(&'a mut Stage) -> Happening<'a>,
}
