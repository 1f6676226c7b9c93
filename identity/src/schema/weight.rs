//! What one subschema costs by itself, whatever it judges ([`super::cost`]).

use regex_automata::nfa::thompson;
use serde_json::{Map, Value};

/// Of a pattern that cannot be measured: as many as the largest that is compiled.
const STATES_MAX: u64 = 50_000;
/// Bytes of a pattern's automaton, while it is measured.
const AUTOMATON_BYTES_MAX: usize = 2 << 20;

/// The work of one subschema besides that of the subschemas in it.
#[derive(Debug, Default)]
pub(super) struct Weight {
    /// Keywords, and members of those that are lists.
    pub(super) keywords: u64,
    /// States of the automaton of `pattern`: a text costs so many for each of its bytes, at worst.
    pub(super) pattern: u64,
    /// The same of all `patternProperties`, for each name.
    pub(super) names: u64,
    /// Every item is compared with others.
    pub(super) unique: bool,
}

impl Weight {
    pub(super) fn of(object: &Map<String, Value>) -> Self {
        let length = |value: &Value| match value {
            Value::Array(items) => items.len(),
            Value::Object(fields) => fields.len(),
            _ => 1,
        };
        let names = object.get("patternProperties").and_then(Value::as_object);
        let names = names.into_iter().flatten();
        Self {
            keywords: object.values().map(|value| length(value) as u64).sum(),
            pattern: object
                .get("pattern")
                .map_or(0, |pattern| states(pattern.as_str().unwrap_or_default())),
            names: names.map(|(pattern, _)| states(pattern)).sum(),
            unique: object.get("uniqueItems") == Some(&Value::Bool(true)),
        }
    }
}

/// How many states the automaton of a pattern has.
fn states(pattern: &str) -> u64 {
    let config = thompson::Config::new().nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
    let built = thompson::Compiler::new().configure(config).build(pattern);
    built.map_or(STATES_MAX, |automaton| automaton.states().len() as u64)
}
