//! SIGINT and SIGTERM: the first asks to stop in good order, the second stops at once.

use std::time::{Duration, Instant};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::Failure;

/// Supervisors that signal a process and its group are heard twice, and mean it once.
const SAME_WISH: Duration = Duration::from_millis(500);
/// As a shell tells an end by SIGINT.
const AT_ONCE: i32 = 130;

/// Becomes true with the first signal.
pub(crate) type Stop = watch::Receiver<bool>;

/// Hear signals from now on.
pub(crate) fn listen() -> Result<Stop, Failure> {
    let hear = |kind| signal(kind).map_err(|error| Failure::of(&error));
    let (mut interrupt, mut terminate) = (
        hear(SignalKind::interrupt())?,
        hear(SignalKind::terminate())?,
    );
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let mut first = None;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match first {
                None => {
                    first = Some(Instant::now());
                    tracing::info!("stopping; a second signal stops at once");
                    sender.send_replace(true);
                }
                Some(at) if at.elapsed() < SAME_WISH => {}
                Some(_) => {
                    tracing::warn!("stopped at once");
                    // A private PostgreSQL is stopped by its watcher.
                    std::process::exit(AT_ONCE);
                }
            }
        }
    });
    Ok(receiver)
}

/// Resolves when it is time to stop.
pub(crate) async fn requested(mut stop: Stop) {
    // An error says that no sender is left that could ask us to go on.
    let _ = stop.wait_for(|stop| *stop).await;
}
