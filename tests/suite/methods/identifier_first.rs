//! Who, and then how (W6.11, W6.12).

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::config::merged;
use tests::{ADA, Answer, BOB, Client, Kind, PASSWORD, Site, mailbox, story, text};

use super::code::{fields, make, passwordless, person, sign_in};

fn identifiers_first() -> Value {
    let style = json!({"selfservice": {"flows": {"login": {"style": "identifier_first"}}}});
    passwordless(&merged(&style, &person()))
}

const FIRST: [&str; 3] = [
    "identifier_first/identifier",
    "identifier_first/method=identifier_first",
    "default/csrf_token",
];

async fn identify(client: &Client, identifier: &str) -> Answer {
    let flow = client.begin("login", "").await;
    let fields = json!({"method": "identifier_first", "identifier": identifier});
    client.submit_and_go_on(&flow, fields).await
}

#[story]
async fn the_methods_that_fit_an_identifier(site: Site) {
    let project = site.project_with(identifiers_first()).await;
    make(&site, &project, json!({"user": ADA, "email": ADA}), true).await;
    make(&site, &project, json!({"user": "bob", "email": BOB}), true).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let flow = client.begin("login", "").await;
        assert_eq!(flow.outline(), FIRST);
        let field = &flow.node("identifier")["attributes"];
        assert_eq!(field["autocomplete"], "username webauthn");
        assert_eq!(field["value"], "");

        // W4.7, and no message: the form goes on.
        let both = identify(&client, ADA).await;
        let outline = [
            "identifier_first/identifier",
            "default/csrf_token",
            "password/password",
            "password/method=password",
            "code/method=code",
        ];
        assert_eq!(both.outline(), outline);
        assert_eq!(both.node("identifier")["attributes"]["type"], "hidden");
        assert_eq!(both.node("identifier")["attributes"]["value"], ADA);
        assert_eq!(both.body["active"], "identifier_first");
        assert_eq!(both.body["state"], "choose_method");
        assert!(both.messages().is_empty());

        let password = identify(&client, "bob").await;
        assert_eq!(
            password.outline()[2..],
            ["password/password", "password/method=password"]
        );
        // Bob's address is no identifier of his password, but he has one: he may choose.
        let code = identify(&client, BOB).await;
        assert_eq!(code.outline()[2..], ["code/method=code"]);
    }
    assert!(mailbox::all(&project).await.is_empty());
    site.world.sweep().await;
}

#[story]
async fn three_kinds_of_client_sign_in_either_way(site: Site) {
    let project = site.project_with(identifiers_first()).await;
    make(&site, &project, json!({"user": ADA, "email": ADA}), true).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let chosen = identify(&client, ADA).await;
        let password =
            |password: &str| json!({"method": "password", "identifier": ADA, "password": password});
        let wrong = client
            .submit_and_go_on(&chosen, password("not the password"))
            .await;
        assert_eq!(wrong.messages(), [text::WRONG_CREDENTIALS]);
        assert_eq!(wrong.body["active"], "identifier_first");
        // What is refused is sorted.
        let outline = [
            "identifier_first/identifier",
            "default/csrf_token",
            "code/method=code",
            "password/password",
            "password/method=password",
        ];
        assert_eq!(wrong.outline(), outline);
        let done = client.submit(&wrong, password(PASSWORD)).await;
        assert!(client.whoami_after(&done).await.status.is_success());

        let client = site.client(&project, kind);
        let chosen = identify(&client, ADA).await;
        let sent = client
            .submit_and_go_on(&chosen, json!({"method": "code", "identifier": ADA}))
            .await;
        assert_eq!(sent.messages(), [text::LOGIN_CODE_SENT]);
        assert_eq!(sent.outline()[0], "identifier_first/identifier");
        let code = mailbox::code_to(&project, ADA).await;
        let done = client.submit(&sent, fields(ADA, &code)).await;
        assert!(client.whoami_after(&done).await.status.is_success());
    }
    site.world.sweep().await;
}

/// W6.12: who can do nothing else is not asked.
#[story]
async fn a_person_with_nothing_but_codes_gets_one_at_once(site: Site) {
    let project = site.project_with(identifiers_first()).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let sent = identify(&client, ADA).await;
        assert_eq!(sent.body["state"], "sent_email");
        assert_eq!(sent.body["active"], "code");
        assert_eq!(sent.messages(), [text::LOGIN_CODE_SENT]);
        let code = mailbox::code_to(&project, ADA).await;
        let done = client.submit(&sent, fields(ADA, &code)).await;
        assert!(client.whoami_after(&done).await.status.is_success());
    }
    site.world.sweep().await;
}

#[story]
async fn unknown_identifiers(site: Site) {
    let project = site.project_with(identifiers_first()).await;
    // Taken, but of no use: no password, and no code goes to a user name.
    make(&site, &project, json!({"user": "ada"}), false).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        for unknown in ["nobody@example.org", "ada", ""] {
            let refused = identify(&client, unknown).await;
            assert_eq!(
                refused.node_messages("identifier"),
                [text::NO_ACCOUNT],
                "{unknown}"
            );
            assert_eq!(refused.outline(), FIRST);
            assert_eq!(refused.node("identifier")["attributes"]["value"], unknown);
        }
    }
    // W6.11: any payload that no other strategy claims is an identifier's, and a method named at once is served
    // at once.
    make(&site, &project, json!({"user": "bob", "email": BOB}), true).await;
    let client = site.client(&project, Kind::Api);
    let flow = client.begin("login", "").await;
    let chosen = client
        .submit(&flow, json!({"method": "nope", "identifier": "bob"}))
        .await;
    assert_eq!(chosen.body["active"], "identifier_first");
    let again = client.submit(&chosen, json!({"identifier": BOB})).await;
    assert_eq!(again.outline()[2..], ["code/method=code"]);
    let done = client.sign_in("bob", PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let done = sign_in(&project, &client, BOB).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}

/// Who is known is not asked who they are; and what takes the place of an expired login asks again.
#[story]
async fn refresh_and_expiry(site: Site) {
    let project = site.project_with(identifiers_first()).await;
    make(&site, &project, json!({"user": ADA, "email": ADA}), true).await;
    let client = site.client(&project, Kind::Spa);
    let old = identify(&client, ADA).await;
    site.world.clock.advance(TimeDelta::seconds(3601));
    let expired = client
        .submit(
            &old,
            json!({"method": "password", "identifier": ADA, "password": PASSWORD}),
        )
        .await;
    assert_eq!(expired.status, StatusCode::GONE);
    let id = expired.body["use_flow_id"].as_str().unwrap();
    let fresh = client.flow("login", id).await;
    assert_eq!(fresh.outline(), FIRST);
    assert_eq!(fresh.messages(), [text::LOGIN_EXPIRED]);
    client.sign_in(ADA, PASSWORD).await;
    let refresh = client.begin("login", "?refresh=true").await;
    assert!(
        refresh.outline().contains(&"password/password".to_owned()),
        "{:?}",
        refresh.outline()
    );
    site.world.sweep().await;
}

#[story]
async fn forged_requests(site: Site) {
    let project = site.project_with(identifiers_first()).await;
    let client = site.client(&project, Kind::Spa);
    let flow = client.begin("login", "").await;
    let fields = json!({"method": "identifier_first", "identifier": ADA, "csrf_token": "forged"});
    let refused = client.submit(&flow, fields).await;
    assert_eq!(refused.error_id(), Some("security_csrf_violation"));
    site.world.sweep().await;
}
