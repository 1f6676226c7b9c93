//! What judging one person's traits would cost, told before it is done. The validator cannot be stopped, and its
//! cost is a product of what a project wrote and what a visitor sent, so it is computed from both: the walk
//! here takes the ways that the validator takes, and gives up when the budget is spent.

use serde_json::{Map, Value};

use super::graph::{Node, NodeId, ROOT};

/// Steps of one judgement. Ordinary traits take some hundred.
const STEPS_MAX: u64 = 20_000_000;
/// Bytes of text that are looked at in one step, where no pattern is matched.
const BYTES_A_STEP: u64 = 32;
/// Names that one is compared with in one step.
const NAMES_A_STEP: u64 = 8;

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
