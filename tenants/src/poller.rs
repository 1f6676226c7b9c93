//! Reads what has changed, on a connection of its own, and so finds out whether the database is there.
//!
//! A statement that is not answered in time takes its connection along: a peer that vanished without a word would
//! keep it for a quarter of an hour.

use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::{Fault, invalidation::Invalidations};

/// As long as others wait for a connection.
const POLL_SECONDS_MAX: Duration = Duration::from_secs(5);
/// Names may lead elsewhere by then.
const CONNECTION_MINUTES_MAX: Duration = Duration::from_mins(12);

/// What asks.
pub(crate) struct Poller {
    options: PgConnectOptions,
    kept: Option<(PgConnection, Instant)>,
}

impl Poller {
    /// Opens nothing yet.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            kept: None,
        }
    }

    /// Read what has changed since the last time.
    pub(crate) async fn poll(&mut self, heard: &Invalidations) -> Result<(), Fault> {
        let anew = self.kept.is_none();
        let asked = timeout(POLL_SECONDS_MAX, self.ask(heard)).await;
        match asked {
            // A connection that was closed meanwhile says nothing of the database.
            Ok(Err(Fault::Unavailable(_))) if !anew => {}
            Ok(asked) => return asked,
            Err(_) => return Err(late()),
        }
        let asked = timeout(POLL_SECONDS_MAX, self.ask(heard)).await;
        asked.unwrap_or_else(|_| Err(late()))
    }

    /// The connection is kept when all went well.
    async fn ask(&mut self, heard: &Invalidations) -> Result<(), Fault> {
        if self.is_due() {
            self.renew().await?;
        }
        let Some((mut connection, since)) = self.kept.take() else {
            return Err(late());
        };
        heard.poll(&mut connection).await?;
        self.kept = Some((connection, since));
        Ok(())
    }

    fn is_due(&self) -> bool {
        let since = self.kept.as_ref().map(|(_, since)| since.elapsed());
        since.is_none_or(|age| age > CONNECTION_MINUTES_MAX)
    }

    /// A connection that serves is not given up for one that is refused, as by a database with too many of them.
    async fn renew(&mut self) -> Result<(), Fault> {
        match PgConnection::connect_with(&self.options).await {
            Ok(fresh) => {
                if let Some((old, _)) = self.kept.replace((fresh, Instant::now())) {
                    let _ = old.close().await;
                }
                Ok(())
            }
            Err(_) if self.kept.is_some() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn close(self) {
        if let Some((connection, _)) = self.kept {
            let _ = connection.close().await;
        }
    }
}

fn late() -> Fault {
    Fault::Unavailable(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
}
