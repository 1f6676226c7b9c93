//! From a document to validators: the checks that need no graph, and the compiler's options.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationOptions, Validator, ValidatorMap};
use serde_json::Value;

use super::dialect::Dialect;
use super::graph::{Node, NodeId, ROOT};
use super::{NESTING_MAX, PROBLEMS_MAX, SchemaProblem, formats, violation};

/// Of the JSON text.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Of one compiled pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// The compiler recurses into nested schemas and references; touched only as far as a schema needs it.
const STACK_BYTES: usize = 64 << 20;

pub(super) fn check_size(document: &Value) -> Result<(), SchemaProblem> {
    if nests_deeper(document, NESTING_MAX) {
        return Err(SchemaProblem::new(
            "",
            format!("is nested more than {NESTING_MAX} levels deep"),
        ));
    }
    let bytes = serde_json::to_vec(document).map_or(usize::MAX, |text| text.len());
    if bytes > DOCUMENT_BYTES_MAX {
        return Err(SchemaProblem::new(
            "",
            format!("is larger than {DOCUMENT_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

fn nests_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(object) => {
            levels == 0 || object.values().any(|part| nests_deeper(part, levels - 1))
        }
        Value::Array(items) => {
            levels == 0 || items.iter().any(|part| nests_deeper(part, levels - 1))
        }
        _ => false,
    }
}

pub(super) fn meta_problems(document: &Value, dialect: Dialect) -> Vec<SchemaProblem> {
    let (seven, twelve);
    let errors = match dialect {
        Dialect::Draft7 => {
            seven = jsonschema::draft7::meta::validator();
            seven.iter_errors(document)
        }
        Dialect::Draft202012 => {
            twelve = jsonschema::draft202012::meta::validator();
            twelve.iter_errors(document)
        }
    };
    let found = violation::collect(errors).into_iter().take(PROBLEMS_MAX);
    found
        .map(|violation| SchemaProblem {
            pointer: violation.pointer,
            message: violation.detail,
        })
        .collect()
}

/// The subschema of the traits, which must be an object with a property, maybe through a reference.
pub(super) fn find_traits(document: &Value, nodes: &[Node]) -> Result<NodeId, SchemaProblem> {
    let named = nodes[ROOT]
        .properties
        .iter()
        .find(|(name, _)| name == "traits")
        .map(|(_, id)| *id);
    let Some(traits) = named else {
        return Err(SchemaProblem::new("", "there is no `properties.traits`"));
    };
    let mut last = traits;
    while let Some(target) = nodes[last].reference {
        last = target;
    }
    let parts = std::iter::once(last).chain(nodes[last].all_of.iter().copied());
    if parts.clone().all(|part| nodes[part].properties.is_empty()) {
        return Err(SchemaProblem::new(
            &nodes[last].pointer,
            "the traits need at least one property",
        ));
    }
    match document
        .pointer(&nodes[last].pointer)
        .and_then(|schema| schema.get("type"))
    {
        None => Ok(traits),
        Some(kind) if kind == "object" => Ok(traits),
        Some(_) => Err(SchemaProblem::new(
            &nodes[last].pointer,
            "the traits must be of type `object`",
        )),
    }
}

fn options(dialect: Dialect) -> ValidationOptions<'static> {
    let draft = match dialect {
        Dialect::Draft7 => Draft::Draft7,
        Dialect::Draft202012 => Draft::Draft202012,
    };
    let options = jsonschema::options();
    #[cfg(test)]
    let options = super::fuzz::counted(options);
    options
        .with_draft(draft)
        .with_pattern_options(
            PatternOptions::regex()
                .size_limit(PATTERN_BYTES_MAX)
                .dfa_size_limit(PATTERN_BYTES_MAX),
        )
        .should_validate_formats(true)
        .with_format("email", formats::is_email)
        .with_format("email_loose", formats::is_email_loose)
        .with_format("tel", formats::is_tel)
}

/// On a thread of its own, because the depth of the recursion is the tenant's choice.
pub(super) fn build_validators(
    document: &Value,
    dialect: Dialect,
    conditional: bool,
) -> Result<(Validator, Option<ValidatorMap>), SchemaProblem> {
    let build = || {
        let options = options(dialect);
        let validator = options.build(document)?;
        let branches = if conditional {
            Some(options.build_map(document)?)
        } else {
            None
        };
        Ok::<_, jsonschema::ValidationError<'static>>((validator, branches))
    };
    let built = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, build);
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match built {
        Ok(Ok(Ok(built))) => Ok(built),
        Ok(Ok(Err(error))) => Err(SchemaProblem::new(
            error.instance_path().as_str(),
            uncompilable(&error),
        )),
        Ok(Err(_)) | Err(_) => Err(SchemaProblem::new("", "cannot be compiled")),
    }
}

fn uncompilable(error: &jsonschema::ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => {
            "is no regular expression, too large, or cannot be matched in linear time (no look-around, no back-references)".to_owned()
        }
        _ => format!("cannot be compiled: {error}"),
    }
}
