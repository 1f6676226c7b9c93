//! Sign in with a password, as the three kinds of client see it.
//!
//! Looks inside: `identity`.

mod races;
mod sessions;
mod submissions;

use identity::{HashPool, Hasher};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};
use zeroize::Zeroizing;

fn is_v4(id: &Value) -> bool {
    let id = id.as_str().unwrap_or_default();
    id.len() == 36 && id.as_bytes()[14] == b'4' && id == id.to_lowercase()
}

#[story]
async fn a_new_flow_is_drawn_as_clients_expect(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    // W1.8: empty parameters are absent ones.
    let flow = script
        .begin("login", "?aal=&refresh=&return_to=&organization=&via=")
        .await;
    assert_eq!(flow.status, StatusCode::OK, "{}", flow.text);
    assert_eq!(
        flow.outline(),
        [
            "default/csrf_token",
            "default/identifier",
            "password/password",
            "password/method=password"
        ]
    );
    // W1.14, W3.2, W4.1, W4.2.
    assert!(flow.body["ui"].get("messages").is_none());
    for node in flow.body["ui"]["nodes"].as_array().unwrap() {
        assert_eq!(node["messages"], json!([]));
        assert!(node["meta"].is_object());
        assert_eq!(node["attributes"]["node_type"], node["type"]);
        assert!(node["attributes"]["disabled"].is_boolean());
    }
    assert_eq!(flow.body["organization_id"], Value::Null);
    assert!(
        flow.body
            .as_object()
            .unwrap()
            .contains_key("organization_id")
    );
    assert!(is_v4(&flow.body["id"]), "{}", flow.body["id"]);
    assert_eq!(flow.body["requested_aal"], "aal1");
    assert_eq!(flow.body["refresh"], false);
    assert_eq!(flow.body["state"], "choose_method");
    assert_eq!(flow.body["type"], "browser");
    let request_url = format!(
        "{}/self-service/login/browser?aal=&refresh=&return_to=&organization=&via=",
        project.base_url()
    );
    assert_eq!(flow.body["request_url"], request_url);
    assert_eq!(
        flow.node("identifier")["meta"]["label"]["id"],
        text::FIELD_LABEL
    );
    assert_eq!(
        flow.headers["cache-control"],
        "private, no-cache, no-store, must-revalidate"
    );

    let native = site.client(&project, Kind::Api).begin("login", "").await;
    assert_eq!(native.body["type"], "api");
    assert_eq!(native.node("csrf_token")["attributes"]["value"], "");
    assert!(native.set_cookies().is_empty(), "API inits set no cookie");

    let page = site.client(&project, Kind::Html);
    let begun = page.get("/self-service/login/browser").await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    assert!(
        begun
            .location()
            .starts_with(&format!("{}/ui/login?flow=", project.base_url())),
        "{}",
        begun.location()
    );
}

/// W3.1, W6.2.
#[story]
async fn three_kinds_of_client_sign_in(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let made = native.sign_up(ADA, PASSWORD).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);

    let signed_in = native.sign_in(ADA, PASSWORD).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
    let token = signed_in.body["session_token"].as_str().unwrap();
    assert!(token.starts_with("ory_st_") && token.len() == 39);
    assert!(signed_in.body["continue_with"].is_null());
    assert_eq!(
        signed_in.body["session"]["identity"]["traits"]["email"],
        ADA
    );
    assert_eq!(
        signed_in.body["session"]["authentication_methods"][0]["method"],
        "password"
    );
    assert_eq!(
        signed_in.body["session"]["authenticator_assurance_level"],
        "aal1"
    );

    let script = site.client(&project, Kind::Spa);
    let signed_in = script.sign_in(ADA, PASSWORD).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
    assert!(
        signed_in.body.get("session_token").is_none(),
        "a token never reaches a script"
    );
    assert_eq!(
        signed_in.body["continue_with"][0]["action"],
        "redirect_browser_to"
    );
    let cookie = format!("ory_session_{}", project.slug());
    assert!(signed_in.set_cookies().contains(&cookie));
    assert!(
        signed_in
            .set_cookies()
            .iter()
            .any(|c| c.starts_with("csrf_token_")),
        "old forms must die"
    );
    assert_eq!(script.whoami().await.status, StatusCode::OK);

    let page = site.client(&project, Kind::Html);
    let signed_in = page.sign_in(ADA, PASSWORD).await;
    assert_eq!(
        signed_in.status,
        StatusCode::SEE_OTHER,
        "{}",
        signed_in.text
    );
    assert_eq!(
        signed_in.location(),
        format!("{}/ui/session", project.base_url())
    );
    let who = page.whoami().await;
    assert_eq!(who.body["identity"]["traits"]["email"], ADA);
    assert_eq!(
        who.headers["x-kratos-authenticated-identity-id"],
        who.body["identity"]["id"].as_str().unwrap()
    );
}

/// W6.1.
#[story]
async fn a_wrong_password_and_an_unknown_person_look_the_same(site: Site) {
    let project = site.project().await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    for kind in [Kind::Spa, Kind::Api] {
        let client = site.client(&project, kind);
        let wrong = client.sign_in(ADA, "not-the-password").await;
        let unknown = client
            .sign_in("nobody@example.org", "not-the-password")
            .await;
        for answer in [&wrong, &unknown] {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_eq!(answer.messages(), [text::WRONG_CREDENTIALS]);
            // W4.9: the password is never shown again, the identifier stays.
            assert!(answer.node("password")["attributes"].get("value").is_none());
        }
        assert_eq!(wrong.node("identifier")["attributes"]["value"], ADA);
        // One message, however often.
        let again = client
            .submit(
                &wrong,
                json!({"method": "password", "identifier": ADA, "password": "wrong-again"}),
            )
            .await;
        assert_eq!(again.messages(), [text::WRONG_CREDENTIALS]);
    }
    let page = site
        .client(&project, Kind::Html)
        .sign_in(ADA, "not-the-password")
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(page.location().contains("/ui/login?flow="));
}

/// W3.6, W3.7, as far as logins go.
#[story]
async fn expired_flows_are_replaced(site: Site) {
    let project = site.project().await;
    for kind in [Kind::Spa, Kind::Api, Kind::Html] {
        let client = site.client(&project, kind);
        let flow = client.begin("login", "").await;
        site.world.clock.advance(chrono::TimeDelta::hours(2));
        let read = client.reread(&flow).await;
        assert_eq!(
            (read.status, read.error_id()),
            (StatusCode::GONE, Some("self_service_flow_expired"))
        );
        let sent = client
            .submit(
                &flow,
                json!({"method": "password", "identifier": "a", "password": "b"}),
            )
            .await;
        let replacement = if kind == Kind::Html {
            assert_eq!(sent.status, StatusCode::SEE_OTHER);
            sent.location_query("flow").unwrap()
        } else {
            assert_eq!(
                (sent.status, sent.error_id()),
                (StatusCode::GONE, Some("self_service_flow_expired"))
            );
            assert!(sent.body["since"].is_u64() && sent.body["expired_at"].is_string());
            sent.body["use_flow_id"].as_str().unwrap().to_owned()
        };
        let fresh = client.flow("login", &replacement).await;
        assert_eq!(
            (fresh.status, fresh.messages()),
            (StatusCode::OK, vec![text::LOGIN_EXPIRED])
        );
    }
    site.world.sweep().await;
}

/// W3.10: what was allowed at the beginning is looked at again at the end.
#[story]
async fn return_to_is_judged_twice(site: Site) {
    let allowed = json!({"selfservice": {"allowed_return_urls": ["https://app.example.com/in"]}});
    let project = site.project_with(allowed).await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let script = site.client(&project, Kind::Spa);
    let evil = [
        "https://evil.example",
        "//evil.example",
        "https://app.example.com@evil.example/in",
        "https:\\\\evil.example",
        "javascript:alert(1)",
    ];
    for url in evil {
        let encoded: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
        let refused = script
            .begin("login", &format!("?return_to={encoded}"))
            .await;
        assert_eq!(
            (refused.status, refused.error_id()),
            (
                StatusCode::BAD_REQUEST,
                Some("self_service_flow_return_to_forbidden")
            ),
            "{url}"
        );
    }
    let asked = "?return_to=https://app.example.com/in/x";
    let flow = script.begin("login", asked).await;
    assert_eq!(flow.body["return_to"], "https://app.example.com/in/x");
    let done = script
        .submit(
            &flow,
            json!({"method": "password", "identifier": ADA, "password": PASSWORD}),
        )
        .await;
    assert_eq!(
        done.body["continue_with"][0]["redirect_browser_to"],
        "https://app.example.com/in/x"
    );

    let late = site.client(&project, Kind::Spa);
    let flow = late.begin("login", asked).await;
    site.world
        .configure(
            &project,
            json!({"selfservice": {"allowed_return_urls": []}}),
        )
        .await;
    let refused = late
        .submit(
            &flow,
            json!({"method": "password", "identifier": ADA, "password": PASSWORD}),
        )
        .await;
    assert_eq!(
        (refused.status, refused.messages()),
        (StatusCode::BAD_REQUEST, vec![text::GENERIC])
    );
    assert_eq!(refused.reasons(), ["return_to_not_allowed"]);
    assert_eq!(late.whoami().await.status, StatusCode::UNAUTHORIZED);
}

/// W6.5.
#[story]
async fn an_inactive_identity_cannot_sign_in(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let made = admin
        .post("/admin/identities", json!({"state": "inactive", "traits": {"email": ADA}, "credentials": {"password": {"config": {"password": PASSWORD}}}}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let answer = site
        .client(&project, Kind::Spa)
        .sign_in(ADA, PASSWORD)
        .await;
    assert_eq!(
        (answer.status, answer.messages()),
        (StatusCode::BAD_REQUEST, vec![text::ACCOUNT_DISABLED])
    );
    assert_eq!(answer.body["active"], "password");
}

/// W6.14: a hash of another family is replaced when its owner signs in.
#[story]
async fn an_imported_hash_is_renewed(site: Site) {
    let project = site.project().await;
    let hashing = HashPool::new(1, 10, 10);
    let clear = || Zeroizing::new(PASSWORD.to_owned());
    let bcrypt = hashing
        .hash(project.id().uuid(), Hasher::Bcrypt { cost: 4 }, clear())
        .await
        .unwrap();
    let admin = site.admin(&project);
    let made = admin.post("/admin/identities", json!({"traits": {"email": ADA}, "credentials": {"password": {"config": {"hashed_password": bcrypt}}}})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.body["id"].as_str().unwrap();
    let stored = || async {
        let shown = admin
            .get(&format!(
                "/admin/identities/{id}?include_credential=password"
            ))
            .await;
        shown.body["credentials"]["password"]["config"]["hashed_password"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(stored().await, bcrypt);
    let wrong = site
        .client(&project, Kind::Api)
        .sign_in(ADA, "not the password")
        .await;
    assert_eq!(wrong.messages(), [text::WRONG_CREDENTIALS]);
    assert_eq!(stored().await, bcrypt, "a wrong password renews nothing");
    let right = site
        .client(&project, Kind::Api)
        .sign_in(ADA, PASSWORD)
        .await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text);
    let renewed = stored().await;
    assert!(renewed.starts_with("$argon2id$"), "{renewed}");
    let again = site
        .client(&project, Kind::Api)
        .sign_in(ADA, PASSWORD)
        .await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(stored().await, renewed, "and only once");
}
