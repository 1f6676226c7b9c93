//! Sign in and up with one-time codes, and identifiers first, as the three kinds of client see it.

mod hooks;
mod levels;
pub(crate) mod limits;
mod login;
mod mitigation;
mod races;
mod refresh;
mod registration;
mod screens;
mod second_factor;
mod tries;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{ADA, Answer, BOB, Client, Kind, PASSWORD, Site, mailbox, people, text};

/// Codes are the first factor.
pub(crate) fn passwordless(patch: &Value) -> Value {
    let session = json!({"hooks": [{"hook": "session"}]});
    let config = json!({"selfservice": {
        "methods": {"code": {"passwordless_enabled": true}},
        "flows": {"registration": {"after": {"code": session}}},
    }});
    merged(&merged(&config, &generous()), patch)
}

/// So much is free that no limit is met; limits are the subject of `limits.rs`.
pub(crate) fn generous() -> Value {
    let guesses = json!({"per_identifier": 1_000, "per_network": 100_000});
    let mails = json!({"per_address": 1_000, "per_network": 100_000});
    json!({"insula": {"limits": {"guesses": guesses, "mails": mails}}})
}

/// People with a user name for passwords, two mail addresses and a phone for codes; nothing is required.
pub(crate) fn person() -> Value {
    let code = |via: &str, format: &str| {
        json!({"type": "string", "format": format, "ory.sh/kratos": {
            "credentials": {"code": {"identifier": true, "via": via}}, "verification": {"via": via}}})
    };
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "user": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}},
        "email": code("email", "email"),
        "other": code("email", "email"),
        "phone": code("sms", "tel"),
        "name": {"type": "string"},
    }}}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    json!({"identity": {"default_schema_id": "person", "schemas": [{"id": "person", "url": url}]}})
}

/// Six digits, but not these.
pub(crate) fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

/// An administrator makes a person with these traits, and with a password or without.
pub(crate) async fn make(site: &Site, project: &Project, traits: Value, password: bool) -> Answer {
    let identity = if password {
        people::person(traits)
    } else {
        json!({ "traits": traits })
    };
    site.make(project, identity).await
}

/// Ask for a sign-in code.
pub(crate) async fn ask(client: &Client, identifier: &str) -> Answer {
    let flow = client.begin("login", "").await;
    let fields = json!({"method": "code", "identifier": identifier});
    let sent = client.submit_and_go_on(&flow, fields).await;
    assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
    sent
}

pub(crate) fn fields(identifier: &str, code: &str) -> Value {
    json!({"method": "code", "identifier": identifier, "code": code})
}

/// Ask for a code and bring it.
pub(crate) async fn sign_in(project: &Project, client: &Client, identifier: &str) -> Answer {
    let sent = ask(client, identifier).await;
    let code = mailbox::code_to(project, identifier).await;
    client.submit(&sent, fields(identifier, &code)).await
}
