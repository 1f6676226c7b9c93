//! Messages as administrators see them (W13.3, W15.1).
//!
//! Looks inside: the tables, `courier`.

use chrono::TimeDelta;
use ory_kratos_client::{apis::courier_api, models::CourierMessageStatus};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Environment, Project, Role};
use tests::{Answer, Kind, Site, cheap, golden, mail, story};

use crate::{tenancy::isolation_table::hand::new_key, wire::sdk::office};

const MESSAGES: &str = "/admin/courier/messages";

fn recipients(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let items = answer.body.as_array().unwrap().iter();
    items.map(|it| it["recipient"].as_str().unwrap()).collect()
}

fn link(answer: &Answer, project: &Project, rel: &str) -> Option<String> {
    let links = answer.headers["link"].to_str().unwrap();
    let end = format!(">; rel=\"{rel}\"");
    let one = links.split(',').find(|link| link.ends_with(&end))?;
    let below = one[1..one.len() - end.len()].strip_prefix(&format!("/p/{}", project.slug()));
    Some(below.unwrap().to_owned())
}

#[story]
async fn messages_are_listed_newest_first_in_pages(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let nothing = admin.get(MESSAGES).await;
    assert_eq!((nothing.status, nothing.body), (StatusCode::OK, json!([])));
    for n in 0..12 {
        mail::enqueue(&project, &format!("p{n}@example.org")).await;
        site.world.clock.advance(TimeDelta::milliseconds(1));
    }
    let mut page = admin.get(MESSAGES).await;
    let newest_first: Vec<String> = (0..12).rev().map(|n| format!("p{n}@example.org")).collect();
    assert_eq!(recipients(&page), newest_first[..10]);
    assert!(page.body[0].get("dispatches").is_none());
    let next = link(&page, &project, "next").unwrap();
    page = admin.get(&next).await;
    assert_eq!(recipients(&page), newest_first[10..]);
    assert_eq!(link(&page, &project, "next"), None);
    let first = link(&page, &project, "first").unwrap();
    assert_eq!(recipients(&admin.get(&first).await), newest_first[..10]);
    for size in ["0", "-1", "9999"] {
        let page = admin.get(&format!("{MESSAGES}?page_size={size}")).await;
        assert_eq!(
            recipients(&page).len(),
            if size == "9999" { 12 } else { 10 }
        );
    }
    // A token is good for an hour, and for this list of this project alone.
    site.world.clock.advance(TimeDelta::minutes(61));
    for wrong in [
        &*next,
        "/admin/courier/messages?page_token=abc",
        "/admin/courier/messages?page_size=abc",
        "/admin/courier/messages?status=",
        "/admin/courier/messages?status=lost",
        "/admin/courier/messages/abc",
    ] {
        let answer = admin.get(wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let other = site.project().await;
    let foreign = link(&admin.get(MESSAGES).await, &project, "next").unwrap();
    let answer = site.admin(&other).get(&foreign).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);

    let one = admin
        .get(&format!("{MESSAGES}?recipient=p3@example.org"))
        .await;
    assert_eq!(recipients(&one), ["p3@example.org"]);
    let queued = admin
        .get(&format!("{MESSAGES}?status=queued&page_size=500"))
        .await;
    assert_eq!(recipients(&queued).len(), 12);
    site.world.sweep().await;
    let queued = admin.get(&format!("{MESSAGES}?status=queued")).await;
    assert_eq!(queued.body, json!([]));
}

/// Each field was compared with a running Kratos.
#[story]
async fn a_message_and_its_attempts(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let id = mail::enqueue(&project, "ada@example.org").await;
    let listed = admin.get(MESSAGES).await;
    golden::check("messages", &project, &listed);
    site.world.sweep().await;
    let read = admin.get(&format!("{MESSAGES}/{id}")).await;
    golden::check("message", &project, &read);
    let unknown = "11111111-1111-4111-8111-111111111111";
    let unknown = admin.get(&format!("{MESSAGES}/{unknown}")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[story]
async fn codes_are_shown_in_development_to_keys_that_may_write(site: Site) {
    let project = site.project().await;
    let (production, _) = site.world.create(Environment::Production, json!({})).await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    let path = format!("{MESSAGES}/{id}");
    let viewer = new_key(site.world.installation(), Some(&project), Role::Viewer)
        .await
        .0;
    let mut client = site.client(&project, Kind::Api);
    client.set_header("authorization", &format!("Bearer {viewer}"));
    let redacted = |message: &Value| {
        let told = [&message["body"], &message["subject"]];
        told == ["<redacted-unless-dev-mode>"; 2]
    };
    assert!(redacted(&client.get(&path).await.body));
    assert!(redacted(&client.get(MESSAGES).await.body[0]));
    let open = site.admin(&project).get(&path).await;
    assert!(!redacted(&open.body) && open.text.contains(mail::CODE));
    let message = mail::login_code(&production, "ada@example.org");
    let mut tx = production.begin().await.unwrap();
    courier::store::insert(&mut tx, &message).await.unwrap();
    tx.commit().await.unwrap();
    let answer = site.admin(&production).get(MESSAGES).await;
    assert!(redacted(&answer.body[0]) && !answer.text.contains(mail::CODE));
    site.world.sweep().await;
}

#[story]
async fn the_sdk_reads_messages(site: Site) {
    let project = site.world.project_with(cheap(json!({}))).await;
    let sdk = office(&project);
    let id = mail::enqueue(&project, "ada@example.org").await.to_string();
    let listed = courier_api::list_courier_messages(&sdk, None, None, None, None)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0].id, listed[0].status),
        (&id, CourierMessageStatus::Queued)
    );
    assert_eq!(listed[0].dispatches, None);
    site.world.sweep().await;
    let sent = courier_api::get_courier_message(&sdk, &id).await.unwrap();
    assert_eq!(sent.status, CourierMessageStatus::Sent);
    assert_eq!(sent.dispatches.unwrap().len(), 1);
    let queued = CourierMessageStatus::Queued;
    let queued = courier_api::list_courier_messages(&sdk, Some(50), None, Some(queued), None).await;
    assert_eq!(queued.unwrap(), []);
}
