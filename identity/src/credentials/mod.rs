//! What a person proves themselves with.

pub mod password_hash;
