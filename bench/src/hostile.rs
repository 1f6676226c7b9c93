//! What the worst of one project costs another, in a release build: rounds, each idle and then under attack, of the
//! same load on a neighbour. Ratios within one round bear with a busy machine; the medians of all are judged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    Failure,
    args::{Argon2, HostileArgs, Scenario},
    attack::{Attack, Counts},
    client::{Base, Call, Wire},
    insula,
    load::{Pace, Plan},
    people::{Crowd, Size, run_id},
    report::Row,
    server::Server,
    usage::{Watched, resident_kib},
};

/// The neighbour's load, far from what any machine can take.
const CHECKS_A_SECOND: f64 = 100.0;
const SIGN_INS_A_SECOND: f64 = 3.0;
/// How much slower the slowest in a hundred may become.
const CHECKS_RATIO_MAX: f64 = 3.0;
const SIGN_INS_RATIO_MAX: f64 = 5.0;
/// The slowest answer that the server is alive.
const ALIVE_WITHIN: Duration = Duration::from_millis(100);
const GROWTH_MIB_MAX: u64 = 200;
const ASKED_EVERY: Duration = Duration::from_millis(20);
const PEOPLE: u32 = 20;
const CONNECTIONS: u32 = 16;

/// What was measured.
pub(crate) struct Found {
    pub(crate) rows: Vec<Row>,
    checks: Vec<f64>,
    sign_ins: Vec<f64>,
    watch: Watch,
    counts: Arc<Counts>,
}

/// The slowest answer of `/health/alive`, and memory.
#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    slowest: Duration,
    failed: u32,
    before_kib: u64,
    most_kib: u64,
}

/// `bench hostile`.
pub(crate) async fn run(args: &HostileArgs) -> Result<Found, Failure> {
    let server = Server::start(&args.binary, &args.data)?;
    let size = Size {
        people: PEOPLE,
        sessions: 1,
        connections: CONNECTIONS,
    };
    let crowd = server.crowd((1, Argon2::DEFAULT), size).await?;
    let slug = format!("{}-hostile", run_id());
    let target = insula::hostile(&server.origin, &server.key, &slug).await?;
    let bench = Bench {
        args,
        crowd,
        watched: server.watched,
    };
    bench.half(Duration::from_secs(1)).await?;
    let mut found = Found {
        rows: Vec::new(),
        checks: Vec::new(),
        sign_ins: Vec::new(),
        watch: Watch::default(),
        counts: Arc::default(),
    };
    found.watch.before_kib = bench.memory();
    let origin = Base::parse(&server.origin)?;
    for round in 1..=args.rounds {
        eprintln!("bench: round {round} of {}", args.rounds);
        let idle = bench.half(args.seconds).await?;
        let attack = Attack::begin(&target, args.volley, &found.counts)?;
        let (hostile, watch) = bench.watched_half(&origin, found.watch).await?;
        let ended = tokio::task::spawn_blocking(move || attack.end()).await;
        ended.map_err(|error| Failure::of("the attack", error))??;
        found.watch = watch;
        found.checks.push(ratio(&hostile[0], &idle[0]));
        found.sign_ins.push(ratio(&hostile[1], &idle[1]));
        found.rows.extend(named("idle", idle));
        found.rows.extend(named("hostile", hostile));
    }
    Ok(found)
}

fn named(half: &str, rows: [Row; 2]) -> [Row; 2] {
    rows.map(|row| Row {
        scenario: format!("{half} {}", row.scenario),
        ..row
    })
}

fn ratio(hostile: &Row, idle: &Row) -> f64 {
    hostile.outcome.tally.millis_at(0.99) / idle.outcome.tally.millis_at(0.99)
}

struct Bench<'a> {
    args: &'a HostileArgs,
    crowd: Arc<Crowd>,
    watched: Watched,
}

impl Bench<'_> {
    /// Session checks and sign-ins at the same time.
    async fn half(&self, time: Duration) -> Result<[Row; 2], Failure> {
        let plan = |scenario, rate| Plan {
            scenario,
            pace: Pace::Rate(rate),
            warm_up: Duration::from_secs(1),
            time,
            connections: CONNECTIONS,
            watched: self.watched,
        };
        let (checks, sign_ins) = (
            plan(Scenario::Whoami, CHECKS_A_SECOND),
            plan(Scenario::Login, SIGN_INS_A_SECOND),
        );
        let measured = tokio::try_join!(
            checks.clone().run(&self.crowd),
            sign_ins.clone().run(&self.crowd)
        )?;
        Ok([
            Row::of(&checks, 1, measured.0),
            Row::of(&sign_ins, 1, measured.1),
        ])
    }

    /// The same, with a look at the server all the while.
    async fn watched_half(
        &self,
        origin: &Base,
        before: Watch,
    ) -> Result<([Row; 2], Watch), Failure> {
        let lasts = AtomicBool::new(true);
        let half = async {
            let measured = self.half(self.args.seconds).await;
            lasts.store(false, Ordering::Relaxed);
            measured
        };
        let (measured, watch) = tokio::join!(half, self.watch(origin, before, &lasts));
        Ok((measured?, watch))
    }

    async fn watch(&self, origin: &Base, before: Watch, lasts: &AtomicBool) -> Watch {
        let (mut wire, mut watch) = (Wire::default(), before);
        while lasts.load(Ordering::Relaxed) {
            let asked = Instant::now();
            let answer = wire.send(origin, Call::get("/health/alive")).await;
            watch.slowest = watch.slowest.max(asked.elapsed());
            watch.failed += u32::from(!answer.is_ok_and(|answer| answer.status == 200));
            watch.most_kib = watch.most_kib.max(self.memory());
            tokio::time::sleep(ASKED_EVERY).await;
        }
        watch
    }

    fn memory(&self) -> u64 {
        self.watched.server.and_then(resident_kib).unwrap_or(0)
    }
}

impl Found {
    /// Says what was found, and fails beyond the limits.
    pub(crate) fn judge(self) -> Result<(), Failure> {
        let grown = self.watch.most_kib.saturating_sub(self.watch.before_kib) >> 10;
        let (checks, sign_ins) = (median(self.checks), median(self.sign_ins));
        let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let (other, errors) = (
            of(&self.counts.other),
            self.rows
                .iter()
                .map(|row| row.outcome.tally.error_count())
                .sum::<u64>(),
        );
        eprintln!(
            "hostile requests: {} refused, {} turned away, {other} answered otherwise or not at all",
            of(&self.counts.refused),
            of(&self.counts.turned_away),
        );
        let lines = [
            (
                checks <= CHECKS_RATIO_MAX,
                format!(
                    "session checks: p99 {checks:.2} times that of idle, {CHECKS_RATIO_MAX} at most"
                ),
            ),
            (
                sign_ins <= SIGN_INS_RATIO_MAX,
                format!(
                    "sign-ins: p99 {sign_ins:.2} times that of idle, {SIGN_INS_RATIO_MAX} at most"
                ),
            ),
            (
                self.watch.slowest <= ALIVE_WITHIN && self.watch.failed == 0,
                format!(
                    "/health/alive: slowest {} ms, {} at most; {} failed",
                    self.watch.slowest.as_millis(),
                    ALIVE_WITHIN.as_millis(),
                    self.watch.failed
                ),
            ),
            (
                grown < GROWTH_MIB_MAX,
                format!("memory: grew by {grown} MiB, less than {GROWTH_MIB_MAX} wanted"),
            ),
            (
                errors == 0,
                format!("the neighbour's errors: {errors}, none wanted"),
            ),
        ];
        for (holds, line) in &lines {
            eprintln!("{} {line}", if *holds { "holds" } else { "FAILS" });
        }
        if lines.iter().all(|(holds, _)| *holds) {
            return Ok(());
        }
        Err(Failure(
            "the worst of one project costs another too much".to_owned(),
        ))
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
