//! By code, where people choose among their addresses (`feature_flags.choose_recovery_address`).

use base64::Engine as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::Project;
use tests::{Answer, Client, Kind, Site, mailbox, story, text};

use super::{is_back, project, transitions};

const SCHEMA: &str = r#"{
    "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
    "properties": {"traits": {"type": "object", "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}, "recovery": {"via": "email"}}},
        "second": {"type": "string", "format": "email", "ory.sh/kratos": {"recovery": {"via": "email"}}},
        "phone": {"type": "string", "format": "tel", "ory.sh/kratos": {"recovery": {"via": "sms"}}}
    }, "required": ["email"]}}
}"#;
const ONE: &str = "one@example.org";
const MANY: &str = "many@example.org";
const SECOND: &str = "second@example.org";
const PHONE: &str = "+4915112345678";

/// A person with one address and one with three.
async fn people(site: &Site) -> (Project, Vec<String>) {
    let url = base64::engine::general_purpose::STANDARD.encode(SCHEMA);
    let url = format!("base64://{url}");
    let patch = json!({
        "identity": {"default_schema_id": "three", "schemas": [{"id": "three", "url": url}]},
        "feature_flags": {"choose_recovery_address": true},
    });
    let project = project(site, tenants::config::merged(&transitions(), &patch)).await;
    let mut ids = Vec::new();
    for traits in [
        json!({"email": ONE}),
        json!({"email": MANY, "second": SECOND, "phone": PHONE}),
    ] {
        let body = json!({"schema_id": "three", "traits": traits});
        let made = site.admin(&project).post("/admin/identities", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        ids.push(made.body["id"].as_str().unwrap().to_owned());
    }
    (project, ids)
}

async fn ask(client: &Client, address: &str) -> Answer {
    let begun = client.begin("recovery", "").await;
    let asked = json!({"method": "code", "recovery_address": address});
    client.submit_and_follow(&begun, asked).await
}

/// The buttons to choose by: what they show and what they send.
fn choices(form: &Answer) -> Vec<(String, String)> {
    let nodes = form.body["ui"]["nodes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    nodes
        .iter()
        .filter(|node| node["attributes"]["name"] == "recovery_select_address")
        .map(|node| {
            let label = &node["meta"]["label"];
            assert_eq!(label["id"], text::LITERAL_LABEL);
            (text(&label["text"]), text(&node["attributes"]["value"]))
        })
        .collect()
}

/// The button with that label, pressed.
fn pick(form: &Answer, label: &str) -> Value {
    let offered = choices(form);
    let (_, token) = offered.iter().find(|(l, _)| l == label).unwrap();
    json!({"method": "code", "recovery_select_address": token, "recovery_address": MANY})
}

#[story]
async fn who_has_one_address_is_sent_a_code(site: Site) {
    let (project, ids) = people(&site).await;
    for kind in [Kind::Html, Kind::Spa, Kind::Api] {
        let mut client = site.client(&project, kind);
        let begun = client.begin("recovery", "").await;
        let outline = [
            "default/csrf_token",
            "code/recovery_address",
            "code/method=code",
        ];
        assert_eq!(begun.outline(), outline);
        assert_eq!(begun.body["state"], "recovery_awaiting_address");
        let form = ask(&client, ONE).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.text);
        assert_eq!(form.body["state"], "recovery_awaiting_code");
        assert_eq!(form.messages(), [text::RECOVERY_CODE_SENT_TO]);
        let context = &form.body["ui"]["messages"][0]["context"];
        assert_eq!(context["masked_address"], "on****@example.org");
        let outline = [
            "default/csrf_token",
            "code/code",
            "code/method=code",
            "code/method",
            &format!("code/recovery_confirm_address={ONE}"),
            "code/recovery_address",
            "code/screen=previous",
        ];
        assert_eq!(form.outline(), outline);
        let resend =
            json!({"method": "code", "recovery_confirm_address": ONE, "recovery_address": ONE});
        let form = client.submit_and_follow(&form, resend).await;
        assert_eq!(form.messages(), [text::RECOVERY_CODE_SENT_TO]);
        let wrong = client
            .submit_and_follow(&form, json!({"method": "code", "code": "1"}))
            .await;
        assert_eq!(
            (wrong.status, wrong.messages()),
            (StatusCode::OK, vec![text::WRONG_RECOVERY_CODE])
        );
        let code = mailbox::code(&project).await;
        let right = client
            .submit(&wrong, json!({"method": "code", "code": code}))
            .await;
        match kind {
            Kind::Html => assert!(right.location().contains("/ui/settings?flow=")),
            Kind::Spa => assert_eq!(right.body["state"], "passed_challenge", "{}", right.text),
            Kind::Api => {
                let token = &right.body["continue_with"][0]["ory_session_token"];
                client.set_token(token.as_str().unwrap());
            }
        }
        is_back(&client, &ids[0], "code_recovery").await;
    }
    assert_eq!(mailbox::count(&project).await, 6);
}

/// Who has a single address and who has none cannot be told apart.
#[story]
async fn an_unknown_address_looks_like_an_only_one(site: Site) {
    let (project, _) = people(&site).await;
    let mut seen = Vec::new();
    for address in [ONE, "two@example.org", PHONE, "+4915112345000"] {
        let script = site.client(&project, Kind::Spa);
        let form = ask(&script, address).await;
        let wrong = script
            .submit(&form, json!({"method": "code", "code": "1"}))
            .await;
        let back = script
            .submit(&wrong, json!({"method": "code", "screen": "previous"}))
            .await;
        let body = |a: &Answer| tests::golden::masked(&project, &a.body).to_string();
        let text = [body(&form), body(&wrong), body(&back)].join("\n");
        seen.push(
            text.replace(address, "<address>")
                .replace("tw****", "on****"),
        );
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(
        seen[2], seen[3],
        "who has several addresses is shown them, masked"
    );
    assert_eq!(mailbox::count(&project).await, 1);
}

/// W3.3, W9.8.
#[story]
async fn who_has_several_addresses_chooses_one(site: Site) {
    let (project, _) = people(&site).await;
    let script = site.client(&project, Kind::Spa);
    let form = ask(&script, MANY).await;
    assert_eq!(form.body["state"], "recovery_awaiting_address_choice");
    assert_eq!(form.messages(), [text::CHOOSE_RECOVERY_ADDRESS]);
    let offered = choices(&form);
    let mut shown: Vec<_> = offered.iter().map(|(label, _)| label.as_str()).collect();
    shown.sort_unstable();
    assert_eq!(
        shown,
        ["+49****78", "ma****@example.org", "se****@example.org"]
    );
    assert!(!form.text.contains(SECOND) && !form.text.contains(PHONE));
    assert_eq!(form.node("recovery_address")["attributes"]["value"], MANY);
    assert!(mailbox::all(&project).await.is_empty());

    let bogus = json!({"method": "code", "recovery_select_address": "x", "recovery_address": MANY});
    let refused = script.submit(&form, bogus).await;
    assert_eq!(
        (refused.status, refused.messages()),
        (StatusCode::BAD_REQUEST, vec![text::GENERIC])
    );
    let nothing = script.submit(&form, json!({"method": "code"})).await;
    assert_eq!(
        nothing.node_messages("recovery_select_address"),
        [text::REQUIRED]
    );

    // The one that was typed needs no typing again.
    let typed = script
        .submit(&form, pick(&form, "ma****@example.org"))
        .await;
    assert_eq!(
        typed.body["state"], "recovery_awaiting_code",
        "{}",
        typed.text
    );
    assert_eq!(mailbox::newest(&project).await.to, MANY);
    let back = script
        .submit(&typed, json!({"method": "code", "screen": "previous"}))
        .await;
    assert_eq!(back.body["state"], "recovery_awaiting_address_choice");
}

/// Another address than the one that was typed has to be typed in full.
#[story]
async fn the_chosen_address_is_typed_in_full(site: Site) {
    let (project, ids) = people(&site).await;
    let script = site.client(&project, Kind::Spa);
    let form = ask(&script, MANY).await;
    let confirm = script.submit(&form, pick(&form, "+49****78")).await;
    assert_eq!(confirm.body["state"], "recovery_confirming_address");
    assert_eq!(confirm.messages(), [text::ENTER_FULL_ADDRESS]);
    let field = &confirm.node("recovery_confirm_address")["attributes"];
    assert_eq!(
        (&field["type"], &field["value"]),
        (&json!("tel"), &json!(""))
    );
    assert_eq!(mailbox::count(&project).await, 0, "nothing is sent yet");
    let full = json!({"method": "code", "recovery_confirm_address": "+49 151 12345678"});
    let sent = script.submit(&confirm, full).await;
    assert_eq!(
        sent.body["state"], "recovery_awaiting_code",
        "{}",
        sent.text
    );
    let letter = mailbox::newest(&project).await;
    assert_eq!((&*letter.to, &*letter.channel), (PHONE, "sms"));
    let right = json!({"method": "code", "code": letter.code()});
    let done = script.submit(&sent, right).await;
    assert_eq!(done.body["state"], "passed_challenge", "{}", done.text);
    let who = script.whoami().await;
    assert_eq!(who.status, 200, "{}", who.text);
    assert_eq!(who.body["identity"]["id"], json!(ids[1]));
}

/// A visitor who guesses at the chosen address learns nothing, and nothing is sent.
#[story]
async fn another_address_than_the_chosen_one_looks_no_different(site: Site) {
    let (project, _) = people(&site).await;
    for guess in ["someone@example.org", ONE, MANY] {
        let script = site.client(&project, Kind::Spa);
        let form = ask(&script, MANY).await;
        let second = choices(&form)
            .into_iter()
            .find(|(label, _)| label.starts_with("se"))
            .unwrap();
        let pick = json!({"method": "code", "recovery_select_address": second.1});
        let confirm = script.submit(&form, pick).await;
        assert_eq!(confirm.body["state"], "recovery_confirming_address");
        let typed = json!({"method": "code", "recovery_confirm_address": guess});
        let sent = script.submit(&confirm, typed).await;
        assert_eq!(sent.status, StatusCode::OK);
        assert_eq!(sent.body["state"], "recovery_awaiting_code");
        assert_eq!(sent.messages(), [text::RECOVERY_CODE_SENT_TO]);
    }
    assert!(mailbox::all(&project).await.is_empty());
}

#[story]
async fn what_is_missing_is_said_at_its_field(site: Site) {
    let (project, _) = people(&site).await;
    let native = site.client(&project, Kind::Api);
    let begun = native.begin("recovery", "").await;
    for fields in [
        json!({"method": "code"}),
        json!({"method": "code", "email": ONE}),
    ] {
        let refused = native.submit(&begun, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.node_messages("recovery_address"), [text::REQUIRED]);
    }
    let odd = native
        .submit(&begun, json!({"method": "code", "recovery_address": "odd"}))
        .await;
    assert_eq!(odd.node_messages("recovery_address"), [text::INVALID_EMAIL]);
    let form = ask(&native, ONE).await;
    let empty = native.submit(&form, json!({"method": "code"})).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert_eq!(empty.node_messages("code"), [text::REQUIRED]);
}

#[story]
async fn too_many_tries_end_this_form_as_well(site: Site) {
    let (project, _) = people(&site).await;
    let page = site.client(&project, Kind::Html);
    let form = ask(&page, ONE).await;
    let wrong = json!({"method": "code", "code": "1"});
    for _ in 0..5 {
        page.submit(&form, wrong.clone()).await;
    }
    let fresh = page
        .landed("recovery", &page.submit(&form, wrong).await)
        .await;
    assert_eq!(fresh.messages(), [text::GENERIC]);
    assert_eq!(fresh.body["state"], "recovery_awaiting_address");
}
