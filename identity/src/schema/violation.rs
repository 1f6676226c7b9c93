//! What is wrong with someone's traits, as data that flows can put beside a field and as text for the admin API
//! (docs/wire.md, W13.10). Values are not repeated in texts: they may be private.

use std::collections::HashMap;
use std::fmt::Write as _;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

/// Of names that a complaint repeats; forms store them.
const REPEATED_BYTES_MAX: usize = 1024;
/// More than anyone reads; keeps the answer to a hostile body small.
const VIOLATIONS_MAX: usize = 100;

/// One reason why traits do not fit their schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// JSON pointer to the value, with `#`: `#/traits/email`; `#/` for the root.
    pub pointer: String,
    /// JSON pointer into the schema, with `#`.
    pub schema_pointer: String,
    /// What was violated.
    pub kind: ViolationKind,
    /// The same in English.
    pub detail: String,
}

/// What was violated, with the figures a message needs. Lengths count characters, limits are as in the schema.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is the schema keyword of its name")]
pub enum ViolationKind {
    /// The pointer is that of the object, `property` the missing member.
    Required {
        property: String,
    },
    MinLength {
        min: u64,
        actual: u64,
    },
    MaxLength {
        max: u64,
        actual: u64,
    },
    Pattern {
        pattern: String,
    },
    Minimum {
        limit: Value,
        actual: Value,
    },
    ExclusiveMinimum {
        limit: Value,
        actual: Value,
    },
    Maximum {
        limit: Value,
        actual: Value,
    },
    ExclusiveMaximum {
        limit: Value,
        actual: Value,
    },
    MultipleOf {
        base: Value,
        actual: Value,
    },
    MaxItems {
        max: u64,
        actual: u64,
    },
    MinItems {
        min: u64,
        actual: u64,
    },
    /// `a` and `b` are the places of the first two equal items, from 0.
    UniqueItems {
        a: usize,
        b: usize,
    },
    Type {
        allowed: Vec<String>,
        actual: String,
    },
    /// `expected` is `None` when it is too large to show.
    Const {
        expected: Option<Value>,
    },
    Format {
        format: String,
        value: Value,
    },
    /// Any other keyword; `detail` says it.
    Other,
}

impl Violation {
    pub(super) fn new(
        pointer: &str,
        schema_pointer: &str,
        kind: ViolationKind,
        detail: impl Into<String>,
    ) -> Self {
        let mark = |pointer: &str| {
            if pointer.is_empty() {
                "#/".to_owned()
            } else {
                format!("#{pointer}")
            }
        };
        Self {
            pointer: mark(pointer),
            schema_pointer: mark(schema_pointer),
            kind,
            detail: detail.into(),
        }
    }

    /// Traits that are too long to be looked at.
    pub(crate) fn too_much(bytes_max: usize) -> Self {
        Self::of_all(format!("is longer than {bytes_max} bytes as JSON"))
    }

    /// Traits that would take too long to judge.
    pub(super) fn too_dear() -> Self {
        Self::of_all(
            "would take too long to check: there is too much of it, or a text is too long for its pattern",
        )
    }

    /// Traits that do not fit, in more ways than can be told.
    pub(super) fn untold() -> Self {
        Self::of_all("does not fit, and there is too much of it to tell what is wrong")
    }

    fn of_all(detail: impl Into<String>) -> Self {
        let kind = ViolationKind::Other;
        Self::new("/traits", "/properties/traits", kind, detail)
    }

    pub(super) fn format(pointer: &str, schema_pointer: &str, format: &str, value: &str) -> Self {
        let kind = ViolationKind::Format {
            format: format.to_owned(),
            value: Value::from(value),
        };
        Self::new(
            pointer,
            schema_pointer,
            kind,
            format!("is not valid as `{format}`"),
        )
    }
}

/// The text of `violations` for the admin API: one line each, below a line of their own when there are several.
pub fn report(violations: &[Violation]) -> String {
    let line = |violation: &Violation| {
        format!(
            "I[{}] S[{}] {}",
            violation.pointer, violation.schema_pointer, violation.detail
        )
    };
    match violations {
        [one] => line(one),
        several => several.iter().fold(
            format!("I[#/] S[#/] {} problems", several.len()),
            |mut text, violation| {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n  {}", line(violation));
                text
            },
        ),
    }
}

/// Each leaf cause once, in the validator's order.
pub(super) fn collect<'e>(errors: impl Iterator<Item = ValidationError<'e>>) -> Vec<Violation> {
    let mut found = Vec::new();
    for error in errors {
        leaves(&error, &mut found);
        if found.len() >= VIOLATIONS_MAX {
            found.truncate(VIOLATIONS_MAX);
            break;
        }
    }
    found
}

fn leaves(error: &ValidationError<'_>, found: &mut Vec<Violation>) {
    if found.len() >= VIOLATIONS_MAX {
        return;
    }
    let causes = match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context.as_slice()
        }
        _ => &[],
    };
    if causes.iter().all(Vec::is_empty) {
        let violation = translate(error);
        if !found.contains(&violation) {
            found.push(violation);
        }
    }
    for cause in causes.iter().flatten() {
        leaves(cause, found);
    }
}

fn translate(error: &ValidationError<'_>) -> Violation {
    let value = error.instance().as_ref();
    let (kind, detail) =
        known(error.kind(), value).unwrap_or_else(|| (ViolationKind::Other, other(error.kind())));
    Violation::new(
        error.instance_path().as_str(),
        error.schema_path().as_str(),
        kind,
        detail,
    )
}

fn known(kind: &ValidationErrorKind, value: &Value) -> Option<(ViolationKind, String)> {
    use ViolationKind as K;
    let characters = value.as_str().map_or(0, |text| text.chars().count() as u64);
    let items = value.as_array().map_or(0, Vec::len) as u64;
    Some(match kind {
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default().to_owned();
            let detail = format!("the property `{property}` is missing");
            (K::Required { property }, detail)
        }
        ValidationErrorKind::MinLength { limit } => (
            K::MinLength {
                min: *limit,
                actual: characters,
            },
            format!("is {characters} characters long, needs at least {limit}"),
        ),
        ValidationErrorKind::MaxLength { limit } => (
            K::MaxLength {
                max: *limit,
                actual: characters,
            },
            format!("is {characters} characters long, may have at most {limit}"),
        ),
        ValidationErrorKind::Pattern { pattern } => (
            K::Pattern {
                pattern: pattern.clone(),
            },
            format!("does not match the pattern `{pattern}`"),
        ),
        ValidationErrorKind::MinItems { limit } => (
            K::MinItems {
                min: *limit,
                actual: items,
            },
            format!("has {items} items, needs at least {limit}"),
        ),
        ValidationErrorKind::MaxItems { limit } => (
            K::MaxItems {
                max: *limit,
                actual: items,
            },
            format!("has {items} items, may have at most {limit}"),
        ),
        ValidationErrorKind::UniqueItems => {
            let (a, b) = first_equal(value);
            (
                K::UniqueItems { a, b },
                format!("has equal items at {a} and {b}"),
            )
        }
        ValidationErrorKind::Type { kind } => {
            let (allowed, actual) = (type_names(kind), type_of(value).to_owned());
            let detail = format!("is of type {actual}, must be {}", allowed.join(" or "));
            (K::Type { allowed, actual }, detail)
        }
        ValidationErrorKind::Constant { expected_value } => constant(expected_value),
        ValidationErrorKind::Format { format } => (
            K::Format {
                format: format.clone(),
                value: value.clone(),
            },
            format!("is not valid as `{format}`"),
        ),
        _ => return numeric(kind, value.clone()),
    })
}

fn numeric(kind: &ValidationErrorKind, actual: Value) -> Option<(ViolationKind, String)> {
    use ViolationKind as K;
    Some(match kind {
        ValidationErrorKind::Minimum { limit } => (
            K::Minimum {
                limit: limit.clone(),
                actual,
            },
            format!("must be {limit} or more"),
        ),
        ValidationErrorKind::ExclusiveMinimum { limit } => (
            K::ExclusiveMinimum {
                limit: limit.clone(),
                actual,
            },
            format!("must be more than {limit}"),
        ),
        ValidationErrorKind::Maximum { limit } => (
            K::Maximum {
                limit: limit.clone(),
                actual,
            },
            format!("must be {limit} or less"),
        ),
        ValidationErrorKind::ExclusiveMaximum { limit } => (
            K::ExclusiveMaximum {
                limit: limit.clone(),
                actual,
            },
            format!("must be less than {limit}"),
        ),
        ValidationErrorKind::MultipleOf { multiple_of } => (
            K::MultipleOf {
                base: whole(*multiple_of),
                actual,
            },
            format!("must be a multiple of {multiple_of}"),
        ),
        _ => return None,
    })
}

fn shorten(text: &mut String) {
    if text.len() > REPEATED_BYTES_MAX {
        text.truncate(text.floor_char_boundary(REPEATED_BYTES_MAX));
        text.push('…');
    }
}

/// The validator keeps the base as a float; `5.0` is `5` to a reader.
fn whole(base: f64) -> Value {
    format!("{base}")
        .parse::<i64>()
        .map_or_else(|_| Value::from(base), Value::from)
}

fn constant(expected: &Value) -> (ViolationKind, String) {
    if expected.is_object() || expected.is_array() {
        return (
            ViolationKind::Const { expected: None },
            "is not the one value that is allowed".to_owned(),
        );
    }
    (
        ViolationKind::Const {
            expected: Some(expected.clone()),
        },
        format!("must be {expected}"),
    )
}

fn other(kind: &ValidationErrorKind) -> String {
    use ValidationErrorKind as E;
    match kind {
        E::AdditionalProperties { unexpected } | E::UnevaluatedProperties { unexpected } => {
            let mut names = unexpected.join(", ");
            shorten(&mut names);
            format!("has properties that are not allowed: {names}")
        }
        E::AdditionalItems { .. } | E::UnevaluatedItems { .. } => {
            "has more items than are allowed".to_owned()
        }
        E::Enum { .. } => "is not one of the values that are allowed".to_owned(),
        E::FalseSchema => "is not allowed here".to_owned(),
        E::MaxProperties { limit } => format!("has more than {limit} properties"),
        E::MinProperties { limit } => format!("has fewer than {limit} properties"),
        E::Contains => "has no item, or too many, of the kind that is asked for".to_owned(),
        E::OneOfMultipleValid { .. } => "fits more than one of the alternatives".to_owned(),
        E::Not { .. } => "fits what is excluded".to_owned(),
        E::PropertyNames { .. } => "has a property whose name is not allowed".to_owned(),
        kind => format!("does not satisfy `{}`", kind.keyword()),
    }
}

fn first_equal(value: &Value) -> (usize, usize) {
    let mut seen = HashMap::new();
    for (b, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(a) = seen.insert(item.to_string(), b) {
            return (a, b);
        }
    }
    (0, 0)
}

fn type_names(kind: &TypeKind) -> Vec<String> {
    match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(set) => set.iter().map(|one: JsonType| one.to_string()).collect(),
    }
}

pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
