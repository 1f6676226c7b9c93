//! The suite: one binary, one server, one runtime.
//!
//! A test is a black-box test: it speaks HTTP alone, as programs, browsers and administrators do. What stands
//! in for the rest of the world belongs to the fixture: the clock, the mailbox, the worker's turn, and
//! projects and their configuration as an operator sets them up. Where a test looks further inside, at rows
//! or into a crate, the head of its file says `Looks inside:` and at what (`coverage/heads.rs` compares).

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod admin;
mod courier;
mod coverage;
mod flows;
mod graphql;
mod methods;
mod robustness;
mod sessions;
mod tenancy;
mod wire;
