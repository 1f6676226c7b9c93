//! From what JSON Schema validation found to messages on the right nodes (docs/wire.md, W4.11, W4.12 and W5.2).

use identity::schema::{Violation, ViolationKind};

use super::Ui;
use super::text::{self, Message};
use super::traits::segment;

/// The message for one violation.
pub fn violation(v: &Violation) -> Message {
    use ViolationKind as Kind;
    match &v.kind {
        Kind::Required { property } => text::required(property),
        Kind::MinLength { min, actual } => text::too_short(*min, *actual),
        Kind::MaxLength { max, actual } => text::too_long(*max, *actual),
        Kind::Pattern { pattern } => text::pattern_mismatch(pattern),
        Kind::Minimum { limit, actual } => text::below_minimum(limit, actual),
        Kind::ExclusiveMinimum { limit, actual } => text::not_above(limit, actual),
        Kind::Maximum { limit, actual } => text::above_maximum(limit, actual),
        Kind::ExclusiveMaximum { limit, actual } => text::not_below(limit, actual),
        Kind::MultipleOf { base, actual } => text::not_multiple(base, actual),
        Kind::MaxItems { max, actual } => text::too_many_items(*max, *actual),
        Kind::MinItems { min, actual } => text::too_few_items(*min, *actual),
        Kind::UniqueItems { a, b } => text::items_not_unique(*a as u64, *b as u64),
        Kind::Type { allowed, actual } => text::wrong_type(allowed, actual),
        Kind::Const {
            expected: Some(expected),
        } => text::not_the_constant(expected),
        Kind::Const { expected: None } => text::constant_mismatch(),
        Kind::Format { format, value } => match format.as_str() {
            "email" | "email_loose" => text::invalid_email(value),
            "tel" => text::invalid_phone(value),
            _ => text::schema_violation(&v.detail),
        },
        Kind::Other => text::schema_violation(&v.detail),
    }
}

/// Puts each violation's message where the person can mend it: on the node its pointer names (for a
/// missing property the node of that property), or on the form when it points at the root.
pub fn place<'v>(ui: &mut Ui, violations: impl IntoIterator<Item = &'v Violation>) {
    for v in violations {
        let missing = match &v.kind {
            ViolationKind::Required { property } => Some(property.as_str()),
            _ => None,
        };
        ui.complain(node_name(&v.pointer, missing).as_deref(), violation(v));
    }
}

/// `#/traits/x/y` names the node `traits.x.y`; the root, `#/` or nothing, names none. `below` is
/// appended. `~1` and `~0` stand for `/` and `~` (RFC 6901).
pub fn node_name(pointer: &str, below: Option<&str>) -> Option<String> {
    let pointer = pointer.strip_prefix('#').unwrap_or(pointer);
    let segments = pointer.split('/').filter(|segment| !segment.is_empty());
    let mut names: Vec<String> = segments
        .map(|property| segment(&property.replace("~1", "/").replace("~0", "~")))
        .collect();
    names.extend(below.map(segment));
    (!names.is_empty()).then(|| names.join("."))
}

#[cfg(test)]
mod tests;
