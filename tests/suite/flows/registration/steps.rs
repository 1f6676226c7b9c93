//! Two steps: traits first, then credentials.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::password_fields;

const PROFILE: [&str; 3] = [
    "default/csrf_token",
    "default/traits.email",
    "profile/method=profile",
];

fn two_steps() -> Value {
    json!({"selfservice": {"flows": {"registration": {"style": "profile_first"}}}})
}

/// W4.9, W4.10, W7.2, W7.3, W7.4.
#[story]
async fn two_steps_forward_and_back(site: Site) {
    let project = site.project_with(two_steps()).await;
    for kind in [Kind::Spa, Kind::Api] {
        let client = site.client(&project, kind);
        let email = format!("{kind:?}@example.org");
        let first = client.begin("registration", "").await;
        assert_eq!(first.outline(), PROFILE);

        let bad = json!({"method": "profile", "traits": {"email": "nope"}});
        let stays = client.submit(&first, bad).await;
        assert_eq!(stays.status, StatusCode::BAD_REQUEST);
        assert_eq!(stays.outline(), PROFILE);
        assert_eq!(stays.node_messages("traits.email"), [text::INVALID_EMAIL]);

        let forward = json!({"method": "profile", "traits": {"email": email}});
        let mut second = client.submit(&first, forward.clone()).await;
        for _ in 0..2 {
            assert_eq!(second.status, StatusCode::BAD_REQUEST, "{}", second.text);
            assert_eq!(second.messages(), [text::CHOOSE_CREDENTIAL]);
            assert_eq!(
                second.outline(),
                [
                    "default/csrf_token",
                    "default/traits.email",
                    "password/password",
                    "password/method=password",
                    "profile/screen=previous"
                ]
            );
            let trait_node = &second.node("traits.email")["attributes"];
            assert_eq!(
                (&trait_node["type"], &trait_node["value"]),
                (&json!("hidden"), &json!(email))
            );
            assert!(second.node_messages("traits.email").is_empty());
            // Once more: nothing is drawn twice.
            second = client.submit(&first, forward.clone()).await;
        }

        let done = client
            .submit(&first, password_fields(&email, PASSWORD))
            .await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    }
}

#[story]
async fn the_second_step_brings_the_first_along_and_leads_back(site: Site) {
    let project = site.project_with(two_steps()).await;
    for kind in [Kind::Spa, Kind::Api] {
        let client = site.client(&project, kind);
        let email = format!("{kind:?}@example.org");
        let first = client.begin("registration", "").await;
        let forward = json!({"method": "profile", "traits": {"email": email}});
        client.submit(&first, forward.clone()).await;
        // W7.4: what is hidden is sent again, or it is missing.
        let alone = json!({"method": "password", "password": PASSWORD});
        let refused = client.submit(&first, alone).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.node_messages("traits.email"), [text::REQUIRED]);

        let short = client
            .submit(&first, password_fields(&email, "short"))
            .await;
        assert_eq!(short.node_messages("password"), [text::PASSWORD_TOO_SHORT]);
        assert!(short.messages().is_empty(), "the greeting is gone");
        assert!(short.node("password")["attributes"].get("value").is_none());
        assert_eq!(short.node("traits.email")["attributes"]["type"], "hidden");

        // W7.3. Invalid traits do not get back; valid ones need no method and no token.
        let back = json!({"screen": "previous", "csrf_token": ""});
        let stays = client.submit(&first, back).await;
        assert_eq!(stays.node_messages("traits.email"), [text::REQUIRED]);
        assert_eq!(stays.node("screen")["attributes"]["value"], "previous");
        let back = json!({"screen": "previous", "csrf_token": "", "traits": {"email": email}});
        let again = client.submit(&first, back).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST);
        assert_eq!(again.outline(), PROFILE);
        assert!(again.messages().is_empty());
        let trait_node = &again.node("traits.email")["attributes"];
        assert_eq!(
            (&trait_node["type"], &trait_node["value"]),
            (&json!("email"), &json!(email))
        );
        assert_eq!(client.reread(&first).await.outline(), PROFILE);

        client.submit(&first, forward).await;
        let done = client
            .submit(&first, password_fields(&email, PASSWORD))
            .await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    }
}

#[story]
async fn two_steps_on_a_page(site: Site) {
    let project = site.project_with(two_steps()).await;
    let page = site.client(&project, Kind::Html);
    let flow = page.begin("registration", "").await;
    let url = format!(
        "{}/ui/registration?flow={}",
        project.base_url(),
        flow.body["id"].as_str().unwrap()
    );
    let forward = json!({"method": "profile", "traits": {"email": ADA}});
    let sent = page.submit(&flow, forward).await;
    assert_eq!(
        (sent.status, sent.location()),
        (StatusCode::SEE_OTHER, url.as_str())
    );
    assert_eq!(
        page.reread(&flow).await.messages(),
        [text::CHOOSE_CREDENTIAL]
    );
    let back = json!({"method": "profile", "screen": "previous", "traits": {"email": ADA}});
    let sent = page.submit(&flow, back).await;
    assert_eq!(
        (sent.status, sent.location()),
        (StatusCode::SEE_OTHER, url.as_str())
    );
    assert_eq!(
        page.reread(&flow).await.node("method")["attributes"]["value"],
        "profile"
    );
    // A script that goes by one screen alone may send everything at once.
    let done = page.submit(&flow, password_fields(ADA, PASSWORD)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(page.whoami().await.status, StatusCode::OK);
}

/// The first step writes nothing but the flow, and yet asks for the token. W7.1.
#[story]
async fn forward_needs_the_token(site: Site) {
    let project = site.project_with(two_steps()).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let forward = json!({"method": "profile", "csrf_token": "AAAA", "traits": {"email": ADA}});
    let refused = script.submit(&flow, forward).await;
    assert_eq!(
        (refused.status, refused.error_id()),
        (StatusCode::FORBIDDEN, Some("security_csrf_violation"))
    );
    // What is wrong with the fields is said first.
    let bad = json!({"method": "password", "csrf_token": "AAAA", "traits": {"email": "x"}});
    let refused = script.submit(&flow, bad).await;
    assert_eq!(refused.node_messages("traits.email"), [text::INVALID_EMAIL]);
    assert_eq!(refused.node_messages("password"), [text::REQUIRED]);
    let right = json!({"method": "password", "password": PASSWORD, "csrf_token": "AAAA", "traits": {"email": ADA}});
    let refused = script.submit(&flow, right).await;
    assert_eq!(refused.error_id(), Some("security_csrf_violation"));
}

/// W7.9: a submission that no method takes hears first what is wrong with its traits.
#[story]
async fn without_a_method_the_traits_are_judged_first(site: Site) {
    for patch in [json!({}), two_steps()] {
        let project = site.project_with(patch).await;
        let script = site.client(&project, Kind::Spa);
        let flow = script.begin("registration", "").await;
        for (fields, messages) in [
            (json!({}), vec![text::REQUIRED]),
            (
                json!({"method": "totp", "traits": {"email": "nope"}}),
                vec![text::INVALID_EMAIL],
            ),
        ] {
            let refused = script.submit(&flow, fields).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST);
            assert_eq!(refused.node_messages("traits.email"), messages);
            assert!(refused.messages().is_empty(), "{}", refused.text);
        }
        let kept = &script.reread(&flow).await;
        assert_eq!(kept.node("traits.email")["attributes"]["value"], "nope");
        let valid = json!({"method": "totp", "traits": {"email": ADA}});
        let refused = script.submit(&flow, valid).await;
        assert_eq!(refused.messages(), [text::NO_REGISTRATION_STRATEGY]);
    }
}
