//! What a template may say: the variables of each type by the two names that Kratos gives them (W15.3),
//! `VerificationCode` in its Go templates and `verification_code` in JSON, and a few of our own.

use chrono::SecondsFormat;
use identity::schema::Via;
use minijinja::value::{Serde, Value as Jinja};
use serde_json::{Map, Value, json};
use url::Url;

use crate::message::{OutgoingMessage, Template};

/// `template_data` as delivery services get it. They may go by the order of its keys.
pub(super) fn template_data(message: &OutgoingMessage) -> Value {
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("to", json!(message.to.value));
    for (name, value) in of_template(message) {
        put(name, value);
    }
    if let Some(identity) = identity(message) {
        put("identity", identity);
    }
    put("request_url", json!(message.request_url));
    let payload = message.transient_payload.clone();
    put("transient_payload", payload.unwrap_or(Value::Null));
    if let Some(expires_in) = message.template.expires_in() {
        put("expires_in_minutes", json!(expires_in.as_secs() / 60));
    }
    Value::Object(data)
}

/// The variables that only this template has.
fn of_template(message: &OutgoingMessage) -> Vec<(&'static str, Value)> {
    let sms = message.to.via == Via::Sms;
    match &message.template {
        Template::RecoveryValid { url, .. } => vec![("recovery_url", json!(url))],
        // Another name in text messages, as in Kratos.
        Template::RecoveryCodeValid { code, .. } if sms => vec![
            ("verification_code", json!(code.as_str())),
            ("request_url_domain", json!(domain(&message.request_url))),
        ],
        Template::RecoveryCodeValid { code, .. } => vec![("recovery_code", json!(code.as_str()))],
        Template::VerificationValid { url, .. } => vec![("verification_url", json!(url))],
        Template::VerificationCodeValid { code, .. } if sms => {
            vec![("verification_code", json!(code.as_str()))]
        }
        Template::VerificationCodeValid { code, url, .. } => vec![
            ("verification_code", json!(code.as_str())),
            ("verification_url", json!(url)),
        ],
        Template::LoginCodeValid { code, .. } => vec![("login_code", json!(code.as_str()))],
        Template::RegistrationCodeValid { code, .. } if sms => {
            vec![("registration_code", json!(code.as_str()))]
        }
        Template::RegistrationCodeValid { code, traits, .. } => vec![
            ("registration_code", json!(code.as_str())),
            ("traits", traits.clone()),
        ],
        Template::VerifiableAddressChanged { changed_at } => {
            let at = changed_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            vec![("changed_at", json!(at))]
        }
        Template::RecoveryInvalid
        | Template::RecoveryCodeInvalid
        | Template::VerificationInvalid
        | Template::VerificationCodeInvalid => Vec::new(),
    }
}

/// What the template learns of the identity.
fn identity(message: &OutgoingMessage) -> Option<Value> {
    match &message.template {
        // There is no identity yet: these are the traits.
        Template::RegistrationCodeValid { traits, .. } if message.to.via == Via::Sms => {
            Some(traits.clone())
        }
        template if template.is_about_identity() => message
            .identity
            .as_ref()
            .map(|identity| identity.view.clone()),
        _ => None,
    }
}

/// Everything a template may name: `data`, once more by the Go names, and what Kratos does not have.
pub(super) fn context(
    message: &OutgoingMessage,
    data: &Value,
    project: &About,
) -> Map<String, Value> {
    let mut context = data.as_object().cloned().unwrap_or_default();
    let put = |context: &mut Map<String, Value>, name: &str, value: Value| {
        context.insert(name.to_owned(), value);
    };
    if let Template::RecoveryCodeValid { code, .. } = &message.template {
        put(&mut context, "recovery_code", json!(code.as_str()));
    }
    if message.template.is_about_identity() {
        context.entry("identity").or_insert(Value::Null);
    }
    put(
        &mut context,
        "request_url_domain",
        json!(domain(&message.request_url)),
    );
    put(
        &mut context,
        "user_request_headers",
        message.request_headers.clone(),
    );
    let go: Vec<(String, Value)> = context
        .iter()
        .map(|(name, value)| (go_name(name), value.clone()))
        .collect();
    context.extend(go);
    put(&mut context, "project_name", json!(project.name));
    for (name, url) in [
        ("logo_light_url", &project.logo_light_url),
        ("logo_dark_url", &project.logo_dark_url),
    ] {
        put(&mut context, name, json!(url));
    }
    context
}

/// What messages show of the project.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) logo_light_url: Option<String>,
    pub(super) logo_dark_url: Option<String>,
}

/// With how long the secret is good, in words.
pub(super) fn localised(mut context: Map<String, Value>, language: &str) -> Jinja {
    let minutes = context.get("expires_in_minutes").and_then(Value::as_u64);
    if let Some(minutes) = minutes {
        let words = lifetime(minutes, language);
        context.insert("lifetime".to_owned(), json!(words));
    }
    Jinja::from(Serde(context))
}

const HOUR: u64 = 60;
const DAY: u64 = 24 * HOUR;

/// In the largest unit of which there are two, and never more than it is: `90 minutes`, `47 hours`, `7 days`.
fn lifetime(minutes: u64, language: &str) -> String {
    let (count, unit) = match minutes {
        HOUR => (1, 1),
        _ if minutes < 2 * HOUR => (minutes, 0),
        _ if minutes < 2 * DAY => (minutes / HOUR, 1),
        _ => (minutes / DAY, 2),
    };
    let is_german = language.split('-').next() == Some("de");
    let units = if is_german {
        [
            ["Minute", "Minuten"],
            ["Stunde", "Stunden"],
            ["Tag", "Tage"],
        ]
    } else {
        [["minute", "minutes"], ["hour", "hours"], ["day", "days"]]
    };
    let [one, many] = units[unit];
    match (is_german, count) {
        (true, 0) => format!("weniger als eine {one}"),
        (false, 0) => format!("less than a {one}"),
        (_, 1) => format!("1 {one}"),
        (_, count) => format!("{count} {many}"),
    }
}

/// `RequestURLDomain` out of `request_url_domain`.
fn go_name(name: &str) -> String {
    let words = name.split('_').map(|word| match word {
        "url" => "URL".to_owned(),
        word => {
            let mut letters = word.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
    });
    words.collect()
}

/// The host of a URL, as browsers compare it when they fill in codes.
fn domain(url: &str) -> String {
    let url = Url::parse(url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_said_as_people_say_them() {
        for (minutes, english, german) in [
            (0, "less than a minute", "weniger als eine Minute"),
            (1, "1 minute", "1 Minute"),
            (15, "15 minutes", "15 Minuten"),
            (60, "1 hour", "1 Stunde"),
            (90, "90 minutes", "90 Minuten"),
            (150, "2 hours", "2 Stunden"),
            (24 * 60, "24 hours", "24 Stunden"),
            (48 * 60 - 1, "47 hours", "47 Stunden"),
            (168 * 60, "7 days", "7 Tage"),
        ] {
            assert_eq!(lifetime(minutes, "en-GB"), english);
            assert_eq!(lifetime(minutes, "de-AT"), german);
        }
    }

    /// W15.3.
    #[test]
    fn go_names_are_those_of_kratos() {
        for (ours, theirs) in [
            ("to", "To"),
            ("recovery_url", "RecoveryURL"),
            ("request_url_domain", "RequestURLDomain"),
            ("expires_in_minutes", "ExpiresInMinutes"),
            ("user_request_headers", "UserRequestHeaders"),
        ] {
            assert_eq!(go_name(ours), theirs);
        }
    }
}
