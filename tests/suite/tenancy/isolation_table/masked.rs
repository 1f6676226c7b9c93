//! An answer without what differs from request to request: ids, times, tokens, and what was sent.

use serde_json::Value;
use tests::Answer;
use uuid::Uuid;

/// Headers that differ by nature.
const VOLATILE: [&str; 3] = ["date", "content-length", "x-request-id"];

/// Status, headers and body; `given` is what the request named, or whom it was made for.
pub(crate) fn masked(answer: &Answer, given: &[&str]) -> String {
    let mut lines = vec![answer.status.to_string()];
    for (name, value) in &answer.headers {
        if VOLATILE.contains(&name.as_str()) {
            continue;
        }
        let value = value.to_str().unwrap();
        let value = match (name.as_str(), value.split_once('=')) {
            // Name and attributes: that a cookie is set counts, its value does not.
            ("set-cookie", Some((cookie, rest))) => {
                let (_, attributes) = rest.split_once(';').unwrap_or_default();
                format!("{cookie};{attributes}")
            }
            _ => value.to_owned(),
        };
        lines.push(format!("{name}: {}", quiet(&value, given)));
    }
    lines.sort();
    let mut body = answer.body.clone();
    mask_fields(&mut body);
    let body = if body.is_null() {
        answer.text.clone()
    } else {
        body.to_string()
    };
    lines.push(quiet(&body, given));
    lines.join("\n")
}

/// A CSRF token is another one each time it is drawn; a client's port each time it connects.
fn mask_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("name").is_some_and(|name| name == "csrf_token") {
                fields.insert("value".to_owned(), "<csrf>".into());
            }
            if let Some(address) = fields.get_mut("ip_address") {
                *address = "<address>".into();
            }
            fields.values_mut().for_each(mask_fields);
        }
        Value::Array(items) => items.iter_mut().for_each(mask_fields),
        _ => {}
    }
}

fn quiet(text: &str, given: &[&str]) -> String {
    let mut text = text.to_owned();
    for given in given {
        let in_addresses = given.replace('@', "%40");
        text = text.replace(given, "<given>");
        if in_addresses != *given {
            text = text.replace(&in_addresses, "<given>");
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let (mask, taken) = match (id(rest), time(rest), token(rest)) {
            (Some(taken), _, _) => ("<id>", taken),
            (_, Some(taken), _) => ("<time>", taken),
            (_, _, Some(taken)) => ("<token>", taken),
            _ => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        out.push_str(mask);
        rest = &rest[taken..];
    }
    out
}

fn id(text: &str) -> Option<usize> {
    let start = text.get(..36)?;
    Uuid::try_parse(start).ok()?;
    Some(36)
}

/// `2026-01-02T03:04:05.678Z`
fn time(text: &str) -> Option<usize> {
    let shape = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        10 => *byte == b'T',
        _ => byte.is_ascii_digit(),
    };
    let start = text.as_bytes().get(..11)?;
    if !start.iter().enumerate().all(shape) {
        return None;
    }
    let end = text.find(|c: char| !(c.is_ascii_digit() || "-:.TZ+".contains(c)));
    Some(end.unwrap_or(text.len()))
}

/// Session and logout tokens have 39 characters, keys more; no word does.
fn token(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    let length = end.unwrap_or(text.len());
    (length >= 39).then_some(length)
}

#[test]
fn what_is_masked_and_what_is_not() {
    let text = "given 0fa9a6de-3bd0-4bd7-8a2c-2f3d0e1c9a11 2026-01-02T03:04:05.678Z other";
    assert_eq!(quiet(text, &["given"]), "<given> <id> <time> other");
    let long = "a".repeat(39);
    assert_eq!(quiet(&format!("/p/t-abc/{long}"), &[]), "/p/t-abc/<token>");
}
