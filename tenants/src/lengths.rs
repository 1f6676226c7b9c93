//! How long what comes from outside may be before anything is done with it that costs more.

/// Limits in bytes, the same for every project. An installation can raise them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of the body of a self-service request.
    pub submission: usize,
    /// Of an identity's traits, as JSON.
    pub traits: usize,
    /// Of what a flow keeps of what was typed, as JSON, `transient_payload` included.
    pub typed: usize,
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            submission: 256 << 10,
            traits: 64 << 10,
            typed: 16 << 10,
        }
    }
}
