use serde_json::{Value, json};

use super::{Violation, ViolationKind, compile, load, report, traits, violations};

/// What `value` violates as the trait `x` of this schema.
fn kind_of(schema: Value, value: Value) -> ViolationKind {
    let refused = violations(
        &compile(&traits(&json!({"x": schema}))),
        &json!({"x": value}),
    );
    let [Violation { pointer, kind, .. }] = &refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(pointer, "#/traits/x");
    kind.clone()
}

#[test]
fn keywords_about_numbers_become_their_own_kinds() {
    use ViolationKind as K;
    let (limit, actual) = (json!(3), json!(3));
    assert_eq!(
        kind_of(json!({"exclusiveMinimum": 3}), json!(3)),
        K::ExclusiveMinimum { limit, actual }
    );
    let (limit, actual) = (json!(3), json!(3));
    assert_eq!(
        kind_of(json!({"exclusiveMaximum": 3}), json!(3)),
        K::ExclusiveMaximum { limit, actual }
    );
    let (limit, actual) = (json!(3), json!(2));
    assert_eq!(
        kind_of(json!({"minimum": 3}), json!(2)),
        K::Minimum { limit, actual }
    );
    let (limit, actual) = (json!(1.5), json!(2));
    assert_eq!(
        kind_of(json!({"maximum": 1.5}), json!(2)),
        K::Maximum { limit, actual }
    );
    let (base, actual) = (json!(5), json!(3));
    assert_eq!(
        kind_of(json!({"multipleOf": 5}), json!(3)),
        K::MultipleOf { base, actual }
    );
}

#[test]
fn keywords_about_strings_and_arrays_become_their_own_kinds() {
    use ViolationKind as K;
    assert_eq!(
        kind_of(json!({"minLength": 3}), json!("äö")),
        K::MinLength { min: 3, actual: 2 }
    );
    assert_eq!(
        kind_of(json!({"maxLength": 1}), json!("äö")),
        K::MaxLength { max: 1, actual: 2 }
    );
    let pattern = "^a/\\d$".to_owned();
    assert_eq!(
        kind_of(json!({"pattern": pattern}), json!("b")),
        K::Pattern { pattern }
    );
    assert_eq!(
        kind_of(json!({"maxItems": 1}), json!([1, 2])),
        K::MaxItems { max: 1, actual: 2 }
    );
    assert_eq!(
        kind_of(json!({"minItems": 3}), json!([1, 2])),
        K::MinItems { min: 3, actual: 2 }
    );
    assert_eq!(
        kind_of(json!({"uniqueItems": true}), json!([1, 2, 3, 2])),
        K::UniqueItems { a: 1, b: 3 }
    );
    for (name, bad) in [
        ("email", "a"),
        ("tel", "1"),
        ("uri", "no uri"),
        ("date", "2026-02-30"),
        ("date-time", "x"),
        ("time", "x"),
        ("ipv4", "x"),
    ] {
        let (format, value) = (name.to_owned(), json!(bad));
        assert_eq!(
            kind_of(json!({"format": name}), json!(bad)),
            K::Format { format, value }
        );
    }
}

#[test]
fn the_other_keywords_become_their_kinds() {
    use ViolationKind as K;
    let (allowed, actual) = (vec!["string".to_owned()], "number".to_owned());
    assert_eq!(
        kind_of(json!({"type": "string"}), json!(2)),
        K::Type { allowed, actual }
    );
    let expected = Some(json!("a"));
    assert_eq!(
        kind_of(json!({"const": "a"}), json!(2)),
        K::Const { expected }
    );
    assert_eq!(
        kind_of(json!({"const": {"a": 1}}), json!(2)),
        K::Const { expected: None }
    );
    let property = "a".to_owned();
    assert_eq!(
        kind_of(json!({"required": ["a"]}), json!({})),
        K::Required { property }
    );
    assert_eq!(kind_of(json!({"enum": [1]}), json!(2)), K::Other);
    assert_eq!(
        kind_of(json!({"additionalProperties": false}), json!({"a": 1})),
        K::Other
    );
}

#[test]
fn each_leaf_cause_is_a_violation_of_its_own() {
    let schema = compile(
        &json!({"properties": {"traits": {"type": "object", "required": ["a", "b"], "properties": {
        "c": {"anyOf": [{"minLength": 5}, {"oneOf": [{"pattern": "^x"}, {"type": "null"}]}]},
        "d": {"$ref": "#/definitions/short"}}}}, "definitions": {"short": {"maxLength": 1}}}),
    );
    let refused = violations(&schema, &json!({"c": "abc", "d": "de"}));
    let mut seen: Vec<_> = refused
        .iter()
        .map(|v| format!("{} {}", v.pointer, v.schema_pointer))
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            "#/traits #/properties/traits/required",
            "#/traits #/properties/traits/required",
            "#/traits/c #/properties/traits/properties/c/anyOf/0/minLength",
            "#/traits/c #/properties/traits/properties/c/anyOf/1/oneOf/0/pattern",
            "#/traits/c #/properties/traits/properties/c/anyOf/1/oneOf/1/type",
            "#/traits/d #/definitions/short/maxLength",
        ]
    );
}

/// W13.10.
#[test]
fn the_report_says_where_by_which_rule_and_what() {
    let schema = load("preset://email");
    let one = violations(&schema, &json!({}));
    assert_eq!(
        report(&one),
        "I[#/traits] S[#/properties/traits/required] the property `email` is missing"
    );
    let two = violations(&schema, &json!({"email": "x", "more": 1}));
    assert_eq!(
        report(&two),
        "I[#/] S[#/] 2 problems\n  \
        I[#/traits/email] S[#/properties/traits/properties/email/format] is not valid as `email`\n  \
        I[#/traits] S[#/properties/traits/additionalProperties] has properties that are not allowed: more"
    );
}
