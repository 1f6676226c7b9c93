//! What validating could cost at worst, computed from the graph alone. Projects write their own schemas,
//! and the validator has no budget: a schema that could overflow the stack or never end is refused here.

use super::graph::{Node, NodeId, ROOT};
use super::{NESTING_MAX, SchemaProblem};

/// Longest chain of `$ref`, `allOf` and the like about one and the same value.
const CHAIN_MAX: usize = 32;
/// Subschemas that judge one value and one path below it, repetitions counted.
const WORK_MAX: u64 = 100_000;
/// Nested subschemas at the deepest point; the validator needs some stack for each.
const DEPTH_MAX: usize = 400;

#[derive(Clone, Copy, Default)]
struct Cost {
    work: u64,
    depth: usize,
}

/// Refuses loops that consume nothing, and schemas too expensive for a value as deep as one may be.
pub(super) fn check(nodes: &[Node]) -> Result<(), SchemaProblem> {
    let order = in_place_order(nodes)?;
    let mut below = vec![Cost::default(); nodes.len()];
    // One round per level of the value, innermost first; `traits` hangs one below the root.
    for _ in 0..=NESTING_MAX + 1 {
        let mut here = vec![Cost::default(); nodes.len()];
        for &id in &order {
            here[id] = cost(&nodes[id], &here, &below);
        }
        below = here;
    }
    if below[ROOT].work > WORK_MAX {
        return Err(SchemaProblem::new(
            "",
            "validating could take too long: subschemas repeat each other too often",
        ));
    }
    if below[ROOT].depth > DEPTH_MAX {
        return Err(SchemaProblem::new(
            "",
            "subschemas are nested too deeply through references",
        ));
    }
    Ok(())
}

/// Of the named properties only one lies on a path; of the others all may apply to it.
fn cost(node: &Node, here: &[Cost], below: &[Cost]) -> Cost {
    let named = node
        .properties
        .iter()
        .map(|(_, id)| below[*id].work)
        .max()
        .unwrap_or(0);
    let tuple = node
        .tuple
        .iter()
        .map(|id| below[*id].work)
        .max()
        .unwrap_or(0);
    let others = node
        .members
        .iter()
        .copied()
        .chain(node.items)
        .chain(node.property_names)
        .map(|id| below[id].work);
    let same = node.in_place().map(|id| here[id].work);
    let depth_below = node.below().map(|id| below[id].depth).max().unwrap_or(0);
    let depth_here = node.in_place().map(|id| here[id].depth).max().unwrap_or(0);
    Cost {
        work: others
            .chain(same)
            .chain([named.max(tuple)])
            .fold(1, u64::saturating_add),
        depth: 1 + depth_below.max(depth_here),
    }
}

/// All nodes, each after those that judge the same value.
fn in_place_order(nodes: &[Node]) -> Result<Vec<NodeId>, SchemaProblem> {
    let mut search = Search {
        nodes,
        marks: vec![Mark::New; nodes.len()],
        order: Vec::with_capacity(nodes.len()),
    };
    for id in 0..nodes.len() {
        search.visit(id)?;
    }
    Ok(search.order)
}

#[derive(Clone, Copy)]
enum Mark {
    New,
    Open,
    /// With the length of the longest chain from here.
    Done(usize),
}

struct Search<'n> {
    nodes: &'n [Node],
    marks: Vec<Mark>,
    order: Vec<NodeId>,
}

impl Search<'_> {
    /// Depth-first with a stack of its own: the chain may be as long as the document before it is refused.
    fn visit(&mut self, start: NodeId) -> Result<(), SchemaProblem> {
        let mut stack = vec![start];
        while let Some(&id) = stack.last() {
            match self.marks[id] {
                Mark::New => {
                    self.marks[id] = Mark::Open;
                    for next in self.nodes[id].in_place() {
                        match self.marks[next] {
                            Mark::New => stack.push(next),
                            Mark::Open => {
                                return Err(self.problem(
                                    id,
                                    "refers back to itself without going into the value",
                                ));
                            }
                            Mark::Done(_) => {}
                        }
                    }
                }
                Mark::Open => {
                    stack.pop();
                    self.close(id)?;
                }
                Mark::Done(_) => {
                    stack.pop();
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, id: NodeId) -> Result<(), SchemaProblem> {
        let longest = self.nodes[id]
            .in_place()
            .map(|next| match self.marks[next] {
                Mark::Done(length) => length,
                Mark::New | Mark::Open => 0,
            });
        let length = 1 + longest.max().unwrap_or(0);
        if length > CHAIN_MAX {
            return Err(self.problem(id, "begins a chain of references that is too long"));
        }
        self.marks[id] = Mark::Done(length);
        self.order.push(id);
        Ok(())
    }

    fn problem(&self, id: NodeId, message: &str) -> SchemaProblem {
        SchemaProblem::new(&self.nodes[id].pointer, message)
    }
}
