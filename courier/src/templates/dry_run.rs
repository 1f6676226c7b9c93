//! Renders a project's texts when its configuration is written, for identities as its schemas describe them. What
//! fails for a real identity all the same is left to [`super::render()`].

use identity::schema::Via;
use serde_json::{Value, json};
use tenants::config::ConfigViolation;

use super::{
    engine::{self, Mode},
    language,
    project_templates::{self, ProjectTemplates, ProjectText},
    sample_messages::{self, Recipient},
    variables::{self, About},
};
use crate::{
    config::{CourierConfig, TextConfig},
    message::OutgoingMessage,
};

/// Renderings of all texts together: the more texts there are, the fewer recipients each is tried with.
const DRY_RUNS_MAX: usize = 4_000;

/// Each text compiles, names only what there is, and renders.
pub(crate) fn of_texts(
    document: &Value,
    courier: &CourierConfig,
    texts: &TextConfig,
) -> Vec<ConfigViolation> {
    let (mut own, all) = (
        ProjectTemplates::new(Mode::DryRun),
        project_templates::texts(courier, texts),
    );
    if all.is_empty() {
        return Vec::new();
    }
    let mut recipients = sample_messages::recipients(document);
    recipients.truncate((DRY_RUNS_MAX / all.len()).max(1));
    let mut found = Vec::new();
    for text in &all {
        let added = own.add(text);
        if let Err(why) = added.and_then(|()| try_out(&own, text, &recipients)) {
            found.push(ConfigViolation::new(&text.pointer, why));
        }
    }
    found.extend(all.iter().filter_map(|text| incomplete(text, &all)));
    found
}

/// What clients send along with a flow, of which nothing is known here.
const SENT_ALONG: [&str; 2] = ["transient_payload", "TransientPayload"];

fn try_out(
    own: &ProjectTemplates,
    text: &ProjectText,
    recipients: &[Recipient],
) -> Result<(), String> {
    let names = engine::free_names(&own.engine, &text.name());
    let may_be_blank = text.part != "subject" || SENT_ALONG.iter().any(|it| names.contains(*it));
    let mut is_blank = true;
    for Recipient { who, messages } in recipients {
        let mut messages = messages.iter();
        let message = messages
            .find(|message| {
                message.template.template_type() == text.kind && message.to.via == text.via()
            })
            .ok_or("there is no such message")?;
        let said = try_at(own, text, message).map_err(|why| format!("{why}{who}"))?;
        is_blank &= said.trim().is_empty();
    }
    if is_blank && !may_be_blank {
        return Err("nothing comes out: a mail needs a subject".to_owned());
    }
    Ok(())
}

fn about() -> About {
    About {
        name: "Example".to_owned(),
        ..About::default()
    }
}

fn try_at(
    own: &ProjectTemplates,
    text: &ProjectText,
    message: &OutgoingMessage,
) -> Result<String, String> {
    let data = variables::template_data(message);
    let mut context = variables::context(message, &data, &about());
    context.insert("lifetime".to_owned(), json!("1 minute"));
    let mut unknown: Vec<String> = engine::free_names(&own.engine, &text.name())
        .into_iter()
        .filter(|name| !context.contains_key(name) && name != "loop")
        .collect();
    if !unknown.is_empty() {
        unknown.sort();
        let mut known: Vec<&str> = context.keys().map(String::as_str).collect();
        known.sort_unstable();
        let (unknown, known) = (unknown.join(", "), known.join(", "));
        return Err(format!(
            "nothing is called {unknown} here; there are {known}"
        ));
    }
    let context = variables::localised(context, &text.language);
    engine::render(&own.engine, &text.name(), &context)
}

/// A language that nothing is built in for has to be whole.
fn incomplete(text: &ProjectText, all: &[ProjectText]) -> Option<ConfigViolation> {
    let base = text.language.split('-').next().unwrap_or_default();
    if language::BUILT_IN.contains(&base) || text.via() == Via::Sms {
        return None;
    }
    let has = |part: &str| {
        all.iter()
            .any(|it| (it.kind, &it.language, it.part) == (text.kind, &text.language, part))
    };
    let missing: Vec<&str> = [("subject", "subject"), ("txt", "plaintext")]
        .into_iter()
        .filter(|(part, _)| !has(part))
        .map(|(_, key)| key)
        .collect();
    // Told once, at the first of its texts.
    let first = all
        .iter()
        .find(|it| (it.kind, &it.language, it.via()) == (text.kind, &text.language, Via::Email));
    (!missing.is_empty() && first.is_some_and(|it| it.pointer == text.pointer)).then(|| {
        let why = format!(
            "nothing is built in for the language {}: give {} too",
            text.language,
            missing.join(" and ")
        );
        ConfigViolation::new(&text.pointer, why)
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::Deserialize as _;

    use super::*;

    fn base64(text: &str) -> String {
        format!("base64://{}", STANDARD.encode(text))
    }

    /// What is wrong with this text, where identities have a name of two parts.
    fn wrong(go: &str) -> Vec<String> {
        let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
            "email": {"type": "string", "format": "email", "ory.sh/kratos": {"verification": {"via": "email"}}},
            "name": {"type": "object", "properties": {"first": {"type": "string"}}},
            "age": {"type": "integer"},
        }}}});
        let texts =
            json!({"recovery_code": {"valid": {"email": {"body": {"plaintext": base64(go)}}}}});
        let document = json!({
            "identity": {"schemas": [{"id": "named", "url": base64(&schema.to_string())}]},
            "courier": {"templates": texts},
        });
        let courier = CourierConfig::deserialize(&document["courier"]).unwrap();
        let found = of_texts(&document, &courier, &TextConfig::default());
        found.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn texts_are_tried_at_people_of_each_schema() {
        let printed = "line 1: a list or an object cannot be printed: name one of its members, for somebody of the schema `named`";
        for (go, says) in [
            ("{{ .Identity.traits.name }}", vec![printed]),
            ("{{ .Identity.verifiable_addresses }}", vec![printed]),
            ("{{ .Identity.metadata_public }}", vec![printed]),
            ("{{ .Identity.traits.name.first }}", vec![]),
            ("{{ .Identity.traits.age }} {{ .Identity.state }}", vec![]),
        ] {
            assert_eq!(wrong(go), says, "{go}");
        }
    }
}
