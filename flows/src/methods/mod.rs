//! The sign-in methods, one folder each.

pub mod password;
