//! The machine of all flows: what a flow is, how it begins, is submitted and ends, and what methods, hooks and
//! kinds have to be to take part. Knows no kind, no method and no hook by name.

pub mod address_proof;
pub mod after;
pub mod attempt;
pub mod begin;
pub mod continue_with;
pub mod csrf;
pub mod cx;
pub mod decision;
mod error;
pub mod errors;
pub(crate) mod fields;
pub mod flags;
pub mod flow;
pub mod form;
pub mod guard;
pub mod hook;
pub(crate) mod init;
pub mod kind;
pub mod limits;
pub(crate) mod messages;
mod outcome;
pub mod pages;
pub mod return_to;
pub(crate) mod rows;
pub mod run;
pub mod store;
pub mod strategy;
pub mod submission;
pub(crate) mod traits;
pub(crate) mod write;
