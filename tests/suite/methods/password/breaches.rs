//! Passwords that others know already: asked of a range service on this machine, which sees five digits
//! of a digest and nothing else.
//!
//! Looks inside: `flows`.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use flows::methods::password::policy::range_prefix;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::Project;
use tests::{ADA, Kind, PASSWORD, Site, story, text};
use tokio::{net::TcpListener, task::JoinHandle};

#[derive(Clone, Debug)]
enum Mood {
    Says(String),
    Fails,
    Hangs,
}

/// The service; what it was asked, as whole requests.
struct Service {
    host: String,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

type Shared = (Arc<Mutex<Mood>>, Arc<Mutex<Vec<String>>>);

async fn answer(State((mood, asked)): State<Shared>, request: Request) -> Response {
    let line = format!("{} {:?}", request.uri(), request.headers());
    asked.lock().unwrap().push(line);
    let mood = mood.lock().unwrap().clone();
    match mood {
        Mood::Says(text) => text.into_response(),
        Mood::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Hangs => std::future::pending().await,
    }
}

impl Service {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let shared: Shared = (Arc::new(Mutex::new(mood)), Arc::default());
        let (mood, asked) = shared.clone();
        let router = Router::new().fallback(answer).with_state(shared);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            host,
            mood,
            asked,
            server,
        }
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A project that asks this service.
    async fn project(&self, site: &Site, more: Value) -> Project {
        let asks = json!({"haveibeenpwned_enabled": true, "haveibeenpwned_host": self.host});
        let config = tenants::config::merged(&asks, &more);
        site.project_with(json!({"selfservice": {"methods": {"password": {"config": config}}}}))
            .await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The service's answer when that password was seen so often.
fn seen(password: &str, times: u64) -> Mood {
    let (_, suffix) = range_prefix(password);
    let padding = "0018A45C4D1DEF81644B54AB7F969B88D65:0\r\n";
    Mood::Says(format!("{padding}{suffix}:{times}\r\n"))
}

#[story]
async fn a_breached_password_is_refused_and_only_its_prefix_leaves_the_house(site: Site) {
    let service = Service::start(seen(PASSWORD, 7)).await;
    let project = service.project(&site, json!({})).await;
    let native = site.client(&project, Kind::Api);
    for _ in 0..2 {
        let refused = native.sign_up(ADA, PASSWORD).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            refused.node_messages("password"),
            [text::PASSWORD_BREACHED],
            "{}",
            refused.text
        );
        assert_eq!(
            refused.node("password")["messages"][0]["context"]["breaches"],
            7
        );
    }
    let (prefix, suffix) = range_prefix(PASSWORD);
    let asked = service.asked();
    assert_eq!(asked.len(), 1, "the second time it is known: {asked:?}");
    assert!(
        asked[0].starts_with(&format!("/range/{prefix} ")),
        "{asked:?}"
    );
    assert!(asked[0].contains(r#""add-padding": "true""#), "{asked:?}");
    for secret in [suffix.as_str(), PASSWORD, ADA, "ada"] {
        assert!(!asked[0].contains(secret), "{secret} in {asked:?}");
    }
    let fresh = native.sign_up(ADA, "another-password-1").await;
    assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.text);
    // Signing in asks no service.
    assert_eq!(
        native.sign_in(ADA, "another-password-1").await.status,
        StatusCode::OK
    );
    assert_eq!(service.asked().len(), 2);
}

#[story]
async fn some_breaches_may_be_allowed(site: Site) {
    for (times, status) in [(3, 200), (4, 400)] {
        let service = Service::start(seen(PASSWORD, times)).await;
        let project = service.project(&site, json!({"max_breaches": 3})).await;
        let answer = site
            .client(&project, Kind::Api)
            .sign_up(ADA, PASSWORD)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{times}: {}", answer.text);
    }
}

#[story]
async fn a_failing_service_is_left_alone_for_a_while_and_is_no_reason_to_refuse(site: Site) {
    let service = Service::start(Mood::Fails).await;
    let project = service.project(&site, json!({})).await;
    let native = site.client(&project, Kind::Api);
    for n in 0..3 {
        let made = native
            .sign_up(&format!("p{n}@example.org"), &format!("{PASSWORD}-{n}"))
            .await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    }
    assert_eq!(service.asked().len(), 1, "asked once, then left alone");

    let strict = Service::start(Mood::Fails).await;
    let project = strict
        .project(&site, json!({"ignore_network_errors": false}))
        .await;
    let native = site.client(&project, Kind::Api);
    for _ in 0..2 {
        let refused = native.sign_up(ADA, PASSWORD).await;
        assert_eq!(
            refused.node_messages("password"),
            [text::PASSWORD_REFUSED],
            "{}",
            refused.text
        );
    }
    strict.set(seen("something-else", 1));
    assert_eq!(
        native.sign_up(ADA, PASSWORD).await.status,
        StatusCode::BAD_REQUEST,
        "left alone"
    );
    assert_eq!(strict.asked().len(), 1);
    let listed = site.admin(&project).get("/admin/identities").await;
    assert_eq!(listed.body, json!([]));
}

#[story]
async fn an_answer_that_makes_no_sense_or_no_end_is_a_failure(site: Site) {
    for (text, id) in [
        ("x".repeat(2 << 20), Some(text::PASSWORD_REFUSED)),
        ("<html>no range</html>".to_owned(), None),
    ] {
        let service = Service::start(Mood::Says(text)).await;
        let project = service
            .project(&site, json!({"ignore_network_errors": false}))
            .await;
        let answer = site
            .client(&project, Kind::Api)
            .sign_up(ADA, PASSWORD)
            .await;
        assert_eq!(
            answer.node_messages("password").first().copied(),
            id,
            "{}",
            answer.text
        );
    }
}

#[story]
async fn a_slow_service_holds_up_no_request(site: Site) {
    let service = Service::start(Mood::Hangs).await;
    let project = service.project(&site, json!({})).await;
    let (native, other) = (
        site.client(&project, Kind::Api),
        site.client(&project, Kind::Api),
    );
    let began = Instant::now();
    let slow = async {
        let made = native.sign_up(ADA, PASSWORD).await;
        (made.status, began.elapsed())
    };
    // More flows than there are connections: none is held while the service is waited for.
    let meanwhile = async {
        for _ in 0..20 {
            assert_eq!(other.begin("login", "").await.status, StatusCode::OK);
        }
        began.elapsed()
    };
    let ((status, waited), others) = tokio::join!(slow, meanwhile);
    assert_eq!(status, StatusCode::OK);
    assert!(waited >= Duration::from_secs(1), "it was asked: {waited:?}");
    assert!(
        waited < Duration::from_secs(6),
        "one second, not more: {waited:?}"
    );
    assert!(
        others < waited || others < Duration::from_secs(3),
        "{others:?} against {waited:?}"
    );
    assert_eq!(service.asked().len(), 1);
    let again = native
        .sign_up("bob@example.org", "another-password-1")
        .await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(service.asked().len(), 1, "left alone");
}
