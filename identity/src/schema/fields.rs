//! The leaf traits of a schema, for forms (docs/wire.md, W4.4). Knows no flow and no message number.

use serde_json::Value;

use super::graph::{Node, NodeId};

const OPTIONS_MAX: usize = 500;
const FIELDS_MAX: usize = 1000;
/// References can multiply a small document into a form without end: the walk stops at this depth and work.
const DEPTH_MAX: usize = 128;
const STEPS_MAX: usize = 20_000;

/// How a trait is typed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A string.
    Text,
    /// A number or integer.
    Number,
    /// A boolean.
    Checkbox,
}

/// A trait that is typed in: a string, number, integer or boolean, or a list of one of these.
#[derive(Clone, Debug, PartialEq)]
pub struct TraitField {
    /// Dotted path with its prefix: `traits.name.first`; a dot inside a property's name is written `\.`.
    pub name: String,
    /// From the JSON type; of a list, from its items'.
    pub kind: FieldKind,
    /// A list of such values: the field is sent once for each.
    pub is_list: bool,
    /// As in the schema.
    pub format: Option<String>,
    /// As in the schema, if not empty.
    pub title: Option<String>,
    /// Whether the object it is in asks for it.
    pub required: bool,
    /// As in the schema.
    pub pattern: Option<String>,
    /// The values of `enum`, at most 500.
    pub options: Vec<Value>,
    /// `disableFormField`.
    pub disabled: bool,
}

/// The fields, and a title with its name when exactly one trait identifies and it has a title.
pub(super) struct Fields {
    pub(super) fields: Vec<TraitField>,
    pub(super) label: Option<(String, String)>,
}

pub(super) fn read(document: &Value, nodes: &[Node], traits: NodeId) -> Fields {
    let mut walk = Walk {
        document,
        nodes,
        open: Vec::new(),
        steps: 0,
        fields: Vec::new(),
        candidates: Vec::new(),
    };
    walk.descend(traits, "traits", false);
    let label = match walk.candidates.as_slice() {
        [(name, Some(title))] => Some((title.clone(), name.clone())),
        _ => None,
    };
    Fields {
        fields: walk.fields,
        label,
    }
}

struct Walk<'s> {
    document: &'s Value,
    nodes: &'s [Node],
    /// From the root to here; a schema that contains itself is not followed a second time.
    open: Vec<NodeId>,
    steps: usize,
    fields: Vec<TraitField>,
    /// Traits that identify, once each: name and title.
    candidates: Vec<(String, Option<String>)>,
}

impl Walk<'_> {
    fn enter(&mut self, id: NodeId) -> bool {
        self.steps += 1;
        let goes_on =
            self.steps <= STEPS_MAX && self.open.len() < DEPTH_MAX && !self.open.contains(&id);
        if goes_on {
            self.open.push(id);
        }
        goes_on
    }

    fn descend(&mut self, id: NodeId, name: &str, required: bool) {
        if self.fields.len() >= FIELDS_MAX || !self.enter(id) {
            return;
        }
        let nodes = self.nodes;
        let node = &nodes[id];
        let schema = self.document.pointer(&node.pointer).unwrap_or(&Value::Null);
        self.note_identifier(node, schema, name);
        if node.reference.is_none() {
            let list = || self.list_kind(node, schema).map(|kind| (kind, true));
            let leaf = leaf_kind(schema).map(|kind| (kind, false)).or_else(list);
            if let Some(leaf) = leaf {
                self.leaf(schema, name, leaf, required);
            }
        }
        for also in node.reference.iter().chain(&node.all_of) {
            self.descend(*also, name, required);
        }
        for (property, below) in &node.properties {
            let required = self.requires(id, property);
            self.descend(
                *below,
                &format!("{name}.{}", property.replace('.', "\\.")),
                required,
            );
        }
        for below in node.tuple.iter().chain(&node.items) {
            self.items(*below, name);
        }
        self.open.pop();
    }

    /// A property may come from one part of an `allOf` and be required by another.
    fn leaf(
        &mut self,
        schema: &Value,
        name: &str,
        (kind, is_list): (FieldKind, bool),
        required: bool,
    ) {
        if self.fields.iter().any(|field| field.name == name) {
            return;
        }
        let text = |key| schema.get(key).and_then(Value::as_str).map(str::to_owned);
        let options = schema.get("enum").and_then(Value::as_array);
        self.fields.push(TraitField {
            name: name.to_owned(),
            kind,
            is_list,
            format: text("format"),
            title: text("title").filter(|title| !title.is_empty()),
            required,
            pattern: text("pattern"),
            options: options
                .map(|all| all.iter().take(OPTIONS_MAX).cloned().collect())
                .unwrap_or_default(),
            disabled: schema
                .get("disableFormField")
                .and_then(Value::as_bool)
                .unwrap_or_default(),
        });
    }

    /// What its items are, if they are all of one kind.
    fn list_kind(&self, node: &Node, schema: &Value) -> Option<FieldKind> {
        if type_name(schema)? != "array" {
            return None;
        }
        let kind = |id: NodeId| {
            let item = &self.nodes[id];
            let item = item.reference.map_or(item, |target| &self.nodes[target]);
            leaf_kind(self.document.pointer(&item.pointer)?)
        };
        let mut kinds = node.tuple.iter().chain(&node.items).map(|id| kind(*id));
        let first = kinds.next()??;
        kinds.all(|other| other == Some(first)).then_some(first)
    }

    fn requires(&self, id: NodeId, property: &str) -> bool {
        let nodes = self.nodes;
        let listed = |node: &Node| {
            let names = self
                .document
                .pointer(&node.pointer)
                .and_then(|schema| schema.get("required"));
            names
                .and_then(Value::as_array)
                .is_some_and(|names| names.iter().any(|name| name == property))
        };
        let asks = |id: NodeId| {
            listed(&nodes[id]) || nodes[id].all_of.iter().any(|part| listed(&nodes[*part]))
        };
        // Up through the parts of an `allOf` and references about the same object.
        let mut parents = self
            .open
            .iter()
            .rev()
            .copied()
            .skip_while(|open| *open != id);
        let mut here = parents.next().unwrap_or(id);
        if asks(here) {
            return true;
        }
        for parent in parents {
            if !nodes[parent].all_of.contains(&here) && nodes[parent].reference != Some(here) {
                return false;
            }
            here = parent;
            if asks(here) {
                return true;
            }
        }
        false
    }

    /// Items have no field, yet an identifier among them makes the label ambiguous.
    fn items(&mut self, id: NodeId, name: &str) {
        if !self.enter(id) {
            return;
        }
        let nodes = self.nodes;
        let node = &nodes[id];
        if node
            .extension
            .as_ref()
            .is_some_and(super::extension::Extension::labels_login)
        {
            self.candidates.push((format!("{name}[]"), None));
        }
        let parts: Vec<NodeId> = node.in_place().chain(node.below()).collect();
        for part in parts {
            self.items(part, name);
        }
        self.open.pop();
    }

    fn note_identifier(&mut self, node: &Node, schema: &Value, name: &str) {
        if !node
            .extension
            .as_ref()
            .is_some_and(super::extension::Extension::labels_login)
        {
            return;
        }
        let title = schema
            .get("title")
            .and_then(Value::as_str)
            .filter(|title| !title.is_empty())
            .map(str::to_owned);
        match self.candidates.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = known.take().or(title),
            None => self.candidates.push((name.to_owned(), title)),
        }
    }
}

/// By its type, else by the constant that it must be, or one of those.
fn leaf_kind(schema: &Value) -> Option<FieldKind> {
    match type_name(schema) {
        Some("string") => Some(FieldKind::Text),
        Some("number" | "integer") => Some(FieldKind::Number),
        Some("boolean") => Some(FieldKind::Checkbox),
        Some(_) => None,
        None => match schema.get("const").or_else(|| first_choice(schema))? {
            Value::String(_) => Some(FieldKind::Text),
            Value::Number(_) => Some(FieldKind::Number),
            Value::Bool(_) => Some(FieldKind::Checkbox),
            _ => None,
        },
    }
}

/// The first type that is no `null`.
fn type_name(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(several) => several
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        one => one.as_str(),
    }
}

/// `{"oneOf": [{"const": "a"}, …]}` is a choice of titled values.
fn first_choice(schema: &Value) -> Option<&Value> {
    ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| schema.get(key)?.as_array()?.first()?.get("const"))
}
