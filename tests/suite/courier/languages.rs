//! In which language a requested message is written: as its recipient said of themselves, else as their
//! browser asks, else the project's.

use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{ADA, Kind, Site, story};

use crate::methods::code::passwordless;

/// An address and a language.
fn schema() -> Value {
    use base64::Engine as _;
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"code": {"identifier": true, "via": "email"}},
            "verification": {"via": "email"}, "recovery": {"via": "email"}}},
        "locale": {"type": "string"},
    }}}});
    let engine = base64::engine::general_purpose::STANDARD;
    let url = format!("base64://{}", engine.encode(schema.to_string()));
    json!({"identity": {"default_schema_id": "said", "schemas": [{"id": "said", "url": url}]}})
}

/// A project that writes in that language when nothing else is known, with a person who may have said another.
async fn project(site: &Site, language: &str, said: Option<&str>) -> Project {
    let own = json!({"insula": {"courier": {"default_language": language}}});
    let on = json!({"selfservice": {"flows": {"recovery": {"enabled": true}}}});
    let config = merged(&passwordless(&schema()), &merged(&on, &own));
    let project = site.project_with(config).await;
    let mut traits = json!({"email": ADA});
    if let Some(said) = said {
        traits["locale"] = json!(said);
    }
    let body = json!({ "traits": traits });
    let made = site.admin(&project).post("/admin/identities", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    project
}

/// The subjects of a sign-in code and a recovery code, asked for with that `Accept-Language`.
async fn subjects(site: &Site, project: &Project, accept: Option<&str>) -> [String; 2] {
    let mut subjects = Vec::new();
    for (flow, fields) in [
        ("login", json!({"method": "code", "identifier": ADA})),
        ("recovery", json!({"method": "code", "email": ADA})),
    ] {
        let mut client = site.client(project, Kind::Api);
        // Who begins a flow says nothing about who submits it.
        let begun = client.begin(flow, "").await;
        if let Some(accept) = accept {
            client.set_header("accept-language", accept);
        }
        let sent = client.submit(&begun, fields).await;
        assert_eq!(sent.body["state"], "sent_email", "{flow}: {}", sent.text);
        let path = format!("/admin/courier/messages?recipient={ADA}");
        let listed = site.admin(project).get(&path).await;
        assert_eq!(listed.status, 200, "{}", listed.text);
        subjects.push(listed.body[0]["subject"].as_str().unwrap().to_owned());
    }
    subjects.try_into().unwrap()
}

fn language([login, recovery]: &[String; 2]) -> &'static str {
    let is = |of_login: &str, of_recovery: &str| {
        login.contains(of_login) && recovery.contains(of_recovery)
    };
    if is("ist Ihr Anmeldecode", "ist Ihr Wiederherstellungscode") {
        return "de";
    }
    let english = is("is your sign-in code", "is your recovery code");
    assert!(english, "{login}, {recovery}");
    "en"
}

#[story]
async fn people_are_written_to_in_their_language(site: Site) {
    for (own, said, accept, expected) in [
        ("en", Some("de"), Some("en"), "de"),
        ("en", Some("de"), None, "de"),
        ("de", Some("en-GB"), Some("de"), "en"),
        ("en", None, Some("de-AT"), "de"),
        ("en", None, Some("fr, de;q=0.5, en;q=0.1"), "de"),
        ("de", None, Some("en-US,en;q=0.9"), "en"),
        ("en", None, None, "en"),
        ("de", None, None, "de"),
        ("de", None, Some("fr"), "de"),
        ("de", None, Some("*"), "de"),
        // A language, but none that we speak.
        ("en", Some("fr"), Some("de"), "de"),
    ] {
        let project = project(&site, own, said).await;
        let subjects = subjects(&site, &project, accept).await;
        let case = format!("{own}, {said:?}, {accept:?}: {subjects:?}");
        assert_eq!(language(&subjects), expected, "{case}");
    }
}
