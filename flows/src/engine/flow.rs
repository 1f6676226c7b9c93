//! A flow: one visitor's way through a form, from the first page to its end. Five kinds, one struct, one table.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenants::ids;
use uuid::Uuid;

use super::{
    cx::Cx,
    hook::About,
    kind::Kind,
    strategy::{ActiveScreen, TakesOver},
};
use crate::ui::{InputNode, Ui};

pub use super::init::Transport;

/// `state` before anything was chosen.
pub const CHOOSE_METHOD: &str = "choose_method";
/// `state` once a code is on its way, whatever the channel.
pub const SENT: &str = "sent_email";
/// `state` once the code came back.
pub const PASSED: &str = "passed_challenge";

/// One flow. Stored as JSON, so that five kinds share five queries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Flow<K: Kind> {
    /// UUIDv4.
    pub id: Uuid,
    /// Goes up whenever the flow goes on; not part of the stored JSON.
    #[serde(skip)]
    pub version: i32,
    /// Whether a browser or an API client began it.
    pub transport: Transport,
    /// The absolute URL of the init request.
    pub request_url: String,
    /// Where to go at the end, as it was asked for.
    pub return_to: Option<String>,
    /// When it began.
    pub issued_at: DateTime<Utc>,
    /// When it can no longer be submitted.
    pub expires_at: DateTime<Utc>,
    /// The method last used.
    pub active: Option<String>,
    /// `choose_method`, `sent_email` …
    #[serde(rename = "step")]
    pub state: String,
    /// Sent along by the client with the last submission.
    pub transient_payload: Option<Value>,
    /// The schema chosen at init, when it is not the default.
    pub identity_schema: Option<String>,
    /// What this kind remembers.
    #[serde(rename = "state")]
    pub data: K::Data,
    /// The form as it was last drawn.
    pub ui: Ui,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a flow is begun with.
pub struct NewFlow<K: Kind> {
    /// Whether a browser or an API client begins it.
    pub transport: Transport,
    /// The absolute URL of the init request.
    pub request_url: String,
    /// Allowed.
    pub return_to: Option<String>,
    /// One that visitors may choose.
    pub identity_schema: Option<String>,
    /// How long it can be used.
    pub lifespan: std::time::Duration,
    /// What its kind remembers.
    pub data: K::Data,
    /// Its state at the beginning.
    pub state: &'static str,
}

impl<K: Kind> Flow<K> {
    /// A flow not yet drawn or stored.
    pub fn new(cx: &Cx<'_>, new: NewFlow<K>) -> Self {
        let (id, now) = (ids::v4(), cx.project.now());
        let action = format!(
            "{}/self-service/{}?flow={id}",
            cx.project.base_url(),
            K::NAME
        );
        Self {
            id,
            version: 1,
            transport: new.transport,
            request_url: new.request_url,
            return_to: new.return_to,
            issued_at: now,
            expires_at: now + new.lifespan,
            active: None,
            state: new.state.to_owned(),
            transient_payload: None,
            identity_schema: new.identity_schema,
            data: new.data,
            ui: Ui::new(action),
            updated_at: now,
        }
    }

    /// The method whose screen is shown, if one has taken the form over.
    pub fn active_screen(&self) -> Option<ActiveScreen> {
        K::strategies().iter().find_map(|strategy| {
            let takes_over = strategy.takes_over(self)?;
            Some(ActiveScreen {
                method: strategy.id(),
                exclusive: takes_over == TakesOver::Alone,
            })
        })
    }

    /// What hooks may know of it.
    pub fn about(&self) -> About<'_> {
        About {
            kind: K::NAME,
            flow_id: self.id,
            transport: self.transport,
            request_url: &self.request_url,
            return_to: self.return_to.as_deref(),
            active: self.active.as_deref(),
            transient_payload: self.transient_payload.as_ref(),
        }
    }

    /// The masked token that the form carries; empty in api flows.
    pub fn csrf_token(&self) -> &str {
        let node = self.ui.find("csrf_token").and_then(|node| node.input());
        node.and_then(|input| input.value.as_ref())
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A code is on its way, and the form waits for it.
    pub fn awaits_code(&self) -> bool {
        self.state == SENT
    }

    /// A code was sent, whether it came back or not: its screen stays.
    pub fn has_sent_code(&self) -> bool {
        self.awaits_code() || self.state == PASSED
    }

    /// The CSRF field with a fresh mask; empty in api flows.
    pub(crate) fn csrf_node(&self, cx: &Cx<'_>) -> InputNode {
        crate::ui::csrf_token(match self.transport {
            Transport::Browser => cx.client.masked_csrf(),
            Transport::Api => String::new(),
        })
    }

    /// How many bytes it may still keep of what was typed, besides the payload that came with it.
    pub(crate) fn typed_bytes_left(&self, cx: &Cx<'_>) -> usize {
        let payload = self.transient_payload.as_ref();
        let kept = payload.map_or(0, |payload| payload.to_string().len());
        cx.project.lengths().typed.saturating_sub(kept)
    }

    /// Go on to another state.
    pub fn go_to(&mut self, state: &str) {
        state.clone_into(&mut self.state);
    }

    /// Past its time?
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at < now
    }

    /// As clients see it (docs/wire.md, W3.2).
    pub fn view(&self) -> Value {
        let mut view = Map::new();
        view.insert("id".into(), json!(self.id));
        // Always there, null when unset: strict clients look for the key.
        view.insert("organization_id".into(), Value::Null);
        view.insert("type".into(), json!(self.transport));
        view.insert("expires_at".into(), json!(self.expires_at));
        view.insert("issued_at".into(), json!(self.issued_at));
        view.insert("request_url".into(), json!(self.request_url));
        let optional = [
            ("return_to", self.return_to.as_ref().map(|v| json!(v))),
            ("active", self.active.as_ref().map(|v| json!(v))),
            (
                "identity_schema",
                self.identity_schema.as_ref().map(|v| json!(v)),
            ),
            ("transient_payload", self.transient_payload.clone()),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                view.insert(key.into(), value);
            }
        }
        view.insert("ui".into(), json!(self.ui));
        view.insert("state".into(), json!(self.state));
        K::extra_fields(self, &mut view);
        Value::Object(view)
    }
}
