//! Sessions as their owners see them.
//!
//! Looks inside: the tables.

mod cookies;

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenants::Project;
use tests::{ADA, Answer, Client, Kind, PASSWORD, Site, story};

const WHOAMI: &str = "/sessions/whoami";

/// A new session of an API client: its token, and the session.
async fn token(site: &Site, project: &Project, email: &str) -> (String, Value) {
    let client = site.client(project, Kind::Api);
    let mut done = client.sign_in(email, PASSWORD).await;
    if done.status != StatusCode::OK {
        done = client.sign_up(email, PASSWORD).await;
    }
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let token = done.body["session_token"].as_str().unwrap().to_owned();
    (token, done.body["session"].clone())
}

/// A request with that token.
async fn with(client: &Client, method: Method, path: &str, token: &str) -> Answer {
    client
        .send(method, path, None, &[("x-session-token", token)])
        .await
}

/// The line that sets this cookie.
fn set_cookie(answer: &Answer, name: &str) -> String {
    let lines = answer.headers.get_all("set-cookie");
    let mut lines = lines.iter().filter_map(|v| v.to_str().ok());
    let found = lines.find(|line| line.starts_with(&format!("{name}=")));
    found
        .unwrap_or_else(|| panic!("{name} is not set: {:?}", answer.headers))
        .to_owned()
}

fn attributes(line: &str) -> Vec<&str> {
    let mut attributes: Vec<&str> = line.split("; ").skip(1).collect();
    attributes.sort_unstable();
    attributes
}

/// W2.8: which of several credentials counts.
#[story]
async fn where_a_session_is_looked_for(site: Site) {
    let project = site.project().await;
    let (ada, _) = token(&site, &project, ADA).await;
    let (bob, _) = token(&site, &project, "bob@example.org").await;
    let script = site.client(&project, Kind::Spa);
    script.sign_up("eve@example.org", PASSWORD).await;
    let who = async |client: &Client, headers: &[(&str, &str)]| {
        let answer = client.send(Method::GET, WHOAMI, None, headers).await;
        answer.body["identity"]["traits"]["email"]
            .as_str()
            .map(str::to_owned)
    };
    let stranger = site.client(&project, Kind::Api);
    let bearer = format!("Bearer {bob}");
    let lower = format!("bearer {bob}");
    let basic = format!("Basic {bob}");
    let (ada, bob) = (ada.as_str(), bob.as_str());
    let eve = Some("eve@example.org".to_owned());
    let is_bob = Some("bob@example.org".to_owned());
    assert_eq!(who(&script, &[]).await, eve);
    assert_eq!(
        who(&stranger, &[("x-session-token", ada)]).await,
        Some(ADA.to_owned())
    );
    assert_eq!(who(&stranger, &[("authorization", &bearer)]).await, is_bob);
    assert_eq!(who(&stranger, &[("authorization", &lower)]).await, is_bob);
    for nothing in [bob, &basic, "Bearer", "Bearer ory_st_wrong"] {
        assert_eq!(who(&stranger, &[("authorization", nothing)]).await, None);
    }
    // The header before the cookie, the cookie before the bearer token.
    assert_eq!(
        who(&script, &[("x-session-token", bob)]).await,
        is_bob,
        "header over cookie"
    );
    assert_eq!(who(&script, &[("authorization", &bearer)]).await, eve);
    // A wrong header does not fall through, an empty one does.
    for wrong in ["ory_st_wrong", "@@@"] {
        assert_eq!(who(&script, &[("x-session-token", wrong)]).await, None);
    }
    assert_eq!(who(&script, &[("x-session-token", "")]).await, eve);
    // A cookie that cannot be opened is none.
    let name = format!("ory_session_{}", project.slug());
    let sealed = script.cookies()[&name].clone();
    let mut other = sealed.clone().into_bytes();
    other[40] = if other[40] == b'A' { b'B' } else { b'A' };
    let bent = String::from_utf8(other).unwrap();
    for garbage in ["", "abc", "%%%", ada, bent.as_str(), &sealed[1..]] {
        script.set_cookie(&name, garbage);
        assert_eq!(who(&script, &[]).await, None, "{garbage}");
        assert_eq!(who(&script, &[("authorization", &bearer)]).await, is_bob);
        assert_eq!(who(&script, &[("x-session-token", bob)]).await, is_bob);
    }
    script.set_cookie(&name, &sealed);
    assert_eq!(who(&script, &[]).await, eve);
}

/// W12.1, W12.2: every method that a proxy may pass on.
#[story]
async fn whoami_answers_every_method(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let page = site.client(&project, Kind::Html);
    for nobody in [&script, &page] {
        let answer = nobody.whoami().await;
        assert_eq!(
            (answer.status, answer.error_id()),
            (StatusCode::UNAUTHORIZED, None)
        );
        assert_eq!(answer.body["error"]["code"], 401);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["ory-error-id"], "");
        assert!(
            answer.set_cookies().is_empty(),
            "a session check sets no CSRF cookie"
        );
    }
    let nobody = script.get("/sessions").await;
    assert_eq!(
        (nobody.status, nobody.error_id()),
        (StatusCode::UNAUTHORIZED, None)
    );
    let (token, session) = token(&site, &project, ADA).await;
    let client = site.client(&project, Kind::Api);
    for method in [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        let refused = client.send(method.clone(), WHOAMI, None, &[]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method}");
        let answer = with(&client, method.clone(), WHOAMI, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}");
        assert_eq!(
            answer.headers["x-kratos-authenticated-identity-id"],
            session["identity"]["id"].as_str().unwrap()
        );
        if method == Method::HEAD {
            assert!(answer.text.is_empty());
        } else {
            assert_eq!(answer.body["id"], session["id"], "{method}");
        }
    }
    let unknown = with(
        &client,
        Method::GET,
        "/sessions/whoami?tokenize_as=nothing",
        &token,
    )
    .await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let empty = with(
        &client,
        Method::GET,
        "/sessions/whoami?tokenize_as=",
        &token,
    )
    .await;
    assert_eq!(empty.status, StatusCode::OK);
}

/// W13.3.
#[story]
async fn my_other_sessions_page_by_page(site: Site) {
    let project = site.project().await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(token(&site, &project, ADA).await);
        site.world.clock.advance(TimeDelta::seconds(1));
    }
    let (stranger, _) = token(&site, &project, "bob@example.org").await;
    let client = site.client(&project, Kind::Api);
    let own = &sessions[1].0;
    let list = async |path: &str| with(&client, Method::GET, path, own).await;
    let ids = |answer: &Answer| -> Vec<Value> {
        let items = answer.body.as_array().unwrap();
        items.iter().map(|s| s["id"].clone()).collect()
    };
    let id = |n: usize| sessions[n].1["id"].clone();

    let all = list("/sessions").await;
    assert_eq!(
        ids(&all),
        [id(3), id(2), id(0)],
        "newest first, mine left out"
    );
    assert_eq!(all.headers["x-total-count"], "3");
    assert_eq!(all.body[0]["identity"]["traits"]["email"], ADA);
    assert_eq!(all.body[0]["devices"].as_array().unwrap().len(), 1);

    // Pages 0 and 1 are both the first; tokens lead through all of them.
    for first in ["/sessions?page=0&per_page=2", "/sessions?page=1&per_page=2"] {
        assert_eq!(ids(&list(first).await), [id(3), id(2)], "{first}");
    }
    assert_eq!(ids(&list("/sessions?page=2&per_page=2").await), [id(0)]);
    let mut path = "/sessions?page_size=1".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = list(&path).await;
        assert_eq!(page.headers["x-total-count"], "3");
        seen.extend(ids(&page));
        let links = page.headers["link"].to_str().unwrap().to_owned();
        let next = links.split(',').find(|l| l.ends_with("rel=\"next\""));
        let Some(next) = next else {
            assert!(links.contains("rel=\"first\"") && links.contains("rel=\"prev\""));
            break;
        };
        let target = &next[1..next.find('>').unwrap()];
        assert!(target.starts_with(&format!("/p/{}/sessions?", project.slug())));
        path = format!("{}{target}", site.origin);
        assert!(seen.len() < 5, "a page repeats: {seen:?}");
    }
    assert_eq!(seen, [id(3), id(2), id(0)]);
    // What cannot be read is the default.
    for odd in [
        "?page_size=abc",
        "?page_token=garbage",
        "?page=x&per_page=y",
    ] {
        assert_eq!(ids(&list(&format!("/sessions{odd}")).await).len(), 3);
    }
    let none = with(&client, Method::GET, "/sessions", &stranger).await;
    assert_eq!(
        (none.body, &none.headers["x-total-count"]),
        (json!([]), &"0".parse().unwrap())
    );
}

/// W12.6.
#[story]
async fn ending_sessions(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Api);
    let (own, own_session) = token(&site, &project, ADA).await;
    let (second, second_session) = token(&site, &project, ADA).await;
    let (third, _) = token(&site, &project, ADA).await;
    let (fourth, _) = token(&site, &project, ADA).await;
    let (foreign, foreign_session) = token(&site, &project, "bob@example.org").await;
    for token in [&own, &second, &third, &fourth, &foreign] {
        assert!(client.is_signed_in_by(token).await);
    }
    let end = async |id: &Value, token: &str| {
        let path = format!("/sessions/{}", id.as_str().unwrap());
        with(&client, Method::DELETE, &path, token).await.status
    };
    assert_eq!(end(&own_session["id"], &own).await, StatusCode::BAD_REQUEST);
    assert_eq!(end(&json!("abc"), &own).await, StatusCode::BAD_REQUEST);
    assert_eq!(
        end(&second_session["id"], "ory_st_wrong").await,
        StatusCode::UNAUTHORIZED
    );
    // Foreign and unknown ones are answered as if they had been ended.
    let unknown = json!("11111111-1111-4111-8111-111111111111");
    for id in [&foreign_session["id"], &unknown] {
        assert_eq!(end(id, &own).await, StatusCode::NO_CONTENT);
    }
    for token in [&own, &second, &third, &fourth, &foreign] {
        assert!(client.is_signed_in_by(token).await, "nothing was ended yet");
    }
    for _ in 0..2 {
        let answer = end(&second_session["id"], &own).await;
        assert_eq!(answer, StatusCode::NO_CONTENT);
    }
    assert!(!client.is_signed_in_by(&second).await);
    assert!(client.is_signed_in_by(&third).await);

    for count in [2, 0] {
        let answer = with(&client, Method::DELETE, "/sessions", &own).await;
        assert_eq!(
            (answer.status, answer.body),
            (StatusCode::OK, json!({"count": count}))
        );
    }
    for (token, lives_on) in [
        (&own, true),
        (&third, false),
        (&fourth, false),
        (&foreign, true),
    ] {
        assert_eq!(client.is_signed_in_by(token).await, lives_on);
    }
    let refused = client.delete("/sessions").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// W12.7.
#[story]
async fn an_inactive_identity(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Api);
    let (token, session) = token(&site, &project, ADA).await;
    assert!(client.is_signed_in_by(&token).await);
    let id: uuid::Uuid = session["identity"]["id"].as_str().unwrap().parse().unwrap();
    for (state, lives_on) in [("inactive", false), ("active", true)] {
        let mut tx = project.begin().await.unwrap();
        sqlx::query("update identities set state = $2 where id = $1")
            .bind(id)
            .bind(state)
            .execute(tx.conn())
            .await
            .unwrap();
        tx.invalidate(id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(client.is_signed_in_by(&token).await, lives_on, "{state}");
    }
}

#[story]
async fn a_session_ends_by_itself(site: Site) {
    let short = json!({"session": {"lifespan": "10m"}});
    let project = site.project_with(short).await;
    let client = site.client(&project, Kind::Api);
    let script = site.client(&project, Kind::Spa);
    let signed_up = script.sign_up(ADA, PASSWORD).await;
    let (token, _) = token(&site, &project, ADA).await;
    let line = set_cookie(&signed_up, &format!("ory_session_{}", project.slug()));
    let age = attributes(&line)
        .into_iter()
        .find_map(|a| a.strip_prefix("Max-Age="))
        .unwrap();
    assert!((590..=600).contains(&age.parse::<u32>().unwrap()), "{age}");

    site.world.clock.advance(TimeDelta::minutes(9));
    assert!(client.is_signed_in_by(&token).await);
    assert_eq!(script.whoami().await.status, StatusCode::OK);
    site.world.clock.advance(TimeDelta::minutes(2));
    assert!(!client.is_signed_in_by(&token).await);
    assert_eq!(script.whoami().await.status, StatusCode::UNAUTHORIZED);
    // A person who was signed in may sign in again.
    let again = script.sign_in(ADA, PASSWORD).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    let others = script.get("/sessions").await;
    assert_eq!(others.body, json!([]), "ended ones are not listed");
}

/// W12.9.
#[story]
async fn how_long_a_session_may_be_cached(site: Site) {
    let project = site
        .project_with(json!({"session": {"lifespan": "2h"}}))
        .await;
    let client = site.client(&project, Kind::Api);
    let (token, _) = token(&site, &project, ADA).await;
    let cached = async |token: Option<&str>| {
        let headers: Vec<_> = token.map(|t| ("x-session-token", t)).into_iter().collect();
        let answer = client.send(Method::GET, WHOAMI, None, &headers).await;
        let value = answer.headers.get("ory-session-cache-for")?;
        Some(value.to_str().unwrap().parse::<u32>().unwrap())
    };
    assert_eq!(
        (cached(Some(&token)).await, cached(None).await),
        (None, None)
    );

    let on = json!({"feature_flags": {"cacheable_sessions": true}});
    site.world.configure(&project, on).await;
    let left = cached(Some(&token)).await.unwrap();
    assert!((7_100..=7_200).contains(&left), "{left}");
    assert_eq!(cached(None).await, Some(60));
    assert_eq!(
        cached(Some("ory_st_wrong")).await,
        None,
        "wrong credentials may become right ones"
    );
    let capped = json!({"feature_flags": {"cacheable_sessions_max_age": "5m"}});
    site.world.configure(&project, capped).await;
    assert_eq!(cached(Some(&token)).await, Some(300));
    site.world.clock.advance(TimeDelta::minutes(118));
    let left = cached(Some(&token)).await.unwrap();
    assert!((60..=120).contains(&left), "{left}");
    site.world.sweep().await;
}

#[story]
async fn signing_out_elsewhere_counts_at_once_and_spares_this_session(site: Site) {
    let project = site.project().await;
    let mut clients = Vec::new();
    for n in 0..3 {
        let client = site.client(&project, Kind::Spa);
        let entered = if n == 0 {
            client.sign_up(ADA, PASSWORD).await
        } else {
            client.sign_in(ADA, PASSWORD).await
        };
        assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
        assert_eq!(client.whoami().await.status, StatusCode::OK);
        clients.push(client);
    }
    let ended = clients[2].delete("/sessions").await;
    assert_eq!(ended.body["count"], 2);
    for (n, client) in clients.iter().enumerate() {
        let status = client.whoami().await.status;
        let wanted = if n == 2 {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(status, wanted, "{n}");
    }
}
