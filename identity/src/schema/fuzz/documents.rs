//! Identity schemas, valid more often than not: every keyword that visits subschemas, within each other.

use ::fuzz::hostile;
use proptest::{collection::vec, prelude::*, sample::select, strategy::BoxedStrategy};
use serde_json::{Value, json};

use super::VISITS;

/// Of traits; some meet more often.
pub(super) const NAMES: &[&str] = &["a", "a", "a", "b", "b", "c", "email", "a/b~"];
const DRAFTS: &[&str] = &[
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2020-12/schema",
];
const KINDS: &[&str] = &[
    "string", "number", "integer", "object", "array", "boolean", "null",
];
const PATTERNS: &[&str] = &[
    "^a*$",
    "^[01]*1[01]{300}$",
    "(a|b){1,50}c",
    "^\\p{L}+$",
    "",
    "^(?:[a-z]+ ?)+$",
    "^\\d.*x$",
];
const FORMATS: &[&str] = &[
    "email",
    "email_loose",
    "tel",
    "no-validate",
    "uri",
    "regex",
    "date-time",
    "idn-email",
    "hostname",
    "json-pointer",
    "uri-template",
    "duration",
    "uuid",
    "none",
];
const ONE: &[&str] = &[
    "not",
    "if",
    "then",
    "else",
    "items",
    "contains",
    "propertyNames",
    "additionalItems",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
];
const LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED: &[&str] = &["properties", "dependentSchemas", "dependencies"];
/// Each of these leads into the value, so what it refers to may be what it is in.
const BELOW: &[&str] = &[
    "items",
    "additionalProperties",
    "contains",
    "unevaluatedItems",
];

/// `z` holds no reference, so whatever is about the same value may refer to it; the others may hold themselves.
pub(super) fn document() -> impl Strategy<Value = Value> {
    let z = vec(assertion(), 0..4).prop_map(subschema);
    let parts = (
        select(DRAFTS),
        schema(),
        schema(),
        z,
        properties(schema()),
        schema(),
    );
    parts.prop_map(|(draft, x, y, z, properties, mut traits)| {
        traits["type"] = json!("object");
        traits["properties"] = properties;
        json!({
            "$schema": draft,
            "definitions": {"x": x, "y": y, "z": z},
            "properties": {"traits": traits},
            VISITS: 1,
        })
    })
}

/// With the counter in it.
fn subschema(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut schema = object(fields);
    schema[VISITS] = json!(1);
    schema
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect())
}

fn schema() -> BoxedStrategy<Value> {
    let leaf = vec(assertion(), 0..4).prop_map(subschema).boxed();
    leaf.prop_recursive(3, 24, 4, |inner| {
        let part = prop_oneof![assertion(), applicator(inner.clone())];
        prop_oneof![
            3 => vec(part, 0..4).prop_map(subschema),
            1 => nested(inner),
        ]
    })
    .boxed()
}

/// One or a few ways of nesting, again and again: what multiplies does so here.
fn nested(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let fits = subschema([
        ("additionalProperties", json!(true)),
        ("items", json!(true)),
    ]);
    let inner = prop_oneof![inner, Just(fits)];
    (inner, vec(wrapper(), 1..4), 1..14_usize).prop_map(|(inner, ways, levels)| {
        let around = ways.iter().cycle().take(levels);
        around.fold(inner, |inner, wrap| wrap.around(inner))
    })
}

fn properties(inner: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    vec((select(NAMES), inner), 1..4).prop_map(object)
}

fn assertion() -> BoxedStrategy<(&'static str, Value)> {
    let number = prop_oneof![
        (1..9_i64).prop_map(Value::from),
        select(vec![json!(1.5), json!(1e308), json!(1e-300)]),
    ];
    let extension = select(vec![
        json!({"credentials": {"password": {"identifier": true}}}),
        json!({"credentials": {"code": {"identifier": true, "via": "email"}}}),
        json!({"verification": {"via": "sms"}}),
        json!({"recovery": {"via": "email"}, "verification": {"via": "email"}}),
        json!({"credentials": {"passkey": {"display_name": true}}}),
    ]);
    let bounds = &["minimum", "maximum", "multipleOf", "exclusiveMinimum"];
    let counts = &[
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "maxProperties",
    ];
    prop_oneof![
        select(KINDS).prop_map(|it| ("type", json!(it))),
        select(PATTERNS).prop_map(|it| ("pattern", json!(it))),
        select(FORMATS).prop_map(|it| ("format", json!(it))),
        (select(&bounds[..]), number),
        (select(&counts[..]), (0..9_u64).prop_map(Value::from)),
        any::<bool>().prop_map(|it| ("uniqueItems", json!(it))),
        select(NAMES).prop_map(|it| ("required", json!([it]))),
        (1..200_usize).prop_map(|it| ("enum", (0..it).map(|n| format!("value {n}")).collect())),
        hostile::text().prop_map(|it| ("const", json!(it))),
        hostile::text().prop_map(|it| ("title", json!(it))),
        extension.prop_map(|it| ("ory.sh/kratos", it)),
    ]
    .boxed()
}

fn applicator(inner: BoxedStrategy<Value>) -> BoxedStrategy<(&'static str, Value)> {
    let reference = |name: &str| json!({"$ref": format!("#/definitions/{name}")});
    prop_oneof![
        3 => (select(ONE), inner.clone()),
        1 => (select(ONE), any::<bool>().prop_map(Value::from)),
        3 => (select(LISTS), vec(inner.clone(), 1..4).prop_map(Value::from)),
        1 => (select(LISTS), inner.clone(), 1..120_usize).prop_map(|(name, it, times)| {
            (name, Value::from(vec![it; times]))
        }),
        2 => (select(NAMED), properties(inner.clone())),
        1 => (select(PATTERNS), inner).prop_map(|(pattern, it)| {
            ("patternProperties", json!({ pattern: it }))
        }),
        2 => (select(BELOW), select(&["x", "y"][..])).prop_map(move |(name, it)| (name, reference(it))),
        1 => (select(LISTS), 1..40_usize).prop_map(move |(name, times)| {
            (name, Value::from(vec![reference("z"); times]))
        }),
        1 => select(&["#/definitions/z", "#", "#/definitions/none"][..]).prop_map(|it| ("$ref", json!(it))),
    ]
    .boxed()
}

/// One schema around another, as they are nested in practice and by those who try what nesting costs.
#[derive(Clone, Debug)]
struct Wrapper {
    keyword: &'static str,
    unevaluated: Option<(&'static str, bool)>,
}

const WRAPPERS: &[&str] = &[
    "allOf",
    "anyOf",
    "oneOf",
    "anyOf",
    "not",
    "if",
    "items",
    "a",
    "additionalProperties",
    "contains",
    "dependentSchemas",
];

fn wrapper() -> impl Strategy<Value = Wrapper> {
    let names = &["unevaluatedProperties", "unevaluatedItems"];
    let unevaluated = prop::option::of((select(&names[..]), any::<bool>()));
    (select(WRAPPERS), unevaluated).prop_map(|(keyword, unevaluated)| Wrapper {
        keyword,
        unevaluated,
    })
}

impl Wrapper {
    fn around(&self, inner: Value) -> Value {
        let (keyword, value) = match self.keyword {
            "allOf" | "anyOf" | "oneOf" => (self.keyword, json!([inner])),
            "a" => ("properties", json!({"a": inner})),
            "dependentSchemas" => (self.keyword, json!({"a": inner})),
            _ => (self.keyword, inner),
        };
        let unevaluated = self.unevaluated.map(|(name, value)| (name, json!(value)));
        subschema([(keyword, value)].into_iter().chain(unevaluated))
    }
}
