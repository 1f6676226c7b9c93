//! The code method: a one-time code, sent to an address, proves that somebody reads it.

mod config;

pub use config::{CodeConfig, CodeRules};
