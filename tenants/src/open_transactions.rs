//! Proof, in debug builds, that no transaction is held across a wait that is not Postgres.
//!
//! The request layer and the tests open a scope; `Tx` counts itself in and out; hashing and outgoing
//! calls assert that the count is zero. Outside a scope nothing is counted.

use std::{cell::Cell, future::Future};

tokio::task_local! {
    static OPEN: Cell<u32>;
}

/// Run `work` with a counter of its own.
pub async fn scope<F: Future>(work: F) -> F::Output {
    OPEN.scope(Cell::new(0), work).await
}

/// Panics in debug builds when the running task holds a transaction.
pub fn assert_none(doing: &str) {
    if cfg!(debug_assertions) {
        let open = OPEN.try_with(Cell::get).unwrap_or(0);
        assert!(open == 0, "{open} transaction(s) held while {doing}");
    }
}

/// Counts one transaction for as long as it lives.
#[derive(Debug)]
pub(crate) struct TxGuard(());

impl TxGuard {
    pub(crate) fn new() -> Self {
        let _ = OPEN.try_with(|open| open.set(open.get() + 1));
        Self(())
    }
}

impl Drop for TxGuard {
    fn drop(&mut self) {
        let _ = OPEN.try_with(|open| open.set(open.get().saturating_sub(1)));
    }
}
