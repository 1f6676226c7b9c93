//! Begin, read, submit nothing, expire.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, OTHER_PASSWORD, Site, story, text};

use super::basic;

const NOBODY: &str = "13722137-4ef4-4e46-8797-d05b98791989";

#[story]
async fn a_new_flow_is_drawn_as_clients_expect(site: Site) {
    let project = site.project_with(basic()).await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client.begin("settings", "").await;
        assert_eq!(flow.status, 200, "{kind:?}: {}", flow.text);
        assert_eq!(
            flow.outline(),
            [
                "default/csrf_token",
                "profile/traits.email",
                "profile/traits.name.first",
                "profile/traits.name.last",
                "profile/traits.newsletter",
                "profile/method=profile",
                "password/password",
                "password/method=password",
            ],
            "{kind:?}"
        );
        assert_eq!(flow.body["state"], "show_form");
        assert_eq!(flow.body["organization_id"], Value::Null);
        assert_eq!(flow.body["identity"]["traits"]["email"], email);
        assert!(flow.body["identity"].get("credentials").is_none());
        let node = flow.node("traits.email");
        assert_eq!(node["attributes"]["value"], email);
        assert_eq!(flow.node("password")["attributes"].get("value"), None);
        assert_eq!(
            flow.node("password")["attributes"]["autocomplete"],
            "new-password"
        );
        for absent in ["active", "continue_with", "return_to"] {
            assert!(flow.body.get(absent).is_none(), "{absent}: {}", flow.text);
        }
        // W2.3: a read shows what is stored.
        let again = client.reread(&flow).await;
        assert_eq!(again.body, flow.body);
    }
}

#[story]
async fn a_submission_that_names_no_method_is_told_so(site: Site) {
    let project = site.project().await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org");
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client.begin("settings", "").await;
        for fields in [
            json!({}),
            json!({"method": "totp"}),
            json!({"method": "account"}),
        ] {
            let answer = client.submit(&flow, fields.clone()).await;
            if fields["method"] == "account" {
                // Known here, but not switched on.
                let expected = if kind == Kind::Html { 303 } else { 404 };
                assert_eq!(answer.status, expected);
                continue;
            }
            let form = client.reread(&flow).await;
            assert_eq!(
                form.messages(),
                [text::NO_SETTINGS_STRATEGY],
                "{kind:?} {fields}"
            );
            let expected = if kind == Kind::Html { 303 } else { 400 };
            assert_eq!(answer.status, expected);
        }
    }
}

#[story]
async fn flows_that_are_not_there(site: Site) {
    let project = site.project().await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let page = site.signed_in(&project, Kind::Html, ADA).await;
    for query in [format!("?id={NOBODY}"), "?id=abc".to_owned(), String::new()] {
        for client in [&script, &page] {
            let read = client
                .get(&format!("/self-service/settings/flows{query}"))
                .await;
            assert_eq!(read.status, StatusCode::NOT_FOUND, "{query}");
        }
    }
    for (query, status) in [
        (format!("?flow={NOBODY}"), 404),
        ("?flow=abc".to_owned(), 400),
        (String::new(), 400),
    ] {
        let path = format!("/self-service/settings{query}");
        let sent = script.post(&path, json!({"method": "profile"})).await;
        assert_eq!(sent.status, status, "{query}");
        assert_eq!(script.get(&path).await.status, status, "GET {query}");
        let sent = page.form(&path, &[("method", "profile")]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
        assert!(sent.location().contains("/ui/error?id="));
    }
}

/// W3.6, W3.7.
#[story]
async fn an_expired_flow_is_replaced(site: Site) {
    let patch = json!({"selfservice": {"flows": {"settings": {"lifespan": "10m"}}, "allowed_return_urls": ["https://app.example/"]}});
    let project = site.project_with(patch).await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org");
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client
            .begin("settings", "?return_to=https://app.example/x")
            .await;
        site.world.clock.advance(TimeDelta::minutes(11));
        let gone = client.reread(&flow).await;
        assert_eq!(gone.status, StatusCode::GONE, "{kind:?}");
        assert_eq!(gone.error_id(), None, "W3.6");
        let details = &gone.body["error"]["details"];
        let begin = format!("{}/self-service/settings", project.base_url());
        if kind == Kind::Api {
            assert_eq!(details["api"], format!("{begin}/api"));
        } else {
            let to = details["redirect_to"].as_str().unwrap();
            assert!(
                to.starts_with(&format!("{begin}/browser?return_to=")),
                "{to}"
            );
        }
        let fields = json!({"method": "profile", "traits": {"email": email}});
        let sent = client.submit(&flow, fields.clone()).await;
        let fresh = if kind == Kind::Html {
            assert_eq!(sent.status, StatusCode::SEE_OTHER);
            sent.location_query("flow").unwrap()
        } else {
            assert_eq!(sent.status, StatusCode::GONE);
            assert_eq!(sent.error_id(), Some("self_service_flow_expired"));
            sent.body["use_flow_id"].as_str().unwrap().to_owned()
        };
        assert_ne!(Some(fresh.as_str()), flow.body["id"].as_str());
        let fresh = client.flow("settings", &fresh).await;
        assert_eq!(fresh.messages(), [text::SETTINGS_EXPIRED]);
        assert_eq!(fresh.body["state"], "show_form");
        assert_eq!(fresh.body["return_to"], "https://app.example/x");
        let saved = client.submit(&fresh, fields).await;
        assert!(saved.status == 200 || saved.location() == "https://app.example/x");
    }
}

/// W3.11.
#[story]
async fn where_a_browser_ends(site: Site) {
    let patch = json!({"selfservice": {
        "default_browser_return_url": "https://app.example/home",
        "allowed_return_urls": ["https://app.example/"],
    }});
    let project = site.project_with(patch).await;
    let page = site.signed_up(&project, Kind::Html, ADA).await;
    let script = site.signed_in(&project, Kind::Spa, ADA).await;
    let fields = json!({"method": "profile", "traits": {"email": ADA}});
    // Back to the form, whatever the project's default is.
    let flow = page.begin("settings", "").await;
    let form = page.submit_and_stay(&flow, fields.clone()).await;
    assert_eq!(form.messages(), [text::SAVED]);
    let to = "https://app.example/back";
    let flow = page.begin("settings", &format!("?return_to={to}")).await;
    assert_eq!(page.submit(&flow, fields.clone()).await.location(), to);
    let flow = script.begin("settings", &format!("?return_to={to}")).await;
    let saved = script.submit(&flow, fields.clone()).await;
    let expected = json!([{"action": "redirect_browser_to", "redirect_browser_to": to}]);
    assert_eq!(saved.body["continue_with"], expected);

    let foreign = "?return_to=https://evil.example/";
    let begun = script
        .get(&format!("/self-service/settings/browser{foreign}"))
        .await;
    assert_eq!(
        begun.error_id(),
        Some("self_service_flow_return_to_forbidden")
    );
    // W3.10: allowed when it began, not when it ends; and nothing is changed.
    let flow = script.begin("settings", &format!("?return_to={to}")).await;
    let shut = json!({"selfservice": {
        "allowed_return_urls": [],
        "flows": {"settings": {"after": {
            "default_browser_return_url": "https://app.example/all",
            "password": {"default_browser_return_url": "https://app.example/pw"},
        }}},
    }});
    let project = site.world.configure(&project, shut).await;
    let moved = json!({"method": "profile", "traits": {"email": "new@example.org"}});
    let refused = script.submit(&flow, moved).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.messages(), [text::GENERIC]);
    assert_eq!(refused.body["identity"]["traits"]["email"], ADA);
    let script = site.signed_in(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let saved = script.submit(&flow, fields).await;
    let to = &saved.body["continue_with"][0]["redirect_browser_to"];
    assert_eq!(to, "https://app.example/all");
    let fields = json!({"method": "password", "password": OTHER_PASSWORD});
    let saved = script.submit(&flow, fields).await;
    let to = &saved.body["continue_with"][0]["redirect_browser_to"];
    assert_eq!(to, "https://app.example/pw");
}

#[story]
async fn password_managers_find_the_page(site: Site) {
    let project = site.project().await;
    let page = site.client(&project, Kind::Html);
    let answer = page.get("/.well-known/change-password").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.location(),
        format!("{}/ui/settings", project.base_url())
    );
}
