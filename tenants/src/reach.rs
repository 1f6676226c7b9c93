//! Is the database there? One prober finds out, the reading of changes (`cluster.rs`); all others ask here
//! before a connection is waited for. So while the database is away a request fails at once instead of waiting with
//! all the others, and the first good answer lets all go on.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use sqlx::error::DatabaseError;
use tokio::sync::watch;

use crate::Fault;

/// What the prober found out.
#[derive(Debug)]
pub(crate) struct Reach {
    away_since: watch::Sender<Option<Instant>>,
    /// It answers, and changes cannot be read all the same.
    unreadable: AtomicBool,
    /// It answers, but follows another one: what it says may be old, and is as good as nothing.
    standby: AtomicBool,
}

impl Reach {
    /// There, until the prober finds out otherwise.
    pub(crate) fn new() -> Self {
        Self {
            away_since: watch::Sender::new(None),
            unreadable: AtomicBool::new(false),
            standby: AtomicBool::new(false),
        }
    }

    /// How the prober fared. Told when it is another way than before; `before_back` is done before a request hears that
    /// the database is back.
    pub(crate) fn heard(&self, polled: Result<(), Fault>, before_back: impl FnOnce()) {
        let standby = matches!(&polled, Err(Fault::Standby));
        self.standby.store(standby, Ordering::Relaxed);
        match &polled {
            Err(error) if !is_answer(error) => self.lost(error),
            Ok(()) | Err(_) => self.found(before_back),
        }
        let unreadable = matches!(&polled, Err(error) if is_answer(error));
        if self.unreadable.swap(unreadable, Ordering::Relaxed) == unreadable {
            return;
        }
        match &polled {
            Err(error) if unreadable => tracing::warn!(
                error = error as &dyn std::error::Error,
                "changes cannot be read; caches are bypassed"
            ),
            Ok(()) => tracing::warn!("changes are read again"),
            Err(_) => {}
        }
    }

    /// It does not answer.
    fn lost(&self, error: &Fault) {
        let newly = self.away_since.send_if_modified(|since| {
            let newly = since.is_none();
            since.get_or_insert_with(Instant::now);
            newly
        });
        if newly {
            metrics::gauge!("insula_database_away").set(1.0);
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "the database is away: changes cannot be read, caches are bypassed, and what needs it is answered 503 until it is back"
            );
        }
    }

    /// It answers.
    fn found(&self, before_back: impl FnOnce()) {
        if self.is_away() {
            before_back();
        }
        let mut since = None;
        self.away_since.send_if_modified(|state| {
            since = state.take();
            since.is_some()
        });
        if let Some(since) = since {
            metrics::gauge!("insula_database_away").set(0.0);
            tracing::warn!(
                seconds = since.elapsed().as_secs_f64(),
                "the database is back"
            );
        }
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away_since.borrow().is_some()
    }

    /// Is it away because it is a standby?
    pub(crate) fn is_standby(&self) -> bool {
        self.is_away() && self.standby.load(Ordering::Relaxed)
    }

    /// Resolves when it is away.
    pub(crate) async fn until_away(&self) {
        // The sender lives as long as this.
        let _ = self.away_since.subscribe().wait_for(Option::is_some).await;
    }

    /// Resolves when it is there.
    pub(crate) async fn until_there(&self) {
        let _ = self.away_since.subscribe().wait_for(Option::is_none).await;
    }
}

/// Does the database say this itself, and so answers? A standby does not count. One that is full or busy (classes 53 and 55, 57014, 40P01) may
/// serve others; one that starts, stops or is out of reach of a pooler (57P and 08) serves no request.
fn is_answer(error: &Fault) -> bool {
    let cause = match error {
        Fault::Standby => return false,
        Fault::Unavailable(cause) => cause,
        _ => return true,
    };
    let code = cause.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| !code.starts_with("57P") && !code.starts_with("08"))
}

/// What is said instead of waiting.
#[derive(Debug, thiserror::Error)]
#[error("it is known to be away, and was not waited for")]
struct NotWaitedFor;

pub(crate) fn away() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(NotWaitedFor))
}

impl Fault {
    /// Does it say nothing but that the database is away, which was told when that began?
    pub fn was_told(&self) -> bool {
        let Self::Unavailable(sqlx::Error::Io(error)) = self else {
            return false;
        };
        error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<NotWaitedFor>)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn refused() -> Result<(), Fault> {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        Err(Fault::Unavailable(refused.into()))
    }

    #[test]
    fn it_is_away_from_the_first_failure_to_the_first_answer() {
        let reach = Reach::new();
        assert!(!reach.is_away() && reach.until_away().now_or_never().is_none());
        reach.heard(refused(), || panic!("nothing is back"));
        reach.heard(refused(), || panic!("nothing is back"));
        assert!(reach.is_away() && reach.until_away().now_or_never().is_some());
        assert!(reach.until_there().now_or_never().is_none());
        let mut was_away = false;
        reach.heard(Ok(()), || was_away = reach.is_away());
        assert!(was_away, "it is told afterwards");
        reach.heard(Ok(()), || panic!("it was there all along"));
        assert!(!reach.is_away() && reach.until_there().now_or_never().is_some());
    }

    /// A database that says something is there, whatever it says.
    #[test]
    fn what_answers_is_there() {
        let reach = Reach::new();
        reach.heard(refused(), || {});
        reach.heard(Err(Fault::broken("unreadable watermark")), || {});
        assert!(!reach.is_away());
        assert!(reach.unreadable.load(Ordering::Relaxed));
        reach.heard(refused(), || {});
        assert!(reach.is_away() && !reach.unreadable.load(Ordering::Relaxed));
    }

    /// What it says may be old, so nothing is asked of it.
    #[test]
    fn a_standby_is_not_there() {
        let reach = Reach::new();
        reach.heard(Err(Fault::Standby), || {});
        assert!(reach.is_away() && reach.is_standby());
        reach.heard(refused(), || {});
        assert!(reach.is_away() && !reach.is_standby());
        reach.heard(Ok(()), || {});
        assert!(!reach.is_away() && !reach.is_standby());
    }

    #[test]
    fn what_was_not_waited_for_was_told() {
        assert!(Fault::from(away()).was_told());
        assert!(!refused().unwrap_err().was_told());
    }
}
