//! A value of another type at every key: of a submission, of its traits, of an identity.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::{JSON, begun, bodies::unreadable, is_an_answer};

/// One value of each type, and the awkward ones of each.
pub(super) fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1.5e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{202e}x\u{200b}"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([1, "a", null]),
        json!([[["deep"]]]),
        json!({}),
        json!({"a": {"b": [{}]}}),
        json!({"": "", "a.b": 1, "\\": "\"", "email": {"email": 1}}),
    ]
}

#[story]
async fn wrong_types_at_every_key_of_a_submission(site: Site) {
    let project = site.project().await;
    let two_steps = site
        .project_with(
            json!({"selfservice": {"flows": {"registration": {"style": "profile_first"}}}}),
        )
        .await;
    let keys = [
        "method",
        "csrf_token",
        "identifier",
        "password",
        "password_identifier",
        "traits",
        "traits.email",
        "traits.email.x",
        "traits.",
        "traits",
        "transient_payload",
        "transient_payload.x",
        "screen",
        "provider",
        "no_such_key",
    ];
    let forms = [
        (&project, "login", Kind::Spa),
        (&project, "registration", Kind::Api),
        (&two_steps, "registration", Kind::Spa),
    ];
    for (project, flow_name, kind) in forms {
        let (client, flow) = begun(&site, project, kind, flow_name).await;
        for key in keys {
            for value in values() {
                let what = format!("{flow_name} {kind:?} {key} {:.60}", value.to_string());
                let mut body =
                    json!({"method": "password", "identifier": ADA, "password": "short"});
                if flow_name == "registration" {
                    body["traits"] = json!({"email": ADA});
                }
                body[key] = value;
                if key == "password" {
                    // Some of them would do: scalars are taken as their text.
                    body["traits"] = json!({});
                }
                let answer = client.submit(&flow, body).await;
                is_an_answer(&what, &answer);
                assert!(!answer.status.is_success(), "{what}");
            }
        }
        let read = client.reread(&flow).await;
        assert_eq!(
            read.status,
            StatusCode::OK,
            "the flow can still be read: {}",
            read.text
        );
    }
}

#[story]
async fn wrong_types_are_told_by_their_messages(site: Site) {
    let project = site.project().await;
    let (client, flow) = begun(&site, &project, Kind::Api, "registration").await;
    let submit = async |key: &str, value: Value| {
        let mut body =
            json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
        body[key] = value;
        client.submit(&flow, body).await
    };
    for traits in [json!("x"), json!([1]), json!(true)] {
        let answer = submit("traits", traits.clone()).await;
        assert!(answer.text.contains("4000026"), "{traits}: {}", answer.text);
    }
    let answer = submit("traits", json!({"email": 7})).await;
    assert_eq!(
        answer.node_messages("traits.email"),
        [text::WRONG_TYPE],
        "{}",
        answer.text
    );
    for method in [json!(1), json!(null), json!({}), json!("no-such-method")] {
        assert_eq!(
            submit("method", method).await.messages(),
            [text::NO_REGISTRATION_STRATEGY]
        );
    }
    for payload in [json!("x"), json!([]), json!(1)] {
        let answer = submit("transient_payload", payload).await;
        assert_eq!(
            answer.node_messages("transient_payload"),
            [text::WRONG_TYPE]
        );
    }
    // What only looks like U+0000 is a password like any other.
    let answer = submit("password", json!(r"100%00 C:\u0000")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let back = client.sign_in(ADA, r"100%00 C:\u0000").await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text);
}

#[story]
async fn wrong_types_at_every_key_of_a_new_identity(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let keys = [
        "schema_id",
        "traits",
        "credentials",
        "credentials.password",
        "verifiable_addresses",
        "recovery_addresses",
        "metadata_public",
        "metadata_admin",
        "state",
        "organization_id",
        "external_id",
        "id",
        "no_such_key",
    ];
    for (at, key) in keys.into_iter().enumerate() {
        for (n, value) in values().into_iter().enumerate() {
            let what = format!("{key} {:.60}", value.to_string());
            let mut body = json!({"schema_id": "preset://email", "traits": {"email": format!("p{at}-{n}@example.org")}});
            if key == "credentials.password" {
                body["credentials"] = json!({"password": {"config": value}});
            } else {
                body[key] = value;
            }
            let answer = admin.post("/admin/identities", body).await;
            is_an_answer(&what, &answer);
            let unknown = matches!(key, "id" | "no_such_key");
            if answer.status.is_success() {
                assert!(!unknown, "{what}");
                let path = format!("/admin/identities/{}", answer.body["id"].as_str().unwrap());
                assert_eq!(admin.get(&path).await.status, StatusCode::OK, "{what}");
            } else {
                assert!(
                    matches!(answer.status.as_u16(), 400 | 409),
                    "{what}: {}",
                    answer.text
                );
            }
        }
    }
    for (what, media, body) in unreadable()
        .into_iter()
        .filter(|(_, media, _)| *media == JSON)
    {
        let answer = admin
            .send(Method::POST, "/admin/identities", Some((media, body)), &[])
            .await;
        is_an_answer(what, &answer);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
    }
    let listed = admin.get("/admin/identities?page_size=500").await;
    assert_eq!(
        listed.status,
        StatusCode::OK,
        "whatever was stored can be read"
    );
}
