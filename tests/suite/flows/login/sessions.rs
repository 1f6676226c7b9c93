//! A login where there is a session already: it is refreshed, or there is nothing to do.

use reqwest::StatusCode;
use serde_json::json;
use tests::{ADA, Kind, PASSWORD, Site, story, text};

/// W2.7, W3.12, W6.3.
#[story]
async fn a_refresh_keeps_the_session(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    script.sign_up(ADA, PASSWORD).await;
    let before = script.whoami().await.body;
    let already = script.begin("login", "").await;
    assert_eq!(
        (already.status, already.error_id()),
        (StatusCode::BAD_REQUEST, Some("session_already_available"))
    );
    site.world.clock.advance(chrono::TimeDelta::minutes(5));
    let flow = script.begin("login", "?refresh=true").await;
    assert_eq!(flow.messages(), [text::CONFIRM_IT_IS_YOU]);
    assert_eq!(flow.body["refresh"], true);
    assert_eq!(flow.node("identifier")["attributes"]["type"], "hidden");
    assert_eq!(flow.node("identifier")["attributes"]["value"], ADA);
    assert_eq!(
        flow.node("method")["meta"]["label"]["id"],
        text::REFRESH_SUBMIT_LABEL
    );
    let done = script
        .submit(
            &flow,
            json!({"method": "password", "identifier": ADA, "password": PASSWORD}),
        )
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(
        !done
            .set_cookies()
            .iter()
            .any(|c| c.starts_with("csrf_token_")),
        "the same person: forms live on"
    );
    let after = script.whoami().await.body;
    assert_eq!(after["id"], before["id"]);
    assert!(after["authenticated_at"].as_str() > before["authenticated_at"].as_str());
    assert_eq!(after["authentication_methods"].as_array().unwrap().len(), 2);

    // Another person gets a session of their own.
    site.client(&project, Kind::Api)
        .sign_up("bob@example.org", PASSWORD)
        .await;
    let flow = script.begin("login", "?refresh=true").await;
    let other = script
        .submit(
            &flow,
            json!({"method": "password", "identifier": "bob@example.org", "password": PASSWORD}),
        )
        .await;
    assert_ne!(other.body["session"]["id"], before["id"]);
    assert!(
        other
            .set_cookies()
            .iter()
            .any(|c| c.starts_with("csrf_token_"))
    );

    // A second factor cannot be asked for before the first, nor without any.
    let nobody = site
        .client(&project, Kind::Spa)
        .begin("login", "?aal=aal2")
        .await;
    assert_eq!(
        (nobody.status, nobody.error_id()),
        (StatusCode::UNAUTHORIZED, Some("session_aal1_required"))
    );
    let bad = script.begin("login", "?aal=aal7").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
}

/// W6.4.
#[story]
async fn signed_in_already(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let early = script.begin("login", "").await;
    script.sign_up(ADA, PASSWORD).await;
    let answer = script
        .submit(
            &early,
            json!({"method": "password", "identifier": ADA, "password": PASSWORD}),
        )
        .await;
    assert_eq!(
        (answer.status, answer.messages()),
        (StatusCode::BAD_REQUEST, vec![text::GENERIC])
    );
    assert_eq!(answer.reasons(), ["signed_in_already"]);
    assert!(answer.body["ui"].is_object(), "a flow, not an error");
}
