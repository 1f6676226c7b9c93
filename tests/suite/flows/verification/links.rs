//! By link.

use chrono::TimeDelta;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{ADA, Kind, Site, mailbox, story, text};

use super::{address, by_link, project};

#[story]
async fn three_kinds_of_client_prove_an_address(site: Site) {
    let project = project(&site, by_link()).await;
    for (number, kind) in [Kind::Html, Kind::Spa, Kind::Api].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let begun = client.begin("verification", "").await;
        let outline = ["default/csrf_token", "link/email", "link/method=link"];
        let outline = &outline[usize::from(kind == Kind::Api)..];
        assert_eq!(begun.outline(), outline);
        assert_eq!(begun.body["active"], "link");
        let sent = client
            .submit_and_follow(&begun, json!({"method": "link", "email": email}))
            .await;
        assert_eq!(sent.messages(), [text::VERIFICATION_LINK_SENT]);
        assert_eq!(sent.outline(), outline);
        assert_eq!(sent.node("email")["attributes"]["value"], json!(email));
        let letter = mailbox::newest(&project).await;
        assert_eq!(letter.template, "verification_valid");
        let link = letter.link().to_owned();
        // Followed where the mail is read: by a browser that never saw the flow.
        let phone = site.client(&project, Kind::Html);
        let passed = phone.landed("verification", &phone.get(&link).await).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED]);
        let nodes = passed.body["ui"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.last().unwrap()["group"], "link");
        assert_eq!(
            address(&site, &project, &id).await,
            (true, "completed".into())
        );
        // Once more: another flow says that it was used.
        let again = phone.landed("verification", &phone.get(&link).await).await;
        assert_eq!(again.messages(), [text::WRONG_VERIFICATION_LINK]);
        assert_ne!(again.body["id"], passed.body["id"]);
        let late = client
            .submit(&sent, json!({"method": "link", "email": email}))
            .await;
        if kind == Kind::Html {
            let fresh = client.landed("verification", &late).await;
            assert_eq!(fresh.messages(), [text::VERIFICATION_COMPLETED]);
        } else {
            assert_eq!(late.error_id(), Some("self_service_flow_replaced"));
        }
    }
}

#[story]
async fn a_script_that_follows_a_link_gets_the_flow(site: Site) {
    let project = project(&site, by_link()).await;
    site.person(&project, ADA).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("verification", "").await;
    script
        .submit(&begun, json!({"method": "link", "email": ADA}))
        .await;
    let passed = script.get(&mailbox::link(&project).await).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(passed.body["state"], "passed_challenge");
}

#[story]
async fn links_of_others_and_of_yesterday_prove_nothing(site: Site) {
    let short = json!({"selfservice": {"methods": {"link": {"config": {"lifespan": "10m"}}}}});
    let project = project(&site, tenants::config::merged(&by_link(), &short)).await;
    let ada = site.person(&project, ADA).await;
    site.person(&project, "bob@example.org").await;
    let page = site.client(&project, Kind::Html);
    let mut links = Vec::new();
    let mut flows = Vec::new();
    for email in [ADA, "bob@example.org"] {
        let begun = page.begin("verification", "").await;
        page.submit(&begun, json!({"method": "link", "email": email}))
            .await;
        links.push(mailbox::link(&project).await);
        flows.push(begun);
    }
    let said = async |link: &str| {
        let form = page.landed("verification", &page.get(link).await).await;
        form.messages()
    };
    // Bob's token in Ada's flow, and a token that was never sent.
    let id = |flow: &tests::Answer| flow.body["id"].as_str().unwrap().to_owned();
    let crossed = links[1].replace(&id(&flows[1]), &id(&flows[0]));
    assert_eq!(said(&crossed).await, [text::WRONG_VERIFICATION_LINK]);
    assert_eq!(
        said(&format!("{}x", links[0])).await,
        [text::WRONG_VERIFICATION_LINK]
    );
    // Past its time.
    let fresh = links[0].clone();
    site.world.clock.advance(TimeDelta::minutes(11));
    assert_eq!(said(&fresh).await, [text::VERIFICATION_EXPIRED]);
    site.world.clock.advance(TimeDelta::hours(1));
    assert_eq!(said(&fresh).await, [text::VERIFICATION_EXPIRED]);
    assert!(!address(&site, &project, &ada).await.0);
}

/// People open whichever mail comes first; the others are of no use after that.
#[story]
async fn of_two_mails_either_link_is_good_once(site: Site) {
    let project = project(&site, by_link()).await;
    for first in [0, 1] {
        let email = format!("p{first}@example.org");
        let id = site.person(&project, &email).await;
        let page = site.client(&project, Kind::Html);
        let begun = page.begin("verification", "").await;
        let mut links = Vec::new();
        for _ in 0..2 {
            let fields = json!({"method": "link", "email": email});
            page.submit(&begun, fields).await;
            links.push(mailbox::link(&project).await);
        }
        let passed = page
            .landed("verification", &page.get(&links[first]).await)
            .await;
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED]);
        assert!(address(&site, &project, &id).await.0);
        let late = page
            .landed("verification", &page.get(&links[1 - first]).await)
            .await;
        assert_eq!(late.messages(), [text::WRONG_VERIFICATION_LINK]);
    }
}

#[story]
async fn one_link_fifty_times_at_once_proves_once(site: Site) {
    let project = project(&site, by_link()).await;
    let id = site.person(&project, ADA).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("verification", "").await;
    script
        .submit(&begun, json!({"method": "link", "email": ADA}))
        .await;
    let link = mailbox::link(&project).await;
    let all = join_all((0..50).map(|_| script.get(&link))).await;
    let passed = all.iter().filter(|a| a.body["state"] == "passed_challenge");
    assert_eq!(passed.count(), 1);
    assert!(address(&site, &project, &id).await.0);
}

#[story]
async fn what_is_used_must_be_enabled(site: Site) {
    let project = project(&site, by_link()).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("verification", "").await;
    let other = script
        .submit(&begun, json!({"method": "code", "email": ADA}))
        .await;
    assert_eq!(
        other.messages(),
        [text::NO_VERIFICATION_STRATEGY],
        "the flow is one of links"
    );
    let phone = script
        .submit(&begun, json!({"method": "link", "email": "+491701234567"}))
        .await;
    assert_eq!(
        phone.node_messages("email"),
        [text::INVALID_EMAIL],
        "no link by text message"
    );
    // Switched off meanwhile.
    let off = json!({"selfservice": {
        "methods": {"link": {"enabled": false}}, "flows": {"verification": {"use": "code"}},
    }});
    site.world.configure(&project, off).await;
    let late = script
        .submit(&begun, json!({"method": "link", "email": ADA}))
        .await;
    assert_eq!(late.status, StatusCode::NOT_FOUND, "{}", late.text);
}

/// Programs look at links before people do: neither a token nor a code is taken from the browser that began.
#[story]
async fn a_look_at_a_link_uses_nothing(site: Site) {
    for (method, patch) in [("link", by_link()), ("code", json!({}))] {
        let project = project(&site, patch).await;
        let id = site.person(&project, ADA).await;
        let script = site.client(&project, Kind::Spa);
        let begun = script.begin("verification", "").await;
        let fields = json!({"method": method, "email": ADA});
        script.submit(&begun, fields).await;
        let link = mailbox::link(&project).await;
        let scanner = site.client(&project, Kind::Html);
        let looked = scanner.send(Method::HEAD, &link, None, &[]).await;
        let flow = begun.body["id"].as_str().unwrap();
        let shown = format!("{}/ui/verification?flow={flow}", project.base_url());
        assert_eq!(
            (looked.status, looked.location()),
            (StatusCode::SEE_OTHER, &*shown)
        );
        assert_eq!(address(&site, &project, &id).await, (false, "sent".into()));
        let read = script.reread(&begun).await;
        assert_eq!(read.status, StatusCode::OK, "{method}");
    }
}
