//! Outgoing messages: what there is to say, rendered and stored in the commit that causes it. Sending is a
//! job; nothing here opens a connection.

mod mail;
mod render;
pub mod store;

pub use mail::{Mail, MailIdentity, Subject};
pub use render::{RenderError, render};
pub use store::{Content, Dispatch, Message, Status, enqueue};
