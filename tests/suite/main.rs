//! The black-box suite: one binary, one server, one runtime.

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
