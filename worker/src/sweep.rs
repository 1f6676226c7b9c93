//! Removes what has expired in one project, in short transactions.

use std::time::Duration;

use courier::{TextConfig, attempts};
use tenants::{Fault, Project};

/// Rows in one transaction: a few milliseconds of locks.
const BATCH_ROWS: i64 = 500;

/// Every bucket of guesses and mails is empty by then.
const COUNTED_FOR: Duration = Duration::from_hours(24);

/// Delete sessions, flows and messages whose time is over. The next activity of the project asks for the
/// next sweep.
pub(crate) async fn expired(project: &Project) -> Result<(), Fault> {
    let before = project.now();
    loop {
        let mut tx = project.begin().await?;
        let gone = identity::sessions::store::sweep(&mut tx, before, BATCH_ROWS).await?;
        tx.commit().await?;
        if !is_full(gone) {
            break;
        }
    }
    loop {
        let mut tx = project.begin().await?;
        let gone = flows::store::sweep(&mut tx, before, BATCH_ROWS).await?;
        tx.commit().await?;
        if !is_full(gone) {
            break;
        }
    }
    loop {
        let mut tx = project.begin().await?;
        let forgiven = before - COUNTED_FOR;
        let gone = identity::limits::sweep(&mut tx, forgiven, BATCH_ROWS).await?;
        tx.commit().await?;
        if !is_full(gone) {
            break;
        }
    }
    loop {
        let mut tx = project.begin().await?;
        let gone = identity::limits::known::sweep(&mut tx, BATCH_ROWS).await?;
        tx.commit().await?;
        if !is_full(gone) {
            break;
        }
    }
    let before = before - project.config::<TextConfig>().retention;
    loop {
        let mut tx = project.begin().await?;
        let gone = attempts::sweep(&mut tx, before, BATCH_ROWS).await?;
        tx.commit().await?;
        if !is_full(gone) {
            return Ok(());
        }
    }
}

fn is_full(gone: u64) -> bool {
    gone >= BATCH_ROWS.unsigned_abs()
}
