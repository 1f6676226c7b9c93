//! The accepted document.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use super::rules::SESSION_COOKIE;
use super::section::{Section, parse};

/// A configuration document that was accepted, secrets in the clear. The empty one is the default.
pub struct ConfigDoc {
    document: Value,
    notes: Vec<String>,
    sections: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl ConfigDoc {
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

    /// What an import left out, and why; what is accepted and deserves attention.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// The part at `S::POINTER`, parsed once; the default where it is absent.
    ///
    /// # Panics
    /// When the part does not parse: then `S` was missing from [`super::ValidateCx::sections`] when the
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
