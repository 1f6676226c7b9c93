//! Any body of a self-service request: it is read or refused in words, what is read is no more than was weighed, nests
//! no deeper than may be stored, and holds no U+0000.

use ::fuzz::{fuzz, hostile};
use identity::schema::{FieldKind, TraitField};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseResult};
use tokio::runtime::{Builder, Runtime};

use super::*;

const NAMES: &[&str] = &[
    "method",
    "identifier",
    "password",
    "traits",
    "traits.email",
    "traits.a.b",
    "traits.tags",
    "traits.tags.0",
    "traits.x\\\\.y",
    "transient_payload",
    "transient_payload.a.b",
    "csrf_token",
    "screen",
    "a",
    "",
];
const FORM_NAMES: &[&str] = &[
    "method",
    "traits.email",
    "traits.a.b",
    "traits.a%2eb",
    "traits.tags.9999999999999999999",
    "traits.tags",
    "transient_payload.a",
    "transient_payload.a.b",
    "transient_payload%2Ea.b",
    "transient_payload.a\\.b",
    "%ff",
];
const WORDS: &[&str] = &[
    "password",
    "ada@example.org",
    "true",
    "1",
    "1e999",
    "%00",
    "%",
    "+",
    "&",
    "=",
    "a.b",
];
const MEDIA: &[&str] = &[
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/json;",
    "application/vnd.api+json",
    "text/plain",
    "",
];
const PARTS: &str = "multipart/form-data; boundary=b";

/// A body with the type that it claims to be of.
fn body() -> impl Strategy<Value = (String, Vec<u8>)> {
    let media = |names: &'static [&'static str]| select(names).prop_map(str::to_owned);
    let json = hostile::object(
        prop_oneof![
            select(NAMES).prop_map(|it| format!("\"{it}\"")),
            dotted().prop_map(|it| format!("\"{it}\""))
        ],
        hostile::json(NAMES, WORDS),
    );
    let value = prop_oneof![hostile::text_of(WORDS), Just(String::new())];
    let name = prop_oneof![4 => select(FORM_NAMES).prop_map(str::to_owned), 1 => dotted(), 1 => hostile::text_of(WORDS)];
    let pairs = vec((name, value), 0..30).boxed();
    let form = pairs.clone().prop_map(|pairs| {
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    });
    let parts = pairs.prop_map(|pairs| {
        let part = |(name, value): &(String, String)| {
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        format!("{}--b--\r\n", pairs.iter().map(part).collect::<String>())
    });
    prop_oneof![
        3 => (media(MEDIA), bytes(json)),
        3 => (media(&["application/x-www-form-urlencoded"]), bytes(form)),
        2 => (media(&[PARTS, "multipart/form-data", "multipart/form-data; boundary=\"\""]), bytes(parts)),
    ]
}

/// The name of a field, many levels down.
fn dotted() -> impl Strategy<Value = String> {
    let levels = (
        select(&["traits", "transient_payload", ""][..]),
        1..100_usize,
    );
    let dots = select(&[".a", ".", "\\\\.a", "%2ea", "\\u002ea", ".a.b.c"][..]);
    (levels, dots).prop_map(|((first, levels), dot)| format!("{first}{}", dot.repeat(levels)))
}

fn bytes(text: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<u8>> {
    hostile::mutated(text.prop_map(String::into_bytes))
}

fn fields() -> Vec<TraitField> {
    let field = |name: &str, kind, is_list| TraitField {
        name: name.to_owned(),
        kind,
        is_list,
        format: None,
        title: None,
        required: true,
        pattern: None,
        options: Vec::new(),
        disabled: false,
    };
    vec![
        field("traits.email", FieldKind::Text, false),
        field("traits.a.b", FieldKind::Number, false),
        field("traits.tags", FieldKind::Text, true),
        field("traits.x\\.y", FieldKind::Checkbox, false),
    ]
}

/// Values in all, and levels within each other.
fn size(value: &Value) -> (usize, usize) {
    let sum = |parts: &mut dyn Iterator<Item = &Value>| {
        let (values, levels) = parts
            .map(size)
            .fold((0, 0), |a, b| (a.0 + b.0, a.1.max(b.1)));
        (values + 1, levels + 1)
    };
    match value {
        Value::Array(items) => sum(&mut items.iter()),
        Value::Object(fields) => sum(&mut fields.values()),
        _ => (1, 0),
    }
}

/// One level of the body itself, and those of a dotted name.
const LEVELS_MAX: usize = 1 + NESTING_MAX + 64;

fn check(runtime: &Runtime, media: &str, body: &Bytes) -> TestCaseResult {
    let headers: HeaderMap = [(header::CONTENT_TYPE, media.parse().unwrap())]
        .into_iter()
        .collect();
    let weight = Media::of(&headers).weigh(body);
    let submission = match runtime.block_on(decode(&headers, body)) {
        Ok(submission) => submission,
        Err(why) => {
            prop_assert!(!why.is_empty() && why.len() < 1_000, "{}", why);
            return Ok(());
        }
    };
    prop_assert!(weight <= VALUES_MAX);
    let payload = submission.transient_payload().cloned().unwrap_or_default();
    let whole = serde_json::to_value(&submission).unwrap();
    for held in [&whole["json"], &payload, &submission.traits(&fields())] {
        let (values, levels) = size(held);
        prop_assert!(
            values <= weight + 1,
            "{} values, weighed as {}",
            values,
            weight
        );
        prop_assert!(levels <= LEVELS_MAX, "{} levels", levels);
        prop_assert!(!holds_nul(held));
    }
    submission.method();
    submission.text("identifier");
    submission.bad_transient_payload();
    Ok(())
}

#[test]
fn bodies() {
    let runtime = Builder::new_current_thread().build().unwrap();
    fuzz("bodies", &body(), |(media, body)| {
        check(&runtime, &media, &body.into())
    });
}
