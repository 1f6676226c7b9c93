//! The five kinds of flow, and the end of a session. A kind names no method: what takes part in it stands in
//! `catalog.rs`.

pub mod login;
pub mod logout;
pub mod recovery;
pub mod registration;
pub mod settings;
pub mod verification;
