//! What a code and its flow are no longer, or never were, good for.
//!
//! Looks inside: the tables.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use tests::{ADA, Kind, PASSWORD, Site, mailbox, story, text};

use super::{by_link, project, sent, transitions};

/// W9.2, W9.7: too many, used, passed.
#[story]
async fn a_flow_that_is_of_no_further_use_is_replaced(site: Site) {
    let two = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 2}}}}});
    let project = project(&site, two).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let (form, code) = sent(&project, &client, &email).await;
        for _ in 0..2 {
            let wrong = client
                .submit_and_follow(&form, json!({"method": "code", "code": "1"}))
                .await;
            assert_eq!(wrong.messages(), [text::WRONG_RECOVERY_CODE]);
        }
        let late = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        let fresh = client.landed("recovery", &late).await;
        assert_eq!(fresh.messages(), [text::GENERIC], "{}", fresh.text);
        assert_ne!(fresh.body["id"], form.body["id"]);
        assert_eq!(fresh.body["state"], "choose_method");
        assert_eq!(client.whoami().await.status, 401);

        let (form, code) = sent(&project, &client, &email).await;
        let right = json!({"method": "code", "code": code});
        client.submit(&form, right.clone()).await;
        let masked = form.node("csrf_token")["attributes"]["value"].clone();
        let again = client.submit(&form, right).await;
        if kind == Kind::Api {
            let fresh = client.landed("recovery", &again).await;
            assert_eq!(fresh.messages(), [text::GENERIC]);
            assert_eq!(fresh.reasons(), ["code_used"]);
        } else {
            // The form's token died with the sign-in.
            assert!(masked.is_string() && again.status != StatusCode::OK);
        }
    }
}

/// With the newer flag a reason instead of a redirect; clients go on in the flow that it names.
#[story]
async fn newer_clients_are_told_to_begin_again(site: Site) {
    let one = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 1}}}}});
    let project = project(&site, tenants::config::merged(&transitions(), &one)).await;
    site.person(&project, ADA).await;
    for kind in [Kind::Spa, Kind::Api] {
        let client = site.client(&project, kind);
        let (form, code) = sent(&project, &client, ADA).await;
        client
            .submit(&form, json!({"method": "code", "code": "1"}))
            .await;
        let late = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST, "{}", late.text);
        let next = &late.body["error"]["details"]["continue_with"][0];
        assert_eq!(next["action"], "show_recovery_ui");
        let id = next["flow"]["id"].as_str().unwrap();
        let fresh = client.flow("recovery", id).await;
        assert_eq!(fresh.messages(), [text::GENERIC]);
    }
}

/// W3.6, W3.7.
#[story]
async fn an_expired_flow_is_replaced(site: Site) {
    for (patch, newer) in [(json!({}), false), (transitions(), true)] {
        let project = project(&site, patch).await;
        for kind in Kind::ALL {
            let client = site.client(&project, kind);
            let begun = client.begin("recovery", "").await;
            site.world.clock.advance(TimeDelta::seconds(3_601));
            let read = client.reread(&begun).await;
            assert_eq!(read.status, StatusCode::GONE);
            let named = (kind == Kind::Api).then_some("self_service_flow_expired");
            assert_eq!(read.error_id(), named);
            let late = client
                .submit(&begun, json!({"method": "code", "email": ADA}))
                .await;
            let fresh = if newer && kind == Kind::Api {
                assert_eq!(late.status, StatusCode::GONE, "{}", late.text);
                assert_eq!(late.error_id(), Some("self_service_flow_expired"));
                let next = &late.body["error"]["details"]["continue_with"][0];
                assert_eq!(next["action"], "show_recovery_ui");
                assert_eq!(next["flow"]["id"], late.body["use_flow_id"]);
                let id = late.body["use_flow_id"].as_str().unwrap();
                client.flow("recovery", id).await
            } else {
                client.landed("recovery", &late).await
            };
            assert_eq!(fresh.messages(), [text::RECOVERY_EXPIRED], "{}", fresh.text);
        }
    }
}

/// W9.1.
#[story]
async fn codes_of_others_of_yesterday_and_replaced_ones_open_nothing(site: Site) {
    let short = json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "10m"}}}}});
    let project = project(&site, short).await;
    site.person(&project, ADA).await;
    site.person(&project, "bob@example.org").await;
    let script = site.client(&project, Kind::Spa);
    let (mine, first) = sent(&project, &script, ADA).await;
    let (_, bobs) = sent(&project, &script, "bob@example.org").await;
    let said = async |code: &str| {
        let answer = script
            .submit(&mine, json!({"method": "code", "code": code}))
            .await;
        answer.messages()
    };
    assert_eq!(said(&bobs).await, [text::WRONG_RECOVERY_CODE]);
    script
        .submit(&mine, json!({"method": "code", "email": ADA}))
        .await;
    let fresh = mailbox::code(&project).await;
    if fresh != first {
        assert_eq!(said(&first).await, [text::WRONG_RECOVERY_CODE]);
    }
    site.world.clock.advance(TimeDelta::minutes(11));
    assert_eq!(said(&fresh).await, [text::WRONG_RECOVERY_CODE]);
    assert_eq!(script.whoami().await.status, 401);
}

#[story]
async fn who_is_shut_out_or_gone_does_not_get_in(site: Site) {
    let project = project(&site, json!({})).await;
    let script = site.client(&project, Kind::Spa);
    let id = site.person(&project, ADA).await;
    let (form, code) = sent(&project, &script, ADA).await;
    let mut tx = project.begin().await.unwrap();
    sqlx::query("update identities set state = 'inactive' where id = $1::text::uuid")
        .bind(&id)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let refused = script
        .submit(&form, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert_eq!(refused.messages(), [text::ACCOUNT_DISABLED]);
    assert_eq!(script.whoami().await.status, 401);
    let gone = site
        .admin(&project)
        .delete(&format!("/admin/identities/{id}"))
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let late = script
        .submit(&form, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(
        late.messages(),
        [text::WRONG_RECOVERY_CODE],
        "{}",
        late.text
    );
}

/// The owner takes an address out of their account while a secret is on its way there.
async fn moves_away(site: &Site, project: &tenants::Project) {
    let owner = site.client(project, Kind::Spa);
    owner.sign_in(ADA, PASSWORD).await;
    let begun = owner.begin("settings", "").await;
    let traits = json!({"method": "profile", "traits": {"email": "new@example.org"}});
    let saved = owner.submit(&begun, traits).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
}

#[story]
async fn a_code_opens_nothing_once_its_address_is_not_the_accounts_any_more(site: Site) {
    for kind in Kind::ALL {
        let project = project(&site, json!({})).await;
        let id = site.person(&project, ADA).await;
        let client = site.client(&project, kind);
        let (form, code) = sent(&project, &client, ADA).await;
        moves_away(&site, &project).await;
        let right = json!({"method": "code", "code": code});
        for _ in 0..2 {
            let wrong = client.submit_and_follow(&form, right.clone()).await;
            assert_eq!(wrong.status, StatusCode::OK, "{}", wrong.text);
            assert_eq!(wrong.messages(), [text::WRONG_RECOVERY_CODE]);
        }
        assert_eq!(client.whoami().await.status, 401);
        // Nor one that comes to another account.
        let other = json!({"traits": {"email": ADA}});
        site.admin(&project).post("/admin/identities", other).await;
        let wrong = client.submit_and_follow(&form, right.clone()).await;
        assert_eq!(wrong.messages(), [text::WRONG_RECOVERY_CODE]);
        // The new address is as good as the old one was.
        let (form, code) = sent(&project, &client, "new@example.org").await;
        client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        let sessions = site
            .admin(&project)
            .get(&format!("/admin/identities/{id}/sessions"))
            .await;
        assert_eq!(sessions.body.as_array().unwrap().len(), 2);
    }
}

#[story]
async fn a_link_opens_nothing_once_its_address_is_not_the_accounts_any_more(site: Site) {
    let project = project(&site, by_link()).await;
    site.person(&project, ADA).await;
    let page = site.client(&project, Kind::Html);
    let begun = page.begin("recovery", "").await;
    page.submit(&begun, json!({"method": "link", "email": ADA}))
        .await;
    let link = mailbox::link(&project).await;
    moves_away(&site, &project).await;
    let fresh = page.landed("recovery", &page.get(&link).await).await;
    assert_eq!(
        fresh.messages(),
        [text::WRONG_RECOVERY_LINK],
        "{}",
        fresh.text
    );
    assert_eq!(page.whoami().await.status, 401);
}

#[story]
async fn one_code_fifty_times_at_once_lets_in_once(site: Site) {
    let many = super::patient(255);
    let project = project(&site, tenants::config::merged(&transitions(), &many)).await;
    let id = site.person(&project, ADA).await;
    let native = site.client(&project, Kind::Api);
    let (form, code) = sent(&project, &native, ADA).await;
    let right = json!({"method": "code", "code": code});
    let all = join_all((0..50).map(|_| native.submit(&form, right.clone()))).await;
    let passed = all.iter().filter(|a| a.body["state"] == "passed_challenge");
    assert_eq!(passed.count(), 1);
    let sessions = site
        .admin(&project)
        .get(&format!("/admin/identities/{id}/sessions"))
        .await;
    assert_eq!(sessions.body.as_array().unwrap().len(), 1);
}

#[story]
async fn fifty_wrong_codes_at_once_count_as_at_least_the_allowed_number(site: Site) {
    let project = project(&site, super::patient(5)).await;
    site.person(&project, ADA).await;
    let native = site.client(&project, Kind::Api);
    let (form, code) = sent(&project, &native, ADA).await;
    let wrong = json!({"method": "code", "code": "1"});
    let all = join_all((0..50).map(|_| native.submit(&form, wrong.clone()))).await;
    let judged = all
        .iter()
        .filter(|a| a.messages() == [text::WRONG_RECOVERY_CODE])
        .count();
    assert!((1..=5).contains(&judged), "{judged} were compared");
    let late = native
        .submit(&form, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(late.status, StatusCode::SEE_OTHER, "{}", late.text);
}
