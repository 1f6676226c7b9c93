//! What an identity signs in with.

pub mod code;
mod kind;
pub mod password;
pub mod password_hash;
pub mod store;
mod write;

pub use kind::CredentialKind;
pub use write::CredentialWrite;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// One credential of an identity.
#[derive(Clone, Debug)]
pub struct Credential {
    /// `password`, `code`, `webauthn` …
    pub kind: String,
    /// Under which it is found, sorted.
    pub identifiers: Vec<String>,
    /// Depends on the kind; empty while the identifier is taken but nothing is set up.
    pub config: Value,
    /// Of the configuration's shape.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Credential {
    /// As its owner sees it: without configuration.
    pub fn outline(&self) -> Value {
        self.view(false)
    }

    /// As administrators see it: `config` only when it was asked for, then also when there is nothing in it.
    pub(crate) fn view(&self, disclose: bool) -> Value {
        let mut view = Map::new();
        view.insert("type".into(), json!(self.kind));
        view.insert("identifiers".into(), json!(self.identifiers));
        if disclose {
            let config = self.config.as_object().cloned().unwrap_or_default();
            view.insert("config".into(), Value::Object(config));
        }
        view.insert("version".into(), json!(self.version));
        view.insert("created_at".into(), json!(self.created_at));
        view.insert("updated_at".into(), json!(self.updated_at));
        Value::Object(view)
    }
}
