//! Every numbered text a form can show (docs/wire.md, W5.1). Clients translate by `id` with the values in
//! `context` and fall back to `text`; so ids and context keys are fixed, the wording is ours. Functions are
//! named after what they say. `info` holds labels and notices, `refusal` the errors, `reason` those that
//! share an id.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

mod info;
mod reason;
mod refusal;
#[cfg(test)]
mod tests;

pub use info::*;
pub use reason::*;
pub use refusal::*;

/// A numbered text: `{id, text, type, context?}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = UiText)]
pub struct Message {
    /// What clients translate by.
    pub id: u32,
    /// English, for clients that do not know the id.
    pub text: String,
    /// How to show it.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// The values in the text, typed; the key is absent when there are none.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
}

/// How a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = UiTextType)]
#[expect(missing_docs, reason = "each is what it says")]
pub enum MessageType {
    Info,
    Error,
    Success,
}

impl Message {
    fn new(id: u32, kind: MessageType, text: impl Into<String>) -> Self {
        Self {
            id,
            text: text.into(),
            kind,
            context: Map::new(),
        }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }

    /// A moment, as RFC 3339 in UTC under `key` and as Unix seconds under `key_unix`.
    fn at(self, key: &str, when: Moment) -> Self {
        self.with(key, rfc3339(when))
            .with(&format!("{key}_unix"), when.timestamp())
    }
}

/// A point in time, UTC.
type Moment = chrono::DateTime<chrono::Utc>;

fn rfc3339(when: Moment) -> String {
    when.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn info(id: u32, text: impl Into<String>) -> Message {
    Message::new(id, MessageType::Info, text)
}

fn success(id: u32, text: impl Into<String>) -> Message {
    Message::new(id, MessageType::Success, text)
}

fn error(id: u32, text: impl Into<String>) -> Message {
    Message::new(id, MessageType::Error, text)
}

/// Functions for the texts without values: `name = kind id "text"`.
macro_rules! plain {
    ($($name:ident = $kind:ident $id:literal $text:literal;)*) => {
        $(
            #[doc = concat!("Message ", $id, " (", stringify!($kind), "): ", $text)]
            pub fn $name() -> Message {
                $kind($id, $text)
            }
        )*

        /// All of the above, for the test that compares them with those of Kratos.
        #[cfg(test)]
        pub(super) fn every_plain() -> Vec<Message> {
            vec![$($name()),*]
        }
    };
}
use plain;
