//! Making identities: what is taken over, what is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, Kind, Site, story};

use super::{IDENTITIES, UNKNOWN, count, made, person};

/// W13.8.
#[story]
async fn creating_an_identity(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    for (body, named) in [
        (json!({"traits": {"email": ADA}, "foo": 1}), "foo"),
        (json!({"traits": {"email": ADA}, "id": UNKNOWN}), "id"),
        (
            json!({"traits": {"email": ADA}, "schema_url": "x"}),
            "schema_url",
        ),
        (
            json!({"traits": {"email": ADA}, "verifiable_addresses": [{"value": ADA, "via": "email", "primary": true}]}),
            "primary",
        ),
        (
            json!({"traits": {"email": ADA}, "credentials": {"password": {"config": {"pass": "x"}}}}),
            "pass",
        ),
    ] {
        let refused = admin.post(IDENTITIES, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let error = &refused.body["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("`{named}`")), "{message}");
        assert!(error.get("reason").is_none() && error.get("id").is_none());
    }
    assert_eq!(count(&admin).await, 0);

    let answer = admin
        .post(IDENTITIES, json!({"traits": {"email": "Ada@Example.org"}}))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let id = answer.body["id"].as_str().unwrap();
    let place = format!("{}/admin/identities/{id}", project.base_url());
    assert_eq!(answer.location(), place);
    let read = admin.get(&place).await.body;
    for view in [&answer.body, &read] {
        assert_eq!(view["traits"], json!({"email": "Ada@Example.org"}));
        assert_eq!(view["state"], "active");
        assert_eq!(view["schema_id"], "preset://email");
        for null in ["metadata_public", "organization_id"] {
            assert_eq!(view.get(null), Some(&Value::Null), "{null}");
        }
        assert!(view.get("external_id").is_none());
        let password = &view["credentials"]["password"];
        assert_eq!(password["identifiers"], json!([ADA]));
        assert!(password.get("config").is_none());
    }
    assert!(answer.body.get("metadata_admin").is_none());
    assert_eq!(read.get("metadata_admin"), Some(&Value::Null));

    let full = json!({
        "schema_id": "preset://username", "traits": {"username": "grace"}, "state": "inactive",
        "metadata_public": {"plan": "free"}, "metadata_admin": {"note": [1, null]},
        "external_id": "crm-1", "organization_id": UNKNOWN,
    });
    let answer = admin.post(IDENTITIES, full.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    for (key, value) in full.as_object().unwrap() {
        assert_eq!(answer.body[key], *value, "{key}");
    }
}

/// W13.10: where, by which rule, what.
#[story]
async fn traits_that_are_invalid(site: Site) {
    let basic = json!({"identity": {"default_schema_id": "preset://basic"}});
    let project = site.project_with(basic).await;
    let admin = site.admin(&project);
    let email = "S[#/properties/traits/properties/email/format]";
    for (traits, lines) in [
        (json!({"email": "nope"}), vec![format!("I[#/traits/email] {email} ")]),
        (json!({}), vec!["I[#/traits] S[#/properties/traits/required] ".to_owned()]),
        (Value::Null, vec!["I[#/traits] S[#/properties/traits/required] ".to_owned()]),
        (json!("text"), vec!["I[#/traits] S[#/properties/traits/type] ".to_owned()]),
        (json!([]), vec!["I[#/traits] S[#/properties/traits/type] ".to_owned()]),
        (
            json!({"email": ADA, "shoe": 43}),
            vec!["I[#/traits] S[#/properties/traits/additionalProperties] ".to_owned()],
        ),
        (
            json!({"email": "x", "newsletter": "yes", "name": {"first": 1}}),
            vec![
                "I[#/".to_owned(),
                format!("  I[#/traits/email] {email} "),
                "  I[#/traits/name/first] S[#/properties/traits/properties/name/properties/first/type] ".to_owned(),
                "  I[#/traits/newsletter] S[#/properties/traits/properties/newsletter/type] ".to_owned(),
            ],
        ),
    ] {
        let refused = admin.post(IDENTITIES, json!({"traits": traits})).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{traits}");
        let reason = refused.body["error"]["reason"].as_str().unwrap();
        let shown: Vec<&str> = reason.lines().collect();
        assert_eq!(shown.len(), lines.len(), "{reason}");
        for line in &lines {
            assert!(
                shown.iter().any(|s| s.starts_with(line)),
                "{line:?} is not in {reason}"
            );
        }
    }
    assert_eq!(count(&admin).await, 0);
}

#[story]
async fn what_else_is_refused(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let with = |key: &str, value: Value| {
        let mut body = person(ADA);
        body[key] = value;
        body
    };
    for body in [
        with("schema_id", json!("preset://nothing")),
        with("schema_id", json!(5)),
        with("state", json!("asleep")),
        with("organization_id", json!("zz")),
        with("credentials", json!({"carrier-pigeon": {}})),
        with(
            "verifiable_addresses",
            json!([{"value": ADA, "via": "smoke"}]),
        ),
        json!([]),
    ] {
        let refused = admin.post(IDENTITIES, body.clone()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(refused.body["error"]["code"], 400);
    }
    for raw in [
        "",
        "{",
        "{\"traits\": {\"email\": \"a\\u0000@example.org\"}}",
    ] {
        let body = Some(("application/json", raw.as_bytes().to_vec()));
        let refused = admin.send(Method::POST, IDENTITIES, body, &[]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{raw}");
    }
    let large = json!({"traits": {"email": ADA}, "metadata_admin": "x".repeat(5 << 20)});
    let refused = admin.post(IDENTITIES, large).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(count(&admin).await, 0);
    // Neither a content type nor an end is asked for.
    let body = format!("{} and more", person(ADA));
    let body = Some(("text/plain", body.into_bytes()));
    let answer = admin.send(Method::POST, IDENTITIES, body, &[]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
}

/// Whatever is unique is unique in one answer, and nothing of a refused identity stays. W13.9.
#[story]
async fn conflicts(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let mut first = person(ADA);
    first["external_id"] = json!("crm-1");
    made(&admin, first).await;
    for body in [
        person(ADA),
        person("ADA@Example.org"),
        json!({"traits": {"email": ADA}}),
        json!({"traits": {"email": "bob@example.org"}, "external_id": "crm-1"}),
    ] {
        let refused = admin.post(IDENTITIES, body.clone()).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{body}");
        let error = &refused.body["error"];
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(409), &json!("Conflict"))
        );
        assert!(error["reason"].is_string() && error.get("id").is_none());
    }
    assert_eq!(count(&admin).await, 1);
    // What a refused one would have taken is free; external ids are told apart byte by byte.
    made(&admin, person("bob@example.org")).await;
    made(
        &admin,
        json!({"traits": {"email": "eve@example.org"}, "external_id": "CRM-1"}),
    )
    .await;
    // An empty one is none.
    for name in ["x", "y"] {
        let email = format!("{name}@example.org");
        let body = json!({"traits": {"email": email}, "external_id": ""});
        assert!(made(&admin, body).await.get("external_id").is_none());
    }
}

/// W13.11: in clear, hashed, both, none.
#[story]
async fn passwords(site: Site) {
    let bcrypt = json!({"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}}});
    let project = site.project_with(bcrypt).await;
    let admin = site.admin(&project);
    let client = site.client(&project, Kind::Api);
    let body = |email: &str, config: Value| json!({"traits": {"email": email}, "credentials": {"password": {"config": config}}});
    let opens = async |email: &str, password: &str| {
        client.sign_in(email, password).await.status == StatusCode::OK
    };
    let stored = async |id: &Value| {
        let path = format!(
            "{IDENTITIES}/{}?include_credential=password",
            id.as_str().unwrap()
        );
        let shown = admin.get(&path).await;
        shown.body["credentials"]["password"]["config"]["hashed_password"]
            .as_str()
            .map(str::to_owned)
    };

    // No policy: an administrator knows.
    let clear = made(&admin, body(ADA, json!({"password": "x"}))).await;
    assert!(opens(ADA, "x").await);
    let hash = stored(&clear["id"]).await.unwrap();
    assert!(hash.starts_with("$2a$04$"), "{hash}");

    let hashed = body("bob@example.org", json!({"hashed_password": hash}));
    made(&admin, hashed).await;
    assert!(opens("bob@example.org", "x").await);

    let both = json!({"password": "clear", "hashed_password": hash});
    made(&admin, body("eve@example.org", both)).await;
    assert!(opens("eve@example.org", "clear").await);
    assert!(!opens("eve@example.org", "x").await);

    let nothing = json!({"traits": {"email": "no@example.org"}});
    let without = made(&admin, nothing).await;
    assert_eq!(stored(&without["id"]).await, None);
    assert!(!opens("no@example.org", "x").await);
    assert!(!opens("no@example.org", "").await);

    for wrong in [
        json!({}),
        json!({"password": "", "hashed_password": ""}),
        json!({"hashed_password": "x"}),
        json!({"hashed_password": "$1$salt$hash"}),
        json!({"password": "y".repeat(73)}),
    ] {
        let refused = admin
            .post(IDENTITIES, body("wrong@example.org", wrong.clone()))
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(count(&admin).await, 4);
}

/// W13.13.
#[story]
async fn addresses_that_are_verified_already(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let with = async |name: &str, given: Value| {
        let email = format!("{name}@Example.org");
        let body = json!({"traits": {"email": email}, "verifiable_addresses": [given]});
        let identity = made(&admin, body).await;
        assert_eq!(identity["traits"]["email"], email);
        let addresses = identity["verifiable_addresses"].as_array().unwrap();
        assert_eq!(addresses.len(), 1);
        addresses[0].clone()
    };
    let verified = with(
        "A",
        json!({"value": "a@example.ORG", "verified": true, "via": "email"}),
    )
    .await;
    assert_eq!(verified["value"], "a@example.org");
    assert_eq!(
        (&verified["verified"], &verified["status"]),
        (&json!(true), &json!("completed"))
    );
    assert!(verified["verified_at"].is_string());
    let at = "2020-02-02T02:02:02Z";
    let dated =
        json!({"value": "B@example.org", "verified": true, "via": "email", "verified_at": at});
    assert_eq!(with("b", dated).await["verified_at"], at);
    for (name, given) in [
        // Without `via`, of another address, or not verified at all.
        ("c", json!({"value": "c@example.org", "verified": true})),
        (
            "d",
            json!({"value": "other@example.org", "verified": true, "via": "email"}),
        ),
        (
            "e",
            json!({"value": "e@example.org", "verified": false, "via": "email"}),
        ),
    ] {
        let address = with(name, given).await;
        assert_eq!(
            (&address["verified"], &address["status"]),
            (&json!(false), &json!("pending")),
            "{name}"
        );
        assert!(address.get("verified_at").is_none());
    }
}
