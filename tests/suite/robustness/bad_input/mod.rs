//! Whatever is sent, the answer is one that clients know: an error envelope, or the form again with a message.
//! Never a fault, never a dropped connection. [`Answer`] itself refuses a 500.

mod bodies;
mod random;
mod requests;
mod sizes;
mod texts;
mod types;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Answer, Client, Kind, PASSWORD, Site, story};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A success, a redirect with a target, the form again, or the error envelope: nothing else is an answer.
fn is_an_answer(what: &str, answer: &Answer) {
    let (status, code) = (answer.status, answer.status.as_u16());
    assert!(code < 500, "{what}: {status} {}", answer.text);
    assert!(answer.headers.contains_key("x-request-id"), "{what}");
    if status.is_redirection() {
        assert!(!answer.location().is_empty(), "{what}: nowhere to go");
    } else if status.is_client_error() {
        let media = answer.headers["content-type"].to_str().unwrap();
        let form = code == 400 && answer.body["ui"]["nodes"].is_array();
        let envelope = answer.body["error"]["code"] == code
            && answer.body["error"]["status"].is_string()
            && answer.body["error"]["message"].is_string();
        let fits = (form && media == "application/json; charset=utf-8")
            || (envelope && media == "application/json");
        assert!(fits, "{what}: {status} {media} {}", answer.text);
    }
}

/// A flow of that kind, begun by a visitor of that kind.
async fn begun(
    site: &Site,
    project: &tenants::Project,
    kind: Kind,
    flow: &str,
) -> (Client, Answer) {
    let client = site.client(project, kind);
    let flow = client.begin(flow, "").await;
    assert_eq!(flow.status, StatusCode::OK, "{}", flow.text);
    (client, flow)
}

fn action(flow: &Answer) -> &str {
    flow.body["ui"]["action"].as_str().unwrap()
}

/// As deep as a body may nest, at the places from which it is read back.
#[story]
async fn what_may_be_stored_can_be_read_back(site: Site) {
    let project = site.project().await;
    let deep = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!({ "a": inner }));
    let (client, flow) = begun(&site, &project, Kind::Api, "registration").await;
    for levels in [
        10, 40, 45, 46, 47, 48, 60, 100, 120, 124, 125, 126, 127, 128,
    ] {
        let dotted = format!("traits{}", ".b".repeat(levels));
        for body in [
            json!({"method": "password", "traits": deep(levels)}),
            json!({"method": "password", "transient_payload": deep(levels)}),
            json!({"method": "password", dotted: deep(levels.min(46))}),
        ] {
            let answer = client.submit(&flow, body).await;
            is_an_answer(&format!("{levels}"), &answer);
            let again = client.submit(&flow, json!({"method": "password"})).await;
            is_an_answer(&format!("after {levels}"), &again);
        }
        let identity = json!({"schema_id": "preset://email", "traits": {"email": format!("d{levels}@example.org")},
            "metadata_public": deep(levels), "metadata_admin": deep(levels)});
        let made = site
            .admin(&project)
            .post("/admin/identities", identity)
            .await;
        is_an_answer(&format!("metadata {levels}"), &made);
        assert_eq!(made.status.is_success(), levels < 48, "{levels}");
    }
    let listed = site.admin(&project).get("/admin/identities").await;
    assert_eq!(listed.status, StatusCode::OK);
    assert_eq!(listed.body.as_array().unwrap().len(), 5);
}

#[story]
async fn flows_that_are_not_theirs_and_forms_that_may_be_forged(site: Site) {
    let (project, other) = (site.project().await, site.project().await);
    let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD, "traits": {"email": ADA}});
    for flow_name in ["login", "registration"] {
        let (script, flow) = begun(&site, &project, Kind::Spa, flow_name).await;
        let (_, elsewhere) = begun(&site, &other, Kind::Spa, flow_name).await;
        let (_, stranger) = begun(&site, &project, Kind::Spa, flow_name).await;
        let path = |id: &str| format!("/self-service/{flow_name}?flow={id}");
        let own = flow.body["id"].as_str().unwrap();
        let nowhere = uuid::Uuid::nil().to_string();
        let foreign = elsewhere.body["id"].as_str().unwrap();
        for (id, status) in [
            (nowhere.as_str(), 404),
            (foreign, 404),
            ("", 400),
            ("x", 400),
            ("%00", 400),
        ] {
            let answer = script.post(&path(id), body.clone()).await;
            is_an_answer(id, &answer);
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{flow_name} {id}: {}",
                answer.text
            );
        }
        let token = stranger.node("csrf_token")["attributes"]["value"].clone();
        for token in [
            Value::Null,
            json!(""),
            json!("AAAA"),
            json!({}),
            json!("\u{e9}"),
            token,
        ] {
            let mut forged = body.clone();
            forged["csrf_token"] = token;
            let answer = script.post(&path(own), forged).await;
            is_an_answer("forged", &answer);
            assert_eq!(
                answer.error_id(),
                Some("security_csrf_violation"),
                "{}",
                answer.text
            );
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
        }
        site.world.clock.advance(chrono::TimeDelta::hours(2));
        let late = script.submit(&flow, body.clone()).await;
        is_an_answer("late", &late);
        assert_eq!(
            (late.status, late.error_id()),
            (StatusCode::GONE, Some("self_service_flow_expired"))
        );
    }
    let listed = site.admin(&project).get("/admin/identities").await;
    assert_eq!(listed.body, json!([]), "nobody got in by any of it");
    site.world.sweep().await;
}
