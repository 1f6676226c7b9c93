//! What judging one person's traits would cost, told before it is done. The validator cannot be stopped, and its
//! cost is a product of what a project wrote and what a visitor sent, so it is computed from both: the walk
//! here takes the ways that the validator takes, and gives up when the budget is spent.

use regex_automata::nfa::thompson;
use serde_json::{Map, Value};

use super::graph::{Node, NodeId, ROOT};

/// Steps of one judgement; some tens of milliseconds at worst. Ordinary traits take some hundred.
const STEPS_MAX: u64 = 20_000_000;
/// Bytes of text that are looked at in one step, where no pattern is matched.
const BYTES_A_STEP: u64 = 32;
/// Names that one is compared with in one step.
const NAMES_A_STEP: u64 = 8;
/// Of a pattern that cannot be measured: as many as the largest that is compiled.
const STATES_MAX: u64 = 50_000;
/// Bytes of a pattern's automaton, while it is measured.
const AUTOMATON_BYTES_MAX: usize = 2 << 20;

/// The work of one subschema besides that of the subschemas in it.
#[derive(Debug, Default)]
pub(super) struct Weight {
    /// Keywords, and members of those that are lists.
    keywords: u64,
    /// States of the automaton of `pattern`: a text costs so many for each of its bytes, at worst.
    pattern: u64,
    /// The same of all `patternProperties`, for each name.
    names: u64,
    /// Every item is compared with others.
    unique: bool,
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

/// Can this be judged within the budget? `conditional`: identifiers and addresses hang on conditions, which are
/// judged once more for them.
pub(super) fn is_affordable(nodes: &[Node], conditional: bool, instance: &Value) -> bool {
    let mut purse = Purse {
        nodes,
        conditional,
        left: STEPS_MAX,
    };
    purse.judge(ROOT, instance).is_some()
}

struct Purse<'n> {
    nodes: &'n [Node],
    conditional: bool,
    left: u64,
}

impl Purse<'_> {
    /// `None`: the budget is spent.
    fn spend(&mut self, steps: u64) -> Option<()> {
        self.left = self.left.checked_sub(steps)?;
        Some(())
    }

    fn judge(&mut self, id: NodeId, value: &Value) -> Option<()> {
        let nodes = self.nodes;
        let node = &nodes[id];
        self.spend(1 + node.weight.keywords)?;
        for part in node.in_place() {
            self.judge(part, value)?;
        }
        if self.conditional {
            for branch in &node.branches {
                self.judge(branch.node, value)?;
            }
        }
        match value {
            Value::String(text) => {
                let bytes = text.len() as u64;
                self.spend(bytes / BYTES_A_STEP + bytes.saturating_mul(node.weight.pattern))
            }
            Value::Object(fields) => self.object(node, fields),
            Value::Array(items) => self.array(node, items),
            _ => Some(()),
        }
    }

    fn object(&mut self, node: &Node, fields: &Map<String, Value>) -> Option<()> {
        for (name, part) in fields {
            self.spend((name.len() as u64).saturating_mul(node.weight.names))?;
            self.spend(node.properties.len() as u64 / NAMES_A_STEP)?;
            for (_, below) in node.properties.iter().filter(|(named, _)| named == name) {
                self.judge(*below, part)?;
            }
            for below in &node.members {
                self.judge(*below, part)?;
            }
        }
        Some(())
    }

    fn array(&mut self, node: &Node, items: &[Value]) -> Option<()> {
        if node.weight.unique {
            let count = items.len() as u64;
            self.spend(count.saturating_mul(1 + u64::from(count.max(2).ilog2())))?;
        }
        for (at, item) in items.iter().enumerate() {
            if let Some(below) = node.tuple.get(at).copied().or(node.items) {
                self.judge(below, item)?;
            }
            for below in &node.members {
                self.judge(*below, item)?;
            }
        }
        Some(())
    }
}
