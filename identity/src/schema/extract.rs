//! From traits that fit their schema to identifiers and addresses (docs/wire.md, W14.2).
//! The walk follows a plan made once per schema, which leaves out every part that says nothing about them.

use jsonschema::ValidatorMap;
use serde_json::Value;

use super::extension::Extension;
use super::graph::{Node, NodeId};
use super::pointer::join;
use super::{Address, Derived, Via, Violation, ViolationKind, formats};
use crate::normalize;

const NO_VALIDATE: &str = "no-validate";
/// Of an identifier in its stored form; an index of Postgres takes no more than 2,704.
const IDENTIFIER_BYTES_MAX: usize = 512;
/// Of an address in its stored form (RFC 5321, section 4.5.3.1.3: a path without its brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// Of each kind of identifier and address of one person, and of complaints about them.
const EACH_MAX: usize = 100;

/// Which subschemas matter for identifiers and addresses, or hold phone numbers.
pub(super) fn relevant(nodes: &[Node]) -> Vec<bool> {
    let mut relevant: Vec<bool> = nodes
        .iter()
        .map(|node| node.extension.is_some() || node.is_phone())
        .collect();
    loop {
        let mut changed = false;
        // Backwards, because most nodes come before their parts.
        for (id, node) in nodes.iter().enumerate().rev() {
            if !relevant[id]
                && node
                    .in_place()
                    .chain(node.below())
                    .any(|part| relevant[part])
            {
                relevant[id] = true;
                changed = true;
            }
        }
        if !changed {
            return relevant;
        }
    }
}

/// What the walk over one person's traits has found.
pub(super) struct Walk<'s> {
    pub(super) nodes: &'s [Node],
    pub(super) relevant: &'s [bool],
    pub(super) branches: Option<&'s ValidatorMap>,
    pub(super) found: Derived,
    pub(super) violations: Vec<Violation>,
    /// JSON pointers, from `traits`, of phone numbers to store as E.164.
    pub(super) phones: Vec<(String, String)>,
}

impl Walk<'_> {
    pub(super) fn value(&mut self, id: NodeId, value: &Value, pointer: &str) {
        // After so many complaints the rest would be work without an answer.
        if !self.relevant[id] || self.violations.len() >= EACH_MAX {
            return;
        }
        let nodes = self.nodes;
        let node = &nodes[id];
        self.leaf(node, value, pointer);
        for also in node.reference.iter().chain(&node.all_of) {
            self.value(*also, value, pointer);
        }
        for branch in node
            .branches
            .iter()
            .filter(|branch| self.relevant[branch.node])
        {
            let validator = self.branches.and_then(|map| map.get(&branch.test));
            if validator.is_some_and(|validator| validator.is_valid(value) == branch.expect) {
                self.value(branch.node, value, pointer);
            }
        }
        if let Value::Object(object) = value {
            for (name, below) in &node.properties {
                if let Some(part) = object.get(name) {
                    self.value(*below, part, &join(pointer, name));
                }
            }
        }
        if let Value::Array(items) = value {
            for (at, item) in items.iter().enumerate() {
                if let Some(below) = node.tuple.get(at).copied().or(node.items) {
                    self.value(below, item, &format!("{pointer}/{at}"));
                }
            }
        }
    }

    fn leaf(&mut self, node: &Node, value: &Value, pointer: &str) {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        if value.is_string()
            && node.is_phone()
            && let Some(phone) = normalize::phone(&text).filter(|phone| *phone != text)
        {
            self.phones.push((pointer.to_owned(), phone));
        }
        let Some(extension) = &node.extension else {
            return;
        };
        let format = node.format.as_deref();
        let at = At {
            pointer,
            schema: join(&node.pointer, super::extension::KEYWORD),
        };
        if extension.password || extension.webauthn {
            self.identifier(extension, &text, &at);
        }
        // A code must arrive somewhere: nothing waives that check.
        let code = extension.code.and_then(|via| {
            self.address(via, &text, format.filter(|name| *name != NO_VALIDATE), &at)
        });
        let verifiable = extension
            .verification
            .and_then(|via| self.address(via, &text, format, &at));
        let recovery = extension
            .recovery
            .and_then(|via| self.address(via, &text, format, &at));
        let found = &mut self.found;
        for (list, address) in [
            (&mut found.code, code),
            (&mut found.verifiable, verifiable),
            (&mut found.recovery, recovery),
        ] {
            list.extend(address.filter(|address| !list.contains(address)));
        }
        let addresses = [&found.code, &found.verifiable, &found.recovery];
        if addresses.iter().any(|list| list.len() > EACH_MAX) {
            self.too_many(&at);
            return;
        }
        let found = &mut self.found;
        let label = |wanted: bool, slot: &mut Option<String>| {
            if wanted && slot.is_none() && !text.trim().is_empty() {
                *slot = Some(text.trim().to_owned());
            }
        };
        label(
            extension.passkey_display_name,
            &mut found.passkey_display_name,
        );
        label(extension.totp_account_name, &mut found.totp_account_name);
    }

    fn identifier(&mut self, extension: &Extension, text: &str, at: &At<'_>) {
        let identifier = normalize::short_identifier(text)
            .filter(|identifier| identifier.len() <= IDENTIFIER_BYTES_MAX);
        let Some(identifier) = identifier else {
            return self.too_long(at, IDENTIFIER_BYTES_MAX);
        };
        if identifier.is_empty() {
            self.complain(Violation::new(
                at.pointer,
                &at.schema,
                ViolationKind::Other,
                "is empty, so nobody could sign in with it",
            ));
            return;
        }
        for (wanted, list) in [
            (extension.password, &mut self.found.password),
            (extension.webauthn, &mut self.found.webauthn),
        ] {
            if wanted && !list.contains(&identifier) {
                list.push(identifier.clone());
            }
        }
        if self.found.password.len().max(self.found.webauthn.len()) > EACH_MAX {
            self.too_many(at);
        }
    }

    /// The stored form of an address. An email is checked unless its format is a looser one; `format` is
    /// what the schema says about the trait.
    fn address(
        &mut self,
        via: Via,
        text: &str,
        format: Option<&str>,
        at: &At<'_>,
    ) -> Option<Address> {
        let unchecked = format == Some(NO_VALIDATE);
        let short = match via {
            Via::Email => normalize::email(text),
            Via::Sms => normalize::short_identifier(text),
        };
        let short = short.filter(|value| value.len() <= ADDRESS_BYTES_MAX);
        let Some(value) = short else {
            self.too_long(at, ADDRESS_BYTES_MAX);
            return None;
        };
        let (value, wanted) = match via {
            Via::Email => {
                let good = match format {
                    Some(NO_VALIDATE) => !value.is_empty(),
                    Some("email_loose") => formats::is_email_loose(&value),
                    _ => formats::is_email(&value),
                };
                (good.then_some(value), "email")
            }
            Via::Sms => {
                let loose = Some(value).filter(|value| unchecked && !value.is_empty());
                (normalize::phone(text).or(loose), "tel")
            }
        };
        if value.is_none() {
            self.complain(Violation::format(at.pointer, &at.schema, wanted, text));
        }
        value.map(|value| Address { via, value })
    }

    fn too_long(&mut self, at: &At<'_>, bytes_max: usize) {
        let detail = format!("is longer than {bytes_max} bytes");
        self.complain(Violation::new(
            at.pointer,
            &at.schema,
            ViolationKind::Other,
            detail,
        ));
    }

    fn too_many(&mut self, at: &At<'_>) {
        let detail = format!("is one identifier or address too many: there can be {EACH_MAX}");
        self.complain(Violation::new(
            at.pointer,
            &at.schema,
            ViolationKind::Other,
            detail,
        ));
    }

    /// The same value is often several kinds of address; one complaint about it will do.
    fn complain(&mut self, violation: Violation) {
        if self.violations.len() < EACH_MAX && !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }
}

struct At<'p> {
    pointer: &'p str,
    schema: String,
}
