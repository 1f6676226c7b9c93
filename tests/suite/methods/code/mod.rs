//! Sign in and up with one-time codes, and identifiers first, as the three kinds of client see it. Trap
//! numbers are those of the contract (self-service 15).

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
use courier::store::{self, Filter};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{Answer, Client, Kind, Site};

pub(crate) const ADA: &str = "ada@example.org";
pub(crate) const BOB: &str = "bob@example.org";
pub(crate) const PASSWORD: &str = "correct-horse-battery";

/// Codes are the first factor.
pub(crate) fn passwordless(patch: &Value) -> Value {
    let session = json!({"hooks": [{"hook": "session"}]});
    let config = json!({"selfservice": {
        "methods": {"code": {"passwordless_enabled": true}},
        "flows": {"registration": {"after": {"code": session}}},
    }});
    merged(&merged(&config, &generous()), patch)
}

/// Nobody has to wait for trying or asking often; that is the subject of `limits`.
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

/// What was sent, newest first: recipient, template and code.
pub(crate) async fn letters(project: &Project) -> Vec<(String, String, String)> {
    let mut tx = project.begin().await.unwrap();
    let stored = store::list(&mut tx, &Filter::default(), 100).await.unwrap();
    let letter = |message: store::Stored| {
        let data = &message.content.template_data;
        let code = data
            .get("login_code")
            .or_else(|| data.get("registration_code"))
            .or_else(|| data.get("recovery_code"));
        let code = code.and_then(Value::as_str).unwrap_or_default().to_owned();
        (message.to.value, message.template_type, code)
    };
    stored.into_iter().map(letter).collect()
}

/// The code last sent to that address.
pub(crate) async fn code_to(project: &Project, recipient: &str) -> String {
    let letters = letters(project).await;
    let letter = letters.into_iter().find(|(to, ..)| to == recipient);
    letter
        .unwrap_or_else(|| panic!("nothing was sent to {recipient}"))
        .2
}

/// Six digits, but not these.
pub(crate) fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

/// Somebody an administrator made.
pub(crate) async fn make(site: &Site, project: &Project, traits: Value, password: bool) -> Answer {
    let mut body = json!({ "traits": traits });
    if password {
        body["credentials"] = json!({"password": {"config": {"password": PASSWORD}}});
    }
    let made = site.admin(project).post("/admin/identities", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made
}

/// The form that a submission was answered with: read, where the answer was a redirect to its page.
pub(crate) async fn form(client: &Client, kind: &str, answer: Answer) -> Answer {
    if !answer.status.is_redirection() {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
        return answer;
    }
    let id = answer.location_query("flow").unwrap_or_default();
    let read = client
        .get(&format!("/self-service/{kind}/flows?id={id}"))
        .await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    read
}

/// Submit, and the form that comes back.
pub(crate) async fn post(client: &Client, kind: &str, flow: &Answer, fields: Value) -> Answer {
    let answer = client.submit(flow, fields).await;
    form(client, kind, answer).await
}

/// Ask for a sign-in code.
pub(crate) async fn ask(client: &Client, identifier: &str) -> Answer {
    let flow = client.begin("login", "").await;
    let fields = json!({"method": "code", "identifier": identifier});
    let sent = post(client, "login", &flow, fields).await;
    assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
    sent
}

pub(crate) fn fields(identifier: &str, code: &str) -> Value {
    json!({"method": "code", "identifier": identifier, "code": code})
}

/// Ask for a code and bring it.
pub(crate) async fn sign_in(project: &Project, client: &Client, identifier: &str) -> Answer {
    let sent = ask(client, identifier).await;
    let code = code_to(project, identifier).await;
    client.submit(&sent, fields(identifier, &code)).await
}

/// The session of whoever was answered: a token's, or the jar's.
pub(crate) async fn whoami(client: &Client, answer: &Answer) -> Answer {
    match answer.body["session_token"].as_str() {
        None => client.get("/sessions/whoami").await,
        Some(token) => {
            let header = [("x-session-token", token)];
            client
                .send(Method::GET, "/sessions/whoami", None, &header)
                .await
        }
    }
}
