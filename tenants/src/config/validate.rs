//! The way a document is judged: its size, what an import leaves out, the schema, then the rules
//! between keys. Everything found is reported, not the first thing alone.

use serde_json::Value;

use super::context::ValidateCx;
use super::document::ConfigDoc;
use super::violation::ConfigViolation;
use super::{lifespans, rules, schema, unsupported_keys};

/// A document is at most 1 MiB, written without spaces.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Objects and arrays inside each other.
const NESTING_MAX: usize = 64;

impl ConfigDoc {
    /// Judge a document: the accepted one with its notes, or everything that is wrong with it. Masks must have
    /// been restored before ([`super::restore_masks`]) and remote sources inlined ([`Self::inline`]).
    pub fn validate(
        mut document: Value,
        cx: &ValidateCx<'_>,
    ) -> Result<Self, Vec<ConfigViolation>> {
        check_extent(&document).map_err(|violation| vec![violation])?;
        let mut notes = Vec::new();
        if cx.import {
            unsupported_keys::leave_out(&mut document, &mut notes);
            keep_default_schema(&mut document, &mut notes);
            lifespans::shorten(&mut document, cx.environment, &mut notes);
        }
        let mut found = schema::violations(&document);
        rules::check(&document, cx, &mut found);
        if found.is_empty() {
            found.extend(
                cx.sections
                    .iter()
                    .filter_map(|section| section.violation(&document)),
            );
        }
        if found.is_empty() {
            let all = cx.checks.iter();
            found.extend(all.flat_map(|check| check(&document, cx.environment)));
        }
        if found.is_empty() {
            notes.extend(rules::notes(&document));
            Ok(Self::accepted(document, notes))
        } else {
            Err(found)
        }
    }
}

fn check_extent(document: &Value) -> Result<(), ConfigViolation> {
    if !document.is_object() {
        return Err(ConfigViolation::new("", "the document must be an object"));
    }
    // First, since writing a document out recurses as deep as it nests.
    if is_deeper(document, NESTING_MAX) {
        let message = format!("the document nests deeper than {NESTING_MAX} levels");
        return Err(ConfigViolation::new("", message));
    }
    if document.to_string().len() > DOCUMENT_BYTES_MAX {
        let message = format!("the document is longer than {DOCUMENT_BYTES_MAX} bytes");
        return Err(ConfigViolation::new("", message));
    }
    Ok(())
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| is_deeper(item, levels - 1)),
        Value::Object(members) => {
            levels == 0 || members.values().any(|member| is_deeper(member, levels - 1))
        }
        _ => false,
    }
}

/// In Kratos the default schema is the one called `default`; here it is a preset. An imported
/// document that relies on the former has to say so.
fn keep_default_schema(document: &mut Value, notes: &mut Vec<String>) {
    let Some(identity) = document.get_mut("identity").and_then(Value::as_object_mut) else {
        return;
    };
    let schemas = identity.get("schemas").and_then(Value::as_array);
    let named_default = schemas
        .into_iter()
        .flatten()
        .any(|it| it.get("id").is_some_and(|id| id == "default"));
    if named_default && !identity.contains_key("default_schema_id") {
        identity.insert("default_schema_id".to_owned(), Value::from("default"));
        notes.push(
            "`identity.default_schema_id` was set to `default`, as Kratos assumes".to_owned(),
        );
    }
}
