//! Outgoing messages: what there is to say, in which words and language, rendered and stored in the commit
//! that causes it. Sending is a job; nothing here opens a connection.

pub mod attempts;
mod built_in;
mod certificate;
mod check;
mod config;
mod engine;
mod go;
mod language;
mod layout;
mod mail;
mod own;
mod relay;
mod render;
mod restrict;
mod samples;
pub mod store;
#[cfg(test)]
mod tests;
mod trial;
mod variables;

pub use certificate::{ClientCertificate, client_certificate};
pub use check::check;
pub use config::{
    Channel, CourierConfig, Delivery, HttpConfig, KeyPlace, RequestAuth, RequestConfig, SmtpConfig,
    TextConfig,
};
pub use mail::{Mail, MailIdentity, Subject};
pub use relay::{Protection, Relay};
pub use render::{is_deliverable, render};
pub use store::{Content, Dispatch, Message, Status, enqueue};
