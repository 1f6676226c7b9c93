//! Keeps spare schemas ready, so that a project is made in milliseconds. Needs the owner login.

use std::time::Duration;

use tenants::Installation;
use tokio::{sync::watch, time::sleep};

use crate::{pause::Pause, stopped};

/// How often the spares are counted when no project waits for one.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) async fn keep(installation: &Installation, mut shutdown: watch::Receiver<bool>) {
    if !installation.has_owner() {
        tracing::warn!(
            "INSULA_OWNER_DATABASE_URL is not set: this worker makes no spare schemas and carries out no deletions"
        );
        return;
    }
    tokio::select! {
        // A schema half made is rolled back.
        () = stopped(&mut shutdown) => {}
        () = forever(installation) => {}
    }
}

async fn forever(installation: &Installation) {
    let mut faults = Pause::after_faults();
    loop {
        match installation.keep_slots().await {
            Ok(kept) => {
                faults.reset();
                if kept.made + kept.roles_dropped > 0 {
                    tracing::info!(
                        made = kept.made,
                        roles_dropped = kept.roles_dropped,
                        "spare schemas"
                    );
                }
                installation.until_slots_are_wanted(LOOK_EVERY).await;
            }
            Err(error) => {
                if !error.was_told() {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "spare schemas cannot be made"
                    );
                }
                let away = installation.is_away();
                tokio::select! {
                    () = sleep(faults.take()) => {}
                    () = installation.until_there(), if away => faults.reset(),
                }
            }
        }
    }
}
