//! Outgoing messages: what there is to say, in which words and language, stored in the commit that causes it,
//! and how it leaves. Who asks for a message, and when a job sends it, is not known here.
//!
//! ```text
//! templates ─> store ─> a job ─> delivery ─> attempts
//! ```
//! Everything but `delivery` opens no connection to anything but PostgreSQL.

pub mod attempts;
mod certificate;
mod check;
mod config;
mod delivery;
mod message;
mod recipient;
mod relay;
pub mod store;
mod templates;
#[cfg(test)]
mod tests;
mod ways_out;
mod write;

pub use certificate::ClientCertificate;
pub use check::check;
pub use config::{
    Channel, CourierConfig, DeliveryStrategy, HttpConfig, KeyPlace, RequestAuth, RequestConfig,
    SmtpConfig, TextConfig,
};
pub use delivery::{Courier, SEND_SECONDS_MAX};
pub use message::{Cause, Template};
pub use relay::{Protection, Relay};
pub use store::{Content, Dispatch, Message, Status, enqueue};
pub use templates::render;
pub use ways_out::ways_out;
pub use write::MessageWrite;
