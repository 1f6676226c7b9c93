//! What is told before it is judged: each of these would take a thread for seconds or for ever, or gigabytes.

use super::*;

const DEAR: &str = "would take too long to check";
const UNTOLD: &str = "too much of it to tell";

fn twelve(properties: &Value) -> Value {
    let mut schema = traits(properties);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema
}

/// The same subschema a thousand times.
fn often(subschema: &Value) -> Value {
    json!({"a": {"allOf": vec![subschema; 1_000]}})
}

fn refused_as(why: &str, document: &Value, traits: &Value) {
    let found = violations(&compile(document), traits);
    let [found] = &found[..] else {
        panic!("{} violations", found.len())
    };
    assert!(found.detail.contains(why), "{}", found.detail);
}

/// Each level is asked three times by the one above it: whether it fits, what of it was judged, and within that.
#[test]
fn unevaluated_properties_within_each_other_multiply() {
    let nested = |levels, keyword: &str| {
        let inner = json!({"properties": {"x": {}}, "items": {}});
        let wrap = |inner, _| json!({"anyOf": [inner], keyword: false});
        twelve(&json!({"a": (0..levels).fold(inner, wrap)}))
    };
    for (keyword, value) in [
        ("unevaluatedProperties", json!({"a": {"x": 1}})),
        ("unevaluatedItems", json!({"a": [1, 2]})),
    ] {
        refused_as(DEAR, &nested(25, keyword), &value);
        compile(&nested(5, keyword)).derive(&value).unwrap();
    }
}

#[test]
fn names_are_matched_too() {
    let named = json!({"a": {"propertyNames": {"pattern": "^[01]*1[01]{8000}$"}}});
    let long = json!({"a": {"01".repeat(10_000): 1}});
    refused_as(DEAR, &traits(&named), &long);
}

#[test]
fn what_takes_long_for_each_value_is_weighed_by_it() {
    let identifier = json!({"ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    for (subschema, value) in [
        (json!({"format": "tel"}), json!("+49 30 1234567")),
        (json!({"format": "regex"}), json!("(?<name>a)".repeat(500))),
        (
            json!({"items": {"multipleOf": 1.1e-300}}),
            json!(vec![1.1e300; 50]),
        ),
        (identifier, json!("\u{FDFA}".repeat(300))),
    ] {
        refused_as(DEAR, &traits(&often(&subschema)), &json!({ "a": value }));
    }
}

/// The validator makes all complaints at once; thirty bytes of body were a thousand of them.
#[test]
fn complaints_are_counted_before_they_are_made() {
    let names: Vec<String> = (0..1_000).map(|n| format!("name {n}")).collect();
    let listed = traits(&json!({"a": {"items": {"required": names}}}));
    refused_as(UNTOLD, &listed, &json!({"a": vec![json!({}); 1_000]}));
    assert_eq!(
        violations(&compile(&listed), &json!({"a": [{}]})).len(),
        100
    );
    let wrong = json!({"items": {"minimum": 5}});
    refused_as(
        UNTOLD,
        &traits(&often(&wrong)),
        &json!({"a": vec![0; 1_000]}),
    );
}

/// A thousand addresses of six lines each, in some fifty kilobytes, right and wrong.
#[test]
fn much_that_is_ordinary_is_judged() {
    let line = json!({"type": "string", "minLength": 1, "maxLength": 40, "title": "A line"});
    let fields: Vec<String> = (0..6).map(|n| format!("l{n}")).collect();
    let properties: Value = fields
        .iter()
        .map(|name| (name.clone(), line.clone()))
        .collect();
    let address = json!({"type": "object", "properties": properties, "required": fields, "additionalProperties": false});
    let schema = compile(&traits(&json!({"a": {"type": "array", "items": address}})));
    let of = |text: &str| {
        let address: Value = fields
            .iter()
            .map(|name| (name.clone(), json!(text)))
            .collect();
        json!({"a": vec![address; 1_000]})
    };
    schema.derive(&of("x")).unwrap();
    assert_eq!(violations(&schema, &of("")).len(), 100);
}
