//! Messages for services that take them by HTTP (W15.5).

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tenants::Environment;
use tests::{
    Kind, Site,
    mail::{self, CODE},
    mailbox, story, text,
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{message, work_off};

/// What came: method and path, headers, body.
pub(crate) type Asked = (String, Vec<(String, String)>, String);

/// A service that notes what it is told, and answers as set.
pub(crate) struct Service {
    pub(crate) url: String,
    says: Arc<Mutex<u16>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: JoinHandle<()>,
}

type Shared = (Arc<Mutex<u16>>, Arc<Mutex<Vec<Asked>>>);

async fn answer(State((says, asked)): State<Shared>, request: Request) -> StatusCode {
    let line = format!("{} {}", request.method(), request.uri());
    let headers = request.headers().iter();
    let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
    let headers = headers.collect();
    let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    asked.lock().unwrap().push((line, headers, body));
    StatusCode::from_u16(*says.lock().unwrap()).unwrap()
}

impl Service {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/send?x=1", listener.local_addr().unwrap());
        let shared: Shared = (Arc::new(Mutex::new(200)), Arc::default());
        let (says, asked) = shared.clone();
        let router = Router::new().fallback(answer).with_state(shared);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            says,
            asked,
            server,
        }
    }

    fn set(&self, status: u16) {
        *self.says.lock().unwrap() = status;
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn mails(&self, more: Value) -> Value {
        let service = tenants::config::merged(&json!({"url": self.url}), &more);
        json!({"courier": {"delivery_strategy": "http", "http": {"request_config": service}}})
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) fn header<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let mut headers = asked.1.iter();
    headers.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

#[story]
async fn a_service_gets_what_kratos_sends(site: Site) {
    let service = Service::start().await;
    let more = json!({
        "method": "PUT",
        "headers": {"X-Team": "people", "Idempotency-Key": "of the project"},
        "auth": {"type": "basic_auth", "config": {"user": "u", "password": "p"}},
    });
    let project = site.project_with(service.mails(more)).await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let asked = service.asked();
    assert_eq!((asked.len(), &*asked[0].0), (1, "PUT /send?x=1"));
    assert_eq!(header(&asked[0], "authorization"), Some("Basic dTpw"));
    assert_eq!(header(&asked[0], "x-team"), Some("people"));
    let key = header(&asked[0], "idempotency-key");
    assert_eq!(key, Some("of the project"));
    assert_eq!(header(&asked[0], "content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&asked[0].2).unwrap();
    assert_eq!(body["recipient"], "ada@example.org");
    assert_eq!(
        (&body["template_type"], &body["login_code"]),
        (&json!("login_code_valid"), &json!(CODE))
    );
    assert_eq!(
        (&body["recovery_code"], &body["verification_url"]),
        (&Value::Null, &Value::Null)
    );
    assert!(body["subject"].as_str().unwrap().contains(CODE) && body["body"].is_string());
    assert_eq!(message(&site, &project, id).await["status"], "sent");
}

#[story]
async fn text_messages_have_a_service_of_their_own(site: Site) {
    let service = Service::start().await;
    let patch = json!({"courier": {"channels": [{"id": "sms", "type": "http", "request_config": {
        "url": service.url,
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "auth": {"type": "api_key", "config": {"name": "X-Key", "value": "geheim", "in": "header"}},
    }}]}});
    let project = site.project_with(patch).await;
    mail::enqueue(&project, "+4930123456").await;
    work_off(&site, &project).await;
    let asked = service.asked();
    assert_eq!(header(&asked[0], "x-key"), Some("geheim"));
    let form: std::collections::BTreeMap<_, _> =
        url::form_urlencoded::parse(asked[0].2.as_bytes()).collect();
    assert_eq!(
        (&*form["recipient"], &*form["login_code"]),
        ("+4930123456", CODE)
    );
    assert!(
        form["body"].ends_with(&format!("@127.0.0.1 #{CODE}")),
        "{}",
        form["body"]
    );
}

/// It would lose the body on its way, and the server that answers there would seem to have taken it.
#[story]
async fn a_redirect_is_not_taken_for_success(site: Site) {
    let service = Service::start().await;
    let elsewhere = async || (StatusCode::FOUND, [("location", "/taken")]);
    let router = Router::new()
        .route("/taken", axum::routing::any(async || "ok"))
        .fallback(elsewhere);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/send", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let project = site.project_with(service.mails(json!({"url": url}))).await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let shown = message(&site, &project, id).await;
    assert_eq!(shown["status"], "queued", "{shown}");
    server.abort();
}

/// What the configuration cannot know: an administrator uses a preset that it does not name. Known and unknown
/// numbers are answered alike, and nothing is queued that could never leave.
#[story]
async fn a_text_message_without_a_service_is_refused(site: Site) {
    let config = json!({
        "courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:2525", "from_address": "a@example.org"}},
        "selfservice": {"flows": {"verification": {"enabled": true}}},
    });
    for environment in [Environment::Staging, Environment::Development] {
        let (project, _) = site.world.create(environment, config.clone()).await;
        let known = "+493012345678";
        let somebody = json!({"schema_id": "preset://sms", "traits": {"phone_number": known}});
        let made = site
            .admin(&project)
            .post("/admin/identities", somebody)
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        let client = site.client(&project, Kind::Api);
        for number in [known, "+493087654321"] {
            let begun = client.begin("verification", "").await;
            let fields = json!({"method": "code", "email": number});
            let answer = client.submit(&begun, fields).await;
            if environment == Environment::Development {
                assert_eq!(
                    answer.messages(),
                    [text::VERIFICATION_CODE_TEXTED],
                    "{}",
                    answer.text
                );
                continue;
            }
            assert_eq!(answer.status, 400, "{}", answer.text);
            assert_eq!(answer.messages(), [text::GENERIC]);
            let said = answer.body["ui"]["messages"][0]["text"].as_str().unwrap();
            assert!(said.starts_with("Text messages cannot be sent"), "{said}");
            assert_eq!(answer.body["state"], "choose_method");
        }
        let kept = usize::from(environment == Environment::Development);
        assert_eq!(mailbox::count(&project).await, kept);
    }
}

#[story]
async fn answers_have_their_verdicts(site: Site) {
    let service = Service::start().await;
    let key = json!({"auth": {"type": "api_key", "config": {"name": "key", "value": "old", "in": "cookie"}}});
    let project = site.project_with(service.mails(key)).await;
    for (status, attempts) in [(500, 1), (429, 1), (302, 1), (401, 0), (403, 0)] {
        service.set(status);
        let id = mail::enqueue(&project, "ada@example.org").await;
        work_off(&site, &project).await;
        let shown = message(&site, &project, id).await;
        assert_eq!(
            (&shown["status"], &shown["send_count"]),
            (&json!("queued"), &json!(attempts)),
            "{status}"
        );
        let why = &shown["dispatches"][0]["error"]["reason"];
        assert!(why.as_str().unwrap().contains(&status.to_string()), "{why}");
        service.set(201);
        site.world.clock.advance(TimeDelta::minutes(2));
        work_off(&site, &project).await;
        assert_eq!(
            message(&site, &project, id).await["status"],
            "sent",
            "{status}"
        );
        // Whatever became of the first, the second can be told from another message.
        for asked in service.asked().iter().rev().take(2) {
            assert_eq!(header(asked, "idempotency-key"), Some(&*id.to_string()));
        }
    }
    assert_eq!(header(&service.asked()[0], "cookie"), Some("key=old"));
}
