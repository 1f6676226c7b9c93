//! What a template may say: the variables of each type by the original's two names (contract, admin 5.5),
//! `VerificationCode` in its Go templates and `verification_code` in JSON, and a few of our own.

use chrono::SecondsFormat;
use identity::schema::Via;
use minijinja::value::{Serde, Value as Jinja};
use serde_json::{Map, Value, json};
use url::Url;

use crate::message::{OutgoingMessage, Template};

/// `template_data` as delivery services get it.
pub(super) fn template_data(message: &OutgoingMessage) -> Value {
    let sms = message.to.via == Via::Sms;
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("to", json!(message.to.value));
    let mut expires = None;
    let mut told_of = message
        .identity
        .as_ref()
        .map(|identity| identity.view.clone());
    match &message.template {
        Template::RecoveryValid { url, expires_in } => {
            put("recovery_url", json!(url));
            expires = Some(expires_in);
        }
        Template::RecoveryCodeValid { code, expires_in } => {
            // Another name in text messages, as in the original.
            let name = if sms {
                "verification_code"
            } else {
                "recovery_code"
            };
            put(name, json!(code.as_str()));
            if sms {
                put("request_url_domain", json!(domain(&message.request_url)));
            }
            expires = Some(expires_in);
        }
        Template::VerificationValid { url, expires_in } => {
            put("verification_url", json!(url));
            expires = Some(expires_in);
        }
        Template::VerificationCodeValid {
            code,
            url,
            expires_in,
        } => {
            put("verification_code", json!(code.as_str()));
            if !sms {
                put("verification_url", json!(url));
            }
            expires = Some(expires_in);
        }
        Template::LoginCodeValid { code, expires_in } => {
            put("login_code", json!(code.as_str()));
            expires = Some(expires_in);
        }
        Template::RegistrationCodeValid {
            code,
            traits,
            expires_in,
        } => {
            put("registration_code", json!(code.as_str()));
            if sms {
                // There is no identity yet: these are the traits.
                told_of = Some(traits.clone());
            } else {
                put("traits", traits.clone());
            }
            expires = Some(expires_in);
        }
        Template::VerifiableAddressChanged { changed_at } => {
            let at = changed_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            put("changed_at", json!(at));
        }
        Template::RecoveryInvalid
        | Template::RecoveryCodeInvalid
        | Template::VerificationInvalid
        | Template::VerificationCodeInvalid => told_of = None,
    }
    if let Some(identity) = told_of {
        put("identity", identity);
    }
    put("request_url", json!(message.request_url));
    let payload = message.transient_payload.clone();
    put("transient_payload", payload.unwrap_or(Value::Null));
    if let Some(expires_in) = expires {
        put("expires_in_minutes", json!(expires_in.as_secs() / 60));
    }
    Value::Object(data)
}

/// Everything a template may name: `data`, once more by the Go names, and what the original has not.
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
    if told_of_somebody(&message.template) {
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

fn told_of_somebody(template: &Template) -> bool {
    !matches!(
        template,
        Template::RecoveryInvalid
            | Template::RecoveryCodeInvalid
            | Template::VerificationInvalid
            | Template::VerificationCodeInvalid
    )
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

    #[test]
    fn go_names_are_the_originals() {
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
