//! The sign-in methods, one folder each. Which takes part in which flow says `catalog.rs`.

pub mod account;
pub mod code;
pub mod identifier_first;
pub mod link;
pub mod password;
pub mod profile;
