//! Opens an installation, waiting a while for a database that is still starting.

use std::{io::ErrorKind, time::Duration};

use tenants::{Fault, Installation};
use tokio::{net::TcpListener, time::Instant};

use crate::{
    Failure,
    args::installation::InstallationArgs,
    settings::{self, Known},
};

const WAIT: Duration = Duration::from_secs(30);
/// The setting for the listener of metrics and health.
pub(crate) const METRICS: &str = "--metrics-listen";
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Repeat `attempt` while the database does not answer, for half a minute.
pub(crate) async fn patiently<T>(
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<T, Fault>,
) -> Result<T, Failure> {
    let deadline = Instant::now() + WAIT;
    let mut told = false;
    loop {
        let ended = attempt().await;
        let Err(fault @ Fault::Unavailable(_)) = &ended else {
            return Ok(ended?);
        };
        let error = crate::failure::chain(fault);
        if Instant::now() + TRY_EVERY >= deadline {
            return Err(Failure::Failed(format!(
                "{what} did not answer within {} s: {}",
                WAIT.as_secs(),
                error
            )));
        }
        if !told {
            told = true;
            tracing::info!(error, "waiting up to {} s for {what}", WAIT.as_secs());
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
}

/// Connect to an installation whose database was migrated.
pub(crate) async fn installation(
    args: &InstallationArgs,
    known: &Known,
) -> Result<Installation, Failure> {
    // What is wrong with a setting is told before the database is asked.
    settings::installation(args, known)?;
    patiently("the database (DATABASE_URL)", async || {
        let settings = settings::installation(args, known)
            .map_err(|_| Fault::broken("a setting is no longer valid"))?;
        Installation::connect(settings).await
    })
    .await
    .map_err(hint)
}

/// The gate login, and perhaps the database, are missing before the first migration.
pub(crate) fn hint(failure: Failure) -> Failure {
    match failure {
        Failure::Failed(text) if text.contains("does not exist") => {
            Failure::Failed(format!("{text}; run `insula migrate` first"))
        }
        other => other,
    }
}

/// Listen, or say which setting to change.
pub(crate) async fn bind(address: &str, setting: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse if setting == METRICS => format!(
                "\n  another process has that port, and each `serve` and `work` on one machine needs one of its own for \
                 its metrics: take another port with {setting} (INSULA_METRICS_LISTEN)"
            ),
            ErrorKind::AddrInUse => {
                format!("\n  another server has that port: take another port with {setting}")
            }
            _ => String::new(),
        };
        Failure::Failed(format!(
            "cannot listen on {address} ({setting}): {error}{hint}"
        ))
    })
}
