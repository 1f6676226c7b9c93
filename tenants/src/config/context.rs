//! What a document is judged by besides its own schema: project, presets, sections, checks of other crates.

use serde_json::Value;

use super::environment::Environment;
use super::section::SectionCheck;
use super::violation::ConfigViolation;

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
    /// For a document that is written for this installation: nothing is left out, no sections are named.
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
