//! A project's own texts: read out of the configuration, converted, compiled once per revision.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use identity::schema::Via;
use minijinja::Environment;
use serde_json::Value;
use tenants::Project;

use super::{
    built_in,
    engine::{self, Mode},
    go_template, language, restrict,
};
use crate::config::{CourierConfig, TextConfig};

/// Of a text under Kratos's keys; for ours the configuration schema has the limit.
const IMPORTED_BYTES_MAX: usize = 128 << 10;

/// One text of a project.
pub(super) struct ProjectText {
    /// Where it stands in the configuration.
    pub(super) pointer: String,
    /// The template type.
    pub(super) kind: &'static str,
    /// A language tag in lower case.
    pub(super) language: String,
    /// `subject`, `txt`, `html` or `sms`.
    pub(super) part: &'static str,
    /// Brought along from Kratos, which has texts in one language alone.
    pub(super) is_imported: bool,
    /// For minijinja, or why it is no text.
    pub(super) source: Result<String, String>,
}

impl ProjectText {
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

/// All of them, those under Kratos's keys first, so that others can replace them.
pub(super) fn texts(courier: &CourierConfig, ours: &TextConfig) -> Vec<ProjectText> {
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
            found.extend(given.map(|given| ProjectText {
                pointer: format!("/courier/templates{pointer}"),
                kind,
                language: language.clone(),
                part,
                is_imported: true,
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
                found.extend(given.as_ref().map(|given| ProjectText {
                    pointer: format!("/insula/courier/templates/{kind}/{language}/{key}"),
                    kind,
                    language: language.to_ascii_lowercase(),
                    part,
                    is_imported: false,
                    source: Ok(given.clone()),
                }));
            }
        }
    }
    found
}

/// Kratos's name of a template, `recovery_code.valid`, and where its texts stand.
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

/// How many constructs that cannot be converted are named for one template.
const TOLD_MAX: usize = 20;

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
    go_template::convert(&text).map_err(|unknown| {
        let all = unknown.iter().take(TOLD_MAX);
        let all: Vec<String> = all
            .map(|it| format!("line {}: `{}`", it.line, it.construct))
            .collect();
        let more = match unknown.len() - all.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "the template {template} holds more than placeholders; write it anew under insula.courier.templates: {}{more}",
            all.join(", ")
        )
    })
}

/// That there is a text of this type, for this channel, in this language.
struct Words {
    kind: &'static str,
    via: Via,
    language: String,
    is_imported: bool,
}

/// The compiled texts of a project.
pub(super) struct ProjectTemplates {
    pub(super) engine: Environment<'static>,
    languages: Vec<Words>,
}

impl ProjectTemplates {
    pub(super) fn of(project: &Project) -> std::sync::Arc<Self> {
        project.memo(|project| {
            let (courier, ours) = (
                project.config::<CourierConfig>(),
                project.config::<TextConfig>(),
            );
            let mut made = Self::new(Mode::Sending);
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

    /// Without any text.
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            engine: engine::environment(mode),
            languages: Vec::new(),
        }
    }

    /// Compile one text; a later one of the same name replaces it.
    pub(super) fn add(&mut self, text: &ProjectText) -> Result<(), String> {
        let source = text.source.clone()?;
        restrict::restrict(&source)?;
        let added = self.engine.add_template_owned(text.name(), source);
        added.map_err(|error| engine::explain(&error))?;
        self.languages.push(Words {
            kind: text.kind,
            via: text.via(),
            language: text.language.clone(),
            is_imported: text.is_imported,
        });
        Ok(())
    }

    /// The language of the project's own words for a recipient who wants these, best first. `None`: what is built in
    /// suits better. Words brought along from Kratos are for every recipient, as they were there.
    pub(super) fn language(&self, kind: &str, via: Via, chain: &[String]) -> Option<String> {
        let all = || {
            let all = self.languages.iter();
            all.filter(|it| it.kind == kind && it.via == via)
        };
        let is_own = |tag: &str| all().any(|it| it.language == tag);
        let for_everybody = all().any(|it| it.is_imported);
        let suits = |tag: &&String| {
            is_own(tag) || (!for_everybody && language::BUILT_IN.contains(&tag.as_str()))
        };
        chain.iter().find(suits).filter(|tag| is_own(tag)).cloned()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.engine.get_template(name).is_ok()
    }
}
