//! A server from its first moment to its last, over the database of a world: what can be seen of it, and how
//! it ends.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod bounds;
mod graceful;
mod log;
mod observed;
mod outage;
mod server;
