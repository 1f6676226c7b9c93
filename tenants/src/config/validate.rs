//! The way a document is judged: its size, what an import leaves out, the schema, then the rules
//! between keys. Everything found is reported, not the first thing alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::{ConfigDoc, SectionCheck};
use super::{rules, schema, standing};

/// A document is at most 1 MiB, written without spaces.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Objects and arrays inside each other.
const NESTING_MAX: usize = 64;

/// What a project is for; it decides how much carelessness is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Environment {
    /// Insecure cookies, cheap hashing and calls to private addresses are allowed.
    Development,
    /// As strict as production.
    Staging,
    /// The default.
    Production,
}

impl Environment {
    /// The name as the API and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "DEVELOPMENT",
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
        }
    }
}

/// The environment's name is none of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an environment is DEVELOPMENT, STAGING or PRODUCTION")]
pub struct UnknownEnvironment;

impl std::str::FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Development, Self::Staging, Self::Production]
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or(UnknownEnvironment)
    }
}

/// Something in a document that keeps it from being accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigViolation {
    /// Where, by RFC 6901; empty for the document itself.
    pub pointer: String,
    /// What is wrong, for whoever wrote it; never repeats a secret.
    pub message: String,
}

impl ConfigViolation {
    /// Where, and what is wrong there.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

/// Judges an identity schema, given its id: pointers into that schema, and what is wrong there.
pub type SchemaCheck<'a> = &'a dyn Fn(&str, &Value) -> Vec<(String, String)>;

/// Judges a document that fits the schema and whose sections parse.
pub type DocumentCheck = fn(&Value, Environment) -> Vec<ConfigViolation>;

/// What the judgement depends on besides the document.
#[derive(Clone, Copy)]
pub struct ValidateCx<'a> {
    /// The project's environment.
    pub environment: Environment,
    /// The project's slug, which its cookies carry.
    pub slug: &'a str,
    /// The document comes from elsewhere: what is not the project's to say is left out, with notes.
    pub import: bool,
    /// The presets there are, in full: `preset://email`.
    pub presets: &'a [&'a str],
    /// What makes a good identity schema; this crate does not know.
    pub schema_check: SchemaCheck<'a>,
    /// The windows that will be opened on the document; each has to parse.
    pub sections: &'a [SectionCheck],
    /// What else has a say.
    pub checks: &'a [DocumentCheck],
}

impl<'a> ValidateCx<'a> {
    /// For a document that somebody writes: nothing is left out, no sections are named.
    pub fn new(
        environment: Environment,
        slug: &'a str,
        presets: &'a [&'a str],
        schema_check: SchemaCheck<'a>,
    ) -> Self {
        Self {
            environment,
            slug,
            import: false,
            presets,
            schema_check,
            sections: &[],
            checks: &[],
        }
    }
}

/// The accepted document and the notes, or everything that is wrong with it.
pub(super) fn validate(
    mut document: Value,
    cx: &ValidateCx<'_>,
) -> Result<ConfigDoc, Vec<ConfigViolation>> {
    check_extent(&document).map_err(|violation| vec![violation])?;
    let mut notes = Vec::new();
    if cx.import {
        standing::leave_out(&mut document, &mut notes);
        keep_default_schema(&mut document, &mut notes);
    }
    let mut found = schema::violations(&document);
    rules::check(&document, cx, &mut found);
    if found.is_empty() {
        found.extend(cx.sections.iter().filter_map(|check| check(&document)));
    }
    if found.is_empty() {
        let all = cx.checks.iter();
        found.extend(all.flat_map(|check| check(&document, cx.environment)));
    }
    if found.is_empty() {
        Ok(ConfigDoc::accepted(document, notes))
    } else {
        Err(found)
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

/// In the original the default schema is the one called `default`; here it is a preset. An imported
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
            "`identity.default_schema_id` was set to `default`, as the original assumes".to_owned(),
        );
    }
}
