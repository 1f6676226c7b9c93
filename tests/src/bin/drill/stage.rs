//! Everything that is part of the drill, and how a fault is met: a load begins, the fault happens, the load ends,
//! and what was acknowledged is compared.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use sqlx::{AssertSqlSafe, PgConnection};
use tests::relay::Mood;
use tokio::time::sleep;

use crate::{
    Done,
    chance::Chance,
    cluster::Cluster,
    errands::Visitor,
    faults::Fault,
    load::{Load, Shared},
    process::{Process, READY_WITHIN},
    report::Row,
};

/// With these many seconds, faults last as long as they say.
const USUAL_SECONDS: f64 = 300.0;
/// Of load before and after a fault.
const BEFORE: u32 = 2;
const AFTER: u32 = 3;
/// Sign-ins that tell how much can be done.
const TRIED: usize = 16;
const TRIED_AT_ONCE: usize = 4;
const RATE_MIN: u32 = 3;

/// See the head of the file. What ends first stands first.
pub(crate) struct Stage {
    pub(crate) replicas: [Process; 2],
    pub(crate) worker: Process,
    pub(crate) second_worker: Process,
    pub(crate) cluster: Cluster,
    pub(crate) shared: Arc<Shared>,
    /// Of logs and data.
    pub(crate) folder: PathBuf,
    pub(crate) chance: Chance,
    /// What visitors begin each second, and were to begin.
    pub(crate) rate: u32,
    pub(crate) wished: u32,
    pub(crate) seconds: u32,
    /// When the fault was over.
    pub(crate) mended: Option<Instant>,
    pub(crate) notes: Vec<String>,
    pub(crate) skipped: bool,
    /// How long a comparison waits for mails that are missing.
    pub(crate) mails_within: Duration,
}

impl Stage {
    /// So many seconds, or as much longer as the whole is to last.
    pub(crate) fn time(&self, seconds: u32) -> Duration {
        Duration::from_secs(seconds.into()).mul_f64(f64::from(self.seconds) / USUAL_SECONDS)
    }

    /// So many times, or as much more often; once at least.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand at most"
    )]
    pub(crate) fn times(&self, count: u32) -> usize {
        let count = f64::from(count) * f64::from(self.seconds) / USUAL_SECONDS;
        (count.round() as usize).max(1)
    }

    pub(crate) async fn pause(&self, seconds: u32) {
        sleep(self.time(seconds)).await;
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn break_promise(&self, what: String) {
        self.shared.ledger.break_promise(what);
    }

    /// From now on everything should be well soon.
    pub(crate) fn is_mended(&mut self) {
        self.mended = Some(Instant::now());
    }

    /// What visitors begin each second: what was wished for, but no more than so many sign-ins as this machine can do
    /// now, of which a third is used then. Faults are to be seen, not a machine that is too small or busy elsewhere.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "some hundreds at most"
    )]
    pub(crate) async fn calibrate(&mut self) {
        let shared = &self.shared;
        let people = (0..TRIED).filter_map(|_| {
            shared
                .ledger
                .for_reading(&mut self.chance, |person| person.maybe.is_none())
        });
        let people: Vec<_> = people.map(|person| person.clone()).collect();
        let began = Instant::now();
        let tried = stream::iter(people.iter().enumerate()).map(async |(at, person)| {
            let visitor = Visitor {
                at: Some(at % 2),
                ..shared.visitor(person.project, &person.from)
            };
            // What is wrong with it, comparisons tell.
            drop(visitor.sign_in(&person.email, &person.password).await);
        });
        let count = tried.buffer_unordered(TRIED_AT_ONCE).count().await;
        let possible = count as f64 / began.elapsed().as_secs_f64();
        self.rate = (possible as u32).clamp(RATE_MIN, self.wished);
    }

    /// Let it happen, and compare.
    pub(crate) async fn meet(&mut self, fault: &Fault) -> Done<Row> {
        self.calibrate().await;
        self.shared
            .tally
            .write(&format!("--- {}, {} a second", fault.name, self.rate));
        let before = self.shared.ledger.acknowledged();
        drop(self.shared.tally.take(self.shared.proxy.slowest()));
        let load = fault
            .under_load
            .then(|| Load::begin(&self.shared, self.chance.branch(), self.rate));
        if load.is_some() {
            self.pause(BEFORE).await;
        }
        self.mended = None;
        if let Err(failure) = (fault.happen)(self).await {
            self.break_promise(format!("the drill could not go on: {failure}"));
        }
        let mended = *self.mended.get_or_insert_with(Instant::now);
        if let Some(load) = load {
            self.pause(AFTER).await;
            load.end().await;
        }
        self.shared.relay.set(Mood::TakesAll);
        let mut row = Row::new(fault.title.to_owned());
        row.rate = if fault.under_load { self.rate } else { 0 };
        row.seen = self.shared.tally.take(self.shared.proxy.slowest());
        row.writes = self.shared.ledger.acknowledged() - before;
        self.heal().await?;
        self.compare(&mut row).await?;
        self.read_logs(&mut row)?;
        row.judge(&fault.promise, mended);
        row.notes = std::mem::take(&mut self.notes);
        row.skipped = std::mem::take(&mut self.skipped);
        for (what, list) in [("LOST", &row.lost), ("BROKEN", &row.broken)] {
            for one in list {
                self.shared.tally.write(&format!("{what}: {one}"));
            }
        }
        Ok(row)
    }

    fn read_logs(&mut self, row: &mut Row) -> Done {
        let [one, other] = &mut self.replicas;
        for process in [one, other, &mut self.worker, &mut self.second_worker] {
            row.broken.extend(process.faults()?);
        }
        Ok(())
    }

    pub(crate) async fn is_ready(&self, at: usize) -> bool {
        self.shared.proxy.readiness(at).await.is_ok()
    }

    /// Until that replica says so; how long it took.
    pub(crate) async fn ready(&self, at: usize) -> Done<Duration> {
        let began = Instant::now();
        while !self.is_ready(at).await {
            if began.elapsed() > READY_WITHIN {
                return Err(
                    format!("replica {} is not ready within {READY_WITHIN:?}", at + 1).into(),
                );
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(began.elapsed())
    }

    /// Everything as it was before the first fault. What does not come back by itself is started anew, and told.
    async fn heal(&mut self) -> Done {
        if self.cluster.primary().is_err() {
            self.cluster.start_again()?;
        }
        if self.cluster.standby().is_err() {
            self.cluster.renew_standby()?;
        }
        self.cluster.lead_everybody()?;
        if !self.worker.is_running() {
            self.worker.start()?;
        }
        for at in [0, 1] {
            if !self.replicas[at].is_running() {
                self.break_promise(format!("{} does not run", self.replicas[at].name));
                self.replicas[at].start()?;
            }
            if let Err(failure) = self.ready(at).await {
                self.break_promise(failure.to_string());
                self.replicas[at].kill()?;
                self.replicas[at].start()?;
                self.ready(at).await?;
            }
        }
        Ok(())
    }

    /// What that replica tells Prometheus.
    pub(crate) async fn metrics(&self, at: usize) -> Done<String> {
        let url = format!("http://{}/metrics", self.replicas[at].metrics);
        Ok(self.shared.proxy.read(&url).await?)
    }

    /// The schema of a project.
    pub(crate) async fn schema(
        &self,
        superuser: &mut PgConnection,
        project: usize,
    ) -> Done<String> {
        let sql = "select 't_' || lpad(s.slot::text, 6, '0') from control.slots s
                     join control.projects p on p.id = s.project where p.slug = $1";
        let slug = &self.shared.slugs[project];
        let found = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(slug)
            .fetch_one(superuser);
        Ok(found.await?)
    }
}
