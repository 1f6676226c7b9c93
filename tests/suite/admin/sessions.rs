//! Sessions of all people.
//!
//! Looks inside: the tables.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Client, Kind, PASSWORD, Site, story};

use super::{IDENTITIES, UNKNOWN, ids, link, made, person, session};

/// W13.15.
#[story]
async fn sessions_of_an_identity(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let client = site.client(&project, Kind::Api);
    let identity = made(&admin, person(ADA)).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(session(&site, &project, ADA).await);
        site.world.clock.advance(TimeDelta::seconds(1));
    }
    let path = format!("{IDENTITIES}/{}/sessions", identity["id"].as_str().unwrap());
    let newest_first: Vec<String> = sessions.iter().rev().map(|(_, id)| id.clone()).collect();
    let all = admin.get(&path).await;
    assert_eq!(ids(&all), newest_first);
    assert_eq!(all.headers["x-total-count"], "3");
    assert_eq!(all.body[0]["identity"]["traits"]["email"], ADA);
    assert!(all.body[0]["identity"].get("credentials").is_none());
    let page = admin.get(&format!("{path}?page_size=2")).await;
    assert_eq!(ids(&page), newest_first[..2]);
    let rest = admin.get(&link(&page, &project, "next").unwrap()).await;
    assert_eq!(ids(&rest), newest_first[2..]);

    let end = format!("/admin/sessions/{}", sessions[0].1);
    assert_eq!(admin.delete(&end).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        ids(&admin.get(&format!("{path}?active=true")).await),
        newest_first[..2]
    );
    assert_eq!(
        ids(&admin.get(&format!("{path}?active=0")).await),
        newest_first[2..]
    );
    for wrong in [
        format!("{path}?active=zz"),
        format!("{IDENTITIES}/abc/sessions"),
    ] {
        assert_eq!(admin.get(&wrong).await.status, StatusCode::BAD_REQUEST);
    }
    let unknown = admin.get(&format!("{IDENTITIES}/{UNKNOWN}/sessions")).await;
    assert_eq!(
        (
            unknown.status,
            unknown.body,
            &unknown.headers["x-total-count"]
        ),
        (StatusCode::OK, json!([]), &"0".parse().unwrap())
    );

    assert!(client.is_signed_in_by(&sessions[2].0).await);
    assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert!(!client.is_signed_in_by(&sessions[2].0).await);
    assert_eq!(admin.delete(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        admin
            .delete(&format!("{IDENTITIES}/abc/sessions"))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

/// W13.16.
#[story]
async fn all_sessions(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let client = site.client(&project, Kind::Api);
    let mut sessions = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let email = format!("{name}@example.org");
        made(&admin, person(&email)).await;
        sessions.push(session(&site, &project, &email).await);
        site.world.clock.advance(TimeDelta::seconds(1));
    }
    let newest_first: Vec<String> = sessions.iter().rev().map(|(_, id)| id.clone()).collect();
    let list = async |query: &str| admin.get(&format!("/admin/sessions?{query}")).await;
    let all = list("").await;
    assert_eq!(ids(&all), newest_first);
    for item in all.body.as_array().unwrap() {
        assert_eq!(
            (&item["identity"], &item["devices"]),
            (&Value::Null, &Value::Null)
        );
    }
    let whole = list("expand=Identity&expand=devices").await;
    assert_eq!(
        whole.body[0]["identity"]["traits"]["email"],
        "eve@example.org"
    );
    assert_eq!(whole.body[0]["devices"].as_array().unwrap().len(), 1);
    assert!(!whole.text.contains("ory_st_"), "tokens are never shown");

    let mut page = list("page_size=1").await;
    let mut seen = ids(&page);
    while let Some(next) = link(&page, &project, "next") {
        page = admin.get(&next).await;
        seen.extend(ids(&page));
        assert!(seen.len() <= 3, "a page repeats: {seen:?}");
    }
    assert_eq!(seen, newest_first);
    let first = link(&page, &project, "first").unwrap();
    assert_eq!(ids(&admin.get(&first).await), newest_first[..1]);

    let (token, id) = &sessions[0];
    one_session(&admin, &client, token, id).await;
    assert_eq!(ids(&list("active=true").await), newest_first[..2]);
    assert_eq!(ids(&list("active=false").await), newest_first[2..]);
    for wrong in ["expand=zzz", "active=zz", "page_size=abc", "page_token=@@@"] {
        assert_eq!(list(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

/// Looked at, and ended; the second time that changes nothing.
async fn one_session(admin: &Client, client: &Client, token: &str, id: &str) {
    let path = format!("/admin/sessions/{id}");
    let one = admin.get(&path).await;
    assert_eq!(
        (&one.body["identity"], &one.body["devices"]),
        (&Value::Null, &json!([]))
    );
    let one = admin.get(&format!("{path}?expand=identity")).await;
    assert!(one.body["identity"]["verifiable_addresses"].is_array());
    assert!(client.is_signed_in_by(token).await);
    for _ in 0..2 {
        assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
    }
    assert!(!client.is_signed_in_by(token).await);
    assert_eq!(admin.get(&path).await.body["active"], false);

    let unknown = format!("/admin/sessions/{UNKNOWN}");
    assert_eq!(admin.get(&unknown).await.status, StatusCode::NOT_FOUND);
    assert_eq!(admin.delete(&unknown).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        admin.delete("/admin/sessions/abc").await.status,
        StatusCode::BAD_REQUEST
    );
    let wrong = admin.get(&format!("{path}?expand=zzz")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[story]
async fn sessions_are_paged_without_gaps(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    assert_eq!(native.sign_up(ADA, PASSWORD).await.status, StatusCode::OK);
    for _ in 0..4 {
        native.sign_in(ADA, PASSWORD).await;
    }
    // Two of one moment: the id decides.
    let mut tx = project.begin().await.unwrap();
    sqlx::query("update sessions set created_at = (select min(created_at) from sessions) where id in (select id from sessions order by created_at limit 3)")
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let admin = site.admin(&project);
    let whole = admin.get("/admin/sessions").await;
    let whole: Vec<Value> = whole.body.as_array().unwrap().clone();
    assert_eq!(whole.len(), 5);
    let mut seen = Vec::new();
    let mut path = "/admin/sessions?page_size=1".to_owned();
    loop {
        let page = admin.get(&path).await;
        seen.extend(page.body.as_array().unwrap().clone());
        let link = page.headers["link"].to_str().unwrap().to_owned();
        let Some(next) = link.split(',').find(|part| part.contains("rel=\"next\"")) else {
            break;
        };
        let target = next.split(['<', '>']).nth(1).unwrap();
        path = format!("{}{target}", site.origin);
    }
    let ids = |all: &[Value]| all.iter().map(|s| s["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&seen), ids(&whole));
}
