//! A visitor who tries or asks too often has to wait, whether or not the identifier has an account
//! (`insula.limits`).

use super::*;
use chrono::TimeDelta;
use tests::story;

pub(crate) fn limited(limits: &Value) -> Value {
    let config = passwordless(&json!({"security": {"account_enumeration": {"mitigate": true}}}));
    merged(&config, &json!({"insula": {"limits": limits}}))
}

pub(crate) fn wait(answer: &Answer) -> i64 {
    let status = StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(answer.status, status, "{}", answer.text);
    let seconds = answer.headers["retry-after"].to_str().unwrap();
    seconds.parse().unwrap()
}

/// A new flow does not make guessing cheaper.
#[story]
async fn guesses_count_across_flows(site: Site) {
    let limits = json!({"guesses": {"per_identifier": 3}});
    let project = site.project_with(limited(&limits)).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Api);
    for who in [ADA, BOB] {
        for _ in 0..3 {
            let sent = ask(&client, who).await;
            let wrong = client.submit(&sent, fields(who, "none")).await;
            assert_eq!(wrong.messages(), [text::WRONG_LOGIN_CODE]);
        }
        let sent = ask(&client, who).await;
        let seconds = wait(&client.submit(&sent, fields(who, "none")).await);
        if who == BOB {
            continue;
        }
        let code = mailbox::code_to(&project, ADA).await;
        wait(&client.submit(&sent, fields(ADA, &code)).await);
        site.world.clock.advance(TimeDelta::seconds(seconds));
        let done = client.submit(&sent, fields(ADA, &code)).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        // Who is right is forgiven.
        let sent = ask(&client, ADA).await;
        let wrong = client.submit(&sent, fields(ADA, "none")).await;
        assert_eq!(wrong.messages(), [text::WRONG_LOGIN_CODE]);
    }
    site.world.sweep().await;
}

#[story]
async fn an_address_gets_only_so_much_mail(site: Site) {
    let limits = json!({"mails": {"per_address": 2}});
    let project = site.project_with(limited(&limits)).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    for who in [ADA, BOB] {
        let page = site.client(&project, Kind::Html);
        ask(&page, who).await;
        let sent = ask(&page, who).await;
        let script = site.client(&project, Kind::Spa);
        let flow = script.begin("login", "").await;
        let code = json!({"method": "code", "identifier": who});
        wait(&script.submit(&flow, code.clone()).await);
        let flow = page.begin("login", "").await;
        let refused = page.submit_and_go_on(&flow, code).await;
        assert_eq!(refused.messages(), [text::GENERIC]);
        assert_eq!(refused.reasons(), ["too_many_tries"]);
        let context = &refused.body["ui"]["messages"][0]["context"];
        assert!(context["insula_wait_seconds"].as_u64() > Some(0));
        assert_eq!(refused.body["state"], "choose_method");
        // The code that was sent is as good as before.
        let resend = json!({"method": "code", "identifier": who, "resend": "code"});
        let refused = page.submit_and_go_on(&sent, resend).await;
        assert_eq!(refused.messages(), [text::GENERIC]);
        assert_eq!(refused.body["state"], "sent_email");
        if who == ADA {
            let code = mailbox::code_to(&project, ADA).await;
            let done = page.submit(&refused, fields(ADA, &code)).await;
            assert!(page.whoami_after(&done).await.status.is_success());
        }
    }
    assert_eq!(mailbox::count(&project).await, 2);
    site.world.sweep().await;
}

#[story]
async fn so_do_addresses_of_new_people(site: Site) {
    let limits = json!({"guesses": {"per_identifier": 3}, "mails": {"per_address": 2}});
    let project = site.project_with(limited(&limits)).await;
    let client = site.client(&project, Kind::Api);
    let mut flows = Vec::new();
    let ask = json!({"method": "code", "traits": {"email": ADA}});
    for _ in 0..3 {
        flows.push(client.begin("registration", "").await);
    }
    client.submit(&flows[0], ask.clone()).await;
    client.submit(&flows[1], ask.clone()).await;
    wait(&client.submit(&flows[2], ask).await);
    assert_eq!(mailbox::count(&project).await, 2);
    let bring = json!({"method": "code", "traits": {"email": ADA}, "code": "none"});
    for flow in [0, 0, 1] {
        let wrong = client.submit(&flows[flow], bring.clone()).await;
        assert_eq!(wrong.messages(), [text::WRONG_REGISTRATION_CODE]);
    }
    wait(&client.submit(&flows[1], bring).await);
    site.world.sweep().await;
}

/// A second factor that would be sent at once waits for its button instead.
#[story]
async fn a_form_is_drawn_all_the_same(site: Site) {
    let config = json!({
        "selfservice": {"methods": {"code": {"mfa_enabled": true}}},
        "insula": {"limits": {"mails": {"per_address": 2}}},
    });
    let project = site.project_with(config).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    for kind in Kind::ALL {
        let mut client = site.client(&project, kind);
        let answer = client.sign_in(ADA, PASSWORD).await;
        client.keep_token(&answer);
        for _ in 0..2 {
            let flow = client.begin("login", "?aal=aal2").await;
            assert_eq!(flow.body["state"], "sent_email");
        }
        let flow = client.begin("login", "?aal=aal2").await;
        assert_eq!(
            flow.outline(),
            ["default/csrf_token", "code/address=ada@example.org"]
        );
        if kind == Kind::Api {
            wait(&client.submit(&flow, json!({"address": ADA})).await);
        }
        site.world.clock.advance(TimeDelta::hours(2));
    }
    site.world.sweep().await;
}
