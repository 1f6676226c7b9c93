//! Placeholder until the first step lands.

pub mod secrets;
