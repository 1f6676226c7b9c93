//! Sizes, depths and dates that cost a request no more than a refusal.
//!
//! Looks inside: the tables.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenants::ids;
use tests::{ADA, Kind, PASSWORD, Site, story, text};
use uuid::Uuid;

use crate::admin::open_schema;

#[story]
async fn what_no_index_can_hold_is_refused(site: Site) {
    let project = site.project_with(open_schema()).await;
    let native = site.client(&project, Kind::Api);
    let many: Vec<String> = (0..101).map(|n| format!("name-{n}")).collect();
    for traits in [
        json!({"name": ids::alphanumeric(3_000)}),
        json!({"names": many}),
    ] {
        let flow = native.begin("registration", "").await;
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let refused = native.submit(&flow, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    }
    let flow = native.begin("registration", "").await;
    let longest = json!({"name": ids::alphanumeric(512), "names": many[..99]});
    let fields = json!({"method": "password", "password": PASSWORD, "traits": longest});
    let taken = native.submit(&flow, fields).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text);

    let admin = site.admin(&project);
    let body = json!({"schema_id": "open", "traits": {}, "external_id": ids::alphanumeric(3_000)});
    let refused = admin.post("/admin/identities", body).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
}

#[story]
async fn a_flow_neither_grows_nor_nests_beyond_what_can_be_read_back(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("registration", "").await;
    let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
    let path = format!("traits.{}", ["a"; 60].join("."));
    let fields = json!({"method": "password", "password": PASSWORD, path: deep});
    let refused = native.submit(&flow, fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    for round in 0..3 {
        let stray = (0..200).map(|n| (format!("k{round}x{n}"), json!(ids::alphanumeric(900))));
        let traits = Value::Object(stray.collect());
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let refused = native.submit(&flow, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let mut tx = project.begin().await.unwrap();
        let stored: i64 =
            sqlx::query_scalar("select max(length(state ->> 'state'))::bigint from flows")
                .fetch_one(tx.conn())
                .await
                .unwrap();
        assert!(stored < 20_000, "round {round}: {stored} bytes");
    }
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
    let made = native.submit(&flow, fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
}

#[story]
async fn a_request_whose_head_is_too_long_is_refused(site: Site) {
    let project = site.project().await;
    let line = ids::alphanumeric(40_000);
    let headers = [("x-a", line.as_str()), ("x-b", line.as_str())];
    let refused = site
        .client(&project, Kind::Api)
        .send(Method::GET, "/self-service/login/api", None, &headers)
        .await;
    assert_eq!(refused.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[story]
async fn moments_outside_the_calendar_are_refused(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    for at in [
        "+010000-01-01T00:00:00Z",
        "-0100-01-01T00:00:00Z",
        "-260000-01-01T00:00:00Z",
    ] {
        let address = json!({"value": ADA, "via": "email", "verified": true, "verified_at": at});
        let body = json!({"schema_id": "preset://email", "traits": {"email": ADA}, "verifiable_addresses": [address]});
        let refused = admin.post("/admin/identities", body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{at}");
    }
    let position = format!("id={}/created_at=-8300000000000000000", Uuid::nil());
    let token = STANDARD.encode(position);
    let token = token.trim_end_matches('=');
    let refused = admin
        .get(&format!("/admin/sessions?page_token={token}"))
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

/// The only spelling of a form that can hold the byte itself.
#[story]
async fn a_multipart_form_with_a_nul_is_refused(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("login", "").await;
    let field = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        field("method", "password"),
        field("identifier", "a\0b"),
        field("password", PASSWORD),
        "--x--\r\n".to_owned(),
    ]
    .concat();
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let media = "multipart/form-data; boundary=x";
    let refused = native
        .send(Method::POST, action, Some((media, body.into_bytes())), &[])
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert_eq!(refused.messages(), [text::GENERIC]);
}

/// The length comes before the cost: each of these would take seconds of computing, or be stored whole.
#[story]
async fn what_is_too_long_is_neither_folded_nor_kept(site: Site) {
    let config = json!({"selfservice": {
        "methods": {"code": {"passwordless_enabled": true}},
        "flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}},
    }});
    let project = site.project_with(config).await;
    let native = site.client(&project, Kind::Api);
    let long = "\u{FDFA}".repeat(60_000);
    for (kind, fields) in [
        (
            "login",
            json!({"method": "password", "identifier": long, "password": "x"}),
        ),
        ("login", json!({"method": "code", "identifier": long})),
        ("recovery", json!({"method": "code", "email": long})),
        ("verification", json!({"method": "code", "email": long})),
        (
            "registration",
            json!({"method": "password", "password": PASSWORD, "traits": {"email": long}}),
        ),
        (
            "registration",
            json!({"method": "code", "traits": {"email": long}}),
        ),
        (
            "login",
            json!({"method": "password", "identifier": ADA, "password": "x", "transient_payload": {"a": long}}),
        ),
    ] {
        let flow = native.begin(kind, "").await;
        let refused = native.submit(&flow, fields).await;
        assert_eq!(
            refused.status,
            StatusCode::BAD_REQUEST,
            "{kind}: {}",
            refused.text
        );
        assert!(
            refused.text.len() < 20_000,
            "{kind}: {}",
            refused.text.len()
        );
    }
    let flow = native.begin("login", "").await;
    let whole = json!({"method": "password", "identifier": "a".repeat(300_000), "password": "x"});
    let refused = native.submit(&flow, whole).await;
    assert_eq!(refused.messages(), [text::GENERIC], "{}", refused.text);
    let query = format!("?refresh=true&x={}", "y".repeat(50_000));
    let begun = native.begin("login", &query).await;
    let address = begun.body["request_url"].as_str().unwrap();
    assert!(
        address.ends_with("/self-service/login/api?refresh=true"),
        "{address}"
    );

    let mut tx = project.begin().await.unwrap();
    let longest: i32 = sqlx::query_scalar("select max(length(state::text)) from flows")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    assert!(longest < 20_000, "{longest} bytes");
}

/// A pattern is matched in linear time, but with a factor that a project chooses.
#[story]
async fn a_text_too_long_for_its_pattern_is_not_matched(site: Site) {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"many": {"allOf": vec![json!({"minimum": 0}); 300]}},
        "properties": {"traits": {"type": "object", "properties": {
            "bits": {"type": "string", "pattern": "^[01]*1[01]{8000}$"},
            "rows": {"type": "array", "items": {"allOf": vec![json!({"$ref": "#/definitions/many"}); 300]}},
            "name": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}},
        }}},
    });
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    let dear =
        json!({"identity": {"schemas": [{"id": "dear", "url": url}], "default_schema_id": "dear"}});
    let project = site.project_with(dear).await;
    let native = site.client(&project, Kind::Api);
    for traits in [
        json!({"name": "a", "bits": "01".repeat(10_000)}),
        json!({"name": "a", "rows": vec![1; 2_000]}),
    ] {
        let flow = native.begin("registration", "").await;
        let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let refused = native.submit(&flow, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
        assert!(
            refused.text.contains("too long to check"),
            "{}",
            refused.text
        );
    }
    let flow = native.begin("registration", "").await;
    let traits = json!({"name": "a", "bits": "1".repeat(8_001), "rows": [1, 2]});
    let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
    let made = native.submit(&flow, fields).await;
    // One text of 8,001 costs too much as well.
    assert!(made.text.contains("too long to check"), "{}", made.text);
    let flow = native.begin("registration", "").await;
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"name": "a", "rows": [1, 2]}});
    assert_eq!(native.submit(&flow, fields).await.status, StatusCode::OK);
}

/// What an identity may hold is a limit of the installation, for administrators as well.
#[story]
async fn traits_have_a_length(site: Site) {
    let project = site.project_with(open_schema()).await;
    let admin = site.admin(&project);
    let body = |length| json!({"schema_id": "open", "traits": {"note": "x".repeat(length)}});
    let refused = admin.post("/admin/identities", body(65_536)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert!(refused.text.contains("65536 bytes"), "{}", refused.text);
    let made = admin.post("/admin/identities", body(65_000)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
}
