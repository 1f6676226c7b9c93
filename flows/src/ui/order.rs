//! The order of a form's nodes (docs/wire.md, W4.6): first by group, then, among neighbours of one group, by
//! key and value. Recovery, verification and several single screens keep the order they were drawn in; which
//! screen is sorted is the flows' business.
//!
//! Kratos sorts with a comparison that is no order (nodes of different groups are never less), so its
//! result hangs on its algorithm. Up to 20 nodes that equals sorting each run of one group by itself,
//! which is done here at any length: longer forms come out as the short ones do.

use std::cmp::Ordering;

use serde_json::Value;

use super::node::{Attributes, Group, Node};

const LOGIN_GROUPS: &[Group] = &[
    Group::Oidc,
    Group::Default,
    Group::Webauthn,
    Group::Passkey,
    Group::Code,
    Group::Password,
    Group::Totp,
    Group::LookupSecret,
];
const LOGIN_KEYS: &[&str] = &["csrf_token", "identifier", "password"];

const REGISTRATION_GROUPS: &[Group] = &[
    Group::Oidc,
    Group::Saml,
    Group::Default,
    Group::Webauthn,
    Group::Passkey,
    Group::Code,
    Group::Password,
    Group::Captcha,
    Group::Profile,
];
const REGISTRATION_LAST_KEYS: &[&str] = &[
    "webauthn_remove",
    "webauthn_register_displayname",
    "webauthn_register",
];

const SETTINGS_GROUPS: &[Group] = &[
    Group::Default,
    Group::Profile,
    Group::Password,
    Group::Oidc,
    Group::LookupSecret,
    Group::Webauthn,
    Group::Passkey,
    Group::Totp,
];
const SETTINGS_LAST_KEYS: &[&str] = &[
    "lookup_secret_reveal",
    "lookup_secret_regenerate",
    "lookup_secret_codes",
    "lookup_secret_confirm",
    "webauthn_remove",
    "webauthn_register_displayname",
    "webauthn_register",
    "passkey_remove",
    "passkey_register",
    "totp_qr",
    "totp_secret_key",
    "totp_unlink",
    "totp_code",
];

/// Sorts the nodes of a login form.
pub fn login(nodes: &mut [Node]) {
    sort(nodes, LOGIN_GROUPS, LOGIN_KEYS);
}

/// Sorts the nodes of a registration form. `schema_keys` are the dotted names of the schema's
/// properties in document order (`traits.email`); the password follows the first of them.
pub fn registration<'k>(nodes: &mut [Node], schema_keys: impl IntoIterator<Item = &'k str>) {
    let mut schema_keys = schema_keys.into_iter();
    let mut keys = vec!["csrf_token"];
    keys.extend(schema_keys.next());
    keys.push("password");
    keys.extend(schema_keys);
    keys.extend(REGISTRATION_LAST_KEYS);
    sort(nodes, REGISTRATION_GROUPS, &keys);
}

/// Sorts the nodes of a settings form; `schema_keys` as in [`registration`].
pub fn settings<'k>(nodes: &mut [Node], schema_keys: impl IntoIterator<Item = &'k str>) {
    let keys: Vec<&str> = schema_keys
        .into_iter()
        .chain(SETTINGS_LAST_KEYS.iter().copied())
        .collect();
    sort(nodes, SETTINGS_GROUPS, &keys);
}

fn sort(nodes: &mut [Node], groups: &[Group], keys: &[&str]) {
    // `None` sorts first: a group that is not listed comes before all that are.
    nodes.sort_by_key(|node| groups.iter().position(|group| *group == node.group));
    for run in nodes.chunk_by_mut(|a, b| family(a.group) == family(b.group)) {
        run.sort_by(|a, b| by_key(a, b, keys));
    }
}

/// `default` and `password` count as one when they stand side by side.
fn family(group: Group) -> Group {
    if group == Group::Password {
        Group::Default
    } else {
        group
    }
}

fn by_key(a: &Node, b: &Node, keys: &[&str]) -> Ordering {
    let places = position(a.id(), keys).cmp(&position(b.id(), keys));
    places.then_with(|| value(a).cmp(&value(b)))
}

/// The first key that begins the id; unknown ids come after all keys, `method` after those.
fn position(id: &str, keys: &[&str]) -> usize {
    if id == "method" {
        return keys.len() + 1;
    }
    keys.iter()
        .position(|key| id.starts_with(key))
        .unwrap_or(keys.len())
}

/// What ties are broken by. A missing value counts as `<nil>`, after `""` and before `{…`.
fn value(node: &Node) -> String {
    match &node.attributes {
        Attributes::Input(input) => match &input.value {
            None | Some(Value::Null) => "<nil>".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        },
        Attributes::Img(image) => image.src.clone(),
        Attributes::A(anchor) => anchor.href.clone(),
        Attributes::Text(text) => text.text.text.clone(),
        Attributes::Script(script) => script.src.clone(),
        Attributes::Div(_) => "<nil>".to_owned(),
    }
}

#[cfg(test)]
mod tests;
