//! A code as the first factor.

use super::*;
use tests::story;

/// One factor, and no other.
fn proved_by_code(session: &Answer) {
    let methods = session.body["authentication_methods"].as_array().unwrap();
    assert_eq!(methods.len(), 1);
    assert_eq!(
        (&methods[0]["method"], &methods[0]["aal"]),
        (&json!("code"), &json!("aal1"))
    );
    assert_eq!(session.body["authenticator_assurance_level"], "aal1");
}

/// W4.3, W6.9.
#[story]
async fn three_kinds_of_client_sign_in(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": "Ada@Example.org"}), true).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let flow = client.begin("login", "").await;
        let begun = [
            "default/csrf_token",
            "default/identifier",
            "code/method=code",
            "password/password",
            "password/method=password",
        ];
        assert_eq!(flow.outline(), begun);
        let fields = json!({"method": "code", "identifier": " ADA@example.org "});
        let answer = client.submit(&flow, fields).await;
        // W3.4: a form that goes on is a 400 too.
        let status = match kind {
            Kind::Html => StatusCode::SEE_OTHER,
            Kind::Spa | Kind::Api => StatusCode::BAD_REQUEST,
        };
        assert_eq!(answer.status, status, "{}", answer.text);
        let sent = client.shown("login", answer).await;
        assert_eq!(sent.body["state"], "sent_email");
        assert_eq!(sent.body["active"], "code");
        assert_eq!(sent.messages(), [text::LOGIN_CODE_SENT]);
        let mut nodes = vec![
            "default/identifier",
            "code/method",
            "code/code",
            "code/method=code",
            "code/resend=code",
            "default/csrf_token",
        ];
        if kind == Kind::Api {
            nodes.pop();
        }
        assert_eq!(sent.outline(), nodes);
        let field = &sent.node("code")["attributes"];
        assert_eq!(field["autocomplete"], "one-time-code");
        assert_eq!(sent.node("identifier")["attributes"]["type"], "hidden");

        let right = mailbox::code_to(&project, ADA).await;
        let wrong = super::fields(ADA, &another(&right));
        let wrong = client.submit_and_go_on(&sent, wrong).await;
        assert_eq!(wrong.messages(), [text::WRONG_LOGIN_CODE]);
        assert_eq!(wrong.body["state"], "sent_email");
        assert_eq!(wrong.body["active"], "code");
        let empty = client
            .submit_and_go_on(&wrong, super::fields(ADA, ""))
            .await;
        assert_eq!(empty.node_messages("code"), [text::REQUIRED]);
        let anonymous = json!({"method": "code", "code": right});
        let anonymous = client.submit_and_go_on(&empty, anonymous).await;
        assert_eq!(anonymous.node_messages("identifier"), [text::REQUIRED]);
        // W9.3: an empty `resend` asks for nothing.
        // A code that was copied brings its neighbours along.
        let mut fields = super::fields(ADA, &format!(" {right}\t"));
        fields["resend"] = json!("");
        let done = client.submit(&anonymous, fields.clone()).await;
        let status = match kind {
            Kind::Html => StatusCode::SEE_OTHER,
            Kind::Spa | Kind::Api => StatusCode::OK,
        };
        assert_eq!(done.status, status, "{}", done.text);
        proved_by_code(&client.whoami_after(&done).await);
        if kind == Kind::Api {
            let again = client.submit(&sent, fields).await;
            assert_eq!(again.messages(), [text::NO_LOGIN_STRATEGY]);
            assert_eq!(again.body["state"], "passed_challenge");
        }
    }
    site.world.sweep().await;
}

/// W6.10: who reads the code reads the address.
#[story]
async fn a_sign_in_verifies_the_address_and_no_other(site: Site) {
    let project = site.project_with(passwordless(&person())).await;
    let traits = json!({"email": ADA, "other": BOB, "phone": "+49 30 1234567"});
    let made = make(&site, &project, traits, false).await;
    let client = site.client(&project, Kind::Api);
    let done = sign_in(&project, &client, ADA).await;
    assert_eq!(mailbox::count(&project).await, 1, "one address, one code");
    let states = |addresses: &Value| -> Vec<(String, bool, String)> {
        let mut states: Vec<_> = addresses
            .as_array()
            .unwrap()
            .iter()
            .map(|a| {
                let text = |name: &str| a[name].as_str().unwrap().to_owned();
                (text("value"), a["verified"] == true, text("status"))
            })
            .collect();
        states.sort();
        states
    };
    let expected = [
        ("+49301234567".to_owned(), false, "pending".to_owned()),
        (ADA.to_owned(), true, "completed".to_owned()),
        (BOB.to_owned(), false, "pending".to_owned()),
    ];
    let answered = &done.body["session"]["identity"]["verifiable_addresses"];
    assert_eq!(states(answered), expected);
    let id = made.body["id"].as_str().unwrap();
    let stored = site
        .admin(&project)
        .get(&format!("/admin/identities/{id}"))
        .await;
    assert_eq!(states(&stored.body["verifiable_addresses"]), expected);
    site.world.sweep().await;
}

#[story]
async fn a_phone_gets_its_code_by_text_message(site: Site) {
    let project = site.project_with(passwordless(&person())).await;
    make(&site, &project, json!({"phone": "+49 30 1234567"}), false).await;
    let client = site.client(&project, Kind::Api);
    let sent = ask(&client, "+49 (30) 123 45 67").await;
    let code = mailbox::code_to(&project, "+49301234567").await;
    let done = client.submit(&sent, fields("+49 30 1234567", &code)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(mailbox::newest(&project).await.channel, "sms");
    site.world.sweep().await;
}

/// User names get no codes, even if their owner has an address, and passwords stay good.
#[story]
async fn unknown_identifiers_are_told_so(site: Site) {
    let project = site.project_with(passwordless(&person())).await;
    make(&site, &project, json!({"user": "ada", "email": ADA}), true).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let flow = client.begin("login", "").await;
        for unknown in ["nobody@example.org", "ada", "+49301234567"] {
            let fields = json!({"method": "code", "identifier": unknown});
            let refused = client.submit_and_go_on(&flow, fields).await;
            assert_eq!(refused.messages(), [text::NO_CODE_ACCOUNT], "{unknown}");
            assert_eq!(refused.body["state"], "choose_method");
            assert_eq!(refused.node("identifier")["attributes"]["value"], unknown);
        }
        let nothing = client
            .submit_and_go_on(&flow, json!({"method": "code"}))
            .await;
        assert_eq!(nothing.node_messages("identifier"), [text::REQUIRED]);
    }
    assert!(mailbox::all(&project).await.is_empty());
    let client = site.client(&project, Kind::Api);
    let done = client.sign_in("ada", PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}

/// A visitor who mistyped may go back; a password may still be used while a code is awaited.
#[story]
async fn another_identifier_and_another_method(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let client = site.client(&project, Kind::Spa);
    let sent = ask(&client, ADA).await;
    let resend = json!({"method": "code", "identifier": "nobody@example.org", "resend": "code"});
    let back = client.submit_and_go_on(&sent, resend).await;
    assert_eq!(back.messages(), [text::NO_CODE_ACCOUNT]);
    assert_eq!(back.body["state"], "choose_method");
    assert_eq!(back.node("identifier")["attributes"]["type"], "text");
    let sent = client
        .submit_and_go_on(&back, json!({"method": "code", "identifier": ADA}))
        .await;
    assert_eq!(sent.messages(), [text::LOGIN_CODE_SENT]);
    let password =
        |password: &str| json!({"method": "password", "identifier": ADA, "password": password});
    let wrong = client
        .submit_and_go_on(&sent, password("not the password"))
        .await;
    assert_eq!(wrong.messages(), [text::WRONG_CREDENTIALS]);
    assert_eq!(wrong.body["state"], "sent_email");
    assert_eq!(wrong.body["active"], "code");
    let nobody = client
        .submit_and_go_on(&wrong, json!({"method": "nope"}))
        .await;
    assert_eq!(nobody.messages(), [text::NO_LOGIN_STRATEGY]);
    let done = client.submit(&nobody, password(PASSWORD)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}

#[story]
async fn only_where_it_is_switched_on(site: Site) {
    let project = site.project().await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Spa);
    let flow = client.begin("login", "").await;
    assert!(!flow.outline().contains(&"code/method=code".to_owned()));
    let refused = client
        .submit_and_go_on(&flow, json!({"method": "code", "identifier": ADA}))
        .await;
    assert_eq!(refused.messages(), [text::NO_LOGIN_STRATEGY]);
    let flow = client.begin("registration", "").await;
    let refused = client
        .submit_and_go_on(&flow, json!({"method": "code", "traits": {"email": BOB}}))
        .await;
    assert_eq!(refused.messages(), [text::NO_REGISTRATION_STRATEGY]);
    assert!(mailbox::all(&project).await.is_empty());
    site.world.sweep().await;
}

#[story]
async fn forged_requests_are_refused_before_anything_else(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("login", "").await;
    for fields in [
        json!({"method": "code"}),
        json!({"method": "code", "identifier": ADA}),
    ] {
        let mut fields = fields;
        fields["csrf_token"] = json!("forged");
        let refused = script.submit(&flow, fields).await;
        assert_eq!(refused.error_id(), Some("security_csrf_violation"));
    }
    let sent = ask(&script, ADA).await;
    let mut fields = fields(ADA, &mailbox::code_to(&project, ADA).await);
    fields["csrf_token"] = json!("forged");
    let refused = script.submit(&sent, fields).await;
    assert_eq!(refused.error_id(), Some("security_csrf_violation"));
    let mut native = site.client(&project, Kind::Api);
    let flow = native.begin("login", "").await;
    native.set_header("origin", "https://elsewhere.example");
    let fields = json!({"method": "code", "identifier": ADA});
    let refused = native.submit(&flow, fields).await;
    assert_eq!(refused.messages(), [text::GENERIC]);
    site.world.sweep().await;
}

/// W6.5.
#[story]
async fn an_inactive_identity_is_told_so_after_the_code(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    let body = json!({"state": "inactive", "traits": {"email": ADA}});
    site.admin(&project).post("/admin/identities", body).await;
    let client = site.client(&project, Kind::Api);
    let refused = sign_in(&project, &client, ADA).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.messages(), [text::ACCOUNT_DISABLED]);
    assert_eq!(refused.body["active"], "code");
    site.world.sweep().await;
}

/// Config 5: an address without a code credential, as older imports have it.
#[story]
async fn people_without_a_code_credential(site: Site) {
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}}},
    }}}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    let config =
        json!({"identity": {"default_schema_id": "old", "schemas": [{"id": "old", "url": url}]}});
    let project = site.project_with(passwordless(&config)).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Api);
    let flow = client.begin("login", "").await;
    let fields = json!({"method": "code", "identifier": ADA});
    let refused = client.submit(&flow, fields).await;
    assert_eq!(refused.messages(), [text::NO_CODE_ACCOUNT]);
    let fallback = json!({"selfservice": {"methods": {"code": {"config": {"missing_credential_fallback_enabled": true}}}}});
    let project = site.world.configure(&project, fallback).await;
    let done = sign_in(&project, &client, ADA).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let address = &done.body["session"]["identity"]["verifiable_addresses"][0];
    assert_eq!(address["verified"], true);
    site.world.sweep().await;
}

/// Hooks and return URLs of the method itself, not of passwords.
#[story]
async fn what_is_configured_after_codes(site: Site) {
    let after = json!({
        "default_browser_return_url": "/ui/session?by=code",
        "hooks": [{"hook": "revoke_active_sessions"}],
    });
    let config = json!({"selfservice": {"flows": {"login": {"after": {"code": after}}}}});
    let project = site.project_with(passwordless(&config)).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let first = site.client(&project, Kind::Api);
    let first_answer = first.sign_in(ADA, PASSWORD).await;
    let second = first.sign_in(ADA, PASSWORD).await;
    assert_eq!(
        first.whoami_after(&first_answer).await.status,
        StatusCode::OK
    );
    let page = site.client(&project, Kind::Html);
    let done = sign_in(&project, &page, ADA).await;
    assert!(
        done.location().ends_with("/ui/session?by=code"),
        "{}",
        done.location()
    );
    for ended in [&first_answer, &second] {
        assert_eq!(
            first.whoami_after(ended).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(page.whoami_after(&done).await.status, StatusCode::OK);
    site.world.sweep().await;
}
