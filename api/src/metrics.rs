//! What an operator is shown: what was counted in this process, and what stands in the database. That is read when
//! it is asked for, by every process, so that an alarm rings also when no worker runs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{Unit, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use tenants::{Fault, Installation};
use tokio::{sync::Mutex, time::timeout};

/// What was read lately is shown again.
const READ_EVERY: Duration = Duration::from_secs(10);
/// Longer is not waited for; what was read last is shown.
const READ_SECONDS_MAX: Duration = Duration::from_secs(3);

/// The metrics of one process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    handle: PrometheusHandle,
    installation: Installation,
    /// When the database was last asked; held by the request that asks.
    read: Arc<Mutex<Option<Instant>>>,
}

impl Metrics {
    /// Of what `handle` collects, with the queue of that installation.
    pub fn new(handle: PrometheusHandle, installation: Installation) -> Self {
        describe();
        Self(Arc::new(Inner {
            handle,
            installation,
            read: Arc::default(),
        }))
    }

    pub(crate) fn installation(&self) -> &Installation {
        &self.0.installation
    }

    /// In the text format of Prometheus.
    pub(crate) async fn render(&self) -> String {
        self.read().await;
        self.0.handle.render()
    }

    /// In a task of its own, so that a client that hangs up leaves no half a statement behind.
    async fn read(&self) {
        let Ok(mut read) = Arc::clone(&self.0.read).try_lock_owned() else {
            return;
        };
        if read.is_some_and(|at| at.elapsed() < READ_EVERY) {
            return;
        }
        let installation = self.0.installation.clone();
        let reading = tokio::spawn(async move {
            match measure(&installation).await {
                Ok(()) => *read = Some(Instant::now()),
                Err(error) => tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the queue cannot be measured"
                ),
            }
        });
        let _ = timeout(READ_SECONDS_MAX, reading).await;
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn describe() {
    describe_gauge!("insula_jobs_due", "Jobs that could start now");
    describe_gauge!("insula_jobs_leased", "Jobs that a worker has in hand");
    describe_gauge!("insula_jobs_abandoned", "Jobs that failed for good");
    describe_gauge!(
        "insula_jobs_oldest_seconds",
        Unit::Seconds,
        "How long the oldest due job has waited"
    );
    describe_gauge!(
        "insula_messages_waiting",
        "Messages that are not sent yet, those that wait for another attempt included"
    );
    describe_gauge!(
        "insula_messages_oldest_seconds",
        Unit::Seconds,
        "How long the oldest of them has been there"
    );
    describe_counter!(
        "insula_messages_sent_total",
        "Messages that a relay or service took"
    );
    describe_counter!(
        "insula_messages_retried_total",
        "Attempts that failed and will be repeated"
    );
    describe_counter!("insula_messages_abandoned_total", "Messages given up");
    describe_gauge!("insula_spare_slots", "Schemas ready for new projects");
    describe_gauge!(
        "insula_database_away",
        "1 while the database does not answer, else 0"
    );
    describe_gauge!(
        "insula_clock_ahead_seconds",
        Unit::Seconds,
        "How far this machine's clock is before the database's"
    );
}

async fn measure(installation: &Installation) -> Result<(), Fault> {
    let depth = installation.queue_depth().await?;
    gauge!("insula_jobs_due").set(number(depth.due));
    gauge!("insula_jobs_leased").set(number(depth.leased));
    gauge!("insula_jobs_abandoned").set(number(depth.abandoned));
    gauge!("insula_jobs_oldest_seconds").set(depth.oldest.as_secs_f64());
    gauge!("insula_messages_waiting").set(number(depth.messages));
    gauge!("insula_messages_oldest_seconds").set(depth.oldest_message.as_secs_f64());
    gauge!("insula_spare_slots").set(number(depth.spare_slots));
    Ok(())
}

/// Exact up to two thousand million; a gauge beyond that needs no last digit.
fn number(count: i64) -> f64 {
    f64::from(i32::try_from(count).unwrap_or(i32::MAX))
}
