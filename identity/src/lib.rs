//! People: their identities, credentials, addresses and sessions.
//! Knows nothing of flows, HTTP or how a mail leaves the house.

pub mod credentials;
pub mod normalize;
pub mod schema;
