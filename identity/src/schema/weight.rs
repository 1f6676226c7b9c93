//! What one subschema costs by itself, whatever it judges, and what its keywords cost at one value
//! ([`super::cost`]). In steps of ten nanoseconds or so, as they were measured.

use regex_automata::nfa::thompson;
use serde_json::{Map, Value};

/// Of a pattern that cannot be measured: as many as the largest that is compiled.
const STATES_MAX: u64 = 50_000;
/// Bytes of a pattern's automaton, while it is measured.
const AUTOMATON_BYTES_MAX: usize = 2 << 20;
/// Of all patterns of a document: each is built anew wherever the schema is used.
const DOCUMENT_STATES_MAX: u64 = 300_000;
/// Of dividing one number by another that is no power of two: they become fractions of any size.
const DIVISION_STEPS: u64 = 300;
/// Of looking for one phone number in the plans of all countries.
const PHONE_STEPS: u64 = 4_000;
/// No longer text is looked at as a phone number, or folded as an identifier.
const PHONE_BYTES_MAX: u64 = 200;
const FOLDED_BYTES_MAX: u64 = 1024;
/// Of folding one byte that is not ASCII, which can become eleven, again and again.
const FOLD_STEPS: u64 = 100;
/// Keywords that never complain.
const SILENT: [&str; 18] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "$defs",
    "$ref",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "readOnly",
    "writeOnly",
    "properties",
    "items",
    "allOf",
    "then",
    "else",
];

/// The work of one subschema besides that of the subschemas in it.
#[derive(Debug, Default)]
pub(super) struct Weight {
    /// Keywords, and members of those that are lists.
    pub(super) keywords: u64,
    /// As many as it can make at one value.
    pub(super) complaints: u64,
    /// States of the automaton of `pattern`: a text costs so many for each of its bytes, at worst.
    pub(super) pattern: u64,
    /// The same of all `patternProperties`, for each name.
    pub(super) names: u64,
    /// Every item is compared with others.
    pub(super) unique: bool,
    /// What fits is asked once more, to know which parts were judged.
    pub(super) unevaluated: bool,
    divides: bool,
    format: Option<Format>,
}

/// By what checking it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Plain,
    Phone,
    /// Its reader compares the names of groups with each other.
    Regex,
}

impl Weight {
    /// What its patterns cost is measured with `measured`, within what is left of a document's budget.
    pub(super) fn of(object: &Map<String, Value>, measured: &mut Measured) -> Self {
        let loud = object.keys().filter(|name| !SILENT.contains(&&***name));
        let names = object.get("patternProperties").and_then(Value::as_object);
        let names = names.into_iter().flatten();
        let has = |name| object.contains_key(name);
        Self {
            keywords: object
                .iter()
                .map(|(name, value)| members(name, value))
                .sum(),
            complaints: 1 + loud.count() as u64 + required(object),
            pattern: object.get("pattern").map_or(0, |pattern| {
                measured.states(pattern.as_str().unwrap_or_default())
            }),
            // `additionalProperties` matches them once more.
            names: names.map(|(pattern, _)| 2 * measured.states(pattern)).sum(),
            unique: object.get("uniqueItems") == Some(&Value::Bool(true)),
            unevaluated: has("unevaluatedProperties") || has("unevaluatedItems"),
            divides: has("multipleOf"),
            format: object
                .get("format")
                .and_then(Value::as_str)
                .map(|name| match name {
                    "tel" => Format::Phone,
                    "regex" => Format::Regex,
                    _ => Format::Plain,
                }),
        }
    }

    /// What its keywords cost at this value and no other.
    pub(super) fn of_value(&self, value: &Value) -> u64 {
        match value {
            Value::Number(_) if self.divides => DIVISION_STEPS,
            Value::String(text) => self.format.map_or(0, |format| format.steps(text)),
            _ => 0,
        }
    }
}

impl Format {
    fn steps(self, text: &str) -> u64 {
        let bytes = text.len() as u64;
        match self {
            Self::Plain => bytes / 2,
            Self::Phone => phone(text),
            Self::Regex => bytes.saturating_mul(1 + bytes / 256),
        }
    }
}

/// What looking for a phone number costs.
fn phone(text: &str) -> u64 {
    let bytes = text.len() as u64;
    let tried = if bytes <= PHONE_BYTES_MAX {
        PHONE_STEPS
    } else {
        0
    };
    tried + folding(text)
}

/// What the stored form of an identifier or address costs.
fn folding(text: &str) -> u64 {
    let bytes = text.len() as u64;
    if bytes > FOLDED_BYTES_MAX || text.is_ascii() {
        return 1 + bytes.min(FOLDED_BYTES_MAX) / 8;
    }
    bytes * FOLD_STEPS
}

/// What finding identifiers and addresses in this value costs, for each of `uses`; as phone numbers, if `phones`.
pub(super) fn finding(text: &str, uses: u64, phones: bool) -> u64 {
    let starts_a_number = text.trim_start().starts_with(['+', '\u{ff0b}']);
    let each = if phones || starts_a_number {
        phone(text)
    } else {
        folding(text)
    };
    uses.saturating_mul(each)
}

/// A keyword that is a list, and how many values it compares with.
fn members(name: &str, value: &Value) -> u64 {
    match (name, value) {
        ("const" | "enum", value) => size(value),
        (_, Value::Array(items)) => items.len() as u64,
        (_, Value::Object(fields)) => fields.len() as u64,
        _ => 1,
    }
}

fn size(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

/// Names that are asked for; each that is missing is a complaint.
fn required(object: &Map<String, Value>) -> u64 {
    let listed = |value: &Value| value.as_array().map_or(0, |names| names.len() as u64);
    let own = object.get("required").map_or(0, listed);
    let of_others = ["dependencies", "dependentRequired"].into_iter();
    let of_others = of_others.filter_map(|name| object.get(name)?.as_object());
    own + of_others.flat_map(Map::values).map(listed).sum::<u64>()
}

/// How large the patterns of a document are together. What is beyond that is not looked at.
#[derive(Debug, Default)]
pub(super) struct Measured {
    states: u64,
}

impl Measured {
    /// Are the patterns too large together?
    pub(super) fn is_too_much(&self) -> bool {
        self.states > DOCUMENT_STATES_MAX
    }

    /// How many states the automaton of a pattern has.
    fn states(&mut self, pattern: &str) -> u64 {
        if self.is_too_much() {
            return STATES_MAX;
        }
        let config = thompson::Config::new().nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
        let built = thompson::Compiler::new().configure(config).build(pattern);
        let states = built.map_or(STATES_MAX, |automaton| automaton.states().len() as u64);
        self.states += states;
        states
    }
}
