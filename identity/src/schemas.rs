//! The identity schemas of one project, compiled once per configuration revision; presets once per process.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;
use serde_json::Value;
use tenants::{Project, Section, config::DEFAULT_SCHEMAS, fair};

use crate::schema::{IdentitySchema, PRESET_IDS, preset};

/// The section `identity` of the configuration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct IdentityConfig {
    /// Used where no schema is named. Left out: see [`IdentityConfig::default_id`].
    pub default_schema_id: Option<String>,
    /// All schemas, the default one among them.
    pub schemas: Vec<SchemaSource>,
}

impl Section for IdentityConfig {
    const POINTER: &'static str = "/identity";
}

/// One schema of the configuration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SchemaSource {
    /// Any string.
    pub id: String,
    /// `base64://` or `preset://`.
    pub url: String,
    /// May a visitor choose it?
    #[serde(default)]
    pub selfservice_selectable: bool,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        let source = |id: &&str| SchemaSource {
            id: (*id).to_owned(),
            url: (*id).to_owned(),
            selfservice_selectable: false,
        };
        Self {
            default_schema_id: None,
            schemas: PRESET_IDS.iter().map(source).collect(),
        }
    }
}

impl IdentityConfig {
    /// The one named; else `default` or `preset://email` if listed; else the only one there is.
    fn default_id(&self) -> String {
        let listed = |id: &&&str| self.schemas.iter().any(|schema| schema.id == ***id);
        let known = DEFAULT_SCHEMAS
            .iter()
            .find(listed)
            .map(|id| (*id).to_owned());
        let first = || self.schemas.first().map(|schema| schema.id.clone());
        let named = self.default_schema_id.clone();
        named.or(known).or_else(first).unwrap_or_default()
    }
}

/// A schema with its place in the project.
#[derive(Clone)]
pub struct ProjectSchema {
    /// As identities store it.
    pub id: String,
    /// May a visitor choose it?
    pub selectable: bool,
    /// Compiled.
    pub schema: Arc<IdentitySchema>,
}

/// All schemas of a project.
pub struct Schemas {
    default_id: String,
    all: Vec<ProjectSchema>,
}

impl Schemas {
    /// Those of the configuration in force.
    pub fn of(project: &Project) -> Arc<Self> {
        project.memo(|project| {
            let config = project.config::<IdentityConfig>();
            let left_out = |schema: &str, why: &str| {
                let project = project.slug();
                tracing::error!(project, schema, why, "schema left out");
            };
            fair::aside(|| Self::load(&config, left_out))
        })
    }

    /// Those that a document names: the ones it lists, and its default. The presets that are there without
    /// being listed do not count: only administrators make use of them.
    pub fn named(document: &Value) -> Vec<ProjectSchema> {
        let part = document.pointer(IdentityConfig::POINTER);
        let config = part.and_then(|part| IdentityConfig::deserialize(part).ok());
        let made = Self::load(&config.unwrap_or_default(), |_, _| {});
        let lists = document.pointer("/identity/schemas").is_some();
        let default_id = made.default_id;
        let all = made.all.into_iter();
        all.filter(|schema| lists || schema.id == default_id)
            .collect()
    }

    fn load(config: &IdentityConfig, left_out: impl Fn(&str, &str)) -> Self {
        let all = config.schemas.iter().filter_map(|source| {
            let schema = load(source).map_err(|why| left_out(&source.id, &why));
            Some(ProjectSchema {
                id: source.id.clone(),
                selectable: source.selfservice_selectable,
                schema: schema.ok()?,
            })
        });
        let mut all: Vec<ProjectSchema> = all.collect();
        // A preset may be the default without being listed.
        let default_id = config.default_id();
        if !all.iter().any(|schema| schema.id == default_id)
            && let Some(schema) = PRESETS.get(default_id.as_str())
        {
            let schema = ProjectSchema {
                id: default_id.clone(),
                selectable: false,
                schema: Arc::clone(schema),
            };
            all.insert(0, schema);
        }
        Self { default_id, all }
    }

    /// By id; the empty id is the default's.
    pub fn get(&self, id: &str) -> Option<&ProjectSchema> {
        let id = if id.is_empty() {
            self.default_id.as_str()
        } else {
            id
        };
        self.all.iter().find(|s| s.id == id)
    }

    /// By id as clients write it: as it is, or in base64url without padding.
    pub fn find(&self, id: &str) -> Option<&ProjectSchema> {
        let decoded = || String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok();
        self.get(id).or_else(|| self.get(&decoded()?))
    }

    /// One that a visitor may choose: the default, or one marked selectable.
    pub fn selectable(&self, id: &str) -> Option<&ProjectSchema> {
        self.get(id)
            .filter(|s| s.selectable || s.id == self.default_id)
    }

    /// All, in the order of the configuration.
    pub fn all(&self) -> &[ProjectSchema] {
        &self.all
    }
}

fn load(source: &SchemaSource) -> Result<Arc<IdentitySchema>, String> {
    if source.url.starts_with("preset://") {
        return PRESETS
            .get(source.url.as_str())
            .cloned()
            .ok_or_else(|| format!("there is no {}", source.url));
    }
    let encoded = source
        .url
        .strip_prefix("base64://")
        .ok_or("not stored in the configuration")?;
    let text = STANDARD.decode(encoded).map_err(|e| e.to_string())?;
    let document: Value = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
    let compiled = IdentitySchema::compile(&source.id, &document);
    compiled
        .map(Arc::new)
        .map_err(|problems| format!("{problems:?}"))
}

static PRESETS: LazyLock<HashMap<&str, Arc<IdentitySchema>>> = LazyLock::new(|| {
    let compiled = PRESET_IDS.iter().filter_map(|id| {
        let document: Value = serde_json::from_str(preset(id)?).ok()?;
        Some((*id, Arc::new(IdentitySchema::compile(id, &document).ok()?)))
    });
    compiled.collect()
});

/// How the configuration judges an identity schema: `(pointer, message)` for each problem.
pub fn check(id: &str, document: &Value) -> Vec<(String, String)> {
    match IdentitySchema::compile(id, document) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .into_iter()
            .map(|p| (p.pointer, p.message))
            .collect(),
    }
}
