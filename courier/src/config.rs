//! The configuration of outgoing messages: `courier` and `insula.courier`. No `Debug`:
//! it holds passwords.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use identity::schema::Via;
use serde::Deserialize;
use serde_json::Value;
use tenants::{Section, config::units};

use crate::certificate::ClientCertificate;

const DAYS_30: Duration = Duration::from_hours(720);

/// `courier`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct CourierConfig {
    /// How mail leaves.
    pub delivery_strategy: DeliveryStrategy,
    /// The relay that takes mail.
    pub smtp: SmtpConfig,
    /// The service that takes mail instead of a relay.
    pub http: HttpConfig,
    /// Services for other channels.
    pub channels: Vec<Channel>,
    /// Attempts after the first one.
    pub message_retries: u32,
    /// Go templates by kind; read by the templates alone.
    pub(crate) templates: Value,
}

impl Section for CourierConfig {
    const POINTER: &'static str = "/courier";
}

impl CourierConfig {
    /// Is there a way for messages of that channel to leave?
    pub fn has_transport(&self, via: Via) -> bool {
        match (via, self.delivery_strategy) {
            (Via::Sms, _) => self.channels.iter().any(|channel| channel.id == "sms"),
            (Via::Email, DeliveryStrategy::Smtp) => self.smtp.connection_uri.is_some(),
            (Via::Email, DeliveryStrategy::Http) => self.http.request_config.is_some(),
        }
    }
}

impl Default for CourierConfig {
    fn default() -> Self {
        Self {
            delivery_strategy: DeliveryStrategy::Smtp,
            smtp: SmtpConfig::default(),
            http: HttpConfig::default(),
            channels: Vec::new(),
            message_retries: 5,
            templates: Value::Null,
        }
    }
}

/// How mail leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is what it says")]
pub enum DeliveryStrategy {
    Smtp,
    Http,
}

/// `courier.smtp`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct SmtpConfig {
    /// See [`crate::Relay`].
    pub connection_uri: Option<String>,
    /// The sender; there whenever a relay is.
    pub from_address: Option<String>,
    /// The sender's name; by default the project's.
    pub from_name: Option<String>,
    /// Headers to add to each mail.
    pub headers: BTreeMap<String, String>,
    /// The name that we greet the relay with.
    pub local_name: String,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            connection_uri: None,
            from_address: None,
            from_name: None,
            headers: BTreeMap::new(),
            local_name: "localhost".to_owned(),
        }
    }
}

/// `courier.http`.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HttpConfig {
    /// How mail is handed to it.
    pub request_config: Option<RequestConfig>,
}

/// One of `courier.channels`.
#[derive(Clone, PartialEq, Deserialize)]
pub struct Channel {
    /// What it carries: `sms` is the only one.
    pub id: String,
    /// How its messages are handed to the service.
    pub request_config: RequestConfig,
}

/// How a message is handed to a service.
#[derive(Clone, PartialEq, Deserialize)]
pub struct RequestConfig {
    /// An absolute URL.
    pub url: String,
    /// POST by default.
    #[serde(default = "post")]
    pub method: String,
    /// Name to value.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Jsonnet as `base64://`.
    pub body: Option<String>,
    /// How we sign in there.
    pub auth: Option<RequestAuth>,
}

fn post() -> String {
    "POST".to_owned()
}

impl RequestConfig {
    /// The Jsonnet that makes the body, if one is configured.
    pub fn snippet(&self) -> Option<String> {
        decoded(self.body.as_deref()?)
    }

    /// The configured `Content-Type`, without parameters; JSON by default.
    pub fn content_type(&self) -> &str {
        let named = |(name, _): &(&String, &String)| name.eq_ignore_ascii_case("content-type");
        let given = self.headers.iter().find(named);
        given
            .and_then(|(_, value)| value.split(';').next())
            .map_or("application/json", str::trim)
    }
}

/// The text behind `base64://`.
pub(crate) fn decoded(source: &str) -> Option<String> {
    let bytes = STANDARD.decode(source.strip_prefix("base64://")?).ok()?;
    String::from_utf8(bytes).ok()
}

/// `request_config.auth`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(tag = "type", content = "config", rename_all = "snake_case")]
#[expect(missing_docs, reason = "fields are what they are called")]
pub enum RequestAuth {
    /// HTTP Basic (RFC 7617).
    BasicAuth { user: String, password: String },
    /// A header or a cookie.
    ApiKey {
        name: String,
        value: String,
        #[serde(rename = "in")]
        place: KeyPlace,
    },
}

/// Where an API key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is what it says")]
pub enum KeyPlace {
    Header,
    Cookie,
}

/// `insula.courier`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct TextConfig {
    /// For recipients who want no other language that there is.
    pub default_language: String,
    /// Where an identity says its language, as a dotted path.
    pub language_trait: Option<String>,
    /// How long messages are kept after their end.
    #[serde(with = "units::duration")]
    pub retention: Duration,
    /// Shown to relays that ask for one.
    pub client_certificate: Option<ClientCertificate>,
    /// By template type, then by language.
    pub(crate) templates: BTreeMap<String, BTreeMap<String, ProjectTexts>>,
}

impl Section for TextConfig {
    const POINTER: &'static str = "/insula/courier";
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            default_language: "en".to_owned(),
            language_trait: None,
            retention: DAYS_30,
            client_certificate: None,
            templates: BTreeMap::new(),
        }
    }
}

/// What a project says in its own words.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectTexts {
    pub(crate) subject: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) plaintext: Option<String>,
    pub(crate) sms: Option<String>,
}

/// `insula.branding`, as far as mails show it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Branding {
    pub(crate) logo_light_url: Option<String>,
    pub(crate) logo_dark_url: Option<String>,
}

impl Section for Branding {
    const POINTER: &'static str = "/insula/branding";
}
