//! Identity schemas: a JSON Schema per project that says which traits people have, and which of them are
//! login identifiers and addresses. Compiled once and shared; knows no database, no flow and no project.
//! The documents come from tenants, so everything is bounded: size, nesting, references, patterns, work.

mod compile;
mod cost;
mod dialect;
mod extension;
mod extract;
mod fields;
mod formats;
#[cfg(test)]
mod fuzz;
mod graph;
mod inspect;
mod limits;
mod pointer;
mod presets;
mod sample;
#[cfg(test)]
mod tests;
mod violation;
mod weight;

use std::str::FromStr;

use jsonschema::{Validator, ValidatorMap};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenants::fair;
use utoipa::ToSchema;

use graph::{Node, ROOT};

pub use fields::{FieldKind, TraitField};
pub(crate) use formats::is_email_loose;
pub use presets::{PRESET_IDS, preset};
pub use violation::{Violation, ViolationKind, report};

/// Of objects and arrays in a schema, and below `traits` in an identity.
const NESTING_MAX: usize = 64;
const PROBLEMS_MAX: usize = 50;

/// A compiled identity schema. Compile once, share by `Arc`.
pub struct IdentitySchema {
    id: String,
    document: Value,
    nodes: Vec<Node>,
    relevant: Vec<bool>,
    validator: Validator,
    /// Only for schemas with identifiers or addresses behind a condition.
    branches: Option<ValidatorMap>,
    fields: Vec<TraitField>,
    label: Option<(String, String)>,
}

/// Something that keeps a document from being an identity schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    /// JSON pointer into the document, with `#`; `#/` for the root.
    pub pointer: String,
    /// In English.
    pub message: String,
}

/// How an address is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AddressVia)]
pub enum Via {
    /// By mail.
    Email,
    /// By text message.
    Sms,
}

/// An address in its stored form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// How it is reached.
    pub via: Via,
    /// Normalised: lower-case email, E.164 phone number.
    pub value: String,
}

/// What follows from someone's traits. Identifiers and addresses are normalised, each there once, in schema order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derived {
    /// To be stored: valid phone numbers as E.164, the rest as sent.
    pub traits: Value,
    /// Identifiers for the password method.
    pub password: Vec<String>,
    /// Identifiers for passwordless WebAuthn.
    pub webauthn: Vec<String>,
    /// Identifiers for the code method, which are addresses too.
    pub code: Vec<Address>,
    /// Addresses that can be verified.
    pub verifiable: Vec<Address>,
    /// Addresses that a recovery can be sent to.
    pub recovery: Vec<Address>,
    /// Shown as the name of a passkey.
    pub passkey_display_name: Option<String>,
    /// Shown as the account in an authenticator app.
    pub totp_account_name: Option<String>,
}

/// What can be sent to the addresses in an identity's traits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Codes to sign in or up with.
    pub codes: bool,
    /// A verification of the address.
    pub verification: bool,
    /// What recovers the account.
    pub recovery: bool,
}

impl Via {
    /// `email` or `sms`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// There is no such way to reach anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither `email` nor `sms`")]
pub struct UnknownVia;

impl FromStr for Via {
    type Err = UnknownVia;

    fn from_str(text: &str) -> Result<Self, UnknownVia> {
        [Self::Email, Self::Sms]
            .into_iter()
            .find(|via| via.as_str() == text)
            .ok_or(UnknownVia)
    }
}

impl SchemaProblem {
    fn new(pointer: &str, message: impl Into<String>) -> Self {
        let pointer = if pointer.is_empty() {
            "#/".to_owned()
        } else {
            format!("#{pointer}")
        };
        Self {
            pointer,
            message: message.into(),
        }
    }
}

impl IdentitySchema {
    /// Compiles `document`; `id` is only a label. Draft-07 (also when none is named) and 2020-12, references
    /// inside the document only, patterns without backtracking, at most 1 MiB of text.
    ///
    /// # Errors
    /// What is wrong with the document, as much of it as can be told at once.
    pub fn compile(id: &str, document: &Value) -> Result<Self, Vec<SchemaProblem>> {
        compile::check_size(document).map_err(|problem| vec![problem])?;
        let dialect = dialect::of(document).map_err(|problem| vec![problem])?;
        let nodes = graph::build(document, dialect)?;
        limits::check(&nodes).map_err(|problem| vec![problem])?;
        let problems = compile::meta_problems(document, dialect);
        if !problems.is_empty() {
            return Err(problems);
        }
        let traits = compile::find_traits(document, &nodes).map_err(|problem| vec![problem])?;
        let relevant = extract::relevant(&nodes);
        let conditional = nodes
            .iter()
            .flat_map(|node| &node.branches)
            .any(|branch| relevant[branch.node]);
        let (validator, branches) = compile::build_validators(document, dialect, conditional)
            .map_err(|problem| vec![problem])?;
        let fields::Fields { fields, label } = fields::read(document, &nodes, traits);
        let (id, document) = (id.to_owned(), document.clone());
        Ok(Self {
            id,
            document,
            nodes,
            relevant,
            validator,
            branches,
            fields,
            label,
        })
    }

    /// The label given to [`Self::compile`].
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The document as given.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Leaf traits in document order; arrays and untyped traits have no field.
    pub fn fields(&self) -> &[TraitField] {
        &self.fields
    }

    /// Title and dotted name when exactly one trait is a login identifier and it has a title.
    pub fn identifier_label(&self) -> Option<(&str, &str)> {
        self.label
            .as_ref()
            .map(|(title, name)| (title.as_str(), name.as_str()))
    }

    /// What an identity of this schema can be sent by that channel.
    pub fn reach(&self, via: Via) -> Reach {
        let mut reach = Reach::default();
        for extension in self.nodes.iter().filter_map(|node| node.extension.as_ref()) {
            reach.codes |= extension.code == Some(via);
            reach.verification |= extension.verification == Some(via);
            reach.recovery |= extension.recovery == Some(via);
        }
        reach
    }

    /// Traits as an identity might have them: every one that the schema names, valid or not.
    pub fn sample(&self) -> Value {
        sample::traits(&self.document, &self.nodes)
    }

    /// Validates `{"traits": traits}` and derives identifiers and addresses.
    ///
    /// # Errors
    /// One violation per leaf cause.
    pub fn derive(&self, traits: &Value) -> Result<Derived, Vec<Violation>> {
        let mut purse = cost::Purse::new(&self.nodes);
        let derived = self.derive_within(&mut purse, traits);
        metrics::counter!("insula_traits_judged_total", "thread" => fair::thread_kind())
            .increment(1);
        metrics::counter!("insula_traits_steps_total").increment(purse.agreed());
        derived
    }

    fn derive_within(
        &self,
        purse: &mut cost::Purse<'_>,
        traits: &Value,
    ) -> Result<Derived, Vec<Violation>> {
        if let Some(violation) = inspect::first_problem(traits) {
            return Err(vec![violation]);
        }
        let mut instance = Value::Object(Map::from_iter([("traits".to_owned(), traits.clone())]));
        if !purse.affords(&instance, &self.relevant) {
            metrics::counter!("insula_traits_too_dear_total").increment(1);
            return Err(vec![Violation::too_dear()]);
        }
        if !self.validator.is_valid(&instance) {
            // The validator tells all that is wrong at once, which takes memory as well.
            return Err(if purse.affords_complaints(&instance) {
                violation::collect(self.validator.iter_errors(&instance))
            } else {
                vec![Violation::untold()]
            });
        }
        let mut walk = extract::Walk {
            nodes: &self.nodes,
            relevant: &self.relevant,
            branches: self.branches.as_ref(),
            found: Derived::default(),
            violations: Vec::new(),
            phones: Vec::new(),
        };
        walk.value(ROOT, &instance, "");
        if !walk.violations.is_empty() {
            return Err(walk.violations);
        }
        let mut found = walk.found;
        self.store_phones(&mut instance, walk.phones);
        found.traits = instance
            .get_mut("traits")
            .map(Value::take)
            .unwrap_or_default();
        Ok(found)
    }

    /// What is stored must validate when it is written next, so a schema that wants another spelling keeps it.
    fn store_phones(&self, instance: &mut Value, phones: Vec<(String, String)>) {
        if phones.is_empty() {
            return;
        }
        let as_sent = instance.clone();
        for (pointer, phone) in phones {
            if let Some(value) = instance.pointer_mut(&pointer) {
                *value = Value::String(phone);
            }
        }
        if !self.validator.is_valid(instance) {
            *instance = as_sent;
        }
    }
}
