//! Each kind of flow, as the three kinds of client go through it.

mod engine;
mod login;
mod logout;
mod recovery;
pub(crate) mod registration;
pub(crate) mod settings;
pub(crate) mod verification;
