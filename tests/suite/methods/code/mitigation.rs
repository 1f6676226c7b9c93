//! `security.account_enumeration.mitigate`: a stranger learns nothing about who has an account.
//!
//! Looks inside: the tables.

use super::*;
use tests::story;

fn mitigated(patch: &Value) -> Value {
    let mitigate = json!({"security": {"account_enumeration": {"mitigate": true}}});
    passwordless(&merged(&mitigate, patch))
}

/// What a stranger can compare, less what differs between any two flows.
fn shown(flow: &Answer, identifier: &str) -> String {
    let mut body = flow.body.clone();
    for key in ["id", "issued_at", "expires_at", "created_at", "updated_at"] {
        body[key] = Value::Null;
    }
    body["ui"]["action"] = Value::Null;
    for node in body["ui"]["nodes"].as_array_mut().unwrap() {
        if node["attributes"]["name"] == "csrf_token" {
            node["attributes"]["value"] = Value::Null;
        }
    }
    body.to_string().replace(identifier, "<identifier>")
}

#[story]
async fn unknown_and_known_are_answered_alike(site: Site) {
    let project = site.project_with(mitigated(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    for kind in Kind::ALL {
        let mut answers = Vec::new();
        let long = "x".repeat(1_000);
        for who in [ADA, BOB, "nobody", "+49301234567", long.as_str()] {
            let client = site.client(&project, kind);
            let mut flow = ask(&client, who).await;
            let mut seen = vec![shown(&flow, who)];
            for _ in 0..6 {
                flow = client.submit_and_go_on(&flow, fields(who, "00000x")).await;
                seen.push(shown(&flow, who));
            }
            let resend = json!({"method": "code", "identifier": who, "resend": "code"});
            let resent = client.submit_and_go_on(&flow, resend).await;
            seen.push(shown(&resent, who));
            answers.push(seen);
        }
        for answer in &answers[1..] {
            assert_eq!(answer, &answers[0]);
        }
    }
    let to: Vec<String> = mailbox::all(&project)
        .await
        .into_iter()
        .map(|mail| mail.to)
        .collect();
    assert_eq!(to, [ADA; 6], "nobody else gets mail");
    site.world.sweep().await;
}

/// A person who is signed in is told the same of all others.
#[story]
async fn a_refresh_tells_nothing_of_others(site: Site) {
    let project = site.project_with(mitigated(&json!({}))).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    make(&site, &project, json!({"email": BOB}), false).await;
    let client = site.client(&project, Kind::Spa);
    client.sign_in(ADA, PASSWORD).await;
    for other in [BOB, "nobody@example.org"] {
        let flow = client.begin("login", "?refresh=true").await;
        let fields = json!({"method": "code", "identifier": other});
        let refused = client.submit_and_go_on(&flow, fields).await;
        assert_eq!(refused.messages(), [text::NO_CODE_ACCOUNT]);
    }
    site.world.sweep().await;
}

/// The rows that a stranger causes are the same, but for the letter, which is taken back.
#[story]
async fn an_unknown_address_costs_the_same_work(site: Site) {
    let project = site.project_with(mitigated(&json!({}))).await;
    let client = site.client(&project, Kind::Api);
    ask(&client, BOB).await;
    let mut tx = project.begin().await.unwrap();
    let counts: (i64, i64) =
        sqlx::query_as("select (select count(*) from codes), (select count(*) from messages)")
            .fetch_one(tx.conn())
            .await
            .unwrap();
    assert_eq!(counts, (1, 0));
    let owner: Option<uuid::Uuid> = sqlx::query_scalar("select identity_id from codes")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    assert_eq!(owner, None);
    drop(tx);
    // Nothing was asked of the courier either.
    assert!(site.world.claim(10).await.is_empty());
    site.world.sweep().await;
}

/// W6.13: every method for any identifier, and no code goes out by itself.
#[story]
async fn identifiers_first_without_a_hint(site: Site) {
    let style = json!({"selfservice": {"flows": {"login": {"style": "identifier_first"}}}});
    let project = site.project_with(mitigated(&style)).await;
    make(&site, &project, json!({"email": ADA}), false).await;
    for kind in Kind::ALL {
        let mut answers = Vec::new();
        for who in [ADA, BOB, "nobody"] {
            let client = site.client(&project, kind);
            let flow = client.begin("login", "").await;
            let fields = json!({"method": "identifier_first", "identifier": who});
            let chosen = client.submit_and_go_on(&flow, fields).await;
            let outline = [
                "identifier_first/identifier",
                "default/csrf_token",
                "password/password",
                "password/method=password",
                "code/method=code",
            ];
            assert_eq!(chosen.outline(), outline);
            answers.push(shown(&chosen, who));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let client = site.client(&project, kind);
        let flow = client.begin("login", "").await;
        let nothing = client
            .submit_and_go_on(&flow, json!({"method": "identifier_first"}))
            .await;
        assert_eq!(nothing.node_messages("identifier"), [text::REQUIRED]);
    }
    assert!(mailbox::all(&project).await.is_empty());
    let client = site.client(&project, Kind::Api);
    let flow = client.begin("login", "").await;
    let chosen = client
        .submit(
            &flow,
            json!({"method": "identifier_first", "identifier": ADA}),
        )
        .await;
    let sent = client
        .submit(&chosen, json!({"method": "code", "identifier": ADA}))
        .await;
    let code = mailbox::code_to(&project, ADA).await;
    let done = client.submit(&sent, fields(ADA, &code)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}
