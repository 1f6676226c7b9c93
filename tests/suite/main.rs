//! The black-box suite: one binary, one server, one runtime.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod administration;
mod bad_input;
mod breaches;
mod cancellation;
mod code;
mod configuration;
mod courier;
mod faults;
mod fixture;
mod golden;
mod graphql;
mod guesses;
mod invalidation;
mod isolation;
mod isolation_table;
mod keys;
mod lifecycle;
mod limits;
mod login;
mod logout;
mod migrate;
mod openapi;
mod pages;
mod queue;
mod recovery;
mod registration;
mod replicas;
mod review;
mod routes_are_covered;
mod screens;
mod sdk;
mod session_cookies;
mod sessions;
mod settings;
mod start_up;
mod traps_are_covered;
mod verification;
