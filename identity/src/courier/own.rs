//! A project's own texts: read out of the configuration, converted, compiled once per revision.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use minijinja::Environment;
use serde_json::Value;
use tenants::Project;

use super::{
    built_in,
    config::{CourierConfig, TextConfig},
    engine, go, restrict,
};
use crate::schema::Via;

/// Of a text by the original's keys; of ours the schema says it.
const IMPORTED_BYTES_MAX: usize = 128 << 10;

/// One text of a project.
pub(super) struct OwnText {
    /// Where it stands in the configuration.
    pub(super) pointer: String,
    /// The template type.
    pub(super) kind: &'static str,
    /// Lower case.
    pub(super) language: String,
    /// `subject`, `txt`, `html` or `sms`.
    pub(super) part: &'static str,
    /// For minijinja, or why it is no text.
    pub(super) source: Result<String, String>,
}

impl OwnText {
    pub(super) fn name(&self) -> String {
        format!("{}.{}.{}", self.kind, self.language, self.part)
    }

    /// The channel that the part belongs to.
    pub(super) fn via(&self) -> Via {
        if self.part == "sms" {
            Via::Sms
        } else {
            Via::Email
        }
    }
}

/// All of them, those by the original's keys first, so that others can replace them.
pub(super) fn texts(courier: &CourierConfig, ours: &TextConfig) -> Vec<OwnText> {
    let mut found = Vec::new();
    let language = ours.default_language.to_ascii_lowercase();
    for kind in built_in::kinds() {
        let (below, path) = place(kind);
        for (part, within) in [
            ("subject", "/email/subject"),
            ("txt", "/email/body/plaintext"),
            ("html", "/email/body/html"),
            ("sms", "/sms/body/plaintext"),
        ] {
            let pointer = format!("{path}{within}");
            let given = courier.templates.pointer(&pointer).and_then(Value::as_str);
            found.extend(given.map(|given| OwnText {
                pointer: format!("/courier/templates{pointer}"),
                kind,
                language: language.clone(),
                part,
                source: imported(given, &below),
            }));
        }
    }
    for kind in built_in::kinds() {
        for (language, texts) in ours.templates.get(kind).into_iter().flatten() {
            for (part, key, given) in [
                ("subject", "subject", &texts.subject),
                ("txt", "plaintext", &texts.plaintext),
                ("html", "html", &texts.html),
                ("sms", "sms", &texts.sms),
            ] {
                found.extend(given.as_ref().map(|given| OwnText {
                    pointer: format!("/insula/courier/templates/{kind}/{language}/{key}"),
                    kind,
                    language: language.to_ascii_lowercase(),
                    part,
                    source: Ok(given.clone()),
                }));
            }
        }
    }
    found
}

/// The original's name of a template, and where its texts stand: `recovery_code.valid`.
fn place(kind: &str) -> (String, String) {
    let split = kind
        .strip_suffix("_valid")
        .map(|name| (name, "valid"))
        .or_else(|| kind.strip_suffix("_invalid").map(|name| (name, "invalid")));
    match split {
        Some((name, which)) => (format!("{name}.{which}"), format!("/{name}/{which}")),
        None => (kind.to_owned(), format!("/{kind}")),
    }
}

fn imported(given: &str, template: &str) -> Result<String, String> {
    let encoded = given.strip_prefix("base64://").ok_or_else(|| {
        "must be base64:// with the template itself, or http(s)://, which is fetched when this is written"
            .to_owned()
    })?;
    let text = STANDARD
        .decode(encoded)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or("base64:// must be followed by padded standard base64 of UTF-8 text")?;
    if text.len() > IMPORTED_BYTES_MAX {
        return Err(format!("is longer than {IMPORTED_BYTES_MAX} bytes"));
    }
    go::convert(&text).map_err(|unknown| {
        format!(
            "the template {template}, line {}: `{}` is more than a placeholder; write it anew under insula.courier.templates",
            unknown.line, unknown.construct
        )
    })
}

/// The compiled texts of a project.
pub(super) struct Templates {
    pub(super) engine: Environment<'static>,
    /// Type, channel and language of each.
    languages: Vec<(&'static str, Via, String)>,
}

impl Templates {
    pub(super) fn of(project: &Project) -> std::sync::Arc<Self> {
        project.memo(|project| {
            let (courier, ours) = (
                project.config::<CourierConfig>(),
                project.config::<TextConfig>(),
            );
            let mut made = Self::new();
            for text in texts(&courier, &ours) {
                // Judged when it was written.
                if let Err(why) = made.add(&text) {
                    tracing::error!(
                        project = project.slug(),
                        pointer = text.pointer,
                        why,
                        "template left out"
                    );
                }
            }
            made
        })
    }

    pub(super) fn new() -> Self {
        Self {
            engine: engine::environment(false),
            languages: Vec::new(),
        }
    }

    /// Compile one text; a later one of the same name replaces it.
    pub(super) fn add(&mut self, text: &OwnText) -> Result<(), String> {
        let source = text.source.clone()?;
        restrict::restrict(&source)?;
        let added = self.engine.add_template_owned(text.name(), source);
        added.map_err(|error| engine::explain(&error))?;
        self.languages
            .push((text.kind, text.via(), text.language.clone()));
        Ok(())
    }

    /// The first of these languages that the project has words of its own for.
    pub(super) fn language(&self, kind: &str, via: Via, chain: &[String]) -> Option<String> {
        let has = |tag: &&String| {
            let mut all = self.languages.iter();
            all.any(|(k, v, l)| (*k, *v, l) == (kind, via, *tag))
        };
        chain.iter().find(has).cloned()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.engine.get_template(name).is_ok()
    }
}
