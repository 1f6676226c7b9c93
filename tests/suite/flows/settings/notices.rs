//! The hook `notify_previous_addresses`: who had the addresses before hears of the change, when it is made.

use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{Client, Kind, Site, mailbox, story, text};

use super::pending_change::{held, profile, typed, with, with_traits};

fn telling(config: Value) -> Value {
    with(json!([merged(
        &json!({"hook": "notify_previous_addresses"}),
        &config
    )]))
}

/// The recipients of the notices, sorted.
async fn told(project: &Project) -> Vec<String> {
    let mails = mailbox::all(project).await.into_iter();
    let notices = mails.filter(|mail| mail.template == "verifiable_address_changed");
    let mut told: Vec<String> = notices.map(|mail| mail.to).collect();
    told.sort();
    told
}

async fn saved(client: &Client, traits: Value) {
    let flow = client.begin("settings", "").await;
    let form = client.submit_and_stay(&flow, profile(traits)).await;
    assert_eq!(form.body["state"], "success", "{}", form.text);
}

/// The first address is proved.
async fn prove(project: &Project, client: &Client, email: &str) {
    let begun = client.begin("verification", "").await;
    let fields = json!({"method": "code", "email": email});
    let form = client.submit_and_stay(&begun, fields).await;
    let code = mailbox::code(project).await;
    client
        .submit(&form, json!({"method": "code", "code": code}))
        .await;
    let identity = client.whoami().await.body["identity"].clone();
    let mut addresses = identity["verifiable_addresses"].as_array().unwrap().iter();
    let proved = addresses.find(|address| address["value"] == email);
    assert_eq!(proved.unwrap()["verified"], true);
}

#[story]
async fn the_configured_recipients_are_told(site: Site) {
    for (config, replaced, added) in [
        (json!({}), vec!["a@x.org"], vec![]),
        (json!({"config": {}}), vec!["a@x.org"], vec![]),
        (
            json!({"config": {"recipients": "removed"}}),
            vec!["a@x.org"],
            vec![],
        ),
        (
            json!({"config": {"recipients": "all_verified"}}),
            vec!["a@x.org"],
            vec![],
        ),
        (
            json!({"config": {"recipients": "all"}}),
            vec!["+493012345678", "a@x.org"],
            vec!["+493012345678", "c@x.org"],
        ),
    ] {
        let project = site.project_with(telling(config.clone())).await;
        let phone = "+493012345678";
        let traits = json!({"email": "a@x.org", "phone": phone});
        let client = with_traits(&site, &project, Kind::Spa, traits).await;
        prove(&project, &client, "a@x.org").await;
        // Nothing about addresses, or nothing at all.
        let named = json!({"email": "a@x.org", "phone": phone, "name": "Ada"});
        saved(&client, named.clone()).await;
        saved(&client, named).await;
        assert!(told(&project).await.is_empty(), "{config}");
        saved(&client, json!({"email": "c@x.org", "phone": phone})).await;
        assert_eq!(told(&project).await, replaced, "{config}");
        // One more: no address was lost, and the new ones are not verified yet.
        let more = json!({"email": "c@x.org", "phone": phone, "second": "d@x.org"});
        saved(&client, more).await;
        let mut both: Vec<&str> = replaced.into_iter().chain(added).collect();
        both.sort_unstable();
        assert_eq!(told(&project).await, both, "{config}");
    }
}

/// In the commit of the change, by each kind of client; and what it says.
#[story]
async fn what_they_are_told(site: Site) {
    let project = site.project_with(telling(json!({}))).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        site.signed_up(&project, Kind::Spa, &of("taken")).await;
        let flow = client.begin("settings", "").await;
        let taken = profile(json!({"email": of("taken")}));
        let form = client.submit_and_stay(&flow, taken).await;
        assert_eq!(form.messages(), [text::IDENTIFIER_TAKEN]);
        let so_far = told(&project).await;
        assert!(!so_far.contains(&of("a")), "nothing was changed");
        saved(&client, json!({"email": of("b")})).await;
        let mails = mailbox::all(&project).await;
        let notice = mails
            .iter()
            .find(|mail| mail.to == of("a") && mail.template == "verifiable_address_changed");
        let data = &notice.unwrap().data;
        assert_eq!(data["to"], of("a"));
        assert_eq!(data["identity"]["traits"]["email"], of("b"));
        let at = data["changed_at"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.len() == 20, "{at}");
        assert_eq!(data["transient_payload"], Value::Null);
    }
    let listed = site.admin(&project).get("/admin/courier/messages").await;
    let mut listed = listed.body.as_array().unwrap().iter();
    let notice = listed
        .find(|message| message["template_type"] == "verifiable_address_changed")
        .unwrap();
    let body = notice["body"].as_str().unwrap();
    assert!(body.contains(" UTC") && !body.contains("b-"), "{body}");
}

/// With `verify_new_address`, in either order: when the change is made, and not when it is asked for.
#[story]
async fn what_is_held_back_is_told_when_it_is_made(site: Site) {
    let (verify, tell, show) = (
        json!({"hook": "verify_new_address"}),
        json!({"hook": "notify_previous_addresses", "config": {"recipients": "all"}}),
        json!({"hook": "show_verification_ui"}),
    );
    for hooks in [
        json!([verify, tell]),
        json!([tell, verify]),
        json!([show, tell, verify]),
    ] {
        let project = site.project_with(with(hooks)).await;
        for kind in Kind::ALL {
            let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
            let traits = json!({"email": of("a"), "second": of("s")});
            let client = with_traits(&site, &project, kind, traits).await;
            let before = told(&project).await.len();
            let wanted = json!({"email": of("b"), "second": of("s")});
            let id = held(&client, wanted.clone()).await;
            assert_eq!(told(&project).await.len(), before);
            let passed = typed(&project, &client, &id, &of("b")).await;
            assert_eq!(passed.messages(), [text::EMAIL_VERIFIED], "{}", passed.text);
            assert!(passed.body.get("continue_with").is_none());
            let told = told(&project).await;
            assert_eq!(told.len(), before + 2);
            assert!(told.contains(&of("a")) && told.contains(&of("s")));
            let identity = &client.whoami().await.body["identity"];
            assert_eq!(identity["traits"], wanted);
        }
    }
}

/// What waits for a verification besides is sent for with the change, as with every other change.
#[story]
async fn another_address_that_waits(site: Site) {
    let project = site
        .project_with(with(json!([{"hook": "verify_new_address"}])))
        .await;
    let traits = json!({"email": "a@x.org", "second": "s@x.org"});
    let client = with_traits(&site, &project, Kind::Spa, traits).await;
    let sent_to = async |to: &str| {
        let mails = mailbox::all(&project).await;
        mails.iter().filter(|mail| mail.to == to).count()
    };
    assert_eq!((sent_to("a@x.org").await, sent_to("s@x.org").await), (1, 0));
    let wanted = json!({"email": "b@x.org", "second": "s@x.org"});
    let id = held(&client, wanted).await;
    assert_eq!(sent_to("s@x.org").await, 0);
    typed(&project, &client, &id, "b@x.org").await;
    assert_eq!(sent_to("s@x.org").await, 1);
    let addresses = &client.whoami().await.body["identity"]["verifiable_addresses"];
    let status = |value: &str| {
        let mut all = addresses.as_array().unwrap().iter();
        all.find(|a| a["value"] == value).unwrap()["status"].clone()
    };
    assert_eq!(
        (status("b@x.org"), status("s@x.org")),
        (json!("completed"), json!("sent"))
    );
}
