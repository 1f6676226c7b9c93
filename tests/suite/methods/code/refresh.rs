//! A code to authenticate once more.

use super::*;
use chrono::TimeDelta;
use tests::story;

#[story]
async fn the_same_session_newly_proved(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    make(&site, &project, json!({"email": BOB}), true).await;
    for kind in Kind::ALL {
        let mut client = site.client(&project, kind);
        let signed_in = client.sign_in(ADA, PASSWORD).await;
        client.keep_token(&signed_in);
        let before = client.whoami().await;
        site.world.clock.advance(TimeDelta::seconds(10));
        let flow = client.begin("login", "?refresh=true").await;
        assert_eq!(flow.messages(), [text::CONFIRM_IT_IS_YOU]);
        let outline = [
            "default/csrf_token",
            "default/identifier",
            "code/method=code",
            "password/password",
            "password/method=password",
        ];
        assert_eq!(flow.outline(), outline);
        let foreign = json!({"method": "code", "identifier": BOB});
        let refused = client.submit_and_go_on(&flow, foreign).await;
        assert_eq!(refused.messages(), [text::NO_CODE_ACCOUNT]);
        let own = json!({"method": "code", "identifier": ADA});
        let sent = client.submit_and_go_on(&refused, own).await;
        assert_eq!(sent.messages(), [text::SECOND_FACTOR_CODE_SENT]);
        let code = mailbox::code_to(&project, ADA).await;
        let done = client.submit(&sent, fields(ADA, &code)).await;
        assert!(!done.status.is_client_error(), "{}", done.text);
        // W6.3.
        let after = client.whoami().await;
        assert_eq!(after.body["id"], before.body["id"]);
        assert_ne!(
            after.body["authenticated_at"],
            before.body["authenticated_at"]
        );
        let methods = after.body["authentication_methods"].as_array().unwrap();
        let methods: Vec<_> = methods
            .iter()
            .map(|m| m["method"].as_str().unwrap())
            .collect();
        assert_eq!(methods, ["password", "code"]);
    }
    assert!(
        mailbox::all(&project)
            .await
            .iter()
            .all(|mail| mail.to == ADA)
    );
    site.world.sweep().await;
}

/// `feature_flags.refresh_login_choose_address`: a person who is known need not type.
#[story]
async fn one_of_the_own_addresses(site: Site) {
    let flag = json!({"feature_flags": {"refresh_login_choose_address": true}});
    let project = site
        .project_with(passwordless(&merged(&person(), &flag)))
        .await;
    make(
        &site,
        &project,
        json!({"user": "ada", "email": ADA, "other": "ada@work.example"}),
        true,
    )
    .await;
    make(&site, &project, json!({"email": BOB}), false).await;
    for kind in Kind::ALL {
        let mut client = site.client(&project, kind);
        let signed_in = client.sign_in("ada", PASSWORD).await;
        client.keep_token(&signed_in);
        let flow = client.begin("login", "?refresh=true").await;
        let outline = [
            "default/csrf_token",
            "default/identifier",
            "code/address=ada@example.org",
            "code/address=ada@work.example",
            "password/password",
            "password/method=password",
        ];
        assert_eq!(flow.outline(), outline);
        assert_eq!(
            flow.node("address")["meta"]["label"]["id"],
            text::SEND_CODE_TO_LABEL
        );
        let foreign = client
            .submit_and_go_on(&flow, json!({"address": BOB}))
            .await;
        assert_eq!(foreign.messages(), [text::NO_CODE_ACCOUNT]);
        let sent = client
            .submit_and_go_on(&foreign, json!({"address": "ada@work.example"}))
            .await;
        assert_eq!(sent.messages(), [text::SECOND_FACTOR_CODE_SENT]);
        assert_eq!(sent.outline()[0], "code/identifier");
        let code = mailbox::code_to(&project, "ada@work.example").await;
        let done = client
            .submit(&sent, fields("ada@work.example", &code))
            .await;
        assert!(!done.status.is_client_error(), "{}", done.text);
        let after = client.whoami().await;
        assert_eq!(after.body["authentication_methods"][1]["method"], "code");
    }
    // A stranger types, with the flag as without.
    let stranger = site.client(&project, Kind::Api).begin("login", "").await;
    assert!(stranger.outline().contains(&"code/method=code".to_owned()));
    site.world.sweep().await;
}
