//! What a configuration may not say, and what it has to say when something is sent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tenants::Environment;

use crate::check::check;

/// A text as configurations hold it.
pub(crate) fn base64(text: &str) -> String {
    format!("base64://{}", STANDARD.encode(text))
}

/// What is wrong with a document of a production project: pointer and reason.
pub(crate) fn violations(document: &Value) -> Vec<(String, String)> {
    let found = check(document, Environment::Production).into_iter();
    found.map(|it| (it.pointer, it.message)).collect()
}

#[test]
fn a_way_that_cannot_work_is_told_when_it_is_written() {
    let found = |document: Value| -> Vec<String> {
        let found = violations(&document).into_iter();
        found
            .map(|(pointer, why)| format!("{pointer} {why}"))
            .collect()
    };
    let relay = |patch: Value| {
        let smtp = json!({"connection_uri": "smtp://relay.example.com:587", "from_address": "a@example.com"});
        found(json!({"courier": {"smtp": tenants::config::merged(&smtp, &patch)}}))
    };
    assert!(relay(json!({})).is_empty());
    for (patch, says) in [
        (
            json!({"connection_uri": "smtp://relay.example.com"}),
            "connection_uri must name the port",
        ),
        (json!({"from_address": null}), "from_address is missing"),
        (
            json!({"from_address": "a@b\r\nBcc: c@d"}),
            "from_address is no e-mail address",
        ),
        (json!({"from_name": "a\nb"}), "from_name holds"),
        (
            json!({"headers": {"X-A": "b\r\nBcc: c@d"}}),
            "headers/X-A holds line breaks",
        ),
        (
            json!({"headers": {"message-ID": "x"}}),
            "headers/message-ID is made by the server",
        ),
    ] {
        let found = relay(patch);
        assert!(
            found.len() == 1 && found[0].contains(says),
            "{says}: {found:?}"
        );
    }
    let http = |patch: Value| {
        let service = json!({"url": "https://mail.example.com/"});
        let service = tenants::config::merged(&service, &patch);
        found(
            json!({"courier": {"delivery_strategy": "http", "http": {"request_config": service}}}),
        )
    };
    assert!(
        http(json!({"headers": {"content-type": "application/json; charset=utf-8"}})).is_empty()
    );
    assert!(
        http(json!({"headers": {"content-type": "text/plain"}}))[0]
            .contains("Content-Type must be")
    );
    assert!(http(json!({"body": "file://x.jsonnet"}))[0].contains("body must be"));
    let auth = json!({"auth": {"type": "basic_auth", "config": {"user": "a:b", "password": "x"}}});
    assert!(http(auth)[0].contains("must not hold a colon"));
    assert!(
        found(json!({"courier": {"delivery_strategy": "http"}}))[0]
            .contains("request_config is missing")
    );
    assert!(
        found(json!({"insula": {"courier": {"language_trait": "lang"}}}))[0]
            .contains("must begin with")
    );
}

#[test]
fn what_mails_people_needs_a_way_to() {
    let asks = json!({"selfservice": {
        "flows": {"verification": {"enabled": true}, "recovery": {"enabled": false}},
        "methods": {"code": {"passwordless_enabled": true}},
    }});
    let found = violations(&asks);
    assert_eq!(found.len(), 2);
    assert!(found[0].1.contains("set courier.smtp.connection_uri"));
    assert!(check(&asks, Environment::Development).is_empty());
    let relay =
        json!({"courier": {"smtp": {"connection_uri": "smtp://a:25", "from_address": "a@b"}}});
    assert!(violations(&tenants::config::merged(&asks, &relay)).is_empty());
}

#[test]
fn what_texts_people_needs_a_channel() {
    let channel = json!({"courier": {"channels": [{"id": "sms", "type": "http", "request_config":
        {"url": "https://sms.example.com", "method": "POST"}}]}});
    let relay =
        json!({"courier": {"smtp": {"connection_uri": "smtp://a:25", "from_address": "a@b"}}});
    let flags = json!({"selfservice": {
        "flows": {
            "verification": {"enabled": true},
            "recovery": {"enabled": true},
            "settings": {"after": {"profile": {"hooks": [
                {"hook": "verify_new_address"}, {"hook": "notify_previous_addresses"},
            ]}}},
        },
        "methods": {"code": {"mfa_enabled": true}},
    }});
    let document = |identity: Value| {
        let identity = json!({"identity": identity});
        tenants::config::merged(&tenants::config::merged(&relay, &flags), &identity)
    };
    let schema = |keyword: Value| {
        let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
            "numbers": {"type": "array", "items": {"type": "string", "ory.sh/kratos": keyword}},
        }}}});
        json!({"schemas": [{"id": "people", "url": base64(&schema.to_string())}]})
    };
    let pointers = |document: &Value| -> Vec<String> {
        violations(document).into_iter().map(|it| it.0).collect()
    };
    let flow = |name: &str| format!("/selfservice/flows/{name}");
    let notice = flow("settings/after/profile/hooks/1/hook");
    let mfa = "/selfservice/methods/code/mfa_enabled".to_owned();
    let by_sms = json!({"via": "sms"});
    for (identity, refused) in [
        (
            schema(json!({"verification": by_sms})),
            vec![flow("verification/enabled"), notice.clone()],
        ),
        (
            schema(json!({"recovery": by_sms})),
            vec![flow("recovery/enabled")],
        ),
        (
            schema(json!({"credentials": {"code": {"identifier": true, "via": "sms"}}})),
            vec![mfa.clone()],
        ),
        (
            json!({"default_schema_id": "preset://sms"}),
            vec![flow("verification/enabled"), mfa.clone(), notice.clone()],
        ),
        // Presets that the document does not name send nothing.
        (json!({}), vec![]),
        (schema(json!({"verification": {"via": "email"}})), vec![]),
    ] {
        let asks = document(identity.clone());
        assert_eq!(pointers(&asks), refused, "{identity}");
        assert!(check(&asks, Environment::Development).is_empty());
        assert_eq!(violations(&tenants::config::merged(&asks, &channel)), []);
    }
    let said = violations(&document(schema(json!({"verification": by_sms}))));
    assert!(said[0].1.contains("the schema `people`") && said[0].1.contains("courier.channels"));
    // Without any way, each says so once more for mails.
    assert_eq!(pointers(&flags).len(), 4);
}
