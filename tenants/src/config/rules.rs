//! Rules between keys, and between a document and its project. They read leniently: what has the wrong
//! type was reported by the schema already.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::context::ValidateCx;
use super::environment::Environment;
use super::lifespans;
use super::places::Place;
use super::units::parse_bytesize;
use super::violation::ConfigViolation;

const KIB: u64 = 1024;
/// The least that OWASP's password storage sheet asks of argon2id: this with 2 iterations …
const ARGON2_MEMORY_MIN: u64 = 19_456 * KIB;
/// … or this with one.
const ARGON2_MEMORY_MIN_ONE_PASS: u64 = 47_104 * KIB;
/// More would let one project starve the others.
const ARGON2_MEMORY_MAX: u64 = 256 * KIB * KIB;
const BCRYPT_COST_MIN: u64 = 12;
/// The session cookie's name, which no other project may have.
pub(crate) const SESSION_COOKIE: &str = "/session/cookie/name";
const SHARED_HOST: &str = "is refused for now: projects share hosts, and a cookie of a whole domain would reach the others";

/// Add what is wrong to `found`.
pub(super) fn check(document: &Value, cx: &ValidateCx<'_>, found: &mut Vec<ConfigViolation>) {
    cookies(document, cx, found);
    cross_origin(document, cx.environment, found);
    hashing(document, cx.environment, found);
    breach_service(document, cx.environment, found);
    codes(document, found);
    secrets_by_mail(document, found);
    lifespans::check(document, cx.environment, found);
    identity_schemas(document, cx, found);
}

fn cookies(document: &Value, cx: &ValidateCx<'_>, found: &mut Vec<ConfigViolation>) {
    for parent in ["/cookies", "/session/cookie"] {
        let text = |name: &str| {
            document
                .pointer(&format!("{parent}/{name}"))
                .and_then(Value::as_str)
        };
        if text("domain").is_some_and(|domain| !domain.is_empty()) {
            found.push(ConfigViolation::new(
                format!("{parent}/domain"),
                SHARED_HOST,
            ));
        }
        let insecure = text("secure") == Some("false");
        if insecure && cx.environment != Environment::Development {
            let message = "cookies without Secure are accepted in DEVELOPMENT projects only";
            found.push(ConfigViolation::new(format!("{parent}/secure"), message));
        }
        if insecure && text("same_site") == Some("None") {
            let message = "browsers drop cookies with SameSite=None that lack Secure";
            found.push(ConfigViolation::new(format!("{parent}/same_site"), message));
        }
    }
    let Some(name) = document.pointer(SESSION_COOKIE).and_then(Value::as_str) else {
        return;
    };
    let own = format!("ory_session_{}", cx.slug);
    let reserved = ["ory_session_", "ory_continuity_", "csrf_token_"];
    if name != own && reserved.iter().any(|prefix| name.starts_with(prefix)) {
        let message = format!("belongs to another project or use; `{own}` is this project's own");
        found.push(ConfigViolation::new(SESSION_COOKIE, message));
    }
}

const CORS: &str = "/serve/public/cors";

/// The origins of a document that answers CORS, and whether cookies may come along; `None` where it does not answer.
fn origins(document: &Value) -> Option<(Vec<&str>, bool)> {
    let cors = document.pointer(CORS)?;
    if cors.get("enabled") != Some(&Value::Bool(true)) {
        return None;
    }
    let listed = cors.get("allowed_origins").and_then(Value::as_array);
    let listed = listed.into_iter().flatten();
    let credentials = cors.get("allow_credentials") != Some(&Value::Bool(false));
    Some((
        listed.map(|it| it.as_str().unwrap_or_default()).collect(),
        credentials,
    ))
}

fn cross_origin(document: &Value, environment: Environment, found: &mut Vec<ConfigViolation>) {
    const EVERYBODY: &str = "lets every website act with the visitors' cookies: list the origins of your pages in serve.public.cors.allowed_origins, or set serve.public.cors.allow_credentials to false if they need no cookies";
    const CLEAR: &str = "an origin without TLS (http://) is accepted in DEVELOPMENT projects only: whoever is on the way could act for its visitors; use https://";
    let Some((listed, credentials)) = origins(document) else {
        return;
    };
    if environment == Environment::Development {
        return;
    }
    for (at, origin) in listed.into_iter().enumerate() {
        let why = match Place::of_origin(origin) {
            None if origin == "*" && credentials => EVERYBODY,
            Some(place) if place.is_clear() => CLEAR,
            _ => continue,
        };
        let pointer = format!("{CORS}/allowed_origins/{at}");
        found.push(ConfigViolation::new(pointer, why));
    }
}

/// What is accepted, but hardly meant.
pub(super) fn notes(document: &Value) -> Option<String> {
    let (listed, credentials) = origins(document)?;
    let note = match &listed[..] {
        [] => {
            "`serve.public.cors` is switched on, but allows nobody: list the origins of your pages in `allowed_origins`"
        }
        _ if credentials && listed.contains(&"*") => {
            "`serve.public.cors.allowed_origins` holds `*`: then browsers send no cookies, whatever else is listed"
        }
        _ => return None,
    };
    Some(note.to_owned())
}

fn hashing(document: &Value, environment: Environment, found: &mut Vec<ConfigViolation>) {
    const MEMORY: &str = "/hashers/argon2/memory";
    let number = |pointer: &str| document.pointer(pointer).and_then(Value::as_u64);
    let memory = document
        .pointer(MEMORY)
        .and_then(Value::as_str)
        .and_then(|text| parse_bytesize(text).ok())
        .unwrap_or(ARGON2_MEMORY_MIN);
    let passes = number("/hashers/argon2/iterations").unwrap_or(2);
    let lanes = number("/hashers/argon2/parallelism").unwrap_or(1);
    if memory > ARGON2_MEMORY_MAX {
        found.push(ConfigViolation::new(MEMORY, "must be at most 256MB"));
    }
    if memory < lanes.saturating_mul(8 * KIB) {
        found.push(ConfigViolation::new(
            MEMORY,
            "argon2 needs at least 8KB for each lane of `parallelism`",
        ));
    }
    if environment == Environment::Development {
        return;
    }
    if memory < ARGON2_MEMORY_MIN {
        let message = "less than 19MB is accepted in DEVELOPMENT projects only";
        found.push(ConfigViolation::new(MEMORY, message));
    } else if passes < 2 && memory < ARGON2_MEMORY_MIN_ONE_PASS {
        let message = "one iteration with less than 46MB is accepted in DEVELOPMENT projects only";
        found.push(ConfigViolation::new("/hashers/argon2/iterations", message));
    }
    if number("/hashers/bcrypt/cost").is_some_and(|cost| cost < BCRYPT_COST_MIN) {
        let message = "a cost below 12 is accepted in DEVELOPMENT projects only";
        found.push(ConfigViolation::new("/hashers/bcrypt/cost", message));
    }
}

fn breach_service(document: &Value, environment: Environment, found: &mut Vec<ConfigViolation>) {
    const HOST: &str = "/selfservice/methods/password/config/haveibeenpwned_host";
    let host = document.pointer(HOST).and_then(Value::as_str);
    let clear = host.is_some_and(|host| host.starts_with("http://"));
    if clear && environment != Environment::Development {
        let message = "a service without TLS is accepted in DEVELOPMENT projects only";
        found.push(ConfigViolation::new(HOST, message));
    }
}

/// A code proves one thing; it cannot be the first factor and the second.
fn codes(document: &Value, found: &mut Vec<ConfigViolation>) {
    let code = document.pointer("/selfservice/methods/code");
    let on = |key: &str| code.and_then(|code| code.get(key)) == Some(&Value::Bool(true));
    if on("passwordless_enabled") && on("mfa_enabled") {
        found.push(ConfigViolation::new(
            "/selfservice/methods/code/mfa_enabled",
            "codes are the first factor already (passwordless_enabled), so they cannot be the second",
        ));
    }
}

/// What a flow sends must be switched on.
fn secrets_by_mail(document: &Value, found: &mut Vec<ConfigViolation>) {
    let on = |pointer: &str, default: bool| {
        let value = document.pointer(pointer).and_then(Value::as_bool);
        value.unwrap_or(default)
    };
    for flow in ["verification", "recovery"] {
        if !on(&format!("/selfservice/flows/{flow}/enabled"), false) {
            continue;
        }
        let pointer = format!("/selfservice/flows/{flow}/use");
        let method = document.pointer(&pointer).and_then(Value::as_str);
        let method = method.unwrap_or("code");
        let is_on = on(
            &format!("/selfservice/methods/{method}/enabled"),
            method == "code",
        ) || (method == "code"
            && on("/selfservice/methods/code/passwordless_enabled", false));
        if !is_on {
            let message = format!(
                "the flow uses the method `{method}`, which is not enabled (selfservice.methods.{method}.enabled)"
            );
            found.push(ConfigViolation::new(pointer, message));
        }
    }
}

fn identity_schemas(document: &Value, cx: &ValidateCx<'_>, found: &mut Vec<ConfigViolation>) {
    let listed = document
        .pointer("/identity/schemas")
        .and_then(Value::as_array);
    let mut ids = HashSet::new();
    for (at, schema) in listed.into_iter().flatten().enumerate() {
        let text = |name: &str| schema.get(name).and_then(Value::as_str);
        let (Some(id), Some(url)) = (text("id"), text("url")) else {
            continue;
        };
        if !ids.insert(id) {
            let message = "another schema has this id";
            found.push(ConfigViolation::new(
                format!("/identity/schemas/{at}/id"),
                message,
            ));
        }
        for message in source(id, url, cx) {
            found.push(ConfigViolation::new(
                format!("/identity/schemas/{at}/url"),
                message,
            ));
        }
    }
    let default = document
        .pointer("/identity/default_schema_id")
        .and_then(Value::as_str);
    if default.is_some_and(|id| !ids.contains(id) && !cx.presets.contains(&id)) {
        let message = "names neither one of `identity.schemas` nor a preset";
        found.push(ConfigViolation::new("/identity/default_schema_id", message));
    }
    let evident = ids.len() < 2 || DEFAULT_SCHEMAS.iter().any(|id| ids.contains(*id));
    if default.is_none() && !evident {
        let message = "say which of `identity.schemas` is the default: set default_schema_id";
        found.push(ConfigViolation::new("/identity/schemas", message));
    }
}

/// Which of several schemas is the default where `default_schema_id` is left out. A single one is.
pub const DEFAULT_SCHEMAS: [&str; 2] = ["default", "preset://email"];

/// What is wrong with the place a schema comes from, or with the schema it holds.
fn source(id: &str, url: &str, cx: &ValidateCx<'_>) -> Vec<String> {
    let one = |message: &str| vec![message.to_owned()];
    if let Some(encoded) = url.strip_prefix("base64://") {
        let Ok(bytes) = STANDARD.decode(encoded) else {
            return one("base64:// must be followed by padded standard base64");
        };
        let Ok(schema) = serde_json::from_slice(&bytes) else {
            return one("what base64:// holds is not JSON");
        };
        let complain = |(pointer, message): (String, String)| match pointer.as_str() {
            "" => format!("the schema: {message}"),
            _ => format!("the schema at {pointer}: {message}"),
        };
        return (cx.schema_check)(id, &schema)
            .into_iter()
            .map(complain)
            .collect();
    }
    if url.starts_with("preset://") {
        let known = cx.presets.contains(&url);
        return if known {
            Vec::new()
        } else {
            vec![format!("there are the presets {}", cx.presets.join(", "))]
        };
    }
    if url.starts_with("file://") {
        return one(
            "the server reads no files: the command that imports a configuration replaces file:// by the file's content, where it runs",
        );
    }
    if url.starts_with("https://") || url.starts_with("http://") {
        return one("could not be fetched, so there is nothing to check");
    }
    one("must begin with base64://, preset://, https:// or http://")
}
