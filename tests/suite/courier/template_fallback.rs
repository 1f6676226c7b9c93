//! Words of a project that fail at one very person, because of what that person has: the built-in ones go out,
//! and the answer is the same as for any other person.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{ADA, Kind, Site, mailbox, story};

const STRANGER: &str = "nobody@example.org";

/// People have tags, and anything at all as a note.
fn schema() -> Value {
    let schema = json!({
        "$id": "https://example.org/tagged", "type": "object",
        "properties": {"traits": {"type": "object", "properties": {
            "email": {"type": "string", "format": "email", "ory.sh/kratos": {
                "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
                "verification": {"via": "email"}, "recovery": {"via": "email"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "name": {"type": "object", "properties": {"first": {"type": "string"}}},
            "note": {}}}},
    });
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    json!({"default_schema_id": "tagged", "schemas": [{"id": "tagged", "url": url}]})
}

/// Codes for everything, in these words.
fn config(text: &str) -> Value {
    let text = json!({"en": {"plaintext": text}});
    json!({
        "identity": schema(),
        "selfservice": {
            "methods": {"code": {"passwordless_enabled": true}},
            "flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}},
        },
        "insula": {"courier": {"templates": {
            "login_code_valid": text, "recovery_code_valid": text, "verification_code_valid": text}}},
    })
}

async fn somebody(site: &Site, project: &Project, traits: Value) {
    let person = json!({ "traits": traits });
    let made = site.admin(project).post("/admin/identities", person).await;
    assert_eq!(made.status, 201, "{}", made.text);
}

/// Fine for those who have a few tags; too much work for more.
const SQUARE: &str = "own {% for x in Identity.traits.tags %}{% for y in Identity.traits.tags %}.{% endfor %}{% endfor %} {{ To }}";

#[story]
async fn the_built_in_words_go_out_and_the_answer_is_that_of_a_stranger(site: Site) {
    let project = site.project_with(config(SQUARE)).await;
    let tags = vec!["a"; 300];
    somebody(&site, &project, json!({"email": ADA, "tags": tags})).await;
    for kind in [Kind::Html, Kind::Spa, Kind::Api] {
        let client = site.client(&project, kind);
        for flow in ["recovery", "verification"] {
            let mut answers = Vec::new();
            for email in [ADA, STRANGER] {
                let begun = client.begin(flow, "").await;
                let fields = json!({"method": "code", "email": email});
                let answer = client.submit(&begun, fields).await;
                let form = client.reread(&begun).await;
                answers.push((answer.status, form.messages(), form.body["state"].clone()));
            }
            assert_eq!(answers[0], answers[1], "{flow}");
            assert_eq!(answers[0].2, "sent_email", "{flow}");
        }
        let begun = client.begin("login", "").await;
        let fields = json!({"method": "code", "identifier": ADA});
        client.submit(&begun, fields).await;
    }
    assert_eq!(bodies_without(&site, &project, "own").await, 9);
    // A registration and its letter are one commit.
    let client = site.client(&project, Kind::Api);
    let begun = client.begin("registration", "").await;
    let traits = json!({"email": "bob@example.org", "tags": tags});
    let fields = json!({"method": "password", "password": "seven-lazy-otters", "traits": traits});
    let made = client.submit(&begun, fields).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let people = site.admin(&project).get("/admin/identities").await;
    assert_eq!(people.body.as_array().unwrap().len(), 2);
}

/// How many messages to Ada there are, each of which has its code and none of these words.
async fn bodies_without(site: &Site, project: &Project, word: &str) -> usize {
    let path = format!("/admin/courier/messages?recipient={ADA}&page_size=100");
    let listed = site.admin(project).get(&path).await;
    let messages = listed.body.as_array().unwrap();
    for message in messages {
        let body = message["body"].as_str().unwrap();
        assert!(!body.contains(word), "{body}");
        assert!(body.contains("works once"), "{body}");
    }
    messages.len()
}

#[story]
async fn a_list_or_an_object_prints_as_nothing(site: Site) {
    let text = "<{{ Identity.traits.note }}> {{ RecoveryCode }}";
    let text = json!({"en": {"plaintext": text}});
    let texts = json!({"insula": {"courier": {"templates": {"recovery_code_valid": text}}}});
    let own = merged(&config("{{ To }}"), &texts);
    let project = site.project_with(own).await;
    let note = json!({"a": [1, 2]});
    somebody(&site, &project, json!({"email": ADA, "note": note})).await;
    let client = site.client(&project, Kind::Api);
    let begun = client.begin("recovery", "").await;
    let fields = json!({"method": "code", "email": ADA});
    let sent = client.submit(&begun, fields).await;
    assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
    let path = format!("/admin/courier/messages?recipient={ADA}");
    let listed = site.admin(&project).get(&path).await;
    let code = mailbox::code(&project).await;
    assert_eq!(listed.body[0]["body"], format!("<> {code}"));
}
