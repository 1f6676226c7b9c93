//! A person as a schema describes people: every trait that it names, once. For trying out what shows traits;
//! such a person might not be let in.

use serde_json::{Map, Value, json};

use super::graph::{Node, NodeId, ROOT};

/// References can multiply a small document into a person without end: the walk stops at this depth and work.
const DEPTH_MAX: usize = 64;
const STEPS_MAX: usize = 5_000;

/// Their traits.
pub(super) fn traits(document: &Value, nodes: &[Node]) -> Value {
    let mut walk = Walk {
        document,
        nodes,
        open: Vec::new(),
        steps: 0,
    };
    let mut person = Value::Null;
    walk.fill(ROOT, &mut person);
    let traits = person.get_mut("traits").map(Value::take);
    traits.unwrap_or_else(|| json!({}))
}

struct Walk<'s> {
    document: &'s Value,
    nodes: &'s [Node],
    /// From the root to here; a schema that contains itself is not followed a second time.
    open: Vec<NodeId>,
    steps: usize,
}

impl Walk<'_> {
    /// What the schema there says of the value, as far as nothing before it said otherwise.
    fn fill(&mut self, id: NodeId, value: &mut Value) {
        self.steps += 1;
        if self.steps > STEPS_MAX || self.open.len() >= DEPTH_MAX || self.open.contains(&id) {
            return;
        }
        self.open.push(id);
        let nodes = self.nodes;
        let node = &nodes[id];
        if value.is_null() {
            let schema = self.document.pointer(&node.pointer);
            *value = schema.map_or(Value::Null, empty);
        }
        let branches = node.branches.iter().map(|branch| branch.node);
        let same = node.reference.iter().chain(&node.all_of).copied();
        for also in same.chain(branches) {
            self.fill(also, value);
        }
        self.members(node, value);
        self.items(node, value);
        self.open.pop();
    }

    fn members(&mut self, node: &Node, value: &mut Value) {
        if value.is_null() && !node.properties.is_empty() {
            *value = Value::Object(Map::new());
        }
        let Some(object) = value.as_object_mut() else {
            return;
        };
        for (name, below) in &node.properties {
            self.fill(*below, object.entry(name.clone()).or_insert(Value::Null));
        }
    }

    fn items(&mut self, node: &Node, value: &mut Value) {
        let first = node.tuple.first().copied().or(node.items);
        if let (Some(first), Value::Array(items)) = (first, value) {
            if items.is_empty() {
                items.push(Value::Null);
            }
            self.fill(first, &mut items[0]);
        }
    }
}

/// A value of the schema's first type that is no `null`, with nothing in it.
fn empty(schema: &Value) -> Value {
    let listed = schema.get("enum").and_then(|all| all.get(0));
    if let Some(one) = schema.get("const").or(listed) {
        return one.clone();
    }
    let name = match schema.get("type") {
        Some(Value::Array(several)) => {
            let mut several = several.iter().filter_map(Value::as_str);
            several.find(|name| *name != "null")
        }
        one => one.and_then(Value::as_str),
    };
    match name {
        Some("string") => json!("text"),
        Some("number" | "integer") => json!(1),
        Some("boolean") => json!(true),
        Some("object") => json!({}),
        Some("array") => json!([]),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::super::IdentitySchema;
    use super::*;

    fn sample(traits: &Value) -> Value {
        let schema = json!({
            "definitions": {
                "name": {"type": "object", "properties": {"first": {"type": ["null", "string"]}}},
                "tree": {"type": "object", "properties": {"left": {"$ref": "#/definitions/tree"}, "leaf": {"const": 7}}},
            },
            "type": "object", "properties": {"traits": traits},
        });
        IdentitySchema::compile("x", &schema).unwrap().sample()
    }

    #[test]
    fn every_trait_is_there_once() {
        let traits = json!({"type": "object",
            "allOf": [{"properties": {"name": {"$ref": "#/definitions/name"}}}],
            "properties": {
                "role": {"enum": ["owner", "guest"]},
                "ages": {"type": "array", "items": {"type": "integer"}},
                "either": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {}}}]},
                "is_new": {"type": "boolean"},
                "anything": {},
            },
        });
        assert_eq!(
            sample(&traits),
            json!({"name": {"first": "text"}, "role": "owner", "ages": [1], "either": "text", "is_new": true,
                "anything": null})
        );
    }

    #[test]
    fn what_has_no_end_ends() {
        let tree =
            json!({"type": "object", "properties": {"tree": {"$ref": "#/definitions/tree"}}});
        assert_eq!(sample(&tree), json!({"tree": {"left": null, "leaf": 7}}));
    }
}
