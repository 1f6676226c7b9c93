//! From one document to the next: merge patches in, differences out.

use serde_json::Value;

use super::mask::{MASK, masked, replace_secrets};

/// Stands for a secret that was changed, until the difference is drawn.
const CHANGED: &str = "******** (changed)";

/// `base` with a merge patch applied (RFC 7396): null removes, objects merge, all else replaces.
pub fn merged(base: &Value, patch: &Value) -> Value {
    let mut next = base.clone();
    json_patch::merge(&mut next, patch);
    next
}

/// `stored` with a merge patch applied, and a mask in the place of each secret that the patch does not give: what
/// becomes of them is for [`super::restore_masks`] to judge.
pub(crate) fn merged_into_masked(stored: &Value, patch: &Value) -> Value {
    merged(&masked(stored), patch)
}

/// The JSON Patch (RFC 6902) from one plain document to another. Secrets are masked; that one changed
/// can still be seen, as its replacement by the mask.
pub fn diff(old: &Value, new: &Value) -> Value {
    let masked_old = replace_secrets(old, |_, _| Value::from(MASK));
    let masked_new = replace_secrets(new, |pointer, value| {
        let kept = old.pointer(pointer).is_none_or(|before| before == value);
        Value::from(if kept { MASK } else { CHANGED })
    });
    let patch = json_patch::diff(&masked_old, &masked_new);
    let mut patch = serde_json::to_value(patch).unwrap_or_default();
    unmark(&mut patch);
    patch
}

fn unmark(value: &mut Value) {
    match value {
        Value::String(text) if text == CHANGED => MASK.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(unmark),
        Value::Object(members) => members.values_mut().for_each(unmark),
        _ => {}
    }
}
