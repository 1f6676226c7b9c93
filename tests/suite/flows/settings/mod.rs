//! Change what is stored, as the three kinds of client see it.

mod access;
mod account;
mod flow;
mod notices;
mod password;
mod pending_change;
mod pending_change_outdated;
mod profile;
mod races;
mod reauthentication;

use serde_json::{Value, json};

/// E-mail, a name and a box to tick.
pub(crate) fn basic() -> Value {
    json!({"identity": {"default_schema_id": "preset://basic"}})
}
