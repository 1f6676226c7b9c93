//! Words of a project that fail at one very person: the submission is refused in words, nothing is sent and
//! nothing is written.

use serde_json::{Value, json};
use tests::{Kind, Site, fingerprint, run};

/// Fine for the sample that a configuration is tried with; no text can be made of a list.
fn config() -> Value {
    let text = json!({"en": {"plaintext": "{% if Identity.traits.tags %}{{ Identity.traits.tags }}{% endif %} {{ To }}"}});
    let schema = json!({
        "$id": "https://example.org/tagged", "type": "object",
        "properties": {"traits": {"type": "object", "properties": {
            "email": {"type": "string", "format": "email", "ory.sh/kratos": {
                "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}},
                "verification": {"via": "email"}, "recovery": {"via": "email"}}},
            "tags": {"type": "array", "items": {"type": "string"}}}}},
    });
    let encoded = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        schema.to_string(),
    );
    json!({
        "identity": {"default_schema_id": "tagged", "schemas": [{"id": "tagged", "url": format!("base64://{encoded}")}]},
        "selfservice": {
            "methods": {"code": {"passwordless_enabled": true}},
            "flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}},
        },
        "insula": {"courier": {"templates": {
            "login_code_valid": text, "recovery_code_valid": text, "verification_code_valid": text}}},
    })
}

#[test]
fn the_submission_fails_and_nothing_is_written() {
    run(async {
        let site = Site::new().await;
        let project = site.project_with(config()).await;
        let person = json!({"traits": {"email": "ada@example.org", "tags": ["a"]}});
        let made = site.admin(&project).post("/admin/identities", person).await;
        assert_eq!(made.status, 201, "{}", made.text);
        for kind in [Kind::Html, Kind::Spa, Kind::Api] {
            let client = site.client(&project, kind);
            for (flow, fields) in [
                (
                    "login",
                    json!({"method": "code", "identifier": "ada@example.org"}),
                ),
                (
                    "recovery",
                    json!({"method": "code", "email": "ada@example.org"}),
                ),
                (
                    "verification",
                    json!({"method": "code", "email": "ada@example.org"}),
                ),
            ] {
                let begun = client.begin(flow, "").await;
                let before = written(&project).await;
                let answer = client.submit(&begun, fields).await;
                let id = begun.body["id"].as_str().unwrap();
                let form = if kind == Kind::Html {
                    assert!(answer.status.is_redirection(), "{}", answer.text);
                    client
                        .get(&format!("/self-service/{flow}/flows?id={id}"))
                        .await
                } else {
                    assert_eq!(answer.status, 400, "{}", answer.text);
                    answer
                };
                assert_eq!(form.messages(), [4_000_001], "{flow}: {}", form.text);
                assert_eq!(form.body["state"], "choose_method", "{flow}");
                assert_eq!(before, written(&project).await, "{flow}");
            }
        }
        // A registration and its letter are one commit.
        let client = site.client(&project, Kind::Api);
        let begun = client.begin("registration", "").await;
        let fields = json!({"method": "password", "password": "seven-lazy-otters", "traits": {"email": "bob@example.org", "tags": ["b"]}});
        let refused = client.submit(&begun, fields).await;
        assert_eq!(refused.messages(), [4_000_001], "{}", refused.text);
        let people = site.admin(&project).get("/admin/identities").await;
        assert_eq!(people.body.as_array().unwrap().len(), 1, "half of bob");
        site.finish().await;
    });
}

/// Everything but flows and counters.
async fn written(project: &tenants::Project) -> Vec<(String, String)> {
    let all = fingerprint(project).await.into_iter();
    all.filter(|(table, _)| table != "flows" && table != "counters")
        .collect()
}
