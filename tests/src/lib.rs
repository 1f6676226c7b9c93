//! The fixture of the suite: one private PostgreSQL per run, one [`World`] per test; and the language that
//! tests are told in: clients of three kinds ([`Client`]), `forms`, [`people`], and the [`mailbox`].
//!
//! A test makes projects, not databases: our tenancy is its isolation. Only what looks at the whole
//! queue, at slots or at migrations takes a database of its own ([`Database::own`]).

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod answer;
mod client;
mod forms;
pub mod golden;
pub mod mail;
pub mod mailbox;
mod openapi;
pub mod people;
mod postgres;
pub mod relay;
mod site;
pub mod text;
mod world;

use std::{
    future::Future,
    sync::LazyLock,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

pub use answer::Answer;
pub use client::{Client, Kind};
pub use people::{ADA, BOB, OTHER_PASSWORD, PASSWORD};
pub use postgres::{Database, MASTER_KEY};
pub use site::{ROOT_KEY, Site, cheap};
pub use tests_macros::story;
pub use world::{World, fingerprint, fresh_slug};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // A fault's cause is in the log alone: on standard error, of which the harness shows what fails.
    let log =
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::ERROR);
    let _ = log.with_writer(std::io::stderr).try_init();
    Runtime::new().unwrap()
});

/// Runs a test on the one runtime of the binary; transactions it holds are counted (`tenants::open_transactions`).
pub fn run<F: Future>(test: F) -> F::Output {
    RUNTIME.block_on(tenants::open_transactions::scope(test))
}

/// Asks until the answer is yes, and tells how long that took. Panics after `limit`.
pub async fn eventually(
    what: &str,
    limit: Duration,
    mut is_so: impl AsyncFnMut() -> bool,
) -> Duration {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}

/// The SQLSTATE of an error that PostgreSQL answered.
pub fn sqlstate(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
