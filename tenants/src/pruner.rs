//! Removing invalidations that every replica has read.

use std::time::{Duration, Instant};

use crate::{Fault, Installation};

/// Remove rows that every replica has read: those older than a snapshot horizon noted five minutes ago.
/// Pruning by time would lose the rows of long transactions.
#[derive(Debug)]
pub struct Pruner {
    keep: Duration,
    noted: Vec<(Instant, String)>,
}

impl Default for Pruner {
    fn default() -> Self {
        Self::keeping(Duration::from_mins(5))
    }
}

impl Pruner {
    /// With another pause between noting a horizon and pruning by it. Replicas empty their memory when
    /// they were blind for four minutes, so only tests may go below five.
    #[doc(hidden)]
    pub fn keeping(keep: Duration) -> Self {
        Self {
            keep,
            noted: Vec::new(),
        }
    }

    /// To be called about once a minute. Answers how many rows went.
    pub async fn prune(&mut self, installation: &Installation) -> Result<u64, Fault> {
        let mut connection = installation.home().pools().worker.take().await?;
        let horizon = sqlx::query_scalar!(
            r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "xmin!""#
        )
        .fetch_one(&mut *connection)
        .await?;
        self.noted.push((Instant::now(), horizon));
        let Some(old) = self
            .noted
            .iter()
            .rposition(|(at, _)| at.elapsed() >= self.keep)
        else {
            return Ok(0);
        };
        let horizon = self.noted[old].1.clone();
        self.noted.drain(..old);
        let gone = sqlx::query!(
            "delete from control.invalidation where xid < $1::text::xid8",
            horizon
        )
        .execute(&mut *connection)
        .await?;
        Ok(gone.rows_affected())
    }
}
