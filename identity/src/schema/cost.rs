//! What judging one person's traits would cost, told before it is done. The validator cannot be stopped, and its
//! cost is a product of what a project wrote and what a visitor sent, so it is computed from both: the walk
//! here takes the ways that the validator takes, and gives up when the budget is spent.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::graph::{Node, NodeId, ROOT};

/// Steps of one judgement, of ten nanoseconds or so each. Ordinary traits take some hundred.
const STEPS_MAX: u64 = 10_000_000;
/// Bytes of text that are looked at in one step, where no pattern is matched.
const BYTES_A_STEP: u64 = 32;
/// Names that one is compared with in one step.
const NAMES_A_STEP: u64 = 8;
/// Of going to one subschema, here or in the validator.
const VISIT_STEPS: u64 = 2;
/// Of one complaint; it also takes some hundreds of bytes until all are told.
const COMPLAINT_STEPS: u64 = 200;
/// Of one value on the way to identifiers and addresses.
const FINDING_STEPS: u64 = 10;

/// What a pass over the value is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Pass {
    /// Whether it fits.
    Valid,
    /// What is wrong with it: all of it at once.
    Complaints,
}

/// The budget of one judgement.
pub(super) struct Purse<'n> {
    nodes: &'n [Node],
    left: u64,
    agreed: u64,
    /// What a value costs that has no length and no parts, and whether it is a number: the same for each of a list.
    plain: HashMap<(Pass, NodeId, bool), u64>,
}

impl<'n> Purse<'n> {
    pub(super) fn new(nodes: &'n [Node]) -> Self {
        Self {
            nodes,
            left: STEPS_MAX,
            agreed: 0,
            plain: HashMap::new(),
        }
    }

    /// Steps of what can be afforded so far.
    pub(super) fn agreed(&self) -> u64 {
        self.agreed
    }

    /// Can it be told whether this fits, and found what is in it? `relevant`: where identifiers, addresses and phone
    /// numbers are.
    pub(super) fn affords(&mut self, instance: &Value, relevant: &[bool]) -> bool {
        // Once more when a phone number is to be stored in another spelling.
        let passes = if self.nodes.iter().any(Node::is_phone) {
            2
        } else {
            1
        };
        let told = (0..passes).try_for_each(|_| self.judge(Pass::Valid, ROOT, instance));
        let told = told.and_then(|()| self.find(ROOT, instance, relevant));
        self.agree(told)
    }

    /// Can it also be told what is wrong with it?
    pub(super) fn affords_complaints(&mut self, instance: &Value) -> bool {
        let told = self.judge(Pass::Complaints, ROOT, instance);
        self.agree(told)
    }

    fn agree(&mut self, told: Option<()>) -> bool {
        if told.is_some() {
            self.agreed = STEPS_MAX - self.left;
        }
        told.is_some()
    }

    /// `None`: the budget is spent.
    fn spend(&mut self, steps: u64) -> Option<()> {
        self.left = self.left.checked_sub(steps)?;
        Some(())
    }

    fn judge(&mut self, pass: Pass, id: NodeId, value: &Value) -> Option<()> {
        if matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_)) {
            return self.visit(pass, id, value);
        }
        let key = (pass, id, value.is_number());
        if let Some(known) = self.plain.get(&key) {
            return self.spend(*known);
        }
        let before = self.left;
        self.visit(pass, id, value)?;
        self.plain.insert(key, before - self.left);
        Some(())
    }

    fn visit(&mut self, pass: Pass, id: NodeId, value: &Value) -> Option<()> {
        let nodes = self.nodes;
        let node = &nodes[id];
        self.spend(VISIT_STEPS + node.weight.keywords)?;
        if pass == Pass::Complaints {
            let complaints = node.weight.complaints.max(1);
            self.spend(complaints.saturating_mul(COMPLAINT_STEPS))?;
        }
        for part in node.always() {
            self.judge(pass, part, value)?;
        }
        for branch in &node.branches {
            self.judge(Pass::Valid, branch.node, value)?;
            if pass == Pass::Complaints {
                self.judge(pass, branch.node, value)?;
            }
        }
        if node.weight.unevaluated {
            self.mark(id, value)?;
        }
        self.spend(node.weight.of_value(value))?;
        match value {
            Value::String(text) => {
                let bytes = text.len() as u64;
                self.spend(bytes / BYTES_A_STEP + bytes.saturating_mul(node.weight.pattern))
            }
            Value::Object(fields) => self.object(pass, node, fields),
            Value::Array(items) => self.array(pass, node, items),
            _ => Some(()),
        }
    }

    /// What `unevaluated…` asks: which subschemas about the same value fit, and so on within each.
    fn mark(&mut self, id: NodeId, value: &Value) -> Option<()> {
        let nodes = self.nodes;
        let node = &nodes[id];
        self.spend(VISIT_STEPS)?;
        for part in node.in_place() {
            self.judge(Pass::Valid, part, value)?;
            self.mark(part, value)?;
        }
        let parts: &mut dyn Iterator<Item = &Value> = match value {
            Value::Object(fields) => &mut fields.values(),
            Value::Array(items) => &mut items.iter(),
            _ => return Some(()),
        };
        for part in parts {
            self.spend(1)?;
            for below in &node.members {
                self.judge(Pass::Valid, *below, part)?;
            }
        }
        Some(())
    }

    fn object(&mut self, pass: Pass, node: &Node, fields: &Map<String, Value>) -> Option<()> {
        for (name, part) in fields {
            self.spend((name.len() as u64).saturating_mul(node.weight.names))?;
            self.spend(node.properties.len() as u64 / NAMES_A_STEP)?;
            for (_, below) in node.properties.iter().filter(|(named, _)| named == name) {
                self.judge(pass, *below, part)?;
            }
            for below in &node.members {
                self.judge(pass, *below, part)?;
            }
            if let Some(names) = node.property_names {
                self.judge(pass, names, &Value::String(name.clone()))?;
            }
        }
        Some(())
    }

    fn array(&mut self, pass: Pass, node: &Node, items: &[Value]) -> Option<()> {
        if node.weight.unique {
            let count = items.len() as u64;
            self.spend(count.saturating_mul(1 + u64::from(count.max(2).ilog2())))?;
            items.iter().try_for_each(|item| self.compare(item))?;
        }
        for (at, item) in items.iter().enumerate() {
            if let Some(below) = node.tuple.get(at).copied().or(node.items) {
                self.judge(pass, below, item)?;
            }
            for below in &node.members {
                self.judge(pass, *below, item)?;
            }
        }
        Some(())
    }

    /// A whole value, with another.
    fn compare(&mut self, value: &Value) -> Option<()> {
        self.spend(1)?;
        match value {
            Value::String(text) => self.spend(text.len() as u64 / BYTES_A_STEP),
            Value::Array(items) => items.iter().try_for_each(|item| self.compare(item)),
            Value::Object(fields) => fields.iter().try_for_each(|(name, part)| {
                self.spend(name.len() as u64 / BYTES_A_STEP)?;
                self.compare(part)
            }),
            _ => Some(()),
        }
    }

    /// As [`super::extract`] goes.
    fn find(&mut self, id: NodeId, value: &Value, relevant: &[bool]) -> Option<()> {
        if !relevant[id] {
            return Some(());
        }
        let nodes = self.nodes;
        let node = &nodes[id];
        self.spend(FINDING_STEPS + node.finding(value))?;
        for also in node.reference.iter().chain(&node.all_of) {
            self.find(*also, value, relevant)?;
        }
        for branch in node.branches.iter().filter(|branch| relevant[branch.node]) {
            self.judge(Pass::Valid, branch.tested, value)?;
            self.find(branch.node, value, relevant)?;
        }
        match value {
            Value::Object(fields) => {
                for (name, below) in &node.properties {
                    if let Some(part) = fields.get(name) {
                        self.find(*below, part, relevant)?;
                    }
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if let Some(below) = node.tuple.get(at).copied().or(node.items) {
                        self.find(below, item, relevant)?;
                    }
                }
            }
            _ => {}
        }
        Some(())
    }
}
