//! The keys of Kratos's configuration that the schema does not list: the installation's, the commercial edition's,
//! not served yet. Every other key is unknown. Also what an import may leave out, with a note for each.

use serde_json::{Map, Value};

use super::pointer::{child, dotted};
use super::violation::ConfigViolation;

/// Who acts on such a key, if not the project.
enum Support {
    /// Set once for the whole installation; the text says where.
    Installation(&'static str),
    /// Only Kratos's commercial edition acts on it.
    Commercial,
    NotYet,
}

const FLAG: &str = "it is a flag of the command line";
const LISTENER: &str = "the installation listens for all projects (--listen)";
const OBSERVE: &str = "the installation sets it for all projects";
const BASE: &str = "the installation assigns each project its address";
const GUARD: &str =
    "calls to private addresses are refused except where --allow-private lists them";
const FILES: &str = "a project has no files on the server";
const CERTIFICATE: &str = "a project has no files on the server; put the PEM texts into insula.courier.client_certificate";

use Support::{Commercial, Installation, NotYet};

/// The longest prefix decides.
const KEYS: &[(&str, Support)] = &[
    (
        "dsn",
        Installation("the database belongs to the installation (DATABASE_URL)"),
    ),
    (
        "dev",
        Installation("set the project's environment to DEVELOPMENT instead"),
    ),
    ("help", Installation(FLAG)),
    ("config", Installation(FLAG)),
    ("sqa-opt-out", Installation(FLAG)),
    ("watch-courier", Installation(FLAG)),
    ("expose-metrics-port", Installation(FLAG)),
    ("log", Installation(OBSERVE)),
    ("tracing", Installation(OBSERVE)),
    ("database", Installation(OBSERVE)),
    ("preview", Installation(OBSERVE)),
    ("serve.public.base_url", Installation(BASE)),
    ("serve.public.host", Installation(LISTENER)),
    ("serve.public.port", Installation(LISTENER)),
    ("serve.public.socket", Installation(LISTENER)),
    ("serve.public.tls", Installation(LISTENER)),
    ("serve.public.request_log", Installation(OBSERVE)),
    (
        "serve.public.cors.options_passthrough",
        Installation(OBSERVE),
    ),
    ("serve.public.cors.debug", Installation(OBSERVE)),
    (
        "serve.admin",
        Installation("administration is served under the project's own address"),
    ),
    ("secrets.pagination", Installation(OBSERVE)),
    ("hashers.argon2.expected_duration", Installation(OBSERVE)),
    ("hashers.argon2.expected_deviation", Installation(OBSERVE)),
    ("hashers.argon2.dedicated_memory", Installation(OBSERVE)),
    (
        "ciphers",
        Installation("what is secret at rest is always encrypted"),
    ),
    ("clients.http", Installation(GUARD)),
    ("clients.smtp", Installation(GUARD)),
    (
        "security.disallow_ref_in_identity_schemas",
        Installation(OBSERVE),
    ),
    ("courier.worker", Installation(OBSERVE)),
    ("courier.template_override_path", Installation(FILES)),
    ("courier.smtp.client_cert_path", Installation(CERTIFICATE)),
    ("courier.smtp.client_key_path", Installation(CERTIFICATE)),
    ("enterprise", Commercial),
    ("organizations", Commercial),
    ("selfservice.methods.b2b", Commercial),
    ("selfservice.methods.saml", Commercial),
    ("oauth2_provider", NotYet),
    ("clients.web_hook", NotYet),
    ("secrets.cipher", NotYet),
    ("session.whoami.tokenizer", NotYet),
    ("session.earliest_possible_extend", NotYet),
    (
        "feature_flags.password_profile_registration_node_group",
        NotYet,
    ),
    (
        "selfservice.methods.link.config.base_url",
        Installation(BASE),
    ),
    ("selfservice.methods.totp", NotYet),
    ("selfservice.methods.lookup_secret", NotYet),
    ("selfservice.methods.webauthn", NotYet),
    ("selfservice.methods.passkey", NotYet),
    ("selfservice.methods.oidc", NotYet),
    ("selfservice.methods.password.config.migrate_hook", NotYet),
    ("selfservice.flows.settings.after.oidc", NotYet),
    ("selfservice.flows.settings.after.totp", NotYet),
    ("selfservice.flows.settings.after.lookup_secret", NotYet),
    ("selfservice.flows.settings.after.webauthn", NotYet),
    ("selfservice.flows.settings.after.passkey", NotYet),
    ("selfservice.flows.settings.before.hooks.config", NotYet),
    ("selfservice.flows.settings.after.hooks.config", NotYet),
    (
        "selfservice.flows.settings.after.password.hooks.config",
        NotYet,
    ),
    ("selfservice.flows.login.after.webauthn", NotYet),
    ("selfservice.flows.login.after.passkey", NotYet),
    ("selfservice.flows.login.after.totp", NotYet),
    ("selfservice.flows.login.after.lookup_secret", NotYet),
    ("selfservice.flows.login.after.oidc", NotYet),
    ("selfservice.flows.login.before.hooks.config", NotYet),
    ("selfservice.flows.login.after.hooks.config", NotYet),
    (
        "selfservice.flows.login.after.password.hooks.config",
        NotYet,
    ),
    ("selfservice.flows.login.after.code.hooks.config", NotYet),
    ("selfservice.flows.registration.after.webauthn", NotYet),
    ("selfservice.flows.registration.after.passkey", NotYet),
    ("selfservice.flows.registration.after.oidc", NotYet),
    ("selfservice.flows.registration.before.hooks.config", NotYet),
    ("selfservice.flows.registration.after.hooks.config", NotYet),
    (
        "selfservice.flows.registration.after.password.hooks.config",
        NotYet,
    ),
    (
        "selfservice.flows.registration.after.code.hooks.config",
        NotYet,
    ),
];

/// Hooks of Kratos's open edition.
const HOOKS: [&str; 8] = [
    "web_hook",
    "session",
    "revoke_active_sessions",
    "require_verified_address",
    "verification",
    "show_verification_ui",
    "verify_new_address",
    "notify_previous_addresses",
];

pub(super) fn is_known_hook(name: &str) -> bool {
    HOOKS.contains(&name)
}

/// Say why a key that the schema does not list is refused.
pub(super) fn explain_unlisted(pointer: &str, value: &Value, found: &mut Vec<ConfigViolation>) {
    let path = dotted(pointer);
    let message = match (support_of(&path), value) {
        (Some(Installation(why)), _) => {
            format!("`{path}` belongs to the installation, not to a project: {why}")
        }
        (Some(Commercial), _) => {
            format!("`{path}` belongs to Kratos's commercial edition and is not served")
        }
        (Some(NotYet), _) => format!("`{path}` is not served yet"),
        // On the way to several such keys: speak of those that are in there.
        (None, Value::Object(members)) if !members.is_empty() && leads_to_known(&path) => {
            for (name, member) in members {
                explain_unlisted(&child(pointer, name), member, found);
            }
            return;
        }
        (None, _) if leads_to_known(&path) => format!("`{path}` is not served yet"),
        (None, _) => format!("unknown key `{path}`"),
    };
    found.push(ConfigViolation {
        pointer: pointer.to_owned(),
        message,
    });
}

fn support_of(path: &str) -> Option<&'static Support> {
    KEYS.iter()
        .filter(|(key, _)| path == *key || is_below(path, key))
        .max_by_key(|(key, _)| key.len())
        .map(|(_, support)| support)
}

fn leads_to_known(path: &str) -> bool {
    KEYS.iter().any(|(key, _)| is_below(key, path))
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Leave out of an imported document what is not the project's to say; a note for each.
pub(super) fn leave_out(document: &mut Value, notes: &mut Vec<String>) {
    for (key, support) in KEYS {
        let why = match support {
            Installation(why) => *why,
            Commercial => "only Kratos's commercial edition acts on it",
            NotYet => continue,
        };
        if document
            .as_object_mut()
            .is_some_and(|root| remove(root, key))
        {
            notes.push(format!("`{key}` was left out: {why}"));
        }
    }
    if let Some(flows) = document.pointer_mut("/selfservice/flows") {
        leave_out_hooks(flows, "selfservice.flows", notes);
    }
}

/// Remove the key and the objects which that empties; say whether it was there.
fn remove(members: &mut Map<String, Value>, path: &str) -> bool {
    let Some((name, rest)) = path.split_once('.') else {
        return members.shift_remove(path).is_some();
    };
    let Some(inner) = members.get_mut(name).and_then(Value::as_object_mut) else {
        return false;
    };
    let removed = remove(inner, rest);
    if removed && inner.is_empty() {
        members.shift_remove(name);
    }
    removed
}

fn leave_out_hooks(value: &mut Value, path: &str, notes: &mut Vec<String>) {
    let Value::Object(members) = value else {
        return;
    };
    for (name, member) in members {
        let path = format!("{path}.{name}");
        match member {
            Value::Array(items) if name == "hooks" => items.retain(|item| {
                let hook = item.get("hook").and_then(Value::as_str);
                let unknown = hook.filter(|hook| !is_known_hook(hook));
                if let Some(hook) = unknown {
                    notes.push(format!(
                        "the hook `{hook}` in `{path}` was left out: it is unknown here"
                    ));
                }
                unknown.is_none()
            }),
            _ => leave_out_hooks(member, &path, notes),
        }
    }
}
