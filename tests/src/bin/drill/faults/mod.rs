//! The faults, in the order in which they happen, and what is promised of each.

mod replicas;

use std::{pin::Pin, time::Duration};

use crate::{Done, stage::Stage};

type Happening<'a> = Pin<Box<dyn Future<Output = Done> + 'a>>;

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
    pub(crate) const AWAY: Self = Self {
        away: Some(Duration::from_secs(5)),
        // What was sent and could not be recorded is sent again when its lease is over.
        mails: LEASE,
        twice: true,
        ..Self::NOTHING
    };
}

/// The minute of a lease, and some air.
const LEASE: Duration = Duration::from_secs(75);

/// One fault.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) under_load: bool,
    pub(crate) promise: Promise,
    pub(crate) happen: for<'a> fn(&'a mut Stage) -> Happening<'a>,
}

/// All of them.
pub(crate) const ALL: &[Fault] = &[Fault {
    name: "replica-killed",
    title: "SIGKILL of a replica, 8 s away",
    under_load: true,
    promise: Promise {
        // What it had in hand.
        broken_off: 8,
        ..Promise::NOTHING
    },
    happen: |stage| Box::pin(replicas::killed(stage)),
}];
