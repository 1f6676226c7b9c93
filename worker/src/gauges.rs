//! How full the queue is and how many spare schemas there are, as metrics.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, gauge};
use tenants::{Fault, Installation};
use tokio::{sync::watch, time::interval};

use crate::stopped;

const EVERY: Duration = Duration::from_secs(15);

pub(crate) async fn report(installation: &Installation, mut shutdown: watch::Receiver<bool>) {
    describe();
    let mut ticks = interval(EVERY);
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => return,
            _ = ticks.tick() => if let Err(error) = measure(installation).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "the queue cannot be measured");
            },
        }
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
}

async fn measure(installation: &Installation) -> Result<(), Fault> {
    let depth = installation.queue_depth().await?;
    gauge!("insula_jobs_due").set(number(depth.due));
    gauge!("insula_jobs_leased").set(number(depth.leased));
    gauge!("insula_jobs_abandoned").set(number(depth.abandoned));
    gauge!("insula_jobs_oldest_seconds").set(depth.oldest.as_secs_f64());
    gauge!("insula_messages_waiting").set(number(depth.messages));
    gauge!("insula_messages_oldest_seconds").set(depth.oldest_message.as_secs_f64());
    gauge!("insula_spare_slots").set(number(installation.spare_slots().await?));
    Ok(())
}

/// Exact up to two thousand million; a gauge beyond that needs no last digit.
fn number(count: i64) -> f64 {
    f64::from(i32::try_from(count).unwrap_or(i32::MAX))
}
