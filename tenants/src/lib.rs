//! Placeholder until the first step lands.

pub mod outbound;
pub mod secrets;
