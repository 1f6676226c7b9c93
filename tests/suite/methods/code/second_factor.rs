//! A code as the second factor.

use super::*;
use tests::story;

pub(super) fn second_factor() -> Value {
    let codes = json!({"selfservice": {"methods": {"code": {"mfa_enabled": true}}}});
    merged(&merged(&person(), &generous()), &codes)
}

/// Signed in with a password, at aal1.
pub(super) async fn first_factor(
    site: &Site,
    project: &Project,
    kind: Kind,
    who: &str,
) -> (Client, Answer) {
    let mut client = site.client(project, kind);
    let answer = client.sign_in(who, PASSWORD).await;
    client.keep_token(&answer);
    (client, answer)
}

#[story]
async fn the_only_address_gets_its_code_at_once(site: Site) {
    let project = site.project_with(second_factor()).await;
    make(&site, &project, json!({"user": "ada", "email": ADA}), true).await;
    for kind in Kind::ALL {
        let (client, answer) = first_factor(&site, &project, kind, "ada").await;
        let step_up = format!("{}/self-service/login/browser?aal=aal2", project.base_url());
        match kind {
            Kind::Html => assert_eq!(answer.location(), step_up),
            Kind::Spa => {
                assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
                assert_eq!(answer.body["redirect_browser_to"], step_up);
            }
            // W6.7.
            Kind::Api => assert_eq!(answer.body["session"]["identity"], Value::Null),
        }
        let who = client.whoami().await;
        assert_eq!(who.error_id(), Some("session_aal2_required"));

        let sent = client.begin("login", "?aal=aal2").await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        assert_eq!(sent.body["state"], "sent_email");
        assert_eq!(sent.messages(), [text::SECOND_FACTOR_CODE_SENT]);
        assert_eq!(
            sent.outline()[..3],
            ["code/identifier", "code/method", "code/code"]
        );
        let label = &sent.node("identifier")["meta"]["label"];
        assert_eq!(
            label["context"],
            json!({"address": ADA, "channel": "email"})
        );
        let code = mailbox::code_to(&project, ADA).await;
        let wrong = client
            .submit_and_go_on(&sent, fields(ADA, &another(&code)))
            .await;
        assert_eq!(wrong.messages(), [text::WRONG_LOGIN_CODE]);
        // Whose the code is, the session says.
        let done = client
            .submit(&wrong, json!({"method": "code", "code": code}))
            .await;
        assert!(!done.status.is_client_error(), "{}", done.text);
        let who = client.whoami().await;
        assert_eq!(who.body["authenticator_assurance_level"], "aal2");
        let methods = &who.body["authentication_methods"];
        assert_eq!(
            (&methods[0]["method"], &methods[0]["aal"]),
            (&json!("password"), &json!("aal1"))
        );
        assert_eq!(
            (&methods[1]["method"], &methods[1]["aal"]),
            (&json!("code"), &json!("aal2"))
        );
        let there = client.begin("login", "?aal=aal2").await;
        assert_ne!(there.status, StatusCode::OK, "nothing is left to prove");
    }
    site.world.sweep().await;
}

#[story]
async fn one_of_several_addresses(site: Site) {
    let project = site.project_with(second_factor()).await;
    let traits =
        json!({"user": "ada", "email": ADA, "other": "ada@work.example", "phone": "+49301234567"});
    make(&site, &project, traits, true).await;
    make(&site, &project, json!({"user": "bob", "email": BOB}), true).await;
    for kind in Kind::ALL {
        let (client, _) = first_factor(&site, &project, kind, "ada").await;
        let flow = client.begin("login", "?aal=aal2").await;
        let outline = [
            "default/csrf_token",
            "code/address=+49301234567",
            "code/address=ada@example.org",
            "code/address=ada@work.example",
        ];
        assert_eq!(flow.outline(), outline);
        assert_eq!(flow.messages(), [text::SECOND_FACTOR_WANTED]);
        let label = &flow.node("address")["meta"]["label"]["context"];
        assert_eq!(label["channel"], "sms");
        for foreign in [
            json!({"address": BOB}),
            json!({"method": "code", "identifier": BOB}),
        ] {
            let refused = client.submit_and_go_on(&flow, foreign).await;
            assert_eq!(refused.messages(), [text::NO_CODE_ACCOUNT]);
            assert_eq!(refused.outline(), outline);
        }
        let nothing = client
            .submit_and_go_on(&flow, json!({"method": "code"}))
            .await;
        assert_eq!(nothing.node_messages("identifier"), [text::REQUIRED]);
        let sent = client
            .submit_and_go_on(&flow, json!({"address": "ada@work.example"}))
            .await;
        assert_eq!(sent.messages(), [text::SECOND_FACTOR_CODE_SENT]);
        let code = mailbox::code_to(&project, "ada@work.example").await;
        let done = client
            .submit(&sent, fields("ada@work.example", &code))
            .await;
        assert!(!done.status.is_client_error(), "{}", done.text);
        let who = client.whoami().await;
        assert_eq!(who.body["authenticator_assurance_level"], "aal2");
    }
    site.world.sweep().await;
}

/// `via` names a trait. W6.8.
#[story]
async fn the_address_that_was_asked_for(site: Site) {
    let project = site.project_with(second_factor()).await;
    let traits = json!({"user": "ada", "name": "Ada", "email": ADA, "phone": "+49 30 1234567"});
    make(&site, &project, traits, true).await;
    for kind in Kind::ALL {
        let (client, _) = first_factor(&site, &project, kind, "ada").await;
        for (via, to) in [("email", ADA), ("phone", "+49301234567")] {
            let sent = client.begin("login", &format!("?aal=aal2&via={via}")).await;
            assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
            assert_eq!(mailbox::newest(&project).await.to, to);
        }
        for via in ["nothing", "name", "user", "ada%40example.org"] {
            let query = format!("?aal=aal2&via={via}");
            if kind == Kind::Html {
                let init = format!("/self-service/login/browser{query}");
                let refused = client.get(&init).await;
                assert!(refused.location().contains("/ui/error?id="), "{via}");
            } else {
                let refused = client.begin("login", &query).await;
                assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{via}");
            }
        }
        let empty = client.begin("login", "?aal=aal2&via=").await;
        assert_eq!(empty.body["state"], "choose_method");
    }
    // In a first factor it says nothing.
    let stranger = site.client(&project, Kind::Api);
    let flow = stranger.begin("login", "?via=nothing").await;
    assert_eq!(flow.status, StatusCode::OK);
    site.world.sweep().await;
}

#[story]
async fn no_first_factor_and_none_without_an_address(site: Site) {
    let project = site.project_with(second_factor()).await;
    make(&site, &project, json!({"user": "ada"}), true).await;
    make(&site, &project, json!({"user": "bob", "email": BOB}), true).await;
    let stranger = site.client(&project, Kind::Api);
    let flow = stranger.begin("login", "").await;
    assert!(!flow.outline().contains(&"code/method=code".to_owned()));
    for fields in [
        json!({"method": "code", "identifier": BOB}),
        json!({"address": BOB}),
    ] {
        let refused = stranger.submit(&flow, fields).await;
        assert_eq!(refused.messages(), [text::NO_LOGIN_STRATEGY]);
    }
    let flow = stranger.begin("registration", "").await;
    let refused = stranger
        .submit(&flow, json!({"method": "code", "traits": {"email": ADA}}))
        .await;
    assert_eq!(refused.messages(), [text::NO_REGISTRATION_STRATEGY]);
    // Without an address there is no second factor to ask for.
    let (client, answer) = first_factor(&site, &project, Kind::Api, "ada").await;
    assert_eq!(answer.body["session"]["identity"]["traits"]["user"], "ada");
    assert_eq!(client.whoami().await.status, StatusCode::OK);
    let flow = client.begin("login", "?aal=aal2").await;
    assert_eq!(flow.outline(), ["default/csrf_token"]);
    assert!(mailbox::all(&project).await.is_empty());
    site.world.sweep().await;
}

/// A flow of another person's session: the code says who it is for.
#[story]
async fn another_persons_second_factor(site: Site) {
    let project = site.project_with(second_factor()).await;
    make(&site, &project, json!({"user": "ada", "email": ADA}), true).await;
    make(&site, &project, json!({"user": "bob", "email": BOB}), true).await;
    let (ada, _) = first_factor(&site, &project, Kind::Api, "ada").await;
    let (bob, _) = first_factor(&site, &project, Kind::Api, "bob").await;
    let sent = ada.begin("login", "?aal=aal2").await;
    let code = mailbox::code_to(&project, ADA).await;
    for who in [ADA, BOB] {
        let refused = bob.submit(&sent, fields(who, &code)).await;
        assert_eq!(refused.messages(), [text::WRONG_LOGIN_CODE]);
    }
    assert_eq!(bob.whoami().await.error_id(), Some("session_aal2_required"));
    let done = ada.submit(&sent, fields(ADA, &code)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}

/// Two factors proved at the same moment are both kept: the session is read again before it is written.
#[story]
async fn two_proofs_at_once_are_both_kept(site: Site) {
    let project = site.project_with(second_factor()).await;
    make(&site, &project, json!({"user": "ada", "email": ADA}), true).await;
    let (client, _) = first_factor(&site, &project, Kind::Api, "ada").await;
    let sent = client.begin("login", "?aal=aal2").await;
    let refresh = client.begin("login", "?refresh=true").await;
    let code = mailbox::code_to(&project, ADA).await;
    let password = json!({"method": "password", "identifier": "ada", "password": PASSWORD});
    let (a, b) = tokio::join!(
        client.submit(&sent, fields(ADA, &code)),
        client.submit(&refresh, password)
    );
    assert_eq!(
        (a.status, b.status),
        (StatusCode::OK, StatusCode::OK),
        "{} {}",
        a.text,
        b.text
    );
    let who = client.whoami().await;
    assert_eq!(
        who.body["authenticator_assurance_level"], "aal2",
        "{}",
        who.text
    );
    assert_eq!(
        who.body["authentication_methods"].as_array().unwrap().len(),
        3
    );
    site.world.sweep().await;
}
