//! What is reported of a document that is not accepted.

use serde::Serialize;

/// Something in a document that keeps it from being accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigViolation {
    /// Where, by RFC 6901; empty for the document itself.
    pub pointer: String,
    /// What is wrong, for the author of the document; never repeats a secret.
    pub message: String,
}

impl ConfigViolation {
    /// Where, and what is wrong there.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}
