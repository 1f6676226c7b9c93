//! Removes invalidations that every replica has read.

use std::time::Duration;

use tenants::{Installation, Pruner};
use tokio::{sync::watch, time::interval};

use crate::stopped;

const EVERY: Duration = Duration::from_mins(1);

pub(crate) async fn prune(installation: &Installation, mut shutdown: watch::Receiver<bool>) {
    let (mut pruner, mut ticks) = (Pruner::default(), interval(EVERY));
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => return,
            _ = ticks.tick() => match pruner.prune(installation).await {
                Ok(rows) => tracing::debug!(rows, "invalidations pruned"),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "invalidations cannot be pruned"),
            },
        }
    }
}
