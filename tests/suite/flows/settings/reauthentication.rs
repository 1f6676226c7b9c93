//! A session too old for a change, the detour to authenticate once more, and the change that waits meanwhile
//! (W8.4, W8.5, W8.6).
//!
//! Looks inside: the tables.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::Project;
use tests::{ADA, Answer, Client, Kind, OTHER_PASSWORD, PASSWORD, Site, story, text};

use super::basic;

/// A quarter of an hour, and the clock beyond it.
async fn old_session(site: &Site, kind: Kind, email: &str) -> (Project, Client) {
    let short = json!({"selfservice": {
        "flows": {"settings": {"privileged_session_max_age": "15m"}},
        "allowed_return_urls": ["https://app.example/"],
    }});
    let project = site
        .project_with(tenants::config::merged(&basic(), &short))
        .await;
    let client = site.signed_up(&project, kind, email).await;
    site.world.clock.advance(TimeDelta::minutes(16));
    (project, client)
}

fn continuity(project: &Project) -> String {
    format!("ory_continuity_{}", project.slug())
}

fn new_password() -> Value {
    json!({"method": "password", "password": OTHER_PASSWORD})
}

/// Where the detour begins, as the kind of client is told.
fn detour(kind: Kind, answer: &Answer) -> String {
    if kind == Kind::Html {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        return answer.location().to_owned();
    }
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    assert_eq!(answer.error_id(), Some("session_refresh_required"));
    answer.body["redirect_browser_to"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// W8.4.
#[story]
async fn what_needs_a_fresh_session_and_what_does_not(site: Site) {
    for kind in Kind::ALL {
        let (project, client) = old_session(&site, kind, ADA).await;
        let flow = client.begin("settings", "").await;
        let same = json!({"method": "profile", "traits": {"email": ADA, "name": {"first": "Ada"}}});
        let form = client.submit_and_stay(&flow, same).await;
        assert_eq!(form.body["state"], "success", "{kind:?}");
        // What is wrong with it is said at once.
        let wrong = json!({"method": "profile", "traits": {"email": "nope"}});
        let form = client.submit_and_stay(&flow, wrong).await;
        assert_eq!(form.node_messages("traits.email"), [text::INVALID_EMAIL]);
        let none = client
            .submit_and_stay(&flow, json!({"method": "password"}))
            .await;
        assert_eq!(none.node_messages("password"), [text::REQUIRED]);
        for fields in [
            json!({"method": "profile", "traits": {"email": "new@example.org"}}),
            new_password(),
            json!({"method": "password", "password": "short"}),
        ] {
            let sent = client.submit(&flow, fields).await;
            let expected = format!(
                "{}/self-service/login/browser?refresh=true&return_to={}",
                project.base_url(),
                url::form_urlencoded::byte_serialize(
                    flow.body["ui"]["action"].as_str().unwrap().as_bytes()
                )
                .collect::<String>()
            );
            assert_eq!(detour(kind, &sent), expected, "{kind:?}");
            // For API clients nothing waits.
            let cookies = sent.set_cookies();
            let waits = cookies.contains(&continuity(&project));
            assert_eq!(waits, kind != Kind::Api, "{cookies:?}");
        }
        assert!(site.opens(&project, ADA, PASSWORD).await);
    }
}

/// W6.3, W8.5.
#[story]
async fn the_change_is_made_when_its_owner_comes_back(site: Site) {
    for kind in [Kind::Html, Kind::Spa] {
        let (project, client) = old_session(&site, kind, ADA).await;
        let session = client.whoami().await.body["id"].clone();
        let flow = client
            .begin("settings", "?return_to=https://app.example/done")
            .await;
        let sent = client.submit(&flow, new_password()).await;
        let login = client.get(&detour(kind, &sent)).await;
        let login = match kind {
            Kind::Html => client.shown("login", login).await,
            _ => login,
        };
        assert_eq!(login.messages(), [text::CONFIRM_IT_IS_YOU]);
        let fields = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
        let done = client.submit(&login, fields).await;
        let back = match kind {
            Kind::Html => done.location().to_owned(),
            _ => done.body["continue_with"][0]["redirect_browser_to"]
                .as_str()
                .unwrap()
                .to_owned(),
        };
        assert_eq!(back, flow.body["ui"]["action"].as_str().unwrap());
        let resumed = client.get(&back).await;
        if kind == Kind::Html {
            assert_eq!(resumed.status, StatusCode::SEE_OTHER);
            assert_eq!(resumed.location(), "https://app.example/done");
        } else {
            assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.text);
            assert_eq!(resumed.body["state"], "success");
        }
        assert!(!client.cookies().contains_key(&continuity(&project)));
        let form = client.reread(&flow).await;
        assert_eq!(form.messages(), [text::SAVED]);
        assert_eq!(client.whoami().await.body["id"], session, "W6.3");
        assert!(site.opens(&project, ADA, OTHER_PASSWORD).await);
        assert!(!site.opens(&project, ADA, PASSWORD).await);
        // A browser that asks twice finds it made.
        let again = client.get(&back).await;
        let expected = if kind == Kind::Html { 303 } else { 200 };
        assert_eq!(again.status, expected, "{}", again.text);
        assert_eq!(client.reread(&flow).await.messages(), [text::SAVED]);
    }
}

/// W8.6.
#[story]
async fn an_api_client_asks_again(site: Site) {
    let (project, client) = old_session(&site, Kind::Api, ADA).await;
    let flow = client.begin("settings", "").await;
    detour(Kind::Api, &client.submit(&flow, new_password()).await);
    let fresh = client.refresh(ADA, PASSWORD).await;
    assert_eq!(fresh.status, 200, "{}", fresh.text);
    let id = flow.body["id"].as_str().unwrap();
    let resumed = client
        .send(
            reqwest::Method::GET,
            &format!("/self-service/settings?flow={id}"),
            None,
            &[("accept", "application/json")],
        )
        .await;
    assert_eq!(resumed.status, StatusCode::BAD_REQUEST);
    assert_eq!(resumed.messages(), [text::GENERIC]);
    assert!(site.opens(&project, ADA, PASSWORD).await);
    let saved = client.submit(&flow, new_password()).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    assert!(site.opens(&project, ADA, OTHER_PASSWORD).await);
}

#[story]
async fn the_change_waits_until_its_owner_has_authenticated(site: Site) {
    let (project, client) = old_session(&site, Kind::Html, ADA).await;
    let flow = client.begin("settings", "").await;
    let fields = json!({"method": "profile", "traits": {"email": "new@example.org", "name": {"first": "Ada"}}});
    client.submit(&flow, fields).await;
    let back = flow.body["ui"]["action"].as_str().unwrap();
    // Not yet: the detour again, and it still waits.
    for _ in 0..2 {
        let again = client.get(back).await;
        assert!(
            again.location().contains("refresh=true"),
            "{}",
            again.location()
        );
    }
    assert!(site.opens(&project, ADA, PASSWORD).await);
    client.refresh(ADA, PASSWORD).await;
    client.get(back).await;
    let form = client.reread(&flow).await;
    assert_eq!(form.messages(), [text::SAVED], "{}", form.text);
    let traits = json!({"email": "new@example.org", "name": {"first": "Ada"}});
    assert_eq!(form.body["identity"]["traits"], traits);
}

#[story]
async fn what_waits_is_dropped(site: Site) {
    let (project, client) = old_session(&site, Kind::Spa, ADA).await;
    let stored = async || {
        let mut tx = project.begin().await.unwrap();
        let rows: i64 = sqlx::query_scalar("select count(*) from flows where kind = 'continuity'")
            .fetch_one(tx.conn())
            .await
            .unwrap();
        rows
    };
    let come_back = async |flow: &Answer| {
        client.refresh(ADA, PASSWORD).await;
        let answer = client
            .get(flow.body["ui"]["action"].as_str().unwrap())
            .await;
        site.world.clock.advance(TimeDelta::minutes(16));
        answer
    };
    // By a new flow.
    let flow = client.begin("settings", "").await;
    client.submit(&flow, new_password()).await;
    assert_eq!(stored().await, 1);
    client.begin("settings", "").await;
    assert_eq!(stored().await, 0);
    assert!(!client.cookies().contains_key(&continuity(&project)));
    assert_eq!(come_back(&flow).await.messages(), [text::GENERIC]);
    // By a later change in the same browser: the last one counts.
    let flow = client.begin("settings", "").await;
    client.submit(&flow, new_password()).await;
    client
        .submit(&flow, json!({"method": "password", "password": "short"}))
        .await;
    assert_eq!(stored().await, 1);
    let resumed = come_back(&flow).await;
    assert_eq!(
        resumed.node_messages("password"),
        [text::PASSWORD_TOO_SHORT]
    );
    assert_eq!(stored().await, 0);
    // By another flow that is gone on with.
    let other = client.begin("settings", "").await;
    let flow = client.begin("settings", "").await;
    client.submit(&flow, new_password()).await;
    assert_eq!(come_back(&other).await.messages(), [text::GENERIC]);
    assert_eq!(come_back(&flow).await.messages(), [text::GENERIC]);
    // By time.
    let flow = client.begin("settings", "").await;
    client.submit(&flow, new_password()).await;
    site.world.clock.advance(TimeDelta::minutes(16));
    assert_eq!(come_back(&flow).await.messages(), [text::GENERIC]);
    assert!(site.opens(&project, ADA, PASSWORD).await);
}

#[story]
async fn what_waits_belongs_to_its_owner(site: Site) {
    let (project, ada) = old_session(&site, Kind::Spa, ADA).await;
    let flow = ada.begin("settings", "").await;
    ada.submit(&flow, new_password()).await;
    let name = continuity(&project);
    let cookie = ada.cookies()[&name].clone();
    // Another person in the same browser: neither by Ada's flow nor by one of their own.
    let eve = site.signed_up(&project, Kind::Spa, "eve@example.org").await;
    let own = eve.begin("settings", "").await;
    eve.set_cookie(&name, &cookie);
    let resumed = eve.get(own.body["ui"]["action"].as_str().unwrap()).await;
    assert_eq!(resumed.messages(), [text::GENERIC]);
    assert!(site.opens(&project, "eve@example.org", PASSWORD).await);
    // Nor is it left for later.
    ada.refresh(ADA, PASSWORD).await;
    let resumed = ada.get(flow.body["ui"]["action"].as_str().unwrap()).await;
    assert_eq!(resumed.messages(), [text::GENERIC]);
    assert!(site.opens(&project, ADA, PASSWORD).await);
    // Cookies that this server did not make.
    for forged in ["", "x", cookie.get(1..).unwrap()] {
        ada.set_cookie(&name, forged);
        let resumed = ada.get(flow.body["ui"]["action"].as_str().unwrap()).await;
        assert_eq!(resumed.messages(), [text::GENERIC], "{forged}");
    }
}

/// Not even where two projects were given the same keys.
#[story]
async fn what_waits_is_of_one_project(site: Site) {
    let keys = json!({
        "secrets": {"cookie": ["one secret of both projects, from one file"]},
        "selfservice": {"flows": {"settings": {"privileged_session_max_age": "15m"}}},
    });
    let mut clients = Vec::new();
    for _ in 0..2 {
        let project = site.project_with(keys.clone()).await;
        let client = site.signed_up(&project, Kind::Spa, ADA).await;
        clients.push((project, client));
    }
    site.world.clock.advance(TimeDelta::minutes(16));
    let mut flows = Vec::new();
    for (_, client) in &clients {
        let flow = client.begin("settings", "").await;
        client.submit(&flow, new_password()).await;
        flows.push(flow);
    }
    let ((neighbour, theirs), their_flow) = (&clients[0], &flows[0]);
    let ((project, own), flow) = (&clients[1], &flows[1]);
    let cookie = &theirs.cookies()[&continuity(neighbour)];
    own.set_cookie(&continuity(project), cookie);
    own.refresh(ADA, PASSWORD).await;
    let resumed = own.get(flow.body["ui"]["action"].as_str().unwrap()).await;
    assert_eq!(resumed.messages(), [text::GENERIC]);
    theirs.refresh(ADA, PASSWORD).await;
    let resumed = theirs
        .get(their_flow.body["ui"]["action"].as_str().unwrap())
        .await;
    assert_eq!(resumed.messages(), [text::SAVED], "{}", resumed.text);
}

/// What waits may be a password.
#[story]
async fn what_waits_is_sealed(site: Site) {
    let (project, client) = old_session(&site, Kind::Spa, ADA).await;
    let flow = client.begin("settings", "").await;
    client.submit(&flow, new_password()).await;
    let mut tx = project.begin().await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar("select state::text from flows")
        .fetch_all(tx.conn())
        .await
        .unwrap();
    drop(tx);
    assert!(rows.iter().any(|row| row.contains("sealed")));
    assert!(rows.iter().all(|row| !row.contains(OTHER_PASSWORD)));
}

/// W8.4: nothing is "always fresh" for addresses, and "never" for passwords.
#[story]
async fn a_maximum_age_of_nothing(site: Site) {
    let patch =
        json!({"selfservice": {"flows": {"settings": {"privileged_session_max_age": "0s"}}}});
    let project = site.project_with(patch).await;
    let client = site.signed_up(&project, Kind::Html, ADA).await;
    site.world.clock.advance(TimeDelta::minutes(1));
    let flow = client.begin("settings", "").await;
    let fields = json!({"method": "profile", "traits": {"email": "new@example.org"}});
    let form = client.submit_and_stay(&flow, fields).await;
    assert_eq!(form.messages(), [text::SAVED]);
    let sent = client.submit(&flow, new_password()).await;
    detour(Kind::Html, &sent);
    // Time passes on the detour; that its owner authenticated for this change is enough.
    site.world.clock.advance(TimeDelta::seconds(10));
    client.refresh("new@example.org", PASSWORD).await;
    site.world.clock.advance(TimeDelta::seconds(10));
    client
        .get(flow.body["ui"]["action"].as_str().unwrap())
        .await;
    let form = client.reread(&flow).await;
    assert_eq!(form.messages(), [text::SAVED], "{}", form.text);
    assert!(
        site.opens(&project, "new@example.org", OTHER_PASSWORD)
            .await
    );
    // Not for the next one.
    let sent = client
        .submit(
            &flow,
            json!({"method": "password", "password": "yet-another-one-here"}),
        )
        .await;
    detour(Kind::Html, &sent);
}

#[story]
async fn signed_out_on_the_detour(site: Site) {
    let (project, client) = old_session(&site, Kind::Html, ADA).await;
    let flow = client.begin("settings", "").await;
    client.submit(&flow, new_password()).await;
    let script = site.signed_in(&project, Kind::Spa, ADA).await;
    script.delete("/sessions").await;
    let back = client
        .get(flow.body["ui"]["action"].as_str().unwrap())
        .await;
    assert_eq!(back.status, StatusCode::FOUND);
    assert!(site.opens(&project, ADA, PASSWORD).await);
}
