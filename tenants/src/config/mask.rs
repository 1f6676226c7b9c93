//! Masks: how secrets look when a document is shown, and how a document that comes back with masks
//! gets its secrets again.
//!
//! A mask keeps the stored secret only where it is certain which one is meant, and only while the
//! address it is sent to is the same; else a key that may write, but not read, could have it sent elsewhere. What a
//! merge patch leaves alone is kept by the same rule: it is merged into the masked document.

use serde_json::Value;

use super::schema::{SCHEMA, annotated};
use super::violation::ConfigViolation;

/// What stands in the place of every secret.
pub const MASK: &str = "********";

/// A copy of the document with a mask in the place of each secret.
pub fn masked(document: &Value) -> Value {
    replace_secrets(document, |_, _| Value::from(MASK))
}

/// A copy of the document with each secret replaced, given its pointer and value.
pub(super) fn replace_secrets(document: &Value, by: impl FnMut(&str, &Value) -> Value) -> Value {
    replace_secrets_by(&SCHEMA, document, by)
}

fn replace_secrets_by(
    schema: &Value,
    document: &Value,
    mut by: impl FnMut(&str, &Value) -> Value,
) -> Value {
    let mut copy = document.clone();
    for (pointer, _) in annotated(schema, document, "x-insula-secret") {
        if let Some(place) = copy.pointer_mut(&pointer) {
            *place = by(&pointer, place);
        }
    }
    copy
}

/// Put the stored secrets in the place of masks. Items of arrays are matched by `id`, hooks by URL,
/// plain strings and what is as it was by position; a mask that matches nothing is a violation.
pub fn restore_masks(new: &mut Value, old_plain: &Value) -> Result<(), Vec<ConfigViolation>> {
    restore_by(&SCHEMA, new, old_plain)
}

/// The same by any schema. Beside `x-insula-secret` a node may hold `x-insula-sent-to`: where the
/// address stands, as `<levels up>/<pointer>` from the secret (`"3/url"`).
pub(super) fn restore_by(
    schema: &Value,
    new: &mut Value,
    old_plain: &Value,
) -> Result<(), Vec<ConfigViolation>> {
    let mut found = Vec::new();
    let old = Stored {
        plain: old_plain,
        shown: &replace_secrets_by(schema, old_plain, |_, _| Value::from(MASK)),
    };
    for (pointer, node) in annotated(schema, new, "x-insula-secret") {
        if new.pointer(&pointer).is_none_or(|value| value != MASK) {
            continue;
        }
        let sent_to = node.get("x-insula-sent-to").and_then(Value::as_str);
        match stored(new, old, &pointer, sent_to) {
            Ok(secret) => {
                if let Some(place) = new.pointer_mut(&pointer) {
                    *place = secret;
                }
            }
            Err(message) => found.push(ConfigViolation::new(pointer, message)),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The document before the change, and as it was shown.
#[derive(Clone, Copy)]
struct Stored<'d> {
    plain: &'d Value,
    shown: &'d Value,
}

/// The secret that a mask at `pointer` of the new document stands for.
fn stored(
    new: &Value,
    old: Stored<'_>,
    pointer: &str,
    sent_to: Option<&str>,
) -> Result<Value, &'static str> {
    const LOST: &str = "the mask matches no stored secret: give the secret itself";
    let before = counterpart(new, old, pointer).ok_or(LOST)?;
    let secret = old
        .plain
        .pointer(&before)
        .filter(|secret| secret.is_string())
        .ok_or(LOST)?;
    if let Some(relative) = sent_to {
        let address = |document, pointer| resolve(document, pointer, relative);
        if address(new, pointer) != address(old.plain, &before) {
            return Err("the address this secret is sent to has changed: give the secret again");
        }
    }
    Ok(secret.clone())
}

/// Where in `old` the value stands that `pointer` shows in `new`: the same path, except that items of
/// arrays are found by what names them, unless they are as they were shown.
fn counterpart(new: &Value, old: Stored<'_>, pointer: &str) -> Option<String> {
    let (mut there, mut before) = (new, old.shown);
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        let step = if let (Value::Array(items), Value::Array(shown)) = (there, before) {
            let at: usize = step.parse().ok()?;
            there = items.get(at)?;
            let at = if there.is_object() && shown.get(at) != Some(there) {
                position(there, items, shown)?
            } else {
                at
            };
            before = shown.get(at)?;
            at.to_string()
        } else {
            there = there.get(&name)?;
            before = before.get(&name)?;
            step.to_owned()
        };
        path = format!("{path}/{step}");
    }
    Some(path)
}

/// The one stored item with the same name; none when either side holds that name twice.
fn position(item: &Value, items: &[Value], stored: &[Value]) -> Option<usize> {
    let name = name_of(item)?;
    let once = items
        .iter()
        .filter(|other| name_of(other) == Some(name))
        .count()
        == 1;
    let mut matches = stored
        .iter()
        .enumerate()
        .filter(|(_, other)| name_of(other) == Some(name));
    let (at, _) = matches.next()?;
    (once && matches.next().is_none()).then_some(at)
}

/// What names an item of an array: its `id`, or for hooks the URL they call.
fn name_of(item: &Value) -> Option<&str> {
    let places = ["/id", "/config/url", "/url"];
    places
        .into_iter()
        .find_map(|place| item.pointer(place))
        .and_then(Value::as_str)
}

/// The value at `<levels up>/<pointer>` from a place.
fn resolve<'d>(document: &'d Value, pointer: &str, relative: &str) -> Option<&'d Value> {
    let (levels, below) = relative.split_once('/')?;
    let mut base = pointer;
    for _ in 0..levels.parse().unwrap_or(0) {
        base = base.rsplit_once('/')?.0;
    }
    document.pointer(&format!("{base}/{below}"))
}
