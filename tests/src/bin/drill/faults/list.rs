//! Which there are.

use super::{Fault, Promise, disk, failover, operations, postgres, replicas, staleness, worker};

/// All of them.
pub(crate) const ALL: &[Fault] = &[
    Fault {
        name: "replica-killed",
        title: "SIGKILL of a replica, twice, 8 s away",
        under_load: true,
        promise: Promise {
            // What it had in hand.
            broken_off: 40,
            ..Promise::NOTHING
        },
        happen: |stage| Box::pin(replicas::killed(stage)),
    },
    Fault {
        name: "rolling",
        title: "rolling restart by SIGTERM, twice; the proxy tries the next one",
        under_load: true,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(replicas::rolling(stage)),
    },
    Fault {
        name: "rolling-readiness",
        title: "rolling restart by SIGTERM; the balancer asks for readiness and tries no other",
        under_load: true,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(replicas::rolling_by_readiness(stage)),
    },
    Fault {
        name: "replica-frozen",
        title: "one replica frozen (SIGSTOP 8 s)",
        under_load: true,
        promise: Promise {
            // Connections that were idle before and are closed as it wakes, ten seconds having passed.
            broken_off: 10,
            ..Promise::NOTHING
        },
        happen: |stage| Box::pin(replicas::frozen(stage)),
    },
    Fault {
        name: "worker-killed",
        title: "SIGKILL of the worker, 5 times, fast relay",
        under_load: true,
        promise: Promise::AT_LEAST_ONCE,
        happen: |stage| Box::pin(worker::killed(stage)),
    },
    Fault {
        name: "worker-killed-slow",
        title: "SIGKILL of the worker, 3 times, the relay takes 1.5 s",
        under_load: true,
        promise: Promise::AT_LEAST_ONCE,
        happen: |stage| Box::pin(worker::killed_with_a_slow_relay(stage)),
    },
    Fault {
        name: "worker-killed-taken",
        title: "SIGKILL of the worker when the relay has the mails and has not said so",
        under_load: true,
        promise: Promise::AT_LEAST_ONCE,
        happen: |stage| Box::pin(worker::killed_when_taken(stage)),
    },
    Fault {
        name: "worker-stopped",
        title: "SIGTERM of the worker with mails on their way",
        under_load: true,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(worker::stopped(stage)),
    },
    Fault {
        name: "no-worker",
        title: "no worker for 8 s",
        under_load: true,
        promise: Promise {
            mails: super::LEASE,
            ..Promise::NOTHING
        },
        happen: |stage| Box::pin(worker::none(stage)),
    },
    Fault {
        name: "two-workers",
        title: "two workers at once",
        under_load: true,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(worker::two(stage)),
    },
    Fault {
        name: "postgres-restarted",
        title: "PostgreSQL restarted",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(postgres::restarted(stage)),
    },
    Fault {
        name: "backend-killed",
        title: "SIGKILL of one backend (crash recovery)",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(postgres::backend_killed(stage)),
    },
    Fault {
        name: "postgres-frozen",
        title: "PostgreSQL frozen (SIGSTOP 10 s)",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(postgres::frozen(stage)),
    },
    Fault {
        name: "way-cut",
        title: "one replica's way to PostgreSQL cut for 8 s",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(postgres::way_cut(stage)),
    },
    Fault {
        name: "way-slow",
        title: "one replica's way to PostgreSQL 20 ms longer for 8 s",
        under_load: true,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(postgres::way_slow(stage)),
    },
    Fault {
        name: "read-only",
        title: "the database read-only for 8 s",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(postgres::read_only(stage)),
    },
    Fault {
        name: "led-to-standby",
        title: "one replica led to the standby for 8 s",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(postgres::led_to_standby(stage)),
    },
    Fault {
        name: "connections",
        title: "max_connections exhausted, a replica restarted meanwhile",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(postgres::connections_exhausted(stage)),
    },
    Fault {
        name: "disk-full",
        title: "the disk of PostgreSQL full for 14 s",
        under_load: false,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(disk::full(stage)),
    },
    Fault {
        name: "failover",
        title: "the primary killed, its synchronous standby promoted after 3 s",
        under_load: true,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(failover::synchronous(stage)),
    },
    Fault {
        name: "lost-tail",
        title: "the primary killed, a standby promoted that lost a tail, one replica late",
        under_load: false,
        promise: Promise::AWAY,
        happen: |stage| Box::pin(failover::lost_tail(stage)),
    },
    Fault {
        name: "secrets",
        title: "rotation of INSULA_SECRETS, four steps",
        under_load: true,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(operations::rotation(stage)),
    },
    Fault {
        name: "migrate",
        title: "insula migrate --check, and insula migrate again",
        under_load: true,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(operations::migrate(stage)),
    },
    Fault {
        name: "staleness",
        title: "signed out at one replica, asked at the other",
        under_load: false,
        promise: Promise::NOTHING,
        happen: |stage| Box::pin(staleness::measured(stage)),
    },
];
