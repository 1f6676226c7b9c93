//! The black-box suite: one binary, one server, one runtime.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod bad_input;
mod breaches;
mod cancellation;
mod configuration;
mod faults;
mod fixture;
mod invalidation;
mod isolation;
mod keys;
mod lifecycle;
mod limits;
mod login;
mod migrate;
mod queue;
mod replicas;
mod start_up;
