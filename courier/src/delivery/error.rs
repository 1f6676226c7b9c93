//! What went wrong, in three kinds; what follows from it is said in `verdict`.

/// Why a message did not leave. The texts are shown to administrators.
#[derive(Debug)]
pub(crate) enum DeliveryError {
    /// May be over next time.
    Passing(String),
    /// This message, for good.
    Refused(String),
    /// The relay, or how it is set up: no message's fault.
    Relay(String),
}

impl DeliveryError {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Passing(why) | Self::Refused(why) | Self::Relay(why) => why,
        }
    }
}
