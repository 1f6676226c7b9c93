//! Schemas in words and links.

use std::fmt::Write as _;

use serde_json::Value;

use super::{escaped, inline, items, prose, text};

/// A schema with everything in it, for its own place on the page.
pub(super) fn schema(schema: &Value) -> String {
    let mut shown = prose(text(&schema["description"]));
    let Some(properties) = schema["properties"].as_object() else {
        let _ = writeln!(shown, "<p>{}</p>", label(schema));
        return shown;
    };
    let required = items(&schema["required"]);
    shown.push_str("<dl>\n");
    for (name, is) in properties {
        let needed = if required.iter().any(|r| r == name) {
            "always"
        } else {
            "optional"
        };
        let _ = write!(
            shown,
            "<dt><code>{name}</code> <span>{needed} · {}</span></dt>\n<dd>{}</dd>\n",
            label(is),
            inline(description(is))
        );
    }
    shown.push_str("</dl>\n");
    if schema["additionalProperties"] == false {
        shown.push_str("<p>Nothing else.</p>\n");
    }
    shown
}

/// Its own, or that of the one reference in it.
fn description(schema: &Value) -> &str {
    match schema["description"].as_str() {
        Some(own) => own,
        None => text(&schema["oneOf"][0]["description"]),
    }
}

/// A schema in a few words.
pub(super) fn label(schema: &Value) -> String {
    if let Some(to) = schema["$ref"].as_str() {
        let name = to.rsplit('/').next().unwrap_or_default();
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for (key, joint) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[key].as_array() {
            return parts.iter().map(label).collect::<Vec<_>>().join(joint);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(code);
        return values.collect::<Vec<_>>().join(" ");
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        Value::String(kind) => vec![kind.as_str()],
        _ => vec!["anything"],
    };
    let named = kinds.into_iter().map(|kind| match kind {
        "array" => format!("list of {}", label(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", label(&schema["additionalProperties"]))
        }
        other => other.to_owned(),
    });
    named.collect::<Vec<_>>().join(" or ") + &limits(schema)
}

/// Format, bounds, default and example.
fn limits(schema: &Value) -> String {
    let known = [
        ("format", ""),
        ("minimum", "from "),
        ("maximum", "to "),
        ("minLength", "at least "),
        ("maxLength", "at most "),
        ("maxItems", "at most "),
        ("pattern", "like "),
        ("default", "by default "),
        ("example", "such as "),
    ];
    let said = known.into_iter().filter_map(|(key, says)| {
        let value = schema.get(key)?;
        let unit = match key {
            "minLength" | "maxLength" => " characters",
            _ => "",
        };
        let value = match (key, value) {
            ("format", Value::String(format)) if format.starts_with("int") => return None,
            ("format", Value::String(format)) => escaped(format),
            _ => code(value),
        };
        Some(format!(", {says}{value}{unit}"))
    });
    said.collect()
}

fn code(value: &Value) -> String {
    let plain = value.as_str().map(str::to_owned);
    format!(
        "<code>{}</code>",
        escaped(&plain.unwrap_or_else(|| value.to_string()))
    )
}
