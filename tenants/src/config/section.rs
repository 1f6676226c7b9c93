//! Typed windows on parts of a document.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::violation::ConfigViolation;

/// A typed window on one part of a project's configuration. Its fields default as the schema says
/// (`#[serde(default)]` on the struct), so that an absent key and an absent part read alike. Two windows are equal
/// when they say the same.
pub trait Section: DeserializeOwned + Default + PartialEq + Send + Sync + 'static {
    /// Where the part lives, by RFC 6901; empty for the whole document.
    const POINTER: &'static str;
}

/// One section, for the judgement of whole documents; made by [`section_check`].
#[derive(Clone, Copy, Debug)]
pub struct SectionCheck {
    violation: fn(&Value) -> Option<ConfigViolation>,
    reads_alike: fn(&Value, &Value) -> Option<bool>,
}

impl SectionCheck {
    /// What keeps the section from being read.
    pub fn violation(&self, document: &Value) -> Option<ConfigViolation> {
        (self.violation)(document)
    }

    /// Does the section say the same in both documents? `None` if it cannot be read from one of them.
    pub fn reads_alike(&self, one: &Value, other: &Value) -> Option<bool> {
        (self.reads_alike)(one, other)
    }
}

/// The check that a document's part parses as `S`: list it in [`super::ValidateCx::sections`].
pub const fn section_check<S: Section>() -> SectionCheck {
    SectionCheck {
        violation: |document| {
            let error = parse::<S>(document).err()?;
            let message = format!("cannot be read: {error}");
            Some(ConfigViolation::new(S::POINTER, message))
        },
        reads_alike: |one, other| Some(parse::<S>(one).ok()? == parse::<S>(other).ok()?),
    }
}

/// The part of a document, or its default where it is absent.
pub(super) fn parse<S: Section>(document: &Value) -> Result<S, serde_json::Error> {
    document
        .pointer(S::POINTER)
        .map_or_else(|| Ok(S::default()), S::deserialize)
}
