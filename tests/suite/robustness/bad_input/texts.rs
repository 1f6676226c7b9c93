//! Texts that look like others, addresses that lead elsewhere, passwords, schemas and documents of absurd size.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::{is_an_answer, types::values};

const LETTERS: [(&str, &str); 6] = [
    ("zero width", "a\u{200b}d\u{feff}a@example.org"),
    ("bidirectional", "\u{202e}ada@example.org\u{202c}"),
    ("full width", "\u{ff21}\u{ff44}\u{ff41}@example.org"),
    ("upper case", "ADA@EXAMPLE.ORG"),
    ("spaces around", " ada@example.org\u{3000}"),
    ("soft hyphen", "a\u{ad}da@example.org"),
];

#[story]
async fn spellings_of_one_identifier_are_one_person(site: Site) {
    let project = site
        .project_with(json!({"identity": {"default_schema_id": "preset://username"}}))
        .await;
    let native = site.client(&project, Kind::Api);
    let sign_up = async |username: &str| {
        let flow = native.begin("registration", "").await;
        let body =
            json!({"method": "password", "password": PASSWORD, "traits": {"username": username}});
        native.submit(&flow, body).await
    };
    assert_eq!(sign_up("ada@example.org").await.status, StatusCode::OK);
    for (what, spelling) in LETTERS {
        let taken = sign_up(spelling).await;
        assert_eq!(
            (taken.status.as_u16(), taken.messages()),
            (400, vec![text::IDENTIFIER_TAKEN]),
            "{what}: {}",
            taken.text
        );
        let known = native.sign_in(spelling, PASSWORD).await;
        assert_eq!(known.status, StatusCode::OK, "{what}: {}", known.text);
    }
    assert_eq!(sign_up("\u{e9}va").await.status, StatusCode::OK);
    assert_eq!(
        sign_up("e\u{301}va").await.messages(),
        [text::IDENTIFIER_TAKEN],
        "decomposed"
    );
    // A look-alike of another script is another name.
    assert_eq!(
        sign_up("\u{430}da@example.org").await.status,
        StatusCode::OK
    );
    for nothing in ["\u{200b}", "\u{2060}\u{feff}", " "] {
        let answer = sign_up(nothing).await;
        is_an_answer("nothing visible", &answer);
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{nothing:?}: {}",
            answer.text
        );
    }
}

#[story]
async fn an_email_address_hides_nothing(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    assert_eq!(native.sign_up(ADA, PASSWORD).await.status, StatusCode::OK);
    for (what, spelling) in LETTERS {
        let answer = native.sign_up(spelling, PASSWORD).await;
        is_an_answer(what, &answer);
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{what}: {}",
            answer.text
        );
    }
    let listed = site.admin(&project).get("/admin/identities").await;
    assert_eq!(listed.body.as_array().unwrap().len(), 1);
}

#[story]
async fn a_password_of_ten_thousand_characters(site: Site) {
    let long = "pass\u{f6}rd 1".repeat(1_000);
    let argon = site.project().await;
    let native = site.client(&argon, Kind::Api);
    let made = native.sign_up(ADA, &long).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(native.sign_in(ADA, &long).await.status, StatusCode::OK);
    let cut = native.sign_in(ADA, &long[..long.len() - 1]).await;
    assert_eq!(
        cut.messages(),
        [text::WRONG_CREDENTIALS],
        "every character counts"
    );

    let bcrypt = json!({"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}}});
    let bcrypt = site.project_with(bcrypt).await;
    let native = site.client(&bcrypt, Kind::Api);
    let refused = native.sign_up(ADA, &long).await;
    assert_eq!(
        refused.node_messages("password"),
        [text::PASSWORD_TOO_LONG],
        "{}",
        refused.text
    );
    assert_eq!(
        native.sign_up(ADA, &long[..72]).await.status,
        StatusCode::OK
    );
    let longer = native.sign_in(ADA, &long).await;
    assert_eq!(
        longer.messages(),
        [text::WRONG_CREDENTIALS],
        "not the first 72 bytes of it"
    );
}

#[story]
async fn no_redirect_leads_to_a_foreign_origin(site: Site) {
    let allowed = ["https://app.example/home", "https://*.wild.example"];
    let project = site
        .project_with(json!({"selfservice": {"allowed_return_urls": allowed}}))
        .await;
    let evil = [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:\\\\evil.example",
        "https://app.example\\@evil.example/home",
        "https://app.example@evil.example/home",
        "https://user:pass@app.example/home",
        "https://@app.example/home",
        "https://app.example.evil.example/home",
        "https://app.example:444/home",
        "http://app.example/home",
        "https://app.example/homeward/../../x",
        "https://app.example/home/..%2f..%2fx",
        "https://evil.com",
        "https://com",
        "https://.wild.example",
        "https://wild.example",
        "https://evil-wild.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:evil.example",
        "https://app.example%2eevil.example",
        "ht\ttps://app.example/home",
        "https://app.example/home\r\nset-cookie: a=b",
        " https://app.example/home",
        "https://evil\u{3002}com",
    ];
    let script = site.client(&project, Kind::Spa);
    for flow in ["login", "registration"] {
        for target in evil {
            let mut query = url::form_urlencoded::Serializer::new("?".to_owned());
            query.append_pair("return_to", target);
            let answer = script.begin(flow, &query.finish().replace("?&", "?")).await;
            is_an_answer(target, &answer);
            assert_eq!(
                answer.error_id(),
                Some("self_service_flow_return_to_forbidden"),
                "{target}: {}",
                answer.text
            );
        }
        for target in [
            "https://app.example/home",
            "https://app.example/home/x?y#z",
            "https://a.wild.example/",
        ] {
            let target =
                url::form_urlencoded::byte_serialize(target.as_bytes()).collect::<String>();
            let answer = script.begin(flow, &format!("?return_to={target}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{target}: {}", answer.text);
        }
    }
}

fn config_of_schema(schema: &Value) -> Value {
    let encoded = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        schema.to_string(),
    );
    json!({"identity": {"default_schema_id": "own", "schemas": [{"id": "own", "url": format!("base64://{encoded}")}]}})
}

fn schema_with(email: &Value, definitions: &Value) -> Value {
    json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "definitions": definitions,
        "properties": {"traits": {"type": "object", "properties": {"email": email}}}})
}

async fn update(site: &Site, project: &tenants::Project, schema: &Value) -> Value {
    let mutation = "mutation ($i: UpdateProjectConfigInput!) { updateProjectConfig(input: $i) { project { slug } } }";
    let input = json!({"i": {"slug": project.slug(), "config": config_of_schema(schema)}});
    site.graphql(tests::ROOT_KEY, mutation, input).await
}

#[story]
async fn schemas_that_could_never_end_are_refused(site: Site) {
    let project = site.project().await;
    let no = json!({});
    let doubled: Value = (0..40)
        .map(|n| {
            let next = json!({"$ref": format!("#/definitions/d{}", n + 1)});
            (format!("d{n}"), json!({"allOf": [next, next]}))
        })
        .chain([("d40".to_owned(), json!({}))])
        .collect::<serde_json::Map<_, _>>()
        .into();
    let bad = [
        (
            "a loop",
            schema_with(
                &json!({"$ref": "#/definitions/a"}),
                &json!({"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}),
            ),
        ),
        (
            "itself",
            schema_with(
                &json!({"$ref": "#/properties/traits/properties/email"}),
                &no,
            ),
        ),
        (
            "two to the fortieth",
            schema_with(&json!({"$ref": "#/definitions/d0"}), &doubled),
        ),
        (
            "a file",
            schema_with(&json!({"$ref": "file:///etc/passwd"}), &no),
        ),
        (
            "a server",
            schema_with(&json!({"$ref": "http://127.0.0.1/x"}), &no),
        ),
        (
            "backtracking",
            schema_with(&json!({"type": "string", "pattern": "^(a+)+\\1$"}), &no),
        ),
        (
            "a huge repetition",
            schema_with(
                &json!({"type": "string", "pattern": "^((((a{100}){100}){100}){100})$"}),
                &no,
            ),
        ),
        (
            "no pattern",
            schema_with(&json!({"type": "string", "pattern": "("}), &no),
        ),
    ];
    for (what, schema) in &bad {
        let answer = update(&site, &project, schema).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "INVALID_INPUT",
            "{what}: {answer}"
        );
    }
}

#[story]
async fn a_pattern_that_would_blow_up_elsewhere_is_harmless(site: Site) {
    let project = site.project().await;
    let no = json!({});
    let slow = schema_with(
        &json!({"type": "string", "pattern": "^(a+)+$", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}),
        &no,
    );
    let answer = update(&site, &project, &slow).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let began = std::time::Instant::now();
    let native = site.client(&project, Kind::Api);
    let refused = native.sign_up(&("a".repeat(100_000) + "!"), PASSWORD).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    assert!(
        began.elapsed() < std::time::Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[story]
async fn documents_of_absurd_size_and_shape(site: Site) {
    let (project, _) = site.project_with_key().await;
    let aliased = |count| {
        (0..count)
            .map(|n| format!("a{n}:__typename"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let deep = format!(
        "{{ {} __typename {} }}",
        "a { ".repeat(5_000),
        "}".repeat(5_000)
    );
    let fragments = "query { ...a } fragment a on Query { ...b ...b } fragment b on Query { ...a }";
    let table = [
        (format!("{{ {} }}", aliased(10_000)), "QUERY_TOO_COMPLEX"),
        (format!("{{ {} }}", aliased(600)), "QUERY_TOO_COMPLEX"),
        (deep, "QUERY_TOO_COMPLEX"),
        (fragments.to_owned(), ""),
        ("{".to_owned(), "INVALID_INPUT"),
        ("{ noSuchField }".to_owned(), "INVALID_INPUT"),
        (String::new(), "INVALID_INPUT"),
        ("\u{202e}\u{feff}{}".to_owned(), "INVALID_INPUT"),
    ];
    for (document, want) in table {
        let answer = site.graphql(tests::ROOT_KEY, &document, json!({})).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert!(
            code.is_string() && *code != "INTERNAL",
            "{document:.60}: {answer}"
        );
        assert!(want.is_empty() || code == want, "{document:.60}: {answer}");
    }
    let admin = site.admin(&project);
    let url = format!("{}/graphql", site.origin);
    let batch: Vec<Value> = (0..1_000)
        .map(|_| json!({"query": "{ __typename }"}))
        .collect();
    for body in values().into_iter().chain([
        json!({"query": 1}),
        json!({"query": ["{ __typename }"]}),
        json!({"query": "{ __typename }", "variables": "x"}),
        json!({"query": "{ __typename }", "variables": []}),
        json!({"query": "{ __typename }", "operationName": 1}),
        json!({"query": "{ __typename }", "extensions": "x"}),
        json!(batch),
    ]) {
        let answer = admin.post(&url, body.clone()).await;
        is_an_answer(&format!("{body:.60}"), &answer);
    }
}

/// A configuration that nests as deep as a body may: whatever is accepted can be read again.
#[story]
async fn a_deep_configuration_can_be_read_again(site: Site) {
    let project = site.project().await;
    let mutation = "mutation ($i: UpdateProjectConfigInput!) { updateProjectConfig(input: $i) { project { slug } } }";
    for levels in [50, 100, 110, 114, 115, 116, 117, 118, 119, 120, 130] {
        let deep = (0..levels).fold(json!("x"), |inner, _| json!({ "a": inner }));
        let input = json!({"i": {"slug": project.slug(), "config": {"insula": deep}}});
        let answer = site.graphql(tests::ROOT_KEY, mutation, input).await;
        assert_ne!(
            answer["errors"][0]["extensions"]["code"], "INTERNAL",
            "{levels}: {answer}"
        );
        let served = site.client(&project, Kind::Api).begin("login", "").await;
        assert_eq!(served.status, StatusCode::OK, "{levels}");
    }
}
