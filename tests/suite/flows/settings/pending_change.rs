//! The hook `verify_new_address`: a change waits until its address is verified. As a running Kratos of July
//! 2026 answers it (W8.9).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{Answer, Client, Kind, PASSWORD, Site, mailbox, story, text};

use crate::flows::verification::by_link;

/// Two mail addresses, a phone number, a name to sign in with, and one to be called by.
const SCHEMA: &str = r#"{"type": "object", "properties": {"traits": {"type": "object", "properties": {
    "email": {"type": "string", "format": "email", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}},
        "verification": {"via": "email"}, "recovery": {"via": "email"}}},
    "second": {"type": "string", "format": "email", "ory.sh/kratos": {"verification": {"via": "email"}}},
    "phone": {"type": "string", "format": "tel", "ory.sh/kratos": {"verification": {"via": "sms"}}},
    "login": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}},
    "name": {"type": "string"}
}, "required": ["email"]}}}"#;

/// Verification on, these hooks after a change of traits, and that schema.
pub(super) fn with(hooks: Value) -> Value {
    let url = format!("base64://{}", STANDARD.encode(SCHEMA));
    json!({
        "identity": {"default_schema_id": "people", "schemas": [{"id": "people", "url": url}]},
        "selfservice": {"flows": {
            "verification": {"enabled": true},
            "settings": {"after": {"profile": {"hooks": hooks}}},
        }},
    })
}

pub(super) fn holding() -> Value {
    with(json!([{"hook": "verify_new_address"}]))
}

pub(super) fn profile(traits: Value) -> Value {
    json!({"method": "profile", "traits": traits})
}

/// A client whose owner signed up with these traits.
pub(super) async fn with_traits(
    site: &Site,
    project: &Project,
    kind: Kind,
    traits: Value,
) -> Client {
    let mut client = site.client(project, kind);
    let flow = client.begin("registration", "").await;
    let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
    let made = client.submit(&flow, fields).await;
    client.keep_token(&made);
    client
}

/// The id of the verification that this kind of client is led to.
pub(super) fn led_to(client: &Client, answer: &Answer) -> String {
    if client.kind() == Kind::Html {
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(
            answer.location().contains("/ui/verification?flow="),
            "sent to {}",
            answer.location()
        );
        return answer.location_query("flow").unwrap();
    }
    assert_eq!(answer.status, 200, "{}", answer.text);
    let next = answer.body["continue_with"].as_array().unwrap();
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(next[0]["action"], "show_verification_ui");
    next[0]["flow"]["id"].as_str().unwrap().to_owned()
}

/// Ask for other traits, and be led to a verification.
pub(super) async fn held(client: &Client, traits: Value) -> String {
    let flow = client.begin("settings", "").await;
    led_to(client, &client.submit(&flow, profile(traits)).await)
}

/// Submit a verification, and its form as it is then.
pub(super) async fn sent(client: &Client, id: &str, fields: Value) -> Answer {
    let form = client.flow("verification", id).await;
    assert_eq!(form.status, 200, "{}", form.text);
    client.submit_and_stay(&form, fields).await
}

/// The code that went there, typed.
pub(super) async fn typed(project: &Project, client: &Client, id: &str, to: &str) -> Answer {
    let code = mailbox::code_to(project, to).await;
    sent(client, id, json!({"method": "code", "code": code})).await
}

#[story]
async fn nothing_is_changed_until_the_address_is_verified(site: Site) {
    let project = site.project_with(holding()).await;
    for kind in Kind::ALL {
        let (old, new) = (
            format!("{kind:?}@x.org").to_lowercase(),
            format!("new-{kind:?}@x.org").to_lowercase(),
        );
        let client = site.signed_up(&project, kind, &old).await;
        let before = client.whoami().await.body["identity"].clone();
        let flow = client.begin("settings", "").await;
        let asked = client
            .submit(&flow, profile(json!({"email": new, "name": "Ada"})))
            .await;
        let id = led_to(&client, &asked);
        if kind != Kind::Html {
            let next = &asked.body["continue_with"][0]["flow"];
            assert_eq!(next["verifiable_address"], new);
            let page = format!("{}/ui/verification?flow={id}", project.base_url());
            assert_eq!(next["url"], page);
        }
        // The form keeps what was typed and says nothing; the account is as it was.
        let form = client.reread(&flow).await;
        assert_eq!(form.body["state"], "show_form");
        assert!(form.messages().is_empty() && form.body.get("active").is_none());
        assert_eq!(form.node("traits.email")["attributes"]["value"], new);
        assert_eq!(form.node("traits.name")["attributes"]["value"], "Ada");
        assert_eq!(form.body["identity"], before);
        assert_eq!(client.whoami().await.body["identity"], before);
        assert!(site.opens(&project, &old, PASSWORD).await);
        assert!(!site.opens(&project, &new, PASSWORD).await);

        let shown = client.flow("verification", &id).await;
        assert_eq!(shown.body["state"], "sent_email");
        assert_eq!(shown.messages(), [text::VERIFICATION_CODE_MAILED]);
        assert_eq!(shown.node("email")["attributes"]["value"], new);
        assert!(!shown.text.contains("held") && !shown.text.contains("Ada"));
        let wrong = json!({"method": "code", "code": "000000"});
        let wrong = sent(&client, &id, wrong).await;
        assert_eq!(wrong.status, kind.reads(200));
        assert_eq!(wrong.messages(), [text::WRONG_VERIFICATION_CODE]);
        assert_eq!(client.whoami().await.body["identity"], before);

        let passed = typed(&project, &client, &id, &new).await;
        assert_eq!(passed.status, kind.reads(200), "{}", passed.text);
        assert_eq!(passed.body["state"], "passed_challenge");
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED]);
        let after = client.whoami().await.body["identity"].clone();
        assert_eq!(after["id"], before["id"]);
        assert_eq!(after["traits"], json!({"email": new, "name": "Ada"}));
        let address = &after["verifiable_addresses"];
        assert_eq!(address.as_array().unwrap().len(), 1);
        assert_eq!(
            (
                &address[0]["value"],
                &address[0]["verified"],
                &address[0]["status"]
            ),
            (&json!(new), &json!(true), &json!("completed"))
        );
        assert!(address[0]["verified_at"].is_string());
        assert_eq!(after["recovery_addresses"][0]["value"], json!(new));
        assert!(!site.opens(&project, &old, PASSWORD).await);
        assert!(site.opens(&project, &new, PASSWORD).await);
    }
    assert_eq!(mailbox::count(&project).await, 6, "no more than the codes");
}

#[story]
async fn a_link_will_do_as_well(site: Site) {
    let project = site.project_with(merged(&holding(), &by_link())).await;
    for kind in Kind::ALL {
        let (old, new) = (
            format!("{kind:?}@x.org").to_lowercase(),
            format!("new-{kind:?}@x.org").to_lowercase(),
        );
        let client = site.signed_up(&project, kind, &old).await;
        let id = held(&client, json!({"email": new})).await;
        assert_eq!(
            client.flow("verification", &id).await.messages(),
            [text::VERIFICATION_LINK_SENT]
        );
        // Opened where the mail is read, in a browser without a session.
        let mail = mailbox::newest(&project).await;
        let followed = site.client(&project, Kind::Html).get(mail.link()).await;
        assert_eq!(followed.location_query("flow").as_deref(), Some(&*id));
        assert_eq!(
            client.whoami().await.body["identity"]["traits"]["email"],
            new
        );
        assert!(site.opens(&project, &new, PASSWORD).await);
    }
}

#[story]
async fn a_phone_number_is_verified_by_text_message(site: Site) {
    let project = site.project_with(holding()).await;
    let client = site.signed_up(&project, Kind::Spa, "ada@x.org").await;
    let phone = "+493012345678";
    let traits = json!({"email": "ada@x.org", "phone": "+49 30 12345678"});
    let id = held(&client, traits).await;
    let form = client.flow("verification", &id).await;
    assert_eq!(form.messages(), [text::VERIFICATION_CODE_TEXTED]);
    assert_eq!(form.node("sms")["attributes"]["value"], phone);
    let passed = typed(&project, &client, &id, phone).await;
    assert_eq!(
        (passed.status.as_u16(), passed.messages()),
        (200, vec![text::PHONE_VERIFIED])
    );
    let traits = &client.whoami().await.body["identity"]["traits"];
    assert_eq!(*traits, json!({"email": "ada@x.org", "phone": phone}));
}

/// Only what is new has to be verified: an address more, but not one fewer, nor another spelling, nor two
/// that change places.
#[story]
async fn what_is_held_back_and_what_is_not(site: Site) {
    let project = site.project_with(holding()).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let both = json!({"email": of("a"), "second": of("b")});
        let id = held(&client, both.clone()).await;
        typed(&project, &client, &id, &of("b")).await;
        assert_eq!(client.whoami().await.body["identity"]["traits"], both);
        for traits in [
            json!({"email": of("a"), "second": of("b"), "name": "Ada"}),
            json!({"email": of("A").to_uppercase(), "second": of("b")}),
            json!({"email": of("b"), "second": of("a")}),
            json!({"email": of("b")}),
        ] {
            let flow = client.begin("settings", "").await;
            let saved = client.submit_and_stay(&flow, profile(traits.clone())).await;
            assert_eq!(saved.body["state"], "success", "{}", saved.text);
            assert_eq!(saved.messages(), [text::SAVED]);
            assert_eq!(client.whoami().await.body["identity"]["traits"], traits);
        }
        // The same form, once it was saved.
        let flow = client.begin("settings", "").await;
        client
            .submit_and_stay(&flow, profile(json!({"email": of("b")})))
            .await;
        let asked = client
            .submit(&flow, profile(json!({"email": of("c")})))
            .await;
        led_to(&client, &asked);
        let form = client.reread(&flow).await;
        assert_eq!(
            (&form.body["state"], form.messages()),
            (&json!("show_form"), vec![])
        );
    }
}

#[story]
async fn one_address_at_a_time(site: Site) {
    let project = site.project_with(holding()).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let mails = mailbox::count(&project).await;
        let flow = client.begin("settings", "").await;
        let traits = json!({"email": of("b"), "second": of("c")});
        let form = client.submit_and_stay(&flow, profile(traits)).await;
        assert_eq!(form.status, 200, "{}", form.text);
        assert_eq!(form.messages(), [text::ONE_ADDRESS_AT_A_TIME]);
        assert_eq!(form.body["state"], "show_form");
        assert!(form.body.get("continue_with").is_none());
        assert_eq!(form.node("traits.email")["attributes"]["value"], of("b"));
        assert_eq!(form.body["identity"]["traits"], json!({"email": of("a")}));
        assert_eq!(mailbox::count(&project).await, mails);
    }
}

/// Another person's address is refused as it is without the hook. An identifier that is no address shows
/// when the change is made.
#[story]
async fn what_belongs_to_another_person(site: Site) {
    let project = site.project_with(holding()).await;
    let theirs = json!({"email": "theirs@x.org", "login": "theirs"});
    with_traits(&site, &project, Kind::Spa, theirs).await;
    for kind in Kind::ALL {
        let of = |name: &str| format!("{name}-{kind:?}@x.org").to_lowercase();
        let client = site.signed_up(&project, kind, &of("a")).await;
        let mails = mailbox::count(&project).await;
        let flow = client.begin("settings", "").await;
        let traits = json!({"email": "Theirs@x.org", "name": "Eve"});
        let answer = client.submit(&flow, profile(traits)).await;
        if kind != Kind::Html {
            assert_eq!(answer.status, 400);
        }
        let form = client.reread(&flow).await;
        assert_eq!(form.messages(), [text::IDENTIFIER_TAKEN], "{}", form.text);
        assert_eq!(form.node("traits.name")["attributes"]["value"], "Eve");
        assert_eq!(mailbox::count(&project).await, mails);

        let id = held(&client, json!({"email": of("b"), "login": "theirs"})).await;
        let form = typed(&project, &client, &id, &of("b")).await;
        assert_eq!(form.status, kind.reads(400), "{}", form.text);
        assert_eq!(form.messages(), [text::IDENTIFIER_TAKEN]);
        assert_eq!(form.body["state"], "sent_email");
        let traits = &client.whoami().await.body["identity"]["traits"];
        assert_eq!(*traits, json!({"email": of("a")}), "nothing half");
    }
    assert!(site.opens(&project, "theirs", PASSWORD).await);
}

#[story]
async fn it_needs_a_session_that_authenticated_lately(site: Site) {
    let project = site.project_with(holding()).await;
    let mut clients = Vec::new();
    for kind in Kind::ALL {
        let email = format!("{kind:?}@x.org").to_lowercase();
        clients.push((kind, site.signed_up(&project, kind, &email).await));
    }
    site.world.clock.advance(TimeDelta::minutes(61));
    let mails = mailbox::count(&project).await;
    for (kind, client) in &clients {
        let flow = client.begin("settings", "").await;
        let answer = client
            .submit(
                &flow,
                profile(json!({"email": format!("new-{kind:?}@x.org")})),
            )
            .await;
        if *kind == Kind::Html {
            assert!(
                answer
                    .location()
                    .contains("/self-service/login/browser?refresh=true")
            );
        } else {
            assert_eq!(answer.error_id(), Some("session_refresh_required"));
        }
    }
    assert_eq!(mailbox::count(&project).await, mails);
    // Going on after the detour ends at the verification.
    let (_, page) = &clients[0];
    assert_eq!(page.refresh("html@x.org", PASSWORD).await.status, 303);
    let waiting = page.begin("settings", "").await;
    let fields = profile(json!({"email": "new-html@x.org"}));
    led_to(page, &page.submit(&waiting, fields).await);
}
