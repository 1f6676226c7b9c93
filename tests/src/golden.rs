//! Golden answers: what we answered once, reviewed against docs/wire.md and kept in `tests/golden/`. Parts that
//! differ from run to run are masked. `UPDATE=1` writes the files anew, for another review.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tenants::Project;

use crate::Answer;

/// Headers that clients rely on; others belong to the server or to one request.
const HEADERS: [&str; 8] = [
    "cache-control",
    "content-type",
    "link",
    "location",
    "ory-error-id",
    "set-cookie",
    "vary",
    "x-kratos-authenticated-identity-id",
];

/// Compares an answer with `tests/golden/{name}.json`.
pub fn check(name: &str, project: &Project, answer: &Answer) {
    let seen = masked(project, &whole(answer));
    let path = path(name);
    if std::env::var_os("UPDATE").is_some() {
        let text = format!("{}\n", serde_json::to_string_pretty(&seen).unwrap());
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE=1 writes it", path.display()));
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let difference = differences("", &kept, &seen);
    assert!(
        difference.is_empty(),
        "{name} is not answered as before (UPDATE=1 accepts it):\n{}",
        difference.join("\n")
    );
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{name}.json"))
}

fn whole(answer: &Answer) -> Value {
    let mut headers = Map::new();
    for name in HEADERS {
        let values: Vec<String> = answer
            .headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .map(|v| match name {
                "set-cookie" => cookie(v),
                _ => v.to_owned(),
            })
            .collect();
        if !values.is_empty() {
            headers.insert(name.to_owned(), json!(values));
        }
    }
    json!({"status": answer.status.as_u16(), "headers": headers, "body": answer.body})
}

/// The same with every volatile text replaced by what kind of thing it was.
pub fn masked(project: &Project, value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), masked(project, value)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| masked(project, item)).collect(),
        Value::String(text) => Value::String(mask(project, text)),
        other => other.clone(),
    }
}

fn mask(project: &Project, text: &str) -> String {
    if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
        return "<time>".to_owned();
    }
    if text.parse::<std::net::SocketAddr>().is_ok() {
        return "<address and port>".to_owned();
    }
    if let Some((prefix, _)) = ["ory_st_", "ory_lo_"]
        .iter()
        .find_map(|p| Some((*p, text.strip_prefix(*p)?)))
    {
        return format!("{prefix}<{}>", text.len() - prefix.len());
    }
    if text.len() == 88 && text.ends_with("==") {
        return "<masked token>".to_owned();
    }
    let text = text
        .replace(project.base_url(), "<base>")
        .replace(project.slug(), "<slug>");
    tokens(&ids(&text))
}

/// Sealed page tokens within a text.
fn tokens(text: &str) -> String {
    const NAME: &str = "page_token=";
    let mut parts = text.split(NAME);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['&', '>', '"']).unwrap_or(part.len());
        let token = if end > 60 { "<token>" } else { &part[..end] };
        masked = masked + NAME + token + &part[end..];
    }
    masked
}

/// Ids within a text; the nil id of first pages stays.
fn ids(text: &str) -> String {
    const LENGTH: usize = 36;
    let mut masked = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let id = rest
            .get(..LENGTH)
            .and_then(|t| t.parse::<uuid::Uuid>().ok());
        if id.is_some_and(|id| !id.is_nil()) {
            masked.push_str("<uuid>");
            rest = &rest[LENGTH..];
        } else {
            masked.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    masked
}

/// A line of `Set-Cookie`: the value, the hash of the base in the name of the CSRF cookie, and what is
/// left of a day.
fn cookie(text: &str) -> String {
    let Some((name, rest)) = text.split_once('=') else {
        return text.to_owned();
    };
    let Some((value, attributes)) = rest.split_once("; ") else {
        return text.to_owned();
    };
    let value = if value.is_empty() { "" } else { "<value>" };
    let name = match name.strip_prefix("csrf_token_") {
        Some(hash) => format!("csrf_token_<{} hex>", hash.len()),
        None => name.to_owned(),
    };
    let attribute = |text: &str| match text.strip_prefix("Max-Age=86") {
        Some(rest) if rest.len() == 3 => "Max-Age=<a day>".to_owned(),
        _ => text.to_owned(),
    };
    let attributes: Vec<String> = attributes.split("; ").map(attribute).collect();
    format!("{name}={value}; {}", attributes.join("; "))
}

fn differences(at: &str, kept: &Value, seen: &Value) -> Vec<String> {
    match (kept, seen) {
        (Value::Object(kept), Value::Object(seen)) => {
            let keys = kept
                .keys()
                .chain(seen.keys().filter(|key| !kept.contains_key(*key)));
            let one = |key: &String| match (kept.get(key), seen.get(key)) {
                (Some(kept), Some(seen)) => differences(&format!("{at}/{key}"), kept, seen),
                (Some(gone), None) => vec![format!("{at}/{key}: was {gone}, is absent")],
                (None, more) => vec![format!(
                    "{at}/{key}: was absent, is {}",
                    more.unwrap_or(&Value::Null)
                )],
            };
            keys.flat_map(one).collect()
        }
        (Value::Array(kept), Value::Array(seen)) if kept.len() == seen.len() => kept
            .iter()
            .zip(seen)
            .enumerate()
            .flat_map(|(n, (kept, seen))| differences(&format!("{at}/{n}"), kept, seen))
            .collect(),
        (kept, seen) if kept == seen => Vec::new(),
        _ => vec![format!("{at}: was {kept}, is {seen}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_seen() {
        let kept = json!({"a": 1, "b": [1, 2], "c": {"d": null}, "e": 0});
        let seen = json!({"a": 1, "b": [1], "c": {"d": 1, "f": 2}});
        assert_eq!(
            differences("", &kept, &seen),
            [
                "/b: was [1,2], is [1]",
                "/c/d: was null, is 1",
                "/c/f: was absent, is 2",
                "/e: was 0, is absent"
            ]
        );
    }

    #[test]
    fn cookies_keep_their_attributes() {
        assert_eq!(
            cookie("csrf_token_abcd=QUFB==; HttpOnly; Path=/"),
            "csrf_token_<4 hex>=<value>; HttpOnly; Path=/"
        );
        assert_eq!(cookie("s=; Max-Age=0"), "s=; Max-Age=0");
        let nil = uuid::Uuid::nil();
        let id = "16eb5772-9591-49bc-ab77-f068fa794110";
        assert_eq!(
            ids(&format!("é/{id}?first={nil}&id={id}")),
            format!("é/<uuid>?first={nil}&id=<uuid>")
        );
    }
}
