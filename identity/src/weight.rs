//! What a JSON value holds in memory.

use serde_json::Value;

/// A member or an item besides what it holds: the value itself and its place in a table.
const PLACE_BYTES: usize = 56;

/// About so many bytes.
pub(crate) fn held_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(items) => items
            .iter()
            .map(|item| PLACE_BYTES + held_bytes(item))
            .sum(),
        Value::Object(members) => {
            let member = |(name, member): (&String, &Value)| {
                2 * PLACE_BYTES + name.capacity() + held_bytes(member)
            };
            members.iter().map(member).sum()
        }
    }
}
