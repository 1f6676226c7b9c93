//! What each job means, and how its failures end.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use tenants::{Claimed, Fault, Job, Verdict};
use tokio::task::JoinError;

use crate::{Worker, sweep};

/// Ten seconds, then twice as long each time, up to an hour.
const RETRY_AFTER: Duration = Duration::from_secs(10);
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// A sweep is asked for again by the next activity, so one that keeps failing need not live for ever.
const SWEEP_ATTEMPTS_MAX: u32 = 8;

/// Carry out one job. Can be repeated after a crash at any point, as every job must be.
pub(crate) async fn run(worker: &Worker, claimed: &Claimed) -> Verdict {
    let ended = match claimed.job {
        Job::SweepExpired => sweep::expired(&claimed.project).await,
        // False says that it was restored, or deleted anew under a later job: nothing to do either way.
        Job::PurgeProject => worker
            .installation
            .purge_project(&claimed.project)
            .await
            .map(|purged| tracing::info!(project = claimed.project.slug(), purged, "deletion")),
        Job::SendMessage { message } => {
            match worker.courier.send(&claimed.project, message).await {
                Ok(verdict) => return verdict,
                Err(fault) => Err(fault),
            }
        }
    };
    let project = claimed.project.slug();
    match ended {
        Ok(()) => {
            tracing::debug!(job = ?claimed.job, project, "done");
            Verdict::Done
        }
        Err(fault) => {
            tracing::warn!(job = ?claimed.job, project, attempt = claimed.attempt(),
                error = &fault as &dyn std::error::Error, "a job failed");
            failed(claimed, reason(&fault))
        }
    }
}

/// The task of a job ended without a verdict: a defect of ours, worth another attempt.
pub(crate) fn panicked(claimed: &Claimed, why: &JoinError) -> Verdict {
    tracing::error!(job = ?claimed.job, project = claimed.project.slug(), %why, "a job panicked");
    failed(claimed, "it panicked; see the log".to_owned())
}

fn failed(claimed: &Claimed, why: String) -> Verdict {
    verdict_of_failure(&claimed.job, claimed.attempt(), why)
}

fn verdict_of_failure(job: &Job, attempt: u32, why: String) -> Verdict {
    match job {
        Job::SweepExpired if attempt >= SWEEP_ATTEMPTS_MAX => Verdict::Abandon { why },
        // A deletion was promised: it is tried until it is done.
        Job::SweepExpired | Job::PurgeProject | Job::SendMessage { .. } => Verdict::Retry {
            after: retry_after(attempt),
            why,
        },
    }
}

fn retry_after(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    (RETRY_AFTER * 2u32.pow(doublings)).min(RETRY_AFTER_MAX)
}

/// The fault with its causes, for the operator.
fn reason(fault: &Fault) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(next) = cause {
        let _ = write!(text, ": {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        let seconds = |attempt| retry_after(attempt).as_secs();
        assert_eq!([1, 2, 3, 9].map(seconds), [10, 20, 40, 2560]);
        assert_eq!([10, 100, u32::MAX].map(seconds), [3600; 3]);
    }

    #[test]
    fn a_sweep_is_given_up_and_a_deletion_never() {
        let verdict = |job, attempt| verdict_of_failure(&job, attempt, "why".to_owned());
        assert!(matches!(
            verdict(Job::SweepExpired, 7),
            Verdict::Retry { .. }
        ));
        assert!(matches!(
            verdict(Job::SweepExpired, 8),
            Verdict::Abandon { .. }
        ));
        assert!(matches!(
            verdict(Job::PurgeProject, 1_000_000),
            Verdict::Retry { .. }
        ));
    }
}
