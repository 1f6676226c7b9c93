//! The accepted document and the typed windows on it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::rules::SESSION_COOKIE;
use super::validate::{ConfigViolation, ValidateCx, validate};

/// A typed window on one part of a project's configuration. Its fields default as the schema says
/// (`#[serde(default)]` on the struct), so that an absent key and an absent part read alike.
pub trait Section: DeserializeOwned + Default + Send + Sync + 'static {
    /// Where the part lives, by RFC 6901; empty for the whole document.
    const POINTER: &'static str;
}

/// Tells what keeps a section from being read; made by [`section_check`].
pub type SectionCheck = fn(&Value) -> Option<ConfigViolation>;

/// The check that a document's part parses as `S`: list it in [`ValidateCx::sections`].
pub fn section_check<S: Section>(document: &Value) -> Option<ConfigViolation> {
    let error = parse::<S>(document).err()?;
    Some(ConfigViolation::new(
        S::POINTER,
        format!("cannot be read: {error}"),
    ))
}

fn parse<S: Section>(document: &Value) -> Result<S, serde_json::Error> {
    document
        .pointer(S::POINTER)
        .map_or_else(|| Ok(S::default()), S::deserialize)
}

/// A configuration document that was accepted, secrets in the clear. The empty one is the default.
pub struct ConfigDoc {
    document: Value,
    notes: Vec<String>,
    sections: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl ConfigDoc {
    /// Judge a document; see [`ValidateCx`]. Masks must have been restored before
    /// ([`super::restore_masks`]) and remote sources inlined ([`Self::inline`]).
    pub fn validate(document: Value, cx: &ValidateCx<'_>) -> Result<Self, Vec<ConfigViolation>> {
        validate(document, cx)
    }

    /// Take a document that was accepted when it was written, without secrets or with open ones.
    pub fn load(document: Value) -> Self {
        Self::accepted(document, Vec::new())
    }

    pub(super) fn accepted(document: Value, notes: Vec<String>) -> Self {
        Self {
            document,
            notes,
            sections: RwLock::default(),
        }
    }

    /// The document as written, secrets in the clear: for comparing and sealing, never for showing.
    pub fn plain(&self) -> &Value {
        &self.document
    }

    /// The document as it may be shown: each secret is `"********"`.
    pub fn masked(&self) -> Value {
        super::masked(&self.document)
    }

    /// What the session cookie is called, where the document says so.
    pub(crate) fn session_cookie(&self) -> Option<&str> {
        self.document.pointer(SESSION_COOKIE)?.as_str()
    }

    /// What an import left out, and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The part at `S::POINTER`, parsed once; the default where it is absent.
    ///
    /// # Panics
    /// When the part does not parse: then `S` was missing from [`ValidateCx::sections`] when the
    /// document was written, or has changed since without a migration. Going on with the defaults
    /// could open what the project has shut.
    pub fn section<S: Section>(&self) -> Arc<S> {
        let key = TypeId::of::<S>();
        let cached = self
            .sections
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(section) = cached.and_then(|any| any.downcast().ok()) {
            return section;
        }
        let parsed = parse::<S>(&self.document).unwrap_or_else(|error| {
            panic!(
                "configuration at {:?} does not parse as its section: {error}",
                S::POINTER
            )
        });
        let section = Arc::new(parsed);
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(&section) as _;
        self.sections
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, any);
        section
    }
}

impl Default for ConfigDoc {
    fn default() -> Self {
        Self::load(Value::Object(serde_json::Map::new()))
    }
}

impl std::fmt::Debug for ConfigDoc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigDoc")
            .field("document", &self.masked())
            .finish_non_exhaustive()
    }
}
