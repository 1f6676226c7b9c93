//! The password method.

mod breach;
mod config;
mod login;
pub mod policy;
mod registration;
mod settings;

pub use config::{HasherConfig, PasswordConfig};

/// Sign in and sign up with an identifier and a password; change the password.
pub struct Password;
