//! The document as a graph of subschemas: what hangs where, with `$ref` resolved inside the document.
//! Everything that may not occur in a tenant's schema is refused on the way. Does not look at any instance.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::SchemaProblem;
use super::dialect::Dialect;
use super::extension::{self, Extension};
use super::pointer::join;
use super::weight::{self, Measured, Weight};

const NODES_MAX: usize = 10_000;
/// A compiled pattern may take a megabyte, so their number is what bounds the memory of a schema.
const PATTERNS_MAX: usize = 200;
/// Each can open another level while the validator compiles.
const REFS_MAX: usize = 500;

pub(super) type NodeId = usize;
pub(super) const ROOT: NodeId = 0;

/// One subschema. A node with `reference` has nothing else in draft-07, as the draft says.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// JSON pointer from the document's root, without `#`.
    pub(super) pointer: String,
    pub(super) reference: Option<NodeId>,
    pub(super) all_of: Vec<NodeId>,
    pub(super) branches: Vec<Branch>,
    /// Further subschemas that judge the same value: `not`, `dependentSchemas`.
    pub(super) same_value: Vec<NodeId>,
    pub(super) properties: Vec<(String, NodeId)>,
    pub(super) tuple: Vec<NodeId>,
    /// For the items after the tuple, or all.
    pub(super) items: Option<NodeId>,
    /// Further subschemas that judge members or items of the value.
    pub(super) members: Vec<NodeId>,
    /// Judges the names of members.
    pub(super) property_names: Option<NodeId>,
    pub(super) extension: Option<Extension>,
    pub(super) format: Option<String>,
    pub(super) weight: Weight,
}

/// A subschema that only counts when the value fits (`expect`) the one at `test`.
#[derive(Debug)]
pub(super) struct Branch {
    /// `#/…`, as the validator names it.
    pub(super) test: String,
    /// The subschema at `test`.
    pub(super) tested: NodeId,
    pub(super) expect: bool,
    pub(super) node: NodeId,
}

impl Node {
    /// The subschemas that judge the same value as this one.
    pub(super) fn in_place(&self) -> impl Iterator<Item = NodeId> {
        let branches = self.branches.iter().map(|branch| branch.node);
        self.always().chain(branches)
    }

    /// Those of them that are no branches.
    pub(super) fn always(&self) -> impl Iterator<Item = NodeId> {
        self.reference
            .into_iter()
            .chain(self.all_of.iter().copied())
            .chain(self.same_value.iter().copied())
    }

    /// The subschemas that judge parts of the value.
    pub(super) fn below(&self) -> impl Iterator<Item = NodeId> {
        let properties = self.properties.iter().map(|(_, node)| *node);
        properties
            .chain(self.tuple.iter().copied())
            .chain(self.items)
            .chain(self.members.iter().copied())
            .chain(self.property_names)
    }

    /// Whether its text is to be a phone number.
    pub(super) fn is_phone(&self) -> bool {
        self.format.as_deref() == Some("tel")
            || self.extension.as_ref().is_some_and(Extension::is_phone)
    }

    /// What finding its identifiers and addresses in this value costs, in steps.
    pub(super) fn finding(&self, value: &Value) -> u64 {
        let Value::String(text) = value else { return 0 };
        let uses = self.extension.as_ref().map_or(0, Extension::uses);
        let stored = u64::from(self.is_phone());
        weight::finding(text, uses + stored, self.is_phone())
    }
}

/// Walks the document from the root. The document must be bounded in nesting already.
pub(super) fn build(document: &Value, dialect: Dialect) -> Result<Vec<Node>, Vec<SchemaProblem>> {
    let mut builder = Builder {
        document,
        dialect,
        nodes: Vec::new(),
        ids: HashMap::new(),
        anchors: HashMap::new(),
        anchored: Vec::new(),
        patterns: 0,
        measured: Measured::default(),
        refs: 0,
        problems: Vec::new(),
    };
    builder.visit(String::new());
    let mut next = 0;
    while next < builder.nodes.len()
        && builder.problems.len() < super::PROBLEMS_MAX
        && builder.patterns <= PATTERNS_MAX
        && !builder.measured.is_too_much()
    {
        if next >= NODES_MAX {
            builder.complain("", format!("has more than {NODES_MAX} subschemas"));
            break;
        }
        builder.read(next);
        next += 1;
        if next == builder.nodes.len() {
            builder.resolve_anchors();
        }
    }
    if builder.problems.is_empty() {
        Ok(builder.nodes)
    } else {
        Err(builder.problems)
    }
}

struct Builder<'d> {
    document: &'d Value,
    dialect: Dialect,
    nodes: Vec<Node>,
    ids: HashMap<String, NodeId>,
    anchors: HashMap<String, NodeId>,
    /// References by name, which may stand before what they name.
    anchored: Vec<(NodeId, String)>,
    patterns: usize,
    measured: Measured,
    refs: usize,
    problems: Vec<SchemaProblem>,
}

impl<'d> Builder<'d> {
    fn complain(&mut self, pointer: &str, message: impl Into<String>) {
        self.problems.push(SchemaProblem::new(pointer, message));
    }

    fn visit(&mut self, pointer: String) -> NodeId {
        if let Some(id) = self.ids.get(&pointer) {
            return *id;
        }
        let id = self.nodes.len();
        self.ids.insert(pointer.clone(), id);
        self.nodes.push(Node {
            pointer,
            ..Node::default()
        });
        id
    }

    fn read(&mut self, id: NodeId) {
        let pointer = self.nodes[id].pointer.clone();
        let document = self.document;
        let object = match document.pointer(&pointer) {
            Some(Value::Object(object)) => object,
            Some(Value::Bool(_)) => return,
            _ => return self.complain(&pointer, "is not a schema"),
        };
        let mut node = Node {
            pointer,
            ..Node::default()
        };
        if let Some(target) = object.get("$ref") {
            self.reference(id, &mut node, target);
        }
        if object.get("$ref").is_none() || self.dialect == Dialect::Draft202012 {
            self.identity(id, &node.pointer, object);
            self.applicators(&mut node, object);
            node.weight = Weight::of(object, &mut self.measured);
            if self.measured.is_too_much() {
                self.complain(
                    &node.pointer,
                    "the patterns of the schema are too large together",
                );
            }
            node.format = object
                .get("format")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if let Some(value) = object.get(extension::KEYWORD) {
                let at = join(&node.pointer, extension::KEYWORD);
                node.extension = Some(extension::read(value, &at, &mut self.problems));
            }
        }
        self.nodes[id] = node;
    }

    /// `$id`, `$anchor`, `$schema` and what makes references depend on where one comes from.
    fn identity(&mut self, id: NodeId, pointer: &str, object: &Map<String, Value>) {
        let text = |name| object.get(name).and_then(Value::as_str);
        let fragment = text("$id").and_then(|id| id.strip_prefix('#'));
        if let Some(anchor) = fragment
            .or(text("$anchor"))
            .filter(|anchor| !anchor.is_empty())
            && self.anchors.insert(anchor.to_owned(), id).is_some()
        {
            self.complain(pointer, format!("the anchor `{anchor}` is there twice"));
        }
        if pointer.is_empty() {
            return;
        }
        if object.contains_key("$id") && fragment.is_none() {
            self.complain(
                &join(pointer, "$id"),
                "a schema of its own inside this one is not supported",
            );
        }
        if object.contains_key("$schema") {
            self.complain(
                &join(pointer, "$schema"),
                "only the root may name its draft",
            );
        }
        for name in ["$dynamicRef", "$recursiveRef", "$vocabulary"] {
            if object.contains_key(name) {
                self.complain(&join(pointer, name), "is not supported");
            }
        }
    }

    fn reference(&mut self, id: NodeId, node: &mut Node, target: &Value) {
        let at = join(&node.pointer, "$ref");
        self.refs += 1;
        if self.refs == REFS_MAX + 1 {
            self.complain(&at, format!("there are more than {REFS_MAX} references"));
        }
        let Some(fragment) = target.as_str().and_then(|text| text.strip_prefix('#')) else {
            return self.complain(&at, "may only point inside this document: `#…`");
        };
        match percent_decode(fragment) {
            Some(path) if path.is_empty() || path.starts_with('/') => {
                if self.document.pointer(&path).is_some() {
                    node.reference = Some(self.visit(path));
                } else {
                    self.complain(&at, "points at nothing in this document");
                }
            }
            Some(anchor) => self.anchored.push((id, anchor)),
            None => self.complain(&at, "is not a valid URI fragment"),
        }
    }

    fn resolve_anchors(&mut self) {
        for (id, anchor) in std::mem::take(&mut self.anchored) {
            if let Some(target) = self.anchors.get(&anchor) {
                self.nodes[id].reference = Some(*target);
            } else {
                let at = join(&self.nodes[id].pointer, "$ref");
                self.complain(&at, format!("there is no anchor `{anchor}`"));
            }
        }
    }

    /// Reads all keywords that hold subschemas. Their shapes are left to the meta-schema.
    fn applicators(&mut self, node: &mut Node, object: &'d Map<String, Value>) {
        for (name, value) in object {
            let at = join(&node.pointer, name);
            match name.as_str() {
                "properties" => node.properties = self.named(value, &at),
                "patternProperties" => {
                    let named = self.named(value, &at);
                    self.count_patterns(named.len(), &at);
                    node.members.extend(named.into_iter().map(|(_, id)| id));
                }
                "pattern" => self.count_patterns(1, &at),
                "definitions" | "$defs" => drop(self.named(value, &at)),
                "allOf" => node.all_of = self.listed(value, &at),
                "anyOf" | "oneOf" => {
                    let listed = self.listed(value, &at);
                    let branch = |id: NodeId, pointer: &str| Branch {
                        test: format!("#{pointer}"),
                        tested: id,
                        expect: true,
                        node: id,
                    };
                    node.branches.extend(
                        listed
                            .iter()
                            .map(|id| branch(*id, &self.nodes[*id].pointer)),
                    );
                }
                "if" | "then" | "else" => {
                    let test = join(&node.pointer, "if");
                    let id = self.visit(at);
                    // Without `if` the other two mean nothing.
                    if object.contains_key("if") {
                        node.branches.push(Branch {
                            tested: self.visit(test.clone()),
                            test: format!("#{test}"),
                            expect: name != "else",
                            node: id,
                        });
                    }
                }
                "not" => node.same_value.push(self.visit(at)),
                "dependentSchemas" | "dependencies" => {
                    let named = self.named(value, &at);
                    node.same_value.extend(named.into_iter().map(|(_, id)| id));
                }
                "items" if value.is_array() => node.tuple = self.listed(value, &at),
                "items" => node.items = Some(self.visit(at)),
                "prefixItems" => node.tuple = self.listed(value, &at),
                "additionalItems" if object.get("items").is_some_and(Value::is_array) => {
                    node.items = Some(self.visit(at));
                }
                "propertyNames" => node.property_names = Some(self.visit(at)),
                "additionalProperties"
                | "contains"
                | "unevaluatedItems"
                | "unevaluatedProperties" => {
                    node.members.push(self.visit(at));
                }
                _ => {}
            }
        }
    }

    /// The subschemas of an object of them, in order; lists of names (`dependencies`) are no schemas.
    fn named(&mut self, value: &Value, pointer: &str) -> Vec<(String, NodeId)> {
        let members = value
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, part)| !part.is_array());
        members
            .map(|(name, _)| (name.clone(), self.visit(join(pointer, name))))
            .collect()
    }

    fn listed(&mut self, value: &Value, pointer: &str) -> Vec<NodeId> {
        let length = value.as_array().map_or(0, Vec::len);
        (0..length)
            .map(|at| self.visit(format!("{pointer}/{at}")))
            .collect()
    }

    fn count_patterns(&mut self, more: usize, pointer: &str) {
        let before = self.patterns;
        self.patterns += more;
        if before <= PATTERNS_MAX && self.patterns > PATTERNS_MAX {
            self.complain(
                pointer,
                format!("there are more than {PATTERNS_MAX} patterns"),
            );
        }
    }
}

/// `None` for a broken escape or for what is no text afterwards.
fn percent_decode(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}
