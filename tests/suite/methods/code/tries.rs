//! Which codes are good, and how often one may try.
//!
//! Looks inside: the tables.

use super::*;
use chrono::TimeDelta;
use tests::story;

/// W9.2.
#[story]
async fn the_try_after_the_last_is_refused_though_it_is_right(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let mut flow = ask(&client, ADA).await;
        let code = mailbox::code_to(&project, ADA).await;
        for _ in 0..5 {
            flow = client
                .submit_and_go_on(&flow, fields(ADA, &another(&code)))
                .await;
            assert_eq!(flow.messages(), [text::WRONG_LOGIN_CODE]);
        }
        let refused = client.submit_and_go_on(&flow, fields(ADA, &code)).await;
        assert_eq!(refused.messages(), [text::GENERIC]);
        assert_eq!(refused.reasons(), ["flow_tried_too_often"]);
        // Another code does not make this flow good again; another flow does.
        let resend = json!({"method": "code", "identifier": ADA, "resend": "code"});
        let resent = client.submit_and_go_on(&refused, resend).await;
        assert_eq!(resent.messages(), [text::LOGIN_CODE_SENT]);
        let code = mailbox::code_to(&project, ADA).await;
        let refused = client.submit_and_go_on(&resent, fields(ADA, &code)).await;
        assert_eq!(refused.messages(), [text::GENERIC]);
        let done = sign_in(&project, &client, ADA).await;
        assert!(client.whoami_after(&done).await.status.is_success());
    }
    site.world.sweep().await;
}

#[story]
async fn fewer_tries_as_configured(site: Site) {
    let config = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 1}}}}});
    let project = site.project_with(passwordless(&config)).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Api);
    let done = sign_in(&project, &client, ADA).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let sent = ask(&client, ADA).await;
    let code = mailbox::code_to(&project, ADA).await;
    client.submit(&sent, fields(ADA, &another(&code))).await;
    let refused = client.submit(&sent, fields(ADA, &code)).await;
    assert_eq!(refused.messages(), [text::GENERIC]);
    site.world.sweep().await;
}

#[story]
async fn a_code_is_good_for_its_lifespan(site: Site) {
    let config = json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "2m"}}}}});
    let project = site.project_with(passwordless(&config)).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Api);
    let sent = ask(&client, ADA).await;
    let code = mailbox::code_to(&project, ADA).await;
    site.world.clock.advance(TimeDelta::seconds(121));
    let late = client.submit(&sent, fields(ADA, &code)).await;
    assert_eq!(late.messages(), [text::WRONG_LOGIN_CODE]);
    let sent = ask(&client, ADA).await;
    let code = mailbox::code_to(&project, ADA).await;
    site.world.clock.advance(TimeDelta::seconds(119));
    let done = client.submit(&sent, fields(ADA, &code)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}

/// W9.1.
#[story]
async fn another_code_ends_the_one_before(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let sent = ask(&client, ADA).await;
        let old = mailbox::code_to(&project, ADA).await;
        let resend = json!({"method": "code", "identifier": ADA, "resend": "code"});
        let sent = client.submit_and_go_on(&sent, resend).await;
        assert_eq!(sent.body["state"], "sent_email");
        let new = mailbox::code_to(&project, ADA).await;
        if old != new {
            let refused = client.submit_and_go_on(&sent, fields(ADA, &old)).await;
            assert_eq!(refused.messages(), [text::WRONG_LOGIN_CODE]);
        }
        let done = client.submit(&sent, fields(ADA, &new)).await;
        assert!(client.whoami_after(&done).await.status.is_success());
    }
    site.world.sweep().await;
}

/// A code belongs to one flow and one person.
#[story]
async fn the_codes_of_others(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    make(&site, &project, json!({"email": BOB}), false).await;
    let client = site.client(&project, Kind::Api);
    let (adas, bobs) = (ask(&client, ADA).await, ask(&client, BOB).await);
    let (ada, bob) = (
        mailbox::code_to(&project, ADA).await,
        mailbox::code_to(&project, BOB).await,
    );
    if ada != bob {
        let refused = client.submit(&adas, fields(ADA, &bob)).await;
        assert_eq!(
            refused.messages(),
            [text::WRONG_LOGIN_CODE],
            "another flow's"
        );
    }
    // The right code of this flow does not open another account.
    let refused = client.submit(&adas, fields(BOB, &ada)).await;
    assert_eq!(refused.messages(), [text::WRONG_LOGIN_CODE]);
    let refused = client
        .submit(&adas, fields("nobody@example.org", &ada))
        .await;
    assert_eq!(refused.messages(), [text::NO_CODE_ACCOUNT]);
    let done = client.submit(&adas, fields(ADA, &ada)).await;
    assert_eq!(done.body["session"]["identity"]["traits"]["email"], ADA);
    let done = client.submit(&bobs, fields(BOB, &bob)).await;
    assert_eq!(done.body["session"]["identity"]["traits"]["email"], BOB);
    // A code of another project's flow with the same people in it.
    let elsewhere = site.project_with(passwordless(&json!({}))).await;
    make(&site, &elsewhere, json!({"email": ADA}), false).await;
    let there = site.client(&elsewhere, Kind::Api);
    let sent = ask(&there, ADA).await;
    if mailbox::code_to(&elsewhere, ADA).await != ada {
        let refused = there.submit(&sent, fields(ADA, &ada)).await;
        assert_eq!(refused.messages(), [text::WRONG_LOGIN_CODE]);
    }
    site.world.sweep().await;
}

/// Whatever is typed is a wrong code, or an unknown identifier.
#[story]
async fn odd_codes_and_identifiers(site: Site) {
    let config =
        json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 255}}}}});
    let project = site.project_with(passwordless(&config)).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let long = "1".repeat(100_000);
    let odd = [
        long.as_str(),
        "\u{202e}123456",
        "１２３４５６",
        "'; --",
        "{\"a\": 1}",
        "-1",
        " ",
    ];
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let mut flow = ask(&client, ADA).await;
        for code in odd {
            flow = client.submit_and_go_on(&flow, fields(ADA, code)).await;
            assert_eq!(flow.messages(), [text::WRONG_LOGIN_CODE], "{code:.20}");
        }
        let begun = client.begin("login", "").await;
        for identifier in odd {
            let fields = json!({"method": "code", "identifier": identifier});
            let refused = client.submit_and_go_on(&begun, fields).await;
            assert_eq!(
                refused.messages(),
                [text::NO_CODE_ACCOUNT],
                "{identifier:.20}"
            );
        }
        if kind == Kind::Html {
            continue;
        }
        for value in [
            json!(123_456),
            json!(true),
            json!(["123456"]),
            json!({"code": "123456"}),
        ] {
            let mut fields = fields(ADA, "none");
            fields["code"] = value.clone();
            fields["resend"] = value;
            flow = client.submit_and_go_on(&flow, fields).await;
            assert_eq!(flow.messages(), [text::WRONG_LOGIN_CODE]);
        }
    }
    site.world.sweep().await;
}

/// An address that its owner gave up while its code was on the way.
#[story]
async fn a_code_for_an_address_that_was_given_up(site: Site) {
    let project = site.project_with(passwordless(&person())).await;
    make(&site, &project, json!({"email": ADA, "other": BOB}), false).await;
    let client = site.client(&project, Kind::Api);
    let sent = ask(&client, ADA).await;
    let code = mailbox::code_to(&project, ADA).await;
    let mut tx = project.begin().await.unwrap();
    for change in [
        "update credentials set config = jsonb_build_object('addresses', jsonb_build_array(jsonb_build_object('channel', 'email', 'address', 'bob@example.org'))) where kind = 'code'",
        "delete from identifiers where value = 'ada@example.org'",
    ] {
        sqlx::query(change).execute(tx.conn()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let refused = client.submit(&sent, fields(BOB, &code)).await;
    assert_eq!(refused.messages(), [text::WRONG_LOGIN_CODE]);
    site.world.sweep().await;
}

/// Codes are stored as what they prove, not as what they are.
#[story]
async fn no_code_is_stored_in_the_clear(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    let client = site.client(&project, Kind::Api);
    ask(&client, ADA).await;
    let code = mailbox::code_to(&project, ADA).await;
    let mut tx = project.begin().await.unwrap();
    for table in ["codes", "messages", "flows"] {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select t::text from {table} t"
        )))
        .fetch_all(tx.conn())
        .await
        .unwrap();
        assert!(!rows.is_empty(), "{table}");
        let quoted = [format!("\"{code}\""), format!(",{code},")];
        assert!(
            rows.iter()
                .all(|row| quoted.iter().all(|code| !row.contains(code))),
            "{table}"
        );
    }
    drop(tx);
    site.world.sweep().await;
}
