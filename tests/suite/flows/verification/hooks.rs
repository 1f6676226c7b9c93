//! The hooks of a login that are about addresses (W10.5, W10.6).

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, mailbox, story, text};

use super::{address, project};

fn login_hooks(list: &[&str]) -> Value {
    let hooks: Vec<Value> = list.iter().map(|hook| json!({"hook": hook})).collect();
    json!({"selfservice": {"flows": {"login": {"after": {"hooks": hooks}}}}})
}

#[story]
async fn verification_is_sent_with_a_sign_in(site: Site) {
    let both = login_hooks(&["verification", "show_verification_ui"]);
    let project = project(&site, both).await;
    for (number, kind) in [Kind::Html, Kind::Spa, Kind::Api].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let signed_in = client.sign_in(&email, PASSWORD).await;
        let form = if kind == Kind::Html {
            client.landed("verification", &signed_in).await
        } else {
            assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
            let items = signed_in.body["continue_with"].as_array().unwrap();
            let actions: Vec<_> = items
                .iter()
                .map(|i| i["action"].as_str().unwrap())
                .collect();
            let expected: &[&str] = if kind == Kind::Spa {
                &["redirect_browser_to", "show_verification_ui"]
            } else {
                &["show_verification_ui"]
            };
            assert_eq!(actions, expected, "W3.15");
            let shown = &signed_in.body["session"]["identity"]["verifiable_addresses"][0];
            assert_eq!(shown["status"], "sent");
            let flow = items.last().unwrap()["flow"]["id"].as_str().unwrap();
            client.flow("verification", flow).await
        };
        assert_eq!(form.status, StatusCode::OK, "{}", form.text);
        assert_eq!(address(&site, &project, &id).await, (false, "sent".into()));
        let code = mailbox::code(&project).await;
        let passed = client
            .submit_and_follow(&form, json!({"method": "code", "code": code}))
            .await;
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED]);
        // Verified: nothing more to send or show.
        let again = site.client(&project, kind).sign_in(&email, PASSWORD).await;
        assert!(!again.text.contains("show_verification_ui"));
        assert!(!again.location().contains("verification"));
        assert_eq!(mailbox::count(&project).await, number + 1);
    }
}

#[story]
async fn without_a_verification_there_is_nothing_to_show(site: Site) {
    let project = project(&site, login_hooks(&["show_verification_ui"])).await;
    site.person(&project, ADA).await;
    let native = site.client(&project, Kind::Api);
    let signed_in = native.sign_in(ADA, PASSWORD).await;
    assert_eq!(signed_in.body["continue_with"], Value::Null);
    assert!(mailbox::all(&project).await.is_empty());
}

/// W10.5.
#[story]
async fn a_sign_in_needs_a_verified_address(site: Site) {
    let project = project(&site, login_hooks(&["require_verified_address"])).await;
    for (number, kind) in [Kind::Html, Kind::Spa, Kind::Api].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let begun = client.begin("login", "").await;
        let fields = json!({"method": "password", "identifier": email, "password": PASSWORD});
        let refused = client.submit(&begun, fields.clone()).await;
        let form = if kind == Kind::Html {
            client.landed("verification", &refused).await
        } else {
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
            assert_eq!(
                refused.error_id(),
                Some("session_verified_address_required")
            );
            assert_eq!(refused.body["error"]["code"], 400);
            assert_eq!(refused.body["error"]["status"], "Bad Request");
            let next = &refused.body["error"]["details"]["continue_with"][0];
            assert_eq!(next["action"], "show_verification_ui");
            assert_eq!(next["flow"]["verifiable_address"], json!(email));
            assert!(
                next["flow"]["url"]
                    .as_str()
                    .unwrap()
                    .contains("/ui/verification?flow=")
            );
            let flow = next["flow"]["id"].as_str().unwrap();
            client.flow("verification", flow).await
        };
        assert_eq!(form.status, StatusCode::OK, "{}", form.text);
        let who = client.whoami().await;
        assert_eq!(who.status, StatusCode::UNAUTHORIZED);
        assert_eq!(address(&site, &project, &id).await, (false, "sent".into()));
        let code = mailbox::code(&project).await;
        client
            .submit_and_follow(&form, json!({"method": "code", "code": code}))
            .await;
        // The same login flow lets them in now.
        let signed_in = client.submit(&begun, fields).await;
        let expected = if kind == Kind::Html { 303 } else { 200 };
        assert_eq!(signed_in.status.as_u16(), expected, "{}", signed_in.text);
        assert!(!signed_in.location().contains("verification"));
    }
}

/// Both would send one: one is sent, and one is counted.
#[story]
async fn two_hooks_that_verify_send_and_count_one_message(site: Site) {
    let hooks = login_hooks(&["verification", "require_verified_address"]);
    let few = json!({"insula": {"limits": {"mails": {"per_address": 3}}}});
    let project = project(&site, tenants::config::merged(&hooks, &few)).await;
    site.person(&project, ADA).await;
    let native = site.client(&project, Kind::Api);
    for sent in 1..=3 {
        let refused = native.sign_in(ADA, PASSWORD).await;
        assert_eq!(
            refused.error_id(),
            Some("session_verified_address_required"),
            "{}",
            refused.text
        );
        assert_eq!(mailbox::all(&project).await.len(), sent);
    }
    let refused = native.sign_in(ADA, PASSWORD).await;
    assert_eq!(
        refused.status,
        StatusCode::TOO_MANY_REQUESTS,
        "{}",
        refused.text
    );
}

/// Who knows the password guesses nothing, whatever stands in the way of signing in.
#[story]
async fn a_right_password_that_is_refused_is_no_guess(site: Site) {
    let hooks = login_hooks(&["require_verified_address"]);
    let config = json!({
        "feature_flags": {"legacy_require_verified_login_error": true},
        "insula": {"limits": {"guesses": {"per_identifier": 3}}},
    });
    let project = project(&site, tenants::config::merged(&hooks, &config)).await;
    site.person(&project, ADA).await;
    let native = site.client(&project, Kind::Api);
    for _ in 0..6 {
        let refused = native.sign_in(ADA, PASSWORD).await;
        assert_eq!(
            refused.messages(),
            [text::ADDRESS_NOT_VERIFIED],
            "{}",
            refused.text
        );
    }
}

/// A wrong password is answered as ever, and sends nothing.
#[story]
async fn only_who_knows_the_password_hears_of_the_address(site: Site) {
    let project = project(&site, login_hooks(&["require_verified_address"])).await;
    site.person(&project, ADA).await;
    let script = site.client(&project, Kind::Spa);
    let refused = script.sign_in(ADA, "not the password").await;
    assert_eq!(refused.messages(), [text::WRONG_CREDENTIALS]);
    assert!(mailbox::all(&project).await.is_empty());
}

#[story]
async fn the_old_flag_says_it_on_the_form(site: Site) {
    let flag = json!({"feature_flags": {"legacy_require_verified_login_error": true}});
    let patch = tenants::config::merged(&login_hooks(&["require_verified_address"]), &flag);
    let project = project(&site, patch).await;
    site.person(&project, ADA).await;
    let script = site.client(&project, Kind::Spa);
    let refused = script.sign_in(ADA, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.messages(), [text::ADDRESS_NOT_VERIFIED]);
    assert_eq!(refused.body["active"], "password");
    assert!(mailbox::all(&project).await.is_empty());
}

/// There is nothing to verify, or verification is off: still the sign-in is refused, and it is no fault.
#[story]
async fn who_has_nothing_to_verify_is_refused_plainly(site: Site) {
    let hooks = login_hooks(&["require_verified_address"]);
    let names = json!({"identity": {"default_schema_id": "preset://username"}});
    let without = project(&site, tenants::config::merged(&hooks, &names)).await;
    let body = json!({
        "traits": {"username": "ada"},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
    });
    site.admin(&without).post("/admin/identities", body).await;
    let off = site.project_with(hooks).await;
    site.person(&off, "ada@example.org").await;
    for (project, identifier) in [(&without, "ada"), (&off, "ada@example.org")] {
        let script = site.client(project, Kind::Spa);
        let refused = script.sign_in(identifier, PASSWORD).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert_eq!(
            refused.error_id(),
            Some("session_verified_address_required")
        );
        assert!(refused.body["error"].get("details").is_none());
        let page = site.client(project, Kind::Html);
        let refused = page.sign_in(identifier, PASSWORD).await;
        assert!(refused.location().contains("/ui/error?id="));
    }
}

/// Too many messages keep no person from signing in; only the message is left out.
#[story]
async fn a_sign_in_does_not_wait_for_mail(site: Site) {
    let few = json!({"insula": {"limits": {"mails": {"per_address": 2}}}});
    let patch = tenants::config::merged(&login_hooks(&["verification"]), &few);
    let project = project(&site, patch).await;
    site.person(&project, ADA).await;
    for _ in 0..4 {
        let native = site.client(&project, Kind::Api);
        let signed_in = native.sign_in(ADA, PASSWORD).await;
        assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.text);
    }
    // One to a stranger, and two once the network is known.
    assert_eq!(mailbox::count(&project).await, 3);
    // A visitor who asks for a code by hand has to wait.
    let native = site.client(&project, Kind::Api);
    let begun = native.begin("verification", "").await;
    let address = json!({"method": "code", "email": ADA});
    let refused = native.submit(&begun, address).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
}
