use serde_json::{Value, json};

use super::{compile, refusal, traits};
use crate::schema::IdentitySchema;

/// Their automata are built anew wherever the schema is used.
#[test]
fn patterns_are_bounded_together() {
    let many = |count: usize, pattern: &str| {
        let property = |n: usize| (format!("p{n}"), json!({"pattern": format!("{pattern}{n}")}));
        traits(&Value::Object((0..count).map(property).collect()))
    };
    let refused = |count, pattern, why: &str| {
        let compiled = IdentitySchema::compile("s", &many(count, pattern));
        let problems = compiled.err().unwrap();
        let told = problems.iter().any(|problem| problem.message.contains(why));
        assert!(told && problems.len() < 5, "{problems:?}");
    };
    refused(2_000, "^[01]*1[01]{4000}", "patterns");
    refused(50, "\\w{150}", "too large together");
    compile(&many(200, "^[a-z0-9._-]{1,32}$"));
}

/// What cannot be a schema, where that is said, and a part of what is said.
fn broken() -> Vec<(Value, &'static str, &'static str)> {
    let string = json!({"type": "string"});
    vec![
        (json!([]), "#/", "object"),
        (json!({}), "#/", "properties.traits"),
        (
            json!({"properties": {"traits": {"type": "object"}}}),
            "#/properties/traits",
            "at least one property",
        ),
        (
            json!({"properties": {"traits": {"type": "string", "properties": {"x": {}}}}}),
            "#/properties/traits",
            "`object`",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-04/schema#"}),
            "#/$schema",
            "draft-07",
        ),
        (
            traits(&json!({"x": {"type": "text"}})),
            "#/properties/traits/properties/x/type",
            "not one of",
        ),
        (
            traits(&json!({"x": {"$ref": "https://example.org/x.json"}})),
            "#/properties/traits/properties/x/$ref",
            "inside this document",
        ),
        (
            traits(&json!({"x": {"$ref": "file:///etc/passwd"}})),
            "#/properties/traits/properties/x/$ref",
            "inside this document",
        ),
        (
            traits(&json!({"x": {"$ref": "#/definitions/none"}})),
            "#/properties/traits/properties/x/$ref",
            "nothing",
        ),
        (
            traits(&json!({"x": {"$ref": "#none"}})),
            "#/properties/traits/properties/x/$ref",
            "no anchor",
        ),
        (
            traits(&json!({"x": {"$id": "https://example.org/y", "type": "string"}})),
            "#/properties/traits/properties/x/$id",
            "not supported",
        ),
        (
            traits(&json!({"x": {"pattern": "(?=a)b"}})),
            "#/properties/traits/properties/x/pattern",
            "linear time",
        ),
        (
            traits(&json!({"x": {"pattern": "((a{500}){500}){500}"}})),
            "#/properties/traits/properties/x/pattern",
            "linear time",
        ),
        (
            traits(&json!({"x": {"description": "x".repeat(1 << 20)}})),
            "#/",
            "larger",
        ),
        (
            traits(&(0..70).fold(string, |inner, _| json!({"x": {"properties": inner}}))),
            "#/",
            "deep",
        ),
    ]
}

#[test]
fn foreign_and_broken_documents_are_refused() {
    for (document, pointer, says) in broken() {
        let (at, message) = refusal(&document);
        assert!(
            at == pointer && message.contains(says),
            "{at}: {message}; wanted {pointer}: {says}"
        );
    }
}

#[test]
fn loops_and_explosions_are_refused_and_real_recursion_is_not() {
    let with = |definitions: &Value| {
        json!({"definitions": definitions,
        "properties": {"traits": {"type": "object", "properties": {"x": {"$ref": "#/definitions/a0"}}}}})
    };
    for document in [
        with(&json!({"a0": {"$ref": "#/definitions/a0"}})),
        with(
            &json!({"a0": {"$ref": "#/definitions/a1"}, "a1": {"allOf": [{"not": {"$ref": "#/definitions/a0"}}]}}),
        ),
        with(&json!({"a0": {"if": {"$ref": "#/definitions/a0"}, "then": {}}})),
    ] {
        assert!(refusal(&document).1.contains("refers back to itself"));
    }
    let number = |count: usize, make: &dyn Fn(usize) -> Value| {
        let all = (0..count).map(|at| (format!("a{at}"), make(at)));
        let end = (format!("a{count}"), json!({"type": "string"}));
        with(&Value::Object(all.chain([end]).collect()))
    };
    let next = |at: usize| json!({"$ref": format!("#/definitions/a{}", at + 1)});
    assert!(refusal(&number(100, &next)).1.contains("chain"));
    assert!(
        refusal(&number(
            14,
            &|at| json!({"allOf": [next(at), next(at), next(at)]})
        ))
        .1
        .contains("too long")
    );
    let doubling = json!({"properties": {"x": {"allOf": [{"$ref": "#/definitions/a0"}, {"$ref": "#/definitions/a0"}]}}});
    assert!(
        refusal(&with(&json!({"a0": doubling})))
            .1
            .contains("too long")
    );

    let list = with(
        &json!({"a0": {"type": "object", "additionalProperties": false,
        "properties": {"x": {"$ref": "#/definitions/a0"}, "n": {"$ref": "#name"}}},
        "name": {"$id": "#name", "type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}}),
    );
    let schema = compile(&list);
    let deep = (0..60).fold(
        json!({"n": "Last"}),
        |inner, at| json!({"x": inner, "n": format!("N{at}")}),
    );
    assert_eq!(
        schema.derive(&json!({"x": deep})).unwrap().password.len(),
        61
    );
}

/// As deep as the limits let the recursion go, in compiling and in validating on an ordinary thread.
#[test]
fn the_deepest_schema_fits_the_stack() {
    let wide = |at: usize| {
        let inner = (0..9).fold(
            json!({"properties": {"x": {"$ref": format!("#/definitions/a{}", at + 1)}}}),
            |inner, _| json!({"properties": {"x": inner}}),
        );
        (format!("a{at}"), inner)
    };
    let chain: serde_json::Map<_, _> = (0..490)
        .map(wide)
        .chain([("a490".to_owned(), json!({}))])
        .collect();
    compile(
        &json!({"definitions": chain, "properties": {"traits": {"type": "object", "properties": {"x": {"$ref": "#/definitions/a0"}}}}}),
    );

    let step = (0..4).fold(
        json!({"properties": {"x": {"$ref": "#/definitions/a0"}}}),
        |inner, _| json!({"anyOf": [inner]}),
    );
    let schema = compile(
        &json!({"definitions": {"a0": step}, "properties": {"traits": {"type": "object", "properties": {"x": {"$ref": "#/definitions/a0"}}}}}),
    );
    let deep = (0..62).fold(json!({}), |inner, _| json!({"x": inner}));
    assert!(schema.derive(&json!({"x": deep})).is_ok());
}

/// W14.1.
#[test]
fn the_extension_is_a_closed_object() {
    let at = "#/properties/traits/properties/x/ory.sh~1kratos";
    for (value, below, says) in [
        (json!(true), "", "object"),
        (json!({"credential": {}}), "/credential", "not a member"),
        (
            json!({"credentials": {"oidc": {}}}),
            "/credentials/oidc",
            "not a member",
        ),
        (
            json!({"credentials": {"password": {"identifer": true}}}),
            "/credentials/password/identifer",
            "not a member",
        ),
        (
            json!({"credentials": {"password": {"identifier": "yes"}}}),
            "/credentials/password/identifier",
            "true or false",
        ),
        (
            json!({"credentials": {"code": {"identifier": true}}}),
            "/credentials/code",
            "needs `via`",
        ),
        (
            json!({"credentials": {"code": {"identifier": true, "via": "fax"}}}),
            "/credentials/code/via",
            "`email` or `sms`",
        ),
        (
            json!({"verification": {"via": "phone"}}),
            "/verification/via",
            "`email` or `sms`",
        ),
        (
            json!({"recovery": {"via": "email", "x": 1}}),
            "/recovery/x",
            "not a member",
        ),
        (
            json!({"organizations": {"matcher": "x"}}),
            "/organizations/matcher",
            "email_domain",
        ),
    ] {
        let document = traits(&json!({"x": {"type": "string", "ory.sh/kratos": value}}));
        let (pointer, message) = refusal(&document);
        assert!(
            pointer == format!("{at}{below}") && message.contains(says),
            "{value}: {pointer}: {message}"
        );
    }
    compile(&traits(
        &json!({"x": {"ory.sh/kratos": {"organizations": {"matcher": "email_domain"}, "credentials": {"code": {"via": "sms"}}}}}),
    ));
    // A property may bear the keyword's name.
    compile(&traits(&json!({"ory.sh/kratos": {"type": "string"}})));
}
