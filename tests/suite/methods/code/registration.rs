//! Sign up with a code (W7.10).

use super::*;
use chrono::TimeDelta;
use tests::story;

#[story]
async fn three_kinds_of_client_sign_up_in_one_step(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    for (kind, email) in
        Kind::ALL
            .into_iter()
            .zip(["html@example.org", "spa@example.org", "api@example.org"])
    {
        let client = site.client(&project, kind);
        let flow = client.begin("registration", "").await;
        let outline = [
            "default/csrf_token",
            "default/traits.email",
            "code/method=code",
            "password/password",
            "password/method=password",
        ];
        assert_eq!(flow.outline(), outline);
        let traits = json!({"email": email.to_uppercase()});
        let answer = client
            .submit(&flow, json!({"method": "code", "traits": traits}))
            .await;
        if kind == Kind::Html {
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
        }
        let sent = client.shown("registration", answer).await;
        assert_eq!(sent.status, kind.reads(400), "{}", sent.text);
        assert_eq!(sent.body["state"], "sent_email");
        assert_eq!(sent.body["active"], "code");
        assert_eq!(sent.messages(), [text::REGISTRATION_CODE_SENT]);
        let outline = [
            "default/csrf_token",
            "default/traits.email",
            "code/method",
            "code/code",
            "code/method=code",
            "code/resend=code",
        ];
        assert_eq!(sent.outline(), outline);
        assert_eq!(sent.node("traits.email")["attributes"]["type"], "hidden");
        let code = mailbox::code_to(&project, email).await;
        let bring = |code: &str| json!({"method": "code", "traits": traits, "code": code});
        let wrong = client.submit(&sent, bring(&another(&code))).await;
        if kind == Kind::Html {
            assert_eq!(wrong.status, StatusCode::FOUND);
        }
        let wrong = client.shown("registration", wrong).await;
        assert_eq!(wrong.status, kind.reads(400), "{}", wrong.text);
        assert_eq!(wrong.messages(), [text::WRONG_REGISTRATION_CODE]);
        let done = client.submit(&wrong, bring(&code)).await;
        assert!(!done.status.is_client_error(), "{}", done.text);
        let session = client.whoami_after(&done).await;
        let address = &session.body["identity"]["verifiable_addresses"][0];
        assert_eq!(
            (&address["value"], &address["verified"]),
            (&json!(email), &json!(true))
        );
        assert_eq!(address["status"], "completed");
        assert_eq!(session.body["authentication_methods"][0]["method"], "code");
        assert_eq!(session.body["authentication_methods"][0]["aal"], "aal1");
        if kind == Kind::Api {
            let again = client.submit(&sent, bring(&code)).await;
            assert_eq!(again.messages(), [text::NO_REGISTRATION_STRATEGY]);
        }
    }
    site.world.sweep().await;
}

#[story]
async fn three_kinds_of_client_sign_up_in_two_steps(site: Site) {
    let two = json!({"selfservice": {"flows": {"registration": {"style": "profile_first"}}}});
    let project = site.project_with(passwordless(&two)).await;
    for (kind, email) in
        Kind::ALL
            .into_iter()
            .zip(["html@example.org", "spa@example.org", "api@example.org"])
    {
        let client = site.client(&project, kind);
        let flow = client.begin("registration", "").await;
        let traits = json!({"email": email});
        let chosen = client
            .submit_and_go_on(&flow, json!({"method": "profile", "traits": traits}))
            .await;
        let credentials = [
            "default/csrf_token",
            "default/traits.email",
            "code/method=code",
            "password/password",
            "password/method=password",
            "profile/screen=previous",
        ];
        assert_eq!(chosen.outline(), credentials);
        let ask = json!({"method": "code", "traits": traits});
        let sent = client.submit_and_go_on(&chosen, ask.clone()).await;
        assert_eq!(sent.messages(), [text::REGISTRATION_CODE_SENT]);
        assert_eq!(sent.outline()[6..], ["profile/screen=credential-selection"]);
        // W7.3: back to the credentials, and forth again.
        let back = json!({"screen": "credential-selection", "traits": traits});
        let back = client.submit_and_go_on(&sent, back).await;
        assert_eq!(back.outline(), credentials);
        assert_eq!(back.body["state"], "choose_method");
        assert_eq!(back.messages(), [text::CHOOSE_CREDENTIAL]);
        let sent = client.submit_and_go_on(&back, ask).await;
        let code = mailbox::code_to(&project, email).await;
        let bring = json!({"method": "code", "traits": traits, "code": code});
        let done = client.submit(&sent, bring).await;
        assert!(!done.status.is_client_error(), "{}", done.text);
        assert!(client.whoami_after(&done).await.status.is_success());
    }
    // A code asked for before its screen was shown; and all the way back from there.
    let client = site.client(&project, Kind::Spa);
    let flow = client.begin("registration", "").await;
    let ask = json!({"method": "code", "traits": {"email": BOB}});
    let sent = client.submit_and_go_on(&flow, ask).await;
    assert_eq!(sent.messages(), [text::REGISTRATION_CODE_SENT]);
    let back = json!({"screen": "previous", "traits": {"email": BOB}});
    let back = client.submit_and_go_on(&sent, back).await;
    assert_eq!(
        back.outline(),
        [
            "default/csrf_token",
            "default/traits.email",
            "profile/method=profile"
        ]
    );
    let email = &back.node("traits.email")["attributes"];
    assert_eq!(email["type"], "email");
    assert_eq!(email["value"], BOB, "what was typed is kept");
    site.world.sweep().await;
}

/// W7.4: what the code was sent for is what is registered.
#[story]
async fn traits_that_change_on_the_way(site: Site) {
    let project = site.project_with(passwordless(&person())).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let flow = client.begin("registration", "").await;
        let email = format!("{kind:?}@example.org").to_lowercase();
        let traits = json!({"email": email, "name": "Ada"});
        let sent = client
            .submit_and_go_on(&flow, json!({"method": "code", "traits": traits}))
            .await;
        let code = mailbox::code_to(&project, &email).await;
        let others = [
            (json!({"email": BOB, "name": "Ada"}), text::TRAITS_CHANGED),
            (json!({"email": email}), text::TRAITS_CHANGED),
            (json!({"email": email, "name": "Eve"}), text::TRAITS_CHANGED),
            (json!({"name": "Ada"}), text::NO_IDENTIFIER),
        ];
        for (traits, message) in others {
            let fields = json!({"method": "code", "traits": traits, "code": code});
            let refused = client.submit_and_go_on(&sent, fields).await;
            assert_eq!(refused.messages(), [message]);
            // The form still holds what the code is good for.
            let shown = &refused.node("traits.email")["attributes"]["value"];
            assert_eq!(*shown, email);
            assert_eq!(refused.node("traits.name")["attributes"]["value"], "Ada");
        }
        let fields = json!({"method": "code", "traits": traits});
        let missing = client.submit_and_go_on(&sent, fields).await;
        assert_eq!(missing.node_messages("code"), [text::REQUIRED]);
        // Other traits may have a code of their own.
        let traits = json!({"email": email, "name": "Eve"});
        let resend = json!({"method": "code", "traits": traits, "resend": "code"});
        let sent = client.submit_and_go_on(&sent, resend).await;
        let code = mailbox::code_to(&project, &email).await;
        let fields = json!({"method": "code", "traits": traits, "code": code});
        let done = client.submit(&sent, fields).await;
        let session = client.whoami_after(&done).await;
        assert_eq!(session.body["identity"]["traits"], traits);
    }
    site.world.sweep().await;
}

#[story]
async fn a_code_to_every_address(site: Site) {
    let project = site.project_with(passwordless(&person())).await;
    let client = site.client(&project, Kind::Api);
    let flow = client.begin("registration", "").await;
    let traits = json!({"email": ADA, "other": BOB, "phone": "+49301234567"});
    let sent = client
        .submit(&flow, json!({"method": "code", "traits": traits}))
        .await;
    let mut to: Vec<(String, String)> = mailbox::all(&project)
        .await
        .into_iter()
        .map(|mail| (mail.to, mail.template))
        .collect();
    to.sort();
    let template = || "registration_code_valid".to_owned();
    let all = ["+49301234567", ADA, BOB].map(|to| (to.to_owned(), template()));
    assert_eq!(to, all);
    let code = mailbox::code_to(&project, "+49301234567").await;
    let done = client
        .submit(
            &sent,
            json!({"method": "code", "traits": traits, "code": code}),
        )
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    for address in done.body["identity"]["verifiable_addresses"]
        .as_array()
        .unwrap()
    {
        assert_eq!(
            address["verified"] == true,
            address["via"] == "sms",
            "{address}"
        );
    }
    site.world.sweep().await;
}

/// Whose address it is, is told to none but its reader.
/// A code proves the address that it was sent to. Whatever is typed while it is awaited, by whichever method,
/// another address is not signed up with it.
#[story]
async fn a_code_signs_up_no_address_that_it_was_not_sent_to(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    for kind in Kind::ALL {
        let own = format!("{kind:?}@evil.example").to_lowercase();
        let hers = format!("{kind:?}@victim.example").to_lowercase();
        let client = site.client(&project, kind);
        let flow = client.begin("registration", "").await;
        let fields = json!({"method": "code", "traits": {"email": own}});
        let sent = client.submit_and_go_on(&flow, fields).await;
        let code = mailbox::code_to(&project, &own).await;
        let theirs = json!({"email": hers});
        for detour in [
            json!({"traits": theirs}),
            json!({"method": "password", "traits": theirs}),
            json!({"method": "profile", "traits": theirs}),
        ] {
            client.submit_and_go_on(&sent, detour.clone()).await;
            let fields = json!({"method": "code", "traits": theirs, "code": code});
            let refused = client.submit_and_go_on(&sent, fields).await;
            let said = refused.messages();
            let is_refused = [text::TRAITS_CHANGED, text::WRONG_REGISTRATION_CODE];
            assert!(
                said.len() == 1 && is_refused.contains(&said[0]),
                "{kind:?} {detour}: {}",
                refused.text
            );
        }
        // What it was sent for is still signed up.
        let fields = json!({"method": "code", "traits": {"email": own}, "code": code});
        client.submit(&sent, fields).await;
        let people = site.admin(&project).get("/admin/identities").await;
        assert!(people.text.contains(&own), "{}", people.text);
        assert!(!people.text.contains("victim"), "{}", people.text);
    }
}

#[story]
async fn an_address_that_is_taken(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Spa);
    let flow = client.begin("registration", "").await;
    let traits = json!({"email": ADA});
    let sent = client
        .submit_and_go_on(&flow, json!({"method": "code", "traits": traits}))
        .await;
    assert_eq!(sent.messages(), [text::REGISTRATION_CODE_SENT]);
    let code = mailbox::code_to(&project, ADA).await;
    let refused = client
        .submit_and_go_on(
            &sent,
            json!({"method": "code", "traits": traits, "code": code}),
        )
        .await;
    assert_eq!(refused.messages(), [text::IDENTIFIER_TAKEN]);
    site.world.sweep().await;
}

#[story]
async fn what_cannot_be_signed_up_with(site: Site) {
    let project = site.project_with(passwordless(&person())).await;
    let client = site.client(&project, Kind::Spa);
    let flow = client.begin("registration", "").await;
    let bad = json!({"method": "code", "traits": {"email": "nobody"}, "csrf_token": "forged"});
    let refused = client.submit_and_go_on(&flow, bad).await;
    assert_eq!(
        refused.node_messages("traits.email"),
        [text::INVALID_EMAIL],
        "before CSRF"
    );
    let forged = json!({"method": "code", "traits": {"email": ADA}, "csrf_token": "forged"});
    let refused = client.submit(&flow, forged).await;
    assert_eq!(refused.error_id(), Some("security_csrf_violation"));
    let none = client
        .submit_and_go_on(&flow, json!({"method": "code", "traits": {"user": "ada"}}))
        .await;
    assert_eq!(none.messages(), [text::NO_IDENTIFIER]);
    assert!(mailbox::all(&project).await.is_empty());
    site.world.sweep().await;
}

#[story]
async fn tries_and_lifespan(site: Site) {
    let config = json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "1m", "max_submissions": 3}}}}});
    let project = site.project_with(passwordless(&config)).await;
    let client = site.client(&project, Kind::Api);
    let traits = json!({"email": ADA});
    let ask = json!({"method": "code", "traits": traits});
    let bring = |code: &str| json!({"method": "code", "traits": {"email": ADA}, "code": code});
    let sent = client
        .submit(&client.begin("registration", "").await, ask.clone())
        .await;
    let code = mailbox::code_to(&project, ADA).await;
    for _ in 0..3 {
        let wrong = client.submit(&sent, bring(&another(&code))).await;
        assert_eq!(wrong.messages(), [text::WRONG_REGISTRATION_CODE]);
    }
    let refused = client.submit(&sent, bring(&code)).await;
    assert_eq!(refused.messages(), [text::GENERIC]);
    let sent = client
        .submit(&client.begin("registration", "").await, ask)
        .await;
    let code = mailbox::code_to(&project, ADA).await;
    site.world.clock.advance(TimeDelta::seconds(61));
    let late = client.submit(&sent, bring(&code)).await;
    assert_eq!(late.messages(), [text::WRONG_REGISTRATION_CODE]);
    let resend = json!({"method": "code", "traits": traits, "resend": "code"});
    client.submit(&sent, resend).await;
    let code = mailbox::code_to(&project, ADA).await;
    let done = client.submit(&sent, bring(&format!(" {code} "))).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    // W7.5: a registration does not sign in without the hook of this method.
    let none =
        json!({"selfservice": {"flows": {"registration": {"after": {"code": {"hooks": []}}}}}});
    let project = site.world.configure(&project, none).await;
    let flow = client.begin("registration", "").await;
    let sent = client
        .submit(&flow, json!({"method": "code", "traits": {"email": BOB}}))
        .await;
    let code = mailbox::code_to(&project, BOB).await;
    let done = client
        .submit(
            &sent,
            json!({"method": "code", "traits": {"email": BOB}, "code": code}),
        )
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(done.body.get("session_token").is_none());
    site.world.sweep().await;
}
