//! Claims jobs and carries them out: a bounded number at once, each in a task of its own, its lease
//! renewed while it runs. A job that another worker has taken over is dropped here without a verdict.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tenants::{Claim, Claimed, Fault, Installation, Project, ProjectId, Verdict};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval_at, sleep, timeout},
};
use tracing::Instrument as _;

use crate::{Worker, pause::Pause, run, stopped};

/// Most jobs wait for servers of others, many of them in a queue before one; they hold no connection.
const AT_ONCE_MAX: usize = 256;
/// Of one project's jobs, taken at a time.
const PER_PROJECT_MAX: i64 = 2;
/// Of one project's jobs, in hand.
pub const IN_HAND_MAX: usize = 6;
const LEASE: Duration = Duration::from_mins(1);
const IDLE: Pause = Pause::between(Duration::from_millis(500), Duration::from_secs(1));
/// How often the end of a job is recorded when the database does not answer; then its lease runs out.
const FINISH_ATTEMPTS: u32 = 4;
/// How long each attempt waits for a database that is away: a message that was sent and not recorded is sent again.
const FINISH_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn work(worker: &Worker, mut shutdown: watch::Receiver<bool>) {
    let (mut running, mut idle, mut faults) = (JoinSet::new(), IDLE, Pause::after_faults());
    let in_hand = InHand::default();
    while !*shutdown.borrow() && shutdown.has_changed().is_ok() {
        while running.try_join_next().is_some() {}
        let full = in_hand.full();
        let installation = &worker.installation;
        let pause = match claim(installation, AT_ONCE_MAX - running.len(), None, &full).await {
            Ok(claimed) => {
                faults.reset();
                if !claimed.is_empty() {
                    idle.reset();
                }
                for job in claimed {
                    running.spawn(carry_out(worker.clone(), in_hand.take(&job.project), job));
                }
                idle.take()
            }
            Err(error) => {
                log(&error, "jobs cannot be claimed");
                faults.take()
            }
        };
        let away = installation.is_away();
        tokio::select! {
            () = stopped(&mut shutdown) => {}
            () = sleep(pause) => {}
            () = installation.until_there(), if away => faults.reset(),
            // There is room for another: full batches follow each other without a pause.
            Some(_) = running.join_next() => {}
        }
    }
    worker.courier.stop_waiting();
    while running.join_next().await.is_some() {}
}

pub(crate) async fn work_off(worker: &Worker, only: &[Project]) -> Result<usize, Fault> {
    let installation = &worker.installation;
    let mut count = 0;
    loop {
        let claimed = claim(installation, AT_ONCE_MAX, Some(only), &[]).await?;
        if claimed.is_empty() {
            return Ok(count);
        }
        for job in claimed {
            // In this very task, so that a panic is the test's.
            let verdict = run::run(worker, &job).await;
            installation.finish(&job, &verdict).await?;
            count += 1;
        }
    }
}

/// How many jobs of each project are in hand, so that one whose relay hangs does not hold them all.
#[derive(Clone, Default)]
struct InHand(Arc<Mutex<HashMap<ProjectId, (Project, usize)>>>);

impl InHand {
    fn take(&self, project: &Project) -> Held {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(project.id())
            .or_insert_with(|| (project.clone(), 0))
            .1 += 1;
        Held(self.clone(), project.id())
    }

    fn full(&self) -> Vec<Project> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = all.values().filter(|(_, count)| *count >= IN_HAND_MAX);
        full.map(|(project, _)| project.clone()).collect()
    }
}

/// One of a project's jobs, for as long as it runs.
struct Held(InHand, ProjectId);

impl Drop for Held {
    fn drop(&mut self) {
        let mut all = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = all.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.1);
            }
        }
    }
}

async fn claim(
    installation: &Installation,
    jobs_max: usize,
    only: Option<&[Project]>,
    except: &[Project],
) -> Result<Vec<Claimed>, Fault> {
    if jobs_max == 0 {
        return Ok(Vec::new());
    }
    let claim = Claim {
        jobs_max: i64::try_from(jobs_max).unwrap_or(i64::MAX),
        per_project_max: PER_PROJECT_MAX,
        lease: LEASE,
        only,
        except,
    };
    installation.claim(claim).await
}

/// One job from its claim to its verdict.
async fn carry_out(worker: Worker, _held: Held, claimed: Claimed) {
    let installation = &worker.installation;
    let claimed = Arc::new(claimed);
    let mut work = JoinSet::new();
    let (of_task, job) = (worker.clone(), Arc::clone(&claimed));
    let span = tracing::info_span!("job", kind = ?claimed.job, project = claimed.project.slug());
    work.spawn(async move { run::run(&of_task, &job).await }.instrument(span));
    let half = LEASE / 2;
    let mut renewal = interval_at(Instant::now() + half, half);
    let verdict = loop {
        tokio::select! {
            Some(ended) = work.join_next() => break ended.unwrap_or_else(|panic| run::panicked(&claimed, &panic)),
            _ = renewal.tick() => match installation.renew(&claimed, LEASE).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(job = ?claimed.job, project = claimed.project.slug(), "the lease was lost: another worker does it");
                    // Dropping the set ends the task.
                    return;
                }
                Err(error) => log(&error, "a lease cannot be renewed"),
            },
        }
    };
    finish(installation, &claimed, &verdict).await;
}

async fn finish(installation: &Installation, claimed: &Claimed, verdict: &Verdict) {
    let mut pause = Pause::after_faults();
    for attempt in 1..=FINISH_ATTEMPTS {
        match installation.finish(claimed, verdict).await {
            Ok(()) => return,
            Err(error) => log(&error, "the end of a job cannot be recorded"),
        }
        if attempt < FINISH_ATTEMPTS {
            sleep(pause.take()).await;
            let _ = timeout(FINISH_PATIENCE, installation.until_there()).await;
        }
    }
}

fn log(error: &Fault, what: &'static str) {
    if error.was_told() {
        return;
    }
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
