//! From an [`OutgoingMessage`] to the texts that are sent, in the commit that causes it. A template of a project
//! that fails for one recipient locks no recipient out and does not give away that the recipient is known: the built-in
//! words take its place.

use identity::schema::{Address, Via};
use minijinja::Value as Jinja;
use serde_json::{Map, Value, json};
use tenants::{Fault, Project, ids};

use super::{
    built_in,
    engine::{self, Mode},
    language,
    project_templates::ProjectTemplates,
    variables::{self, About},
};
use crate::{
    config::{Branding, TextConfig},
    message::{Cause, OutgoingMessage, Template},
    store::{Content, Message},
};

const SUBJECT_CHARS_MAX: usize = 250;

/// Render a message to that address: subject, text and HTML. Reads the configuration alone and waits for nothing.
/// Whether the address can be sent to is judged by the delivery ([`crate::recipient`]), so that no answer depends
/// on it.
///
/// # Errors
/// The built-in words fail too, which is a defect.
pub fn render(
    project: &Project,
    to: &Address,
    template: Template,
    cause: &Cause<'_>,
) -> Result<Message, Fault> {
    let message = &OutgoingMessage::new(project, to, template, cause);
    let texts = project.config::<TextConfig>();
    let accept = message.accept_language.as_deref();
    let chain = language::chain(&texts, &who(message), accept);
    let about = about(project);
    let own = compose(&ProjectTemplates::of(project), message, &chain, &about);
    let template = message.template.template_type();
    let content = own.or_else(|(part, why)| {
        tracing::error!(
            project = project.slug(),
            template,
            part,
            why,
            "a template fails at somebody, who gets the built-in text"
        );
        let built_in = compose(
            &ProjectTemplates::new(Mode::Strict),
            message,
            &chain,
            &about,
        );
        built_in.map_err(|(part, why)| Fault::broken(format!("{template}, {part}: {why}")))
    })?;
    Ok(Message {
        id: ids::v4(),
        to: message.to.clone(),
        template_type: template,
        identity_id: message.identity.as_ref().map(|identity| identity.id),
        content,
    })
}

/// What is known of the recipient, for their language.
fn who(message: &OutgoingMessage) -> Value {
    match (&message.identity, &message.template) {
        (Some(identity), _) => identity.view.clone(),
        (None, Template::RegistrationCodeValid { traits, .. }) => json!({"traits": traits}),
        (None, _) => Value::Null,
    }
}

fn about(project: &Project) -> About {
    let branding = project.config::<Branding>();
    let absolute = |url: &Option<String>| {
        let url = url.as_ref()?;
        let relative = url.starts_with('/');
        let origin = if relative { project.origin() } else { "" };
        Some(format!("{origin}{url}"))
    };
    About {
        name: project.name().to_owned(),
        logo_light_url: absolute(&branding.logo_light_url),
        logo_dark_url: absolute(&branding.logo_dark_url),
    }
}

/// The whole message in the first language there is. The error names the part.
pub(super) fn compose(
    own: &ProjectTemplates,
    message: &OutgoingMessage,
    chain: &[String],
    about: &About,
) -> Result<Content, (&'static str, String)> {
    let (kind, via) = (message.template.template_type(), message.to.via);
    let built_in = chain.iter().find_map(|tag| built_in_language(tag));
    let own_language = own.language(kind, via, chain);
    let fallback = match &own_language {
        Some(language) => built_in_language(language.split('-').next().unwrap_or_default()),
        None => built_in,
    };
    let language = own_language.as_deref().or(fallback).unwrap_or("en");
    let data = variables::template_data(message);
    let context: Map<String, Value> = variables::context(message, &data, about);
    let context: Jinja = variables::localised(context, language);
    let own_part = |part: &'static str| {
        let name = format!("{kind}.{language}.{part}");
        let is_own = own_language.is_some() && own.has(&name);
        let text = is_own.then(|| engine::render(&own.engine, &name, &context));
        text.transpose().map_err(|why| (part, why))
    };
    let built_in_part = |part: &'static str| {
        let name = fallback.map(|language| format!("{kind}.{language}.{part}"));
        let text = name.map(|name| engine::render(&built_in::ENGINE, &name, &context));
        text.transpose().map_err(|why| (part, why))
    };
    let part = |part| match own_part(part)? {
        Some(text) => Ok(Some(text)),
        None => built_in_part(part),
    };
    let missing = |part: &'static str| (part, "there is no text in this language".to_owned());
    let (subject, body, html) = match via {
        Via::Sms => (
            String::new(),
            part("sms")?.ok_or_else(|| missing("sms"))?,
            None,
        ),
        Via::Email => (
            subject(own_part("subject")?)
                .or(subject(built_in_part("subject")?))
                .ok_or_else(|| missing("subject"))?,
            part("txt")?.ok_or_else(|| missing("txt"))?,
            part("html")?,
        ),
    };
    Ok(Content {
        subject,
        body,
        html,
        template_data: data,
        request_headers: message.request_headers.clone(),
    })
}

fn built_in_language(tag: &str) -> Option<&'static str> {
    language::BUILT_IN.into_iter().find(|known| *known == tag)
}

/// A subject is one line; whatever was in it cannot begin another header. `None`: it says nothing.
fn subject(text: Option<String>) -> Option<String> {
    let line = one_line(&text?);
    (!line.is_empty()).then_some(line)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(SUBJECT_CHARS_MAX).collect()
}
