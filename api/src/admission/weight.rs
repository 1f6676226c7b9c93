//! How much a body would be once it is decoded, told by its bytes. Two bytes of JSON become a value of a
//! hundred, and a dot in a name a whole object: a body of 5 MiB can be written that takes gigabytes.

use axum::http::{HeaderMap, header};

/// A dot makes an object with one name in it, which takes about as much as four plain values.
const LEVEL: usize = 4;

/// What a body says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Form,
    Parts,
    Other,
}

impl Media {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let media: Option<mime::Mime> = content_type(headers).parse().ok();
        match media.as_ref().map(mime::Mime::essence_str) {
            Some("application/json") => Self::Json,
            Some("application/x-www-form-urlencoded") => Self::Form,
            Some("multipart/form-data") => Self::Parts,
            _ => Self::Other,
        }
    }

    /// In values: at least as many as it would be decoded into. Every reader knows one of the kinds; a body
    /// of another kind can still be JSON to its reader.
    pub(crate) fn weigh(self, body: &[u8]) -> usize {
        match self {
            Self::Json | Self::Other => json(body),
            Self::Form => form(body),
            Self::Parts => parts(body),
        }
    }
}

pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    value.and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// Each value but the first of all stands behind one of `[{,:`. A string before a colon was a name.
pub(crate) fn json(body: &[u8]) -> usize {
    let (mut values, mut levels) = (0, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in body {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            // What is escaped may be a dot.
            (true, b'\\') => (escaped, levels) = (true, levels + 1),
            (true, b'.') => levels += 1,
            (true, b'"') => in_string = false,
            (false, b'"') => (in_string, levels) = (true, 0),
            (false, b':') => values += 1 + levels * LEVEL,
            (false, b'[' | b'{' | b',') => values += 1,
            _ => {}
        }
    }
    values
}

fn form(body: &[u8]) -> usize {
    let (mut values, mut in_name) = (1, true);
    for byte in body {
        match byte {
            b'&' => (values, in_name) = (values + 1, true),
            b'=' => in_name = false,
            b'.' | b'%' if in_name => values += LEVEL,
            _ => {}
        }
    }
    values
}

/// Names stand in header lines, and every part has several of these.
fn parts(body: &[u8]) -> usize {
    let (mut values, mut in_header) = (1, false);
    for line in body.split(|byte| *byte == b'\n') {
        in_header = in_header || line.starts_with(b"--");
        if in_header {
            values += 1 + LEVEL * (line.split(|byte| *byte == b'.').count() - 1);
        }
        in_header = in_header && !matches!(line, [] | b"\r");
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Objects, lists and plain values.
    fn count(value: &serde_json::Value) -> usize {
        use serde_json::Value::{Array, Object};
        1 + match value {
            Array(items) => items.iter().map(count).sum(),
            Object(fields) => fields.values().map(count).sum(),
            _ => 0,
        }
    }

    #[test]
    fn no_value_of_json_is_missed() {
        for text in [
            "1",
            "[]",
            "[0,0,[0],{}]",
            r#"{"a":{"b":[1,2,{"c":null}]},"d":"e"}"#,
            r#"{"a\"":[1,"\\",2,"\\\"",3]}"#,
            r#"["[[[[","{,:","\"",0]"#,
        ] {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            let weight = json(text.as_bytes());
            assert!(weight + 1 >= count(&value), "{text}: {weight}");
            assert!(weight <= 2 * count(&value), "{text}: {weight}");
        }
    }

    #[test]
    fn dots_weigh_in_names_and_nowhere_else() {
        assert_eq!(json(br#"{"a.b.c":"d.e.f"}"#), 2 + 2 * LEVEL);
        assert_eq!(json(br#"{"a\u002eb":["d.e.f","..."]}"#), 4 + LEVEL);
        assert_eq!(form(b"a.b%2ec=d.e.f&g=..."), 2 + 2 * LEVEL);
        let part = |name: &str, text: &str| {
            format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let plain = parts(part("a", "b").as_bytes());
        assert_eq!(parts(part("a", "b.c\r\n.d").as_bytes()), plain);
        assert_eq!(parts(part("a.b", "c").as_bytes()), plain + LEVEL);
        let two = part("a", "b") + &part("c", "d");
        assert!(parts(two.as_bytes()) > plain + 1);
    }

    #[test]
    fn long_texts_weigh_nothing() {
        let prose = "Dots. And commas, colons: braces { too. ".repeat(1000);
        let text = serde_json::json!({ "bio": prose }).to_string();
        assert_eq!(json(text.as_bytes()), 2);
        let text = format!("bio={}", "a.b,c".repeat(1000));
        assert_eq!(form(text.as_bytes()), 1);
    }
}
