//! The schema file: compiled once, its complaints turned into violations, its annotations found again
//! in a document. Messages never repeat a value, since any value may be a secret.

use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::Value;

use super::pointer::{child, dotted};
use super::violation::ConfigViolation;
use super::{formats, unsupported_keys};

/// The schema as it is published: JSON Schema 2020-12.
pub const SCHEMA_TEXT: &str = include_str!("../../../schemas/config.schema.json");

pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(SCHEMA_TEXT).expect("the schema file is JSON; tests read it")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let mut options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true);
    for (name, check, _) in formats::FORMATS {
        options = options.with_format(name, check);
    }
    options
        .build(&SCHEMA)
        .expect("the schema file is a schema; tests compile it")
});

/// Everything the schema has to say against a document.
pub(super) fn violations(document: &Value) -> Vec<ConfigViolation> {
    let mut found = Vec::new();
    for error in VALIDATOR.iter_errors(document) {
        explain(&error, &mut found);
    }
    found
}

fn explain(error: &ValidationError<'_>, found: &mut Vec<ConfigViolation>) {
    let pointer = error.instance_path().as_str();
    if let Kind::AdditionalProperties { unexpected } = error.kind() {
        for name in unexpected {
            let value = error.instance().get(name).unwrap_or(&Value::Null);
            unsupported_keys::explain_unlisted(&child(pointer, name), value, found);
        }
        return;
    }
    let message = match error.kind() {
        // The schema uses `const` for one thing: switches that can only be off so far.
        Kind::Constant { expected_value } => {
            format!(
                "`{}` is not served yet: only {expected_value} is accepted",
                dotted(pointer)
            )
        }
        Kind::Enum { options } => enumeration(pointer, error.instance(), options),
        Kind::Format { format } => formats::text_of(format)
            .unwrap_or("has a wrong form")
            .to_owned(),
        Kind::Type {
            kind: TypeKind::Single(wanted),
        } => format!("must be of type {wanted}"),
        Kind::Required { property } => format!("lacks {property}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::UniqueItems => "its items must differ from each other".to_owned(),
        _ => error.masked().to_string(),
    };
    found.push(ConfigViolation {
        pointer: pointer.to_owned(),
        message,
    });
}

fn enumeration(pointer: &str, value: &Value, options: &Value) -> String {
    let served: Vec<String> = options
        .as_array()
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    let served = if served.is_empty() {
        "none so far".to_owned()
    } else {
        served.join(", ")
    };
    match value.as_str() {
        Some(name) if pointer.ends_with("/hook") && unsupported_keys::is_known_hook(name) => {
            format!("the hook `{name}` is not served here yet; served: {served}")
        }
        Some(_) if pointer.ends_with("/hook") => format!("unknown hook; served: {served}"),
        _ => format!("must be one of: {served}"),
    }
}

/// Visit each value of `document` together with each schema node that speaks of it.
pub(super) fn walk<'s>(
    root: &'s Value,
    document: &Value,
    visit: &mut dyn FnMut(&str, &'s Value, &Value),
) {
    descend(root, root, document, "", visit);
}

fn descend<'s>(
    root: &'s Value,
    node: &'s Value,
    value: &Value,
    pointer: &str,
    visit: &mut dyn FnMut(&str, &'s Value, &Value),
) {
    visit(pointer, node, value);
    let target = node
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|to| root.pointer(&to[1..]));
    if let Some(target) = target {
        descend(root, target, value, pointer, visit);
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let listed = node.get("properties").and_then(|all| all.get(name));
                // A map of free names, such as headers, describes its values here.
                let free = || node.get("additionalProperties").filter(|it| it.is_object());
                if let Some(next) = listed.or_else(free) {
                    descend(root, next, member, &child(pointer, name), visit);
                }
            }
        }
        Value::Array(items) => {
            if let Some(next) = node.get("items") {
                for (at, item) in items.iter().enumerate() {
                    descend(root, next, item, &format!("{pointer}/{at}"), visit);
                }
            }
        }
        _ => {}
    }
}

/// Pointers of all values whose schema carries this annotation, with the node that carries it.
pub(super) fn annotated<'s>(
    root: &'s Value,
    document: &Value,
    annotation: &str,
) -> Vec<(String, &'s Value)> {
    let mut found = Vec::new();
    walk(root, document, &mut |pointer, node, _| {
        if node.get(annotation) == Some(&Value::Bool(true)) {
            found.push((pointer.to_owned(), node));
        }
    });
    found
}
