//! What no schema can allow: traits that are no object, nest too deeply for the stack, or hold U+0000,
//! which Postgres cannot store.

use serde_json::Value;

use super::pointer::join;
use super::{NESTING_MAX, Violation, ViolationKind, violation};

/// The first reason why these traits could not be validated or stored at all.
pub(super) fn first_problem(traits: &Value) -> Option<Violation> {
    if traits.is_object() {
        return value(traits, "/traits", NESTING_MAX);
    }
    let actual = violation::type_of(traits).to_owned();
    let detail = format!("is of type {actual}, must be object");
    let kind = ViolationKind::Type {
        allowed: vec!["object".to_owned()],
        actual,
    };
    Some(Violation::new(
        "/traits",
        "/properties/traits/type",
        kind,
        detail,
    ))
}

fn value(part: &Value, pointer: &str, levels: usize) -> Option<Violation> {
    let refuse = |detail: &str| {
        Some(Violation::new(
            pointer,
            "/properties/traits",
            ViolationKind::Other,
            detail,
        ))
    };
    if levels == 0 && (part.is_object() || part.is_array()) {
        return refuse("is nested too deeply");
    }
    match part {
        Value::String(text) if text.contains('\0') => refuse("contains the character U+0000"),
        Value::Object(object) if object.keys().any(|name| name.contains('\0')) => {
            refuse("has a property with the character U+0000 in its name")
        }
        Value::Object(object) => object
            .iter()
            .find_map(|(name, part)| value(part, &join(pointer, name), levels - 1)),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(at, part)| value(part, &format!("{pointer}/{at}"), levels - 1))
        }
        _ => None,
    }
}
