//! What a code and its flow are no longer, or never were, good for.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, Site, mailbox, story, text};

use super::{address, project};

/// W9.2, W9.12: then another flow takes its place.
#[story]
async fn the_attempt_after_the_last_allowed_one_ends_the_flow(site: Site) {
    let two = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 2}}}}});
    let project = project(&site, two).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let begun = client.begin("verification", "?return_to=").await;
        let mut form = client
            .submit_and_follow(&begun, json!({"method": "code", "email": email}))
            .await;
        for _ in 0..2 {
            form = client
                .submit_and_follow(&form, json!({"method": "code", "code": "x"}))
                .await;
            assert_eq!(form.messages(), [text::WRONG_VERIFICATION_CODE]);
        }
        let code = mailbox::code(&project).await;
        let ended = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        let fresh = if kind == Kind::Html {
            client.landed("verification", &ended).await
        } else {
            assert_eq!(ended.status, StatusCode::GONE, "{}", ended.text);
            assert_eq!(ended.error_id(), Some("self_service_flow_replaced"));
            let id = ended.body["use_flow_id"].as_str().unwrap();
            client.flow("verification", id).await
        };
        assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.text);
        assert_ne!(fresh.body["id"], form.body["id"]);
        assert_eq!(fresh.messages(), [text::GENERIC]);
        assert_eq!(fresh.reasons(), ["code_tried_too_often"]);
        assert_eq!(fresh.body["state"], "choose_method");
        assert_eq!(address(&site, &project, &id).await, (false, "sent".into()));
        // No mail goes out for a flow in which its code could not be tried.
        let mails = mailbox::count(&project).await;
        let again = client
            .submit(&form, json!({"method": "code", "email": email}))
            .await;
        assert_ne!(again.status, StatusCode::OK, "{}", again.text);
        assert_eq!(mailbox::count(&project).await, mails);
    }
}

#[story]
async fn a_flow_is_good_for_one_proof(site: Site) {
    let project = project(&site, json!({})).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let begun = client.begin("verification", "").await;
        let form = client
            .submit_and_follow(&begun, json!({"method": "code", "email": email}))
            .await;
        let right = json!({"method": "code", "code": mailbox::code(&project).await});
        let passed = client.submit_and_follow(&form, right.clone()).await;
        assert_eq!(passed.body["state"], "passed_challenge");
        let again = client.submit(&form, right).await;
        let fresh = if kind == Kind::Html {
            client.landed("verification", &again).await
        } else {
            assert_eq!(again.error_id(), Some("self_service_flow_replaced"));
            let id = again.body["use_flow_id"].as_str().unwrap();
            client.flow("verification", id).await
        };
        assert_eq!(fresh.messages(), [text::VERIFICATION_COMPLETED]);
    }
}

#[story]
async fn codes_of_others_of_yesterday_and_replaced_ones_prove_nothing(site: Site) {
    let short = json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "10m"}}}}});
    let project = project(&site, short).await;
    let ada = site.person(&project, ADA).await;
    site.person(&project, "bob@example.org").await;
    let script = site.client(&project, Kind::Spa);
    let mut forms = Vec::new();
    for email in [ADA, "bob@example.org"] {
        let begun = script.begin("verification", "").await;
        let sent = script
            .submit(&begun, json!({"method": "code", "email": email}))
            .await;
        forms.push((sent, mailbox::code(&project).await));
    }
    let submit = async |form: &tests::Answer, code: &str| {
        script
            .submit(form, json!({"method": "code", "code": code}))
            .await
    };
    // Bob's code in Ada's flow.
    let other = submit(&forms[0].0, &forms[1].1).await;
    assert_eq!(other.messages(), [text::WRONG_VERIFICATION_CODE]);
    // The former code after another was sent.
    let again = script
        .submit(&forms[0].0, json!({"method": "code", "email": ADA}))
        .await;
    assert_eq!(again.messages(), [text::VERIFICATION_CODE_MAILED]);
    let fresh = mailbox::code(&project).await;
    if fresh != forms[0].1 {
        assert_eq!(
            submit(&again, &forms[0].1).await.messages(),
            [text::WRONG_VERIFICATION_CODE]
        );
    }
    // Past its time, though the flow lives on.
    site.world.clock.advance(TimeDelta::minutes(11));
    assert_eq!(
        submit(&again, &fresh).await.messages(),
        [text::WRONG_VERIFICATION_CODE]
    );
    assert!(!address(&site, &project, &ada).await.0);
}

/// W3.6, W3.7: not 410 but a redirect to the new flow; its reading says what happened.
#[story]
async fn an_expired_flow_is_replaced(site: Site) {
    let project = project(&site, json!({})).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let begun = client.begin("verification", "").await;
        site.world.clock.advance(TimeDelta::seconds(3_601));
        let read = client.reread(&begun).await;
        assert_eq!(read.status, StatusCode::GONE);
        assert_eq!(read.error_id(), None, "W3.6");
        let answer = client
            .submit(&begun, json!({"method": "code", "email": ADA}))
            .await;
        // W3.7: scripts and API clients are sent to the flow itself.
        let fresh = client.landed("verification", &answer).await;
        assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.text);
        assert_eq!(fresh.messages(), [text::VERIFICATION_EXPIRED]);
        let context = &fresh.body["ui"]["messages"][0]["context"];
        assert!(context["expired_at"].is_string() && context["expired_at_unix"].is_i64());
    }
}

#[story]
async fn one_code_fifty_times_at_once_proves_once(site: Site) {
    let many = super::patient(255);
    let project = project(&site, many).await;
    let id = site.person(&project, ADA).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("verification", "").await;
    let sent = script
        .submit(&begun, json!({"method": "code", "email": ADA}))
        .await;
    let right = json!({"method": "code", "code": mailbox::code(&project).await});
    let all = join_all((0..50).map(|_| script.submit(&sent, right.clone()))).await;
    let passed = all.iter().filter(|a| a.body["state"] == "passed_challenge");
    assert_eq!(passed.count(), 1);
    for other in all.iter().filter(|a| a.status != StatusCode::OK) {
        // Busy at worst; never done twice.
        let known = other.error_id() == Some("self_service_flow_replaced")
            || other.status == StatusCode::SERVICE_UNAVAILABLE;
        assert!(known, "{}", other.text);
    }
    assert!(address(&site, &project, &id).await.0);
}

#[story]
async fn fifty_wrong_codes_at_once_count_as_at_least_the_allowed_number(site: Site) {
    let project = project(&site, super::patient(5)).await;
    let id = site.person(&project, ADA).await;
    let native = site.client(&project, Kind::Api);
    let begun = native.begin("verification", "").await;
    let sent = native
        .submit(&begun, json!({"method": "code", "email": ADA}))
        .await;
    let code = mailbox::code(&project).await;
    let wrong = json!({"method": "code", "code": "x"});
    let all = join_all((0..50).map(|_| native.submit(&sent, wrong.clone()))).await;
    let judged = all
        .iter()
        .filter(|a| a.messages() == [text::WRONG_VERIFICATION_CODE])
        .count();
    assert!((1..=5).contains(&judged), "{judged} were compared");
    let late = native
        .submit(&sent, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(late.error_id(), Some("self_service_flow_replaced"));
    assert!(!address(&site, &project, &id).await.0);
}

/// A refusal that comes late is not laid over what happened meanwhile.
#[story]
async fn a_late_refusal_does_not_undo_a_proof(site: Site) {
    let many = super::patient(255);
    let project = project(&site, many).await;
    for round in 0..5 {
        let email = format!("p{round}@example.org");
        let id = site.person(&project, &email).await;
        let script = site.client(&project, Kind::Spa);
        let begun = script.begin("verification", "").await;
        let sent = script
            .submit(&begun, json!({"method": "code", "email": email}))
            .await;
        let right = json!({"method": "code", "code": mailbox::code(&project).await});
        let bodies: Vec<Value> = (0..12)
            .map(|n| {
                if n == 6 {
                    right.clone()
                } else {
                    json!({"method": "code", "code": "x"})
                }
            })
            .collect();
        join_all(bodies.into_iter().map(|body| script.submit(&sent, body))).await;
        let flow = script.reread(&sent).await;
        let verified = address(&site, &project, &id).await.0;
        let passed = flow.body["state"] == "passed_challenge";
        assert_eq!(passed, verified, "{}", flow.text);
    }
}

/// An address that is deleted between mail and code is not proved.
#[story]
async fn an_address_that_is_gone_is_not_proved(site: Site) {
    let project = project(&site, json!({})).await;
    let id = site.person(&project, ADA).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("verification", "").await;
    let sent = script
        .submit(&begun, json!({"method": "code", "email": ADA}))
        .await;
    let code = mailbox::code(&project).await;
    let gone = site
        .admin(&project)
        .delete(&format!("/admin/identities/{id}"))
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let late = script
        .submit(&sent, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(late.messages(), [text::WRONG_VERIFICATION_CODE]);
    let mails = mailbox::all(&project).await;
    assert_eq!(mails.len(), 1, "what was said stays said");
}
