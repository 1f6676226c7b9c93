//! By link.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{ADA, Answer, Kind, Site, mailbox, story, text};

use super::{by_link, is_back, project, transitions};

/// With its flow a link is over, however long it would be good itself.
#[story]
async fn the_mail_promises_no_more_than_the_flow_keeps(site: Site) {
    for (flow, link, said) in [("10m", "1h", 10), ("1h", "10m", 10), ("1h", "1h", 60)] {
        let lifespans = json!({"selfservice": {
            "flows": {"recovery": {"lifespan": flow}},
            "methods": {"link": {"config": {"lifespan": link}}},
        }});
        let config = tenants::config::merged(&by_link(), &lifespans);
        let project = project(&site, config).await;
        site.person(&project, ADA).await;
        let client = site.client(&project, Kind::Api);
        let begun = client.begin("recovery", "").await;
        let fields = json!({"method": "link", "email": ADA});
        client.submit(&begun, fields.clone()).await;
        let letter = mailbox::newest(&project).await;
        assert_eq!(letter.data["expires_in_minutes"], said, "{flow}, {link}");
        site.world.clock.advance(TimeDelta::minutes(5));
        client.submit(&begun, fields).await;
        let letter = mailbox::newest(&project).await;
        let left = if flow == "10m" { 5 } else { said.min(55) };
        assert_eq!(letter.data["expires_in_minutes"], left, "{flow}, {link}");
    }
}

#[story]
async fn following_the_link_signs_in(site: Site) {
    // Browsers follow links: the newer flag changes nothing.
    let project = project(&site, tenants::config::merged(&by_link(), &transitions())).await;
    for (number, kind) in [Kind::Html, Kind::Spa, Kind::Api].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let begun = client.begin("recovery", "").await;
        let outline = ["default/csrf_token", "link/email", "link/method=link"];
        assert_eq!(begun.outline(), outline);
        assert_eq!(begun.body["active"], "link");
        let sent = client
            .submit_and_follow(&begun, json!({"method": "link", "email": email}))
            .await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        assert_eq!(sent.messages(), [text::RECOVERY_LINK_SENT]);
        assert_eq!(sent.node("email")["attributes"]["value"], json!(email));
        let letter = mailbox::newest(&project).await;
        assert_eq!(letter.template, "recovery_valid");
        let phone = site.client(&project, Kind::Html);
        let opened = phone.get(letter.link()).await;
        assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.text);
        let settings = format!("{}/ui/settings?flow=", project.base_url());
        assert!(
            opened.location().starts_with(&settings),
            "{}",
            opened.location()
        );
        is_back(&phone, &id, "link_recovery").await;
        // Once more, from elsewhere.
        let other = site.client(&project, Kind::Html);
        let again = other
            .landed("recovery", &other.get(letter.link()).await)
            .await;
        assert_eq!(again.messages(), [text::WRONG_RECOVERY_LINK]);
        assert_eq!(other.whoami().await.status, 401);
        let late = client
            .submit(&sent, json!({"method": "link", "email": email}))
            .await;
        if kind == Kind::Html {
            let fresh = client.landed("recovery", &late).await;
            assert_eq!(fresh.messages(), [text::RECOVERY_COMPLETED]);
        } else {
            let next = &late.body["error"]["details"]["continue_with"][0];
            assert_eq!(next["action"], "show_recovery_ui", "{}", late.text);
        }
    }
}

#[story]
async fn links_of_others_and_of_yesterday_open_nothing(site: Site) {
    let short = json!({"selfservice": {"methods": {"link": {"config": {"lifespan": "10m"}}}}});
    let project = project(&site, tenants::config::merged(&by_link(), &short)).await;
    let page = site.client(&project, Kind::Html);
    let mut links = Vec::new();
    let mut flows = Vec::new();
    for email in [ADA, "bob@example.org"] {
        site.person(&project, email).await;
        let begun = page.begin("recovery", "").await;
        page.submit(&begun, json!({"method": "link", "email": email}))
            .await;
        links.push(mailbox::link(&project).await);
        flows.push(begun);
    }
    let said = async |link: &str| {
        let form = page.landed("recovery", &page.get(link).await).await;
        form.messages()
    };
    let id = |flow: &Answer| flow.body["id"].as_str().unwrap().to_owned();
    let crossed = links[1].replace(&id(&flows[1]), &id(&flows[0]));
    assert_eq!(said(&crossed).await, [text::WRONG_RECOVERY_LINK]);
    assert_eq!(
        said(&format!("{}x", links[0])).await,
        [text::WRONG_RECOVERY_LINK]
    );
    page.submit(&flows[0], json!({"method": "link", "email": ADA}))
        .await;
    let fresh = mailbox::link(&project).await;
    // A token is no code, and a code is no token.
    let token = fresh.rsplit_once("token=").unwrap().1.to_owned();
    let typed = page
        .submit(&flows[0], json!({"method": "code", "code": token}))
        .await;
    let form = page.landed("recovery", &typed).await;
    assert_eq!(form.messages(), [text::NO_RECOVERY_STRATEGY]);
    site.world.clock.advance(TimeDelta::minutes(11));
    assert_eq!(said(&fresh).await, [text::RECOVERY_EXPIRED]);
    site.world.clock.advance(TimeDelta::hours(1));
    assert_eq!(said(&fresh).await, [text::RECOVERY_EXPIRED]);
    assert_eq!(page.whoami().await.status, 401);
}

/// People open whichever mail comes first; the others are of no use after that.
#[story]
async fn of_two_mails_either_link_is_good_once(site: Site) {
    let project = project(&site, by_link()).await;
    for first in [0, 1] {
        let email = format!("p{first}@example.org");
        let id = site.person(&project, &email).await;
        let page = site.client(&project, Kind::Html);
        let begun = page.begin("recovery", "").await;
        let mut links = Vec::new();
        for _ in 0..2 {
            let fields = json!({"method": "link", "email": email});
            page.submit(&begun, fields).await;
            links.push(mailbox::link(&project).await);
        }
        let phone = site.client(&project, Kind::Html);
        phone.get(&links[first]).await;
        is_back(&phone, &id, "link_recovery").await;
        let late = page.get(&links[1 - first]).await;
        let form = page.landed("recovery", &late).await;
        assert_eq!(form.messages(), [text::WRONG_RECOVERY_LINK]);
        assert_eq!(page.whoami().await.status, 401);
    }
}

/// Programs look at links before people do.
#[story]
async fn a_look_at_a_link_uses_nothing(site: Site) {
    let project = project(&site, by_link()).await;
    let id = site.person(&project, ADA).await;
    let page = site.client(&project, Kind::Html);
    let begun = page.begin("recovery", "").await;
    page.submit(&begun, json!({"method": "link", "email": ADA}))
        .await;
    let link = mailbox::link(&project).await;
    let looked = page.send(Method::HEAD, &link, None, &[]).await;
    let flow = begun.body["id"].as_str().unwrap();
    let shown = format!("{}/ui/recovery?flow={flow}", project.base_url());
    assert_eq!(
        (looked.status, looked.location()),
        (StatusCode::SEE_OTHER, &*shown)
    );
    assert_eq!(page.whoami().await.status, 401);
    // Without its token it is the form.
    let path = format!("/self-service/recovery?flow={flow}");
    let form = page.landed("recovery", &page.get(&path).await).await;
    assert_eq!(form.messages(), [text::GENERIC]);
    page.get(&link).await;
    is_back(&page, &id, "link_recovery").await;
}

#[story]
async fn one_link_fifty_times_at_once_lets_in_once(site: Site) {
    let project = project(&site, by_link()).await;
    let id = site.person(&project, ADA).await;
    let page = site.client(&project, Kind::Html);
    let begun = page.begin("recovery", "").await;
    page.submit(&begun, json!({"method": "link", "email": ADA}))
        .await;
    let link = mailbox::link(&project).await;
    let all = join_all((0..50).map(|_| page.get(&link))).await;
    let let_in = all.iter().filter(|a| a.location().contains("/ui/settings"));
    assert_eq!(let_in.count(), 1);
    let sessions = site
        .admin(&project)
        .get(&format!("/admin/identities/{id}/sessions"))
        .await;
    assert_eq!(sessions.body.as_array().unwrap().len(), 1);
}

#[story]
async fn a_link_that_is_no_use_is_answered_with_an_error_or_a_new_form(site: Site) {
    let project = project(&site, by_link()).await;
    let id = "00000000-0000-4000-8000-000000000000";
    let path = format!("/self-service/recovery?flow={id}&token=x");
    let script = site.client(&project, Kind::Spa);
    assert_eq!(script.get(&path).await.status, StatusCode::NOT_FOUND);
    let odd = script.get("/self-service/recovery?flow=x&token=x").await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    let page = site.client(&project, Kind::Html);
    assert!(page.get(&path).await.location().contains("/ui/error?id="));
}

/// Codes are no longer good then, either.
#[story]
async fn a_link_is_over_when_its_method_is_switched_off(site: Site) {
    let project = project(&site, by_link()).await;
    site.person(&project, ADA).await;
    let client = site.client(&project, Kind::Html);
    let begun = client.begin("recovery", "").await;
    let fields = json!({"method": "link", "email": ADA});
    client.submit_and_follow(&begun, fields).await;
    let link = mailbox::link(&project).await;
    let off = json!({"selfservice": {
        "methods": {"link": {"enabled": false}}, "flows": {"recovery": {"use": "code"}},
    }});
    site.world.configure(&project, off).await;
    let opened = client.get(&link).await;
    assert!(opened.status.is_redirection(), "{}", opened.text);
    assert!(
        opened.location().contains("/ui/recovery?flow="),
        "{}",
        opened.location()
    );
    assert_eq!(client.whoami().await.status, StatusCode::UNAUTHORIZED);
}
