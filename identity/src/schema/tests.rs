mod budget;
mod documents;
mod violations;

use serde_json::{Value, json};

use super::{
    Address, Derived, FieldKind, IdentitySchema, PRESET_IDS, Via, Violation, ViolationKind, preset,
    report,
};

fn compile(document: &Value) -> IdentitySchema {
    IdentitySchema::compile("test", document).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A draft-07 schema around these properties of the traits.
fn traits(properties: &Value) -> Value {
    json!({"properties": {"traits": {"type": "object", "properties": properties}}})
}

fn refusal(document: &Value) -> (String, String) {
    match IdentitySchema::compile("test", document) {
        Ok(_) => panic!("compiled: {document}"),
        Err(problems) => (problems[0].pointer.clone(), problems[0].message.clone()),
    }
}

fn violations(schema: &IdentitySchema, traits: &Value) -> Vec<Violation> {
    schema.derive(traits).expect_err("should not fit")
}

fn address(via: Via, value: &str) -> Address {
    Address {
        via,
        value: value.to_owned(),
    }
}

fn load(id: &str) -> IdentitySchema {
    compile(&serde_json::from_str(preset(id).expect(id)).expect(id))
}

/// W14.3.
#[test]
fn presets_compile_and_label_their_login() {
    for id in PRESET_IDS {
        load(id);
    }
    assert!(preset("preset://other").is_none() && preset("email").is_none());
    assert_eq!(
        load("preset://email").identifier_label(),
        Some(("Email", "traits.email"))
    );
    assert_eq!(load("preset://blank").identifier_label(), None);
}

#[test]
fn the_email_preset_feeds_every_method() {
    let found = load("preset://email")
        .derive(&json!({"email": "Anna@Example.ORG"}))
        .unwrap();
    let anna = address(Via::Email, "anna@example.org");
    assert_eq!(
        found,
        Derived {
            traits: json!({"email": "Anna@Example.ORG"}),
            password: vec![anna.value.clone()],
            webauthn: vec![anna.value.clone()],
            code: vec![anna.clone()],
            verifiable: vec![anna.clone()],
            recovery: vec![anna],
            passkey_display_name: Some("Anna@Example.ORG".into()),
            totp_account_name: Some("Anna@Example.ORG".into()),
        }
    );
}

#[test]
fn the_sms_preset_stores_e164() {
    let schema = load("preset://sms");
    let found = schema
        .derive(&json!({"phone_number": "+49 (30) 123-4567"}))
        .unwrap();
    assert_eq!(found.traits, json!({"phone_number": "+49301234567"}));
    assert_eq!(
        (&found.code, &found.verifiable),
        (&vec![address(Via::Sms, "+49301234567")], &found.code)
    );
    assert!(found.password.is_empty() && found.recovery.is_empty());
    let refused = violations(&schema, &json!({"phone_number": "030 1234567"}));
    assert!(
        matches!(&refused[..], [Violation { pointer, kind: ViolationKind::Format { format, .. }, .. }]
        if pointer == "#/traits/phone_number" && format == "tel")
    );
    assert_eq!(
        schema.derive(&found.traits).unwrap(),
        found,
        "what was stored derives the same"
    );
}

#[test]
fn fields_follow_the_document() {
    let schema = load("preset://basic");
    let seen: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| (f.name.as_str(), f.kind, f.required, f.title.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            ("traits.email", FieldKind::Text, true, Some("Email")),
            (
                "traits.name.first",
                FieldKind::Text,
                false,
                Some("First name")
            ),
            (
                "traits.name.last",
                FieldKind::Text,
                false,
                Some("Last name")
            ),
            (
                "traits.newsletter",
                FieldKind::Checkbox,
                false,
                Some("Newsletter")
            ),
        ]
    );
}

#[test]
fn fields_are_found_wherever_the_document_has_them() {
    let many: Vec<_> = (0..600).collect();
    let schema = compile(&json!({
        "definitions": {"size": {"type": ["null", "integer"], "enum": many, "title": "Size"}},
        "properties": {"traits": {"type": "object", "required": ["z.y"],
            "allOf": [{"properties": {"late": {"type": "string", "title": ""}}, "required": ["late"]}, {"required": ["size"]}],
            "properties": {
                "z.y": {"type": "string", "pattern": "^a", "format": "uri", "disableFormField": true},
                "size": {"$ref": "#/definitions/size"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "pairs": {"type": "array", "items": [{"type": "string"}, {"type": "number"}]},
                "sizes": {"type": "array", "items": {"$ref": "#/definitions/size"}},
                "plan": {"title": "Plan", "oneOf": [{"const": "free"}, {"const": "paid"}]},
                "terms": {"const": true},
                "any": {},
                "next": {"type": "object", "properties": {"next": {"$ref": "#/properties/traits/properties/next"}, "n": {"type": "number"}}}
            }}}
    }));
    let seen: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| (f.name.as_str(), f.kind, f.required))
        .collect();
    assert_eq!(
        seen,
        [
            ("traits.late", FieldKind::Text, true),
            ("traits.z\\.y", FieldKind::Text, true),
            ("traits.size", FieldKind::Number, true),
            ("traits.tags", FieldKind::Text, false),
            ("traits.sizes", FieldKind::Number, false),
            ("traits.plan", FieldKind::Text, false),
            ("traits.terms", FieldKind::Checkbox, false),
            ("traits.next.n", FieldKind::Number, false),
        ]
    );
    let [late, dotted, size, tags, sizes, plan, ..] = schema.fields() else {
        panic!()
    };
    assert_eq!(
        [late, tags, sizes, plan].map(|field| field.is_list),
        [false, true, true, false]
    );
    assert_eq!(
        (late.title.as_deref(), size.options.len(), dotted.disabled),
        (None, 500, true)
    );
    assert_eq!(
        (dotted.pattern.as_deref(), dotted.format.as_deref()),
        (Some("^a"), Some("uri"))
    );
}

#[test]
fn the_label_needs_exactly_one_identifier_with_a_title() {
    let user = json!({"type": "string", "title": "User", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    let mut untitled = user.clone();
    untitled["title"] = json!("");
    assert_eq!(
        compile(&traits(&json!({"user": user}))).identifier_label(),
        Some(("User", "traits.user"))
    );
    assert_eq!(
        compile(&traits(&json!({"user": untitled}))).identifier_label(),
        None
    );
    assert_eq!(
        compile(&traits(&json!({"user": user, "other": untitled}))).identifier_label(),
        None
    );
    assert_eq!(
        compile(&traits(
            &json!({"user": user, "more": {"type": "array", "items": user}})
        ))
        .identifier_label(),
        None
    );
    let off = json!({"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": false}}}});
    assert_eq!(
        compile(&traits(&json!({"user": user, "other": off}))).identifier_label(),
        Some(("User", "traits.user"))
    );
}

/// W14.2.
#[test]
fn identifiers_come_from_nested_places_through_references() {
    for (draft, defs, tuple) in [
        (
            "http://json-schema.org/draft-07/schema#",
            "definitions",
            "items",
        ),
        (
            "https://json-schema.org/draft/2020-12/schema",
            "$defs",
            "prefixItems",
        ),
    ] {
        let mail = json!({"ory.sh/kratos": {"credentials": {"password": {"identifier": true}}, "recovery": {"via": "email"}}, "type": "string"});
        let schema = compile(&json!({
            "$schema": draft, "$id": "https://example.org/person.json",
            defs: {"mail": mail, "user/name": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}},
            "properties": {"traits": {"type": "object",
                "anyOf": [
                    {"properties": {"kind": {"const": "staff"}, "badge": {"ory.sh/kratos": {"credentials": {"webauthn": {"identifier": true}}}}}},
                    {"properties": {"kind": {"const": "guest"}}}],
                "properties": {
                    "work": {"type": "object", "properties": {"mail": {"$ref": format!("#/{defs}/mail")}}},
                    "mails": {"type": "array", "items": {"$ref": format!("#/{defs}/mail")}},
                    "pair": {"type": "array", tuple: [{"type": "string"}, {"$ref": format!("#/{defs}/user~1name")}]},
                    "badge": {"type": "integer"}
                }}}
        }));
        let body = json!({"work": {"mail": "B@x.org"}, "mails": ["a@x.org", "nobody"], "pair": ["no", " Yes"], "badge": 7, "kind": "staff"});
        let refused = violations(&schema, &body);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].pointer, "#/traits/mails/1");
        let mut body = body;
        body["mails"][1] = json!(" b@X.org ");
        let found = schema.derive(&body).unwrap();
        assert_eq!(found.password, ["b@x.org", "a@x.org", "yes"]);
        assert_eq!(
            found.recovery,
            [
                address(Via::Email, "b@x.org"),
                address(Via::Email, "a@x.org")
            ]
        );
        assert_eq!(found.webauthn, ["7"], "{draft}");
        body["kind"] = json!("guest");
        assert!(schema.derive(&body).unwrap().webauthn.is_empty(), "{draft}");
    }
}

#[test]
fn only_addresses_one_can_reach_are_derived() {
    let schema = compile(&traits(&json!({
        "user": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}},
        "mail": {"type": "string", "ory.sh/kratos": {"verification": {"via": "email"}, "recovery": {"via": "email"}}},
        "free": {"type": "string", "format": "no-validate", "ory.sh/kratos": {"verification": {"via": "email"}}},
        "phone": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "sms"}}}}
    })));
    for empty in ["", "  ", "\u{200B}"] {
        let refused = violations(&schema, &json!({"user": empty}));
        assert_eq!(
            (refused.len(), refused[0].pointer.as_str()),
            (1, "#/traits/user")
        );
    }
    let refused = violations(&schema, &json!({"mail": "nobody", "phone": "12"}));
    let seen: Vec<_> = refused
        .iter()
        .map(|v| (v.pointer.as_str(), &v.kind))
        .collect();
    assert_eq!(
        seen,
        [
            (
                "#/traits/mail",
                &ViolationKind::Format {
                    format: "email".into(),
                    value: json!("nobody")
                }
            ),
            (
                "#/traits/phone",
                &ViolationKind::Format {
                    format: "tel".into(),
                    value: json!("12")
                }
            ),
        ]
    );
    let found = schema
        .derive(&json!({"free": " Any Thing", "phone": "+1 650-253-0000"}))
        .unwrap();
    assert_eq!(found.verifiable, [address(Via::Email, "any thing")]);
    assert_eq!(
        (found.password, found.code),
        (
            vec!["+16502530000".into()],
            vec![address(Via::Sms, "+16502530000")]
        )
    );
    assert_eq!(
        found.traits,
        json!({"free": " Any Thing", "phone": "+16502530000"})
    );
}

#[test]
fn a_phone_keeps_the_spelling_its_schema_asks_for() {
    let schema = compile(&traits(
        &json!({"phone": {"type": "string", "format": "tel", "pattern": "^\\+1 "}}),
    ));
    assert_eq!(
        schema
            .derive(&json!({"phone": "+1 6502530000"}))
            .unwrap()
            .traits,
        json!({"phone": "+1 6502530000"})
    );
}

#[test]
fn traits_that_cannot_be_stored_are_refused() {
    let schema = compile(&traits(&json!({"x": {}})));
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"x": inner}));
    assert!(schema.derive(&nested(64)).is_ok());
    assert!(
        violations(&schema, &nested(65))[0]
            .pointer
            .starts_with("#/traits/x/x/")
    );
    for body in [
        json!({"x": "a\u{0}"}),
        json!({"x": [{"y": "\u{0}"}]}),
        json!({"x\u{0}": 1}),
        json!({"x": [{"\u{0}": 1}]}),
    ] {
        assert!(
            violations(&schema, &body)[0].detail.contains("U+0000"),
            "{body}"
        );
    }
    for body in [json!(null), json!("x"), json!([])] {
        assert!(
            matches!(
                &violations(&schema, &body)[0].kind,
                ViolationKind::Type { .. }
            ),
            "{body}"
        );
    }
}
