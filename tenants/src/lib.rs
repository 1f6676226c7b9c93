//! Placeholder until the first step lands.

pub mod config;
pub mod outbound;
pub mod secrets;
