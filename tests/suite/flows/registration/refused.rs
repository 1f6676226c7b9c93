//! Where there is nothing to sign up to: no registration, a session, no flow any more, no method.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::password_fields;

/// W7.13.
#[story]
async fn a_disabled_registration(site: Site) {
    let project = site.project().await;
    let early = site.client(&project, Kind::Spa);
    let flow = early.begin("registration", "").await;
    let off = json!({"selfservice": {"flows": {"registration": {"enabled": false}}}});
    site.world.configure(&project, off).await;
    let disabled = (StatusCode::BAD_REQUEST, Some("self_service_flow_disabled"));
    for kind in [Kind::Spa, Kind::Api] {
        let begun = site.client(&project, kind).begin("registration", "").await;
        assert_eq!((begun.status, begun.error_id()), disabled);
    }
    let shown = early.reread(&flow).await;
    assert_eq!((shown.status, shown.error_id()), disabled);
    let sent = early.submit(&flow, password_fields(ADA, PASSWORD)).await;
    assert_eq!((sent.status, sent.error_id()), disabled);

    let page = site.client(&project, Kind::Html);
    let begun = page.get("/self-service/registration/browser").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    assert!(
        begun
            .location()
            .starts_with(&format!("{}/ui/error?id=", project.base_url())),
        "{}",
        begun.location()
    );
    let id = begun.location_query("id").unwrap();
    let error = page.get(&format!("/self-service/errors?id={id}")).await;
    assert_eq!(error.body["error"]["id"], "self_service_flow_disabled");
}

/// W7.7.
#[story]
async fn signed_in_already(site: Site) {
    let project = site.project().await;
    for kind in [Kind::Spa, Kind::Html] {
        let client = site.client(&project, kind);
        let early = client.begin("registration", "").await;
        client
            .sign_up(&format!("{kind:?}@example.org"), PASSWORD)
            .await;
        let begun = client.get("/self-service/registration/browser").await;
        let sent = client.submit(&early, password_fields(ADA, PASSWORD)).await;
        if kind == Kind::Html {
            let home = format!("{}/ui/session", project.base_url());
            assert_eq!(
                (begun.status, begun.location()),
                (StatusCode::SEE_OTHER, home.as_str())
            );
            assert_eq!(
                (sent.status, sent.location()),
                (StatusCode::FOUND, home.as_str())
            );
        } else {
            let already = (StatusCode::BAD_REQUEST, Some("session_already_available"));
            assert_eq!((begun.status, begun.error_id()), already);
            assert_eq!((sent.status, sent.error_id()), already);
            assert!(sent.body.get("ui").is_none(), "an error, not a flow");
        }
    }
    let all = site.admin(&project).get("/admin/identities").await;
    assert_eq!(all.body.as_array().unwrap().len(), 2);
}

/// W3.7: an expired flow is replaced, and says so.
#[story]
async fn expired_flows_are_replaced(site: Site) {
    let project = site.project().await;
    for kind in [Kind::Spa, Kind::Api, Kind::Html] {
        let client = site.client(&project, kind);
        let flow = client.begin("registration", "").await;
        site.world.clock.advance(chrono::TimeDelta::minutes(61));
        let shown = client.reread(&flow).await;
        let gone = (StatusCode::GONE, Some("self_service_flow_expired"));
        assert_eq!((shown.status, shown.error_id()), gone);
        let sent = client.submit(&flow, password_fields(ADA, PASSWORD)).await;
        let replacement = if kind == Kind::Html {
            assert_eq!(sent.status, StatusCode::SEE_OTHER);
            sent.location_query("flow").unwrap()
        } else {
            assert_eq!((sent.status, sent.error_id()), gone);
            sent.body["use_flow_id"].as_str().unwrap().to_owned()
        };
        assert_ne!(flow.body["id"], replacement.as_str());
        let fresh = client.flow("registration", &replacement).await;
        assert_eq!(
            (fresh.status, fresh.messages()),
            (StatusCode::OK, vec![text::REGISTRATION_EXPIRED])
        );
    }
    site.world.sweep().await;
}

#[story]
async fn no_method_and_no_flow(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    for method in [json!("pigeon"), json!(1), Value::Null] {
        let fields = json!({"method": method, "traits": {"email": ADA}});
        let refused = script.submit(&flow, fields).await;
        assert_eq!(
            (refused.status, refused.messages()),
            (
                StatusCode::BAD_REQUEST,
                vec![text::NO_REGISTRATION_STRATEGY]
            )
        );
    }
    let unknown = "11111111-1111-4111-8111-111111111111";
    for (query, status) in [
        ("", 400),
        ("?flow=abc", 400),
        (format!("?flow={unknown}").as_str(), 404),
    ] {
        let path = format!("/self-service/registration{query}");
        let refused = script.post(&path, password_fields(ADA, PASSWORD)).await;
        assert_eq!(refused.status.as_u16(), status, "{query}");
        assert!(refused.error_id().is_none() && refused.body["error"].is_object());
        let page = site.client(&project, Kind::Html);
        let sent = page.form(&path, &[("method", "password")]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
        assert!(sent.location().contains("/ui/error?id="), "{query}");
    }
    for query in ["", "?id=", "?id=abc", &format!("?id={unknown}")] {
        let read = script
            .get(&format!("/self-service/registration/flows{query}"))
            .await;
        assert_eq!(read.status, StatusCode::NOT_FOUND, "{query}");
    }
    let stranger = site.client(&project, Kind::Spa);
    let shown = stranger.reread(&flow).await;
    assert_eq!(
        (shown.status, shown.error_id()),
        (StatusCode::FORBIDDEN, Some("security_csrf_violation"))
    );
}
