//! Typed windows on parts of a document.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::violation::ConfigViolation;

/// A typed window on one part of a project's configuration. Its fields default as the schema says
/// (`#[serde(default)]` on the struct), so that an absent key and an absent part read alike.
pub trait Section: DeserializeOwned + Default + Send + Sync + 'static {
    /// Where the part lives, by RFC 6901; empty for the whole document.
    const POINTER: &'static str;
}

/// Tells what keeps a section from being read; made by [`section_check`].
pub type SectionCheck = fn(&Value) -> Option<ConfigViolation>;

/// The check that a document's part parses as `S`: list it in [`super::ValidateCx::sections`].
pub fn section_check<S: Section>(document: &Value) -> Option<ConfigViolation> {
    let error = parse::<S>(document).err()?;
    Some(ConfigViolation::new(
        S::POINTER,
        format!("cannot be read: {error}"),
    ))
}

/// The part of a document, or its default where it is absent.
pub(super) fn parse<S: Section>(document: &Value) -> Result<S, serde_json::Error> {
    document
        .pointer(S::POINTER)
        .map_or_else(|| Ok(S::default()), S::deserialize)
}
