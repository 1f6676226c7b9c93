//! Judges what a project wants to send and how, when its configuration is written: nothing comes into force that
//! could only fail later, when a message is due.

use identity::{
    schema::{Address, Reach, Via},
    schemas::Schemas,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tenants::{Environment, Section, config::ConfigViolation, outbound::CLIENT_HEADERS};

use crate::{
    certificate::ClientCertificate,
    config::{
        CourierConfig, DeliveryStrategy, KeyPlace, RequestAuth, RequestConfig, TextConfig, decoded,
    },
    recipient::is_deliverable,
    relay::Relay,
    templates,
};

type Found = Vec<ConfigViolation>;

/// Headers that the sender makes.
const OUR_HEADERS: [&str; 9] = [
    "bcc",
    "cc",
    "content-transfer-encoding",
    "content-type",
    "date",
    "message-id",
    "mime-version",
    "sender",
    "to",
];
const OF_THE_CLIENT: &str =
    "is made by the server: it says where the request goes or how long it is";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Everything wrong with `courier` and `insula.courier`.
pub fn check(document: &Value, environment: Environment) -> Vec<ConfigViolation> {
    let (courier, texts) = (
        part::<CourierConfig>(document),
        part::<TextConfig>(document),
    );
    let mut found = Found::new();
    smtp(&courier, &mut found);
    let http = "/courier/http/request_config";
    match &courier.http.request_config {
        Some(service) => request(service, http, &mut found),
        None if courier.delivery_strategy == DeliveryStrategy::Http => {
            found.push(ConfigViolation::new(
                http,
                "is missing: with delivery_strategy http it says where mail goes",
            ));
        }
        None => {}
    }
    for (at, channel) in courier.channels.iter().enumerate() {
        let pointer = format!("/courier/channels/{at}/request_config");
        request(&channel.request_config, &pointer, &mut found);
    }
    if environment != Environment::Development {
        missing_transport(document, &courier, &mut found);
    }
    let path = texts.language_trait.as_deref().unwrap_or("traits.locale");
    if !path.starts_with("traits.") && !path.starts_with("metadata_public.") {
        let why = "must begin with traits. or metadata_public.";
        found.push(ConfigViolation::new("/insula/courier/language_trait", why));
    }
    if let Some(Err((key, why))) = texts
        .client_certificate
        .as_ref()
        .map(ClientCertificate::read)
    {
        let pointer = format!("/insula/courier/client_certificate/{key}");
        found.push(ConfigViolation::new(pointer, why));
    }
    found.extend(templates::of_texts(document, &courier, &texts));
    found
}

/// Known to parse: the sections were judged before.
fn part<S: Section + DeserializeOwned>(document: &Value) -> S {
    let part = document.pointer(S::POINTER);
    part.and_then(|part| S::deserialize(part).ok())
        .unwrap_or_default()
}

fn smtp(courier: &CourierConfig, found: &mut Found) {
    let smtp = &courier.smtp;
    let mut add = |key: &str, why: &str| {
        found.push(ConfigViolation::new(format!("/courier/smtp/{key}"), why));
    };
    if let Some(uri) = &smtp.connection_uri {
        if let Err(why) = Relay::parse(uri) {
            add("connection_uri", why);
        }
        if smtp.from_address.is_none() {
            add("from_address", "is missing: a mail needs a sender");
        }
    }
    let sender = |value: &String| Address {
        via: Via::Email,
        value: value.clone(),
    };
    if smtp
        .from_address
        .as_ref()
        .is_some_and(|it| !is_deliverable(&sender(it)))
    {
        add("from_address", "is no e-mail address");
    }
    if smtp
        .from_name
        .as_ref()
        .is_some_and(|name| name.chars().any(char::is_control))
    {
        add("from_name", "holds control characters");
    }
    if smtp.local_name.contains(['/', ':']) {
        add("local_name", "must be a host name");
    }
    for (name, value) in &smtp.headers {
        let key = format!("headers/{}", name.replace('~', "~0").replace('/', "~1"));
        if OUR_HEADERS.contains(&&*name.to_ascii_lowercase()) {
            add(&key, "is made by the server");
        }
        if value.chars().any(char::is_control) {
            add(&key, "holds line breaks or other control characters");
        }
    }
}

fn request(service: &RequestConfig, pointer: &str, found: &mut Found) {
    let mut add = |key: &str, why: &str| {
        found.push(ConfigViolation::new(format!("{pointer}/{key}"), why));
    };
    if ![JSON, FORM].contains(&&*service.content_type().to_ascii_lowercase()) {
        let why = "Content-Type must be application/json or application/x-www-form-urlencoded";
        add("headers", why);
    }
    for name in service.headers.keys().filter(|name| is_clients(name)) {
        add(&format!("headers/{name}"), OF_THE_CLIENT);
    }
    let bad = |text: &str| text.chars().any(char::is_control);
    if service.headers.values().any(|value| bad(value)) {
        add("headers", "hold line breaks or other control characters");
    }
    if let Some(body) = &service.body
        && decoded(body).is_none()
    {
        add(
            "body",
            "must be base64:// with Jsonnet, or http(s)://, which is fetched when this is written",
        );
    }
    match &service.auth {
        Some(RequestAuth::ApiKey { name, place, .. })
            if *place == KeyPlace::Header && is_clients(name) =>
        {
            add("auth/config/name", OF_THE_CLIENT);
        }
        Some(RequestAuth::ApiKey { value, place, .. })
            if bad(value)
                || (*place == KeyPlace::Cookie && value.contains([';', ',', ' ', '"'])) =>
        {
            add("auth/config/value", "holds what cannot be sent there");
        }
        Some(RequestAuth::BasicAuth { user, .. }) if user.contains(':') || bad(user) => {
            add(
                "auth/config/user",
                "must not hold a colon or control characters",
            );
        }
        _ => {}
    }
}

/// Where the request goes and how long it is says the URL and the body; their secrets go nowhere else.
fn is_clients(name: &str) -> bool {
    let mut clients = CLIENT_HEADERS.iter();
    clients.any(|own| name.eq_ignore_ascii_case(own.as_str()))
}

/// Does it send something to identities whose schema reaches them like this?
type Sends = fn(Reach) -> bool;

/// Where it is switched on that something is sent.
const SENDERS: [(&str, Sends); 4] = [
    ("/selfservice/flows/verification/enabled", |reach| {
        reach.verification
    }),
    ("/selfservice/flows/recovery/enabled", |reach| {
        reach.recovery
    }),
    ("/selfservice/methods/code/passwordless_enabled", |reach| {
        reach.codes
    }),
    ("/selfservice/methods/code/mfa_enabled", |reach| reach.codes),
];
const NOTIFIERS: &str = "/selfservice/flows/settings/after/profile/hooks";

/// What sends messages needs a way for them to leave: mails always; text messages where a schema has phone
/// numbers for it.
fn missing_transport(document: &Value, courier: &CourierConfig, found: &mut Found) {
    let senders = senders(document);
    if !courier.has_transport(Via::Email) {
        let why = "sends mail, and nothing says how: set courier.smtp.connection_uri and courier.smtp.from_address, \
            or courier.delivery_strategy http with courier.http.request_config";
        let pointers = senders.iter().map(|(pointer, _)| pointer);
        found.extend(pointers.map(|pointer| ConfigViolation::new(pointer, why)));
    }
    if courier.has_transport(Via::Sms) || senders.is_empty() {
        return;
    }
    let schemas = Schemas::named(document);
    for (pointer, sends) in &senders {
        let mut texts = schemas.iter();
        if let Some(schema) = texts.find(|s| sends(s.schema.reach(Via::Sms))) {
            let why = format!(
                "sends text messages to people of the schema `{}`, and nothing says how: set courier.channels, \
                 with the id `sms`",
                schema.id
            );
            found.push(ConfigViolation::new(pointer, why));
        }
    }
}

/// Pointers to what is switched on.
fn senders(document: &Value) -> Vec<(String, Sends)> {
    let is_on = |pointer: &str| document.pointer(pointer) == Some(&Value::Bool(true));
    let flags = SENDERS.into_iter().filter(|(pointer, _)| is_on(pointer));
    let mut senders: Vec<(String, Sends)> = flags
        .map(|(pointer, sends)| (pointer.to_owned(), sends))
        .collect();
    let hooks = document.pointer(NOTIFIERS).and_then(Value::as_array);
    for (at, hook) in hooks.into_iter().flatten().enumerate() {
        if hook["hook"] == "notify_previous_addresses" {
            senders.push((format!("{NOTIFIERS}/{at}/hook"), |reach| reach.verification));
        }
    }
    senders
}
