//! Signing out.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{ADA, Answer, Client, Kind, PASSWORD, Site, story};

async fn token_of(client: &Client) -> String {
    let answer = client.get("/self-service/logout/browser").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.body["logout_token"].as_str().unwrap().to_owned()
}

/// The error that a page is sent to.
async fn stored_error(client: &Client, sent: &Answer) -> Answer {
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let id = sent.location_query("id").unwrap();
    client.get(&format!("/self-service/errors?id={id}")).await
}

/// W12.11.
#[story]
async fn a_script_signs_out(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let nobody = script.get("/self-service/logout/browser").await;
    assert_eq!(
        (nobody.status, nobody.error_id()),
        (StatusCode::UNAUTHORIZED, Some("session_inactive"))
    );
    script.sign_up(ADA, PASSWORD).await;
    let other = site.client(&project, Kind::Spa);
    other.sign_in(ADA, PASSWORD).await;

    let asked = script.get("/self-service/logout/browser").await;
    let token = asked.body["logout_token"].as_str().unwrap();
    assert!(token.starts_with("ory_lo_") && token.len() == 39, "{token}");
    let url = asked.body["logout_url"].as_str().unwrap();
    assert_eq!(
        url,
        format!("{}/self-service/logout?token={token}", project.base_url())
    );
    // Asking ends nothing.
    assert_eq!(script.whoami().await.status, StatusCode::OK);

    let cookies = script.cookies();
    let done = script.get(url).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
    assert!(done.text.is_empty());
    let session = format!("ory_session_{}", project.slug());
    assert!(!script.cookies().contains_key(&session));
    assert!(
        done.set_cookies()
            .iter()
            .any(|c| c.starts_with("csrf_token_")),
        "old forms must die"
    );
    // Not only the cookie is gone: the session has ended.
    script.set_cookie(&session, &cookies[&session]);
    assert_eq!(script.whoami().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        other.whoami().await.status,
        StatusCode::OK,
        "sessions elsewhere go on"
    );
    // W12.10: once more.
    let again = script.get(url).await;
    assert_eq!(
        (again.status, again.error_id()),
        (StatusCode::UNAUTHORIZED, Some("session_inactive"))
    );
}

/// W12.10.
#[story]
async fn a_token_belongs_to_one_session(site: Site) {
    let project = site.project().await;
    let ada = site.client(&project, Kind::Spa);
    ada.sign_up(ADA, PASSWORD).await;
    let bob = site.client(&project, Kind::Spa);
    bob.sign_up("bob@example.org", PASSWORD).await;
    let same_person = site.client(&project, Kind::Spa);
    same_person.sign_in(ADA, PASSWORD).await;

    let own = token_of(&ada).await;
    let mut forged = own.clone();
    let last = forged.pop();
    forged.push(if last == Some('a') { 'b' } else { 'a' });
    for token in [
        token_of(&bob).await,
        token_of(&same_person).await,
        forged,
        "ory_lo_".to_owned(),
    ] {
        let refused = ada
            .get(&format!("/self-service/logout?token={token}"))
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{token}");
    }
    // A missing token is refused before the session is looked at.
    let nobody = site.client(&project, Kind::Spa);
    for client in [&ada, &nobody] {
        for query in ["", "?token="] {
            let refused = client.get(&format!("/self-service/logout{query}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        }
    }
    let refused = nobody
        .get(&format!("/self-service/logout?token={own}"))
        .await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    for client in [&ada, &bob, &same_person] {
        assert_eq!(client.whoami().await.status, StatusCode::OK);
    }
}

#[story]
async fn a_page_signs_out(site: Site) {
    let project = site.project().await;
    let page = site.client(&project, Kind::Html);
    let error = stored_error(&page, &page.get("/self-service/logout/browser").await).await;
    assert_eq!(error.body["error"]["id"], "session_inactive");

    page.sign_up(ADA, PASSWORD).await;
    // The link itself is JSON for every kind of client.
    let token = token_of(&page).await;
    let done = page
        .get(&format!("/self-service/logout?token={token}"))
        .await;
    assert_eq!(
        (done.status, done.location()),
        (
            StatusCode::SEE_OTHER,
            format!("{}/ui/session", project.base_url()).as_str()
        )
    );
    assert_eq!(page.whoami().await.status, StatusCode::UNAUTHORIZED);
    let again = page
        .get(&format!("/self-service/logout?token={token}"))
        .await;
    let error = stored_error(&page, &again).await;
    assert_eq!(error.body["error"]["code"], 401);
}

#[story]
async fn where_to_after_signing_out(site: Site) {
    let pages = json!({"selfservice": {
        "allowed_return_urls": ["https://app.example.com/bye"],
        "flows": {"logout": {"after": {"default_browser_return_url": "https://app.example.com/bye/all"}}},
    }});
    let project = site.project_with(pages).await;
    let page = site.client(&project, Kind::Html);
    page.sign_up(ADA, PASSWORD).await;

    let evil = "?return_to=https%3A%2F%2Fevil.example%2F";
    let script = site.client(&project, Kind::Spa);
    script.sign_in(ADA, PASSWORD).await;
    let refused = script
        .get(&format!("/self-service/logout/browser{evil}"))
        .await;
    assert_eq!(
        (refused.status, refused.error_id()),
        (
            StatusCode::BAD_REQUEST,
            Some("self_service_flow_return_to_forbidden")
        )
    );
    let token = token_of(&script).await;
    let refused = script
        .get(&format!(
            "/self-service/logout?token={token}&return_to=https://evil.example/"
        ))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        script.whoami().await.status,
        StatusCode::OK,
        "a refusal changes nothing"
    );

    let asked = page
        .get("/self-service/logout/browser?return_to=https://app.example.com/bye/ada")
        .await;
    let done = page.get(asked.body["logout_url"].as_str().unwrap()).await;
    assert_eq!(done.location(), "https://app.example.com/bye/ada");

    page.sign_in(ADA, PASSWORD).await;
    let token = token_of(&page).await;
    let done = page
        .get(&format!("/self-service/logout?token={token}"))
        .await;
    assert_eq!(done.location(), "https://app.example.com/bye/all");
}

/// W12.11.
#[story]
async fn an_api_client_signs_out(site: Site) {
    let project = site.project().await;
    let mut native = site.client(&project, Kind::Api);
    let signed_up = native.sign_up(ADA, PASSWORD).await;
    let token = signed_up.body["session_token"].as_str().unwrap().to_owned();
    let path = "/self-service/logout/api";
    let unknown = json!({"session_token": "ory_st_00000000000000000000000000000000"});
    let refused = native.json(Method::DELETE, path, &unknown).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    for body in [None, Some(("application/json", b"{".to_vec()))] {
        let refused = native.send(Method::DELETE, path, body, &[]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }

    let neighbour = site.project().await;
    let elsewhere = site.client(&neighbour, Kind::Api);
    let body = json!({"session_token": token});
    let refused = elsewhere.json(Method::DELETE, path, &body).await;
    assert_eq!(
        refused.status,
        StatusCode::FORBIDDEN,
        "a session of another project is none"
    );

    native.set_token(&token);
    assert_eq!(native.whoami().await.status, StatusCode::OK);
    for _ in 0..2 {
        let done = native.json(Method::DELETE, path, &body).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text);
    }
    assert_eq!(native.whoami().await.status, StatusCode::UNAUTHORIZED);
}
