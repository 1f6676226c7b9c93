//! What a document names as a way for messages to leave.

/// A server that takes messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayOut {
    /// Where the document names it.
    pub pointer: String,
    /// A name, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Why what is sent there is not protected by TLS with a checked certificate, and what to say instead.
    pub unprotected: Option<&'static str>,
}
