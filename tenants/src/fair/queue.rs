//! Who is next: one line per project, and the lines take turns. Plain data, no threads and no waiting.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

/// A place in the queue, for leaving it early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    project: Uuid,
    number: u64,
}

/// Lines of items, one for each project, which take turns.
// Invariant: `turns` names each project of `lines` once, and no line is empty.
pub struct FairQueue<T> {
    lines: HashMap<Uuid, VecDeque<(u64, T)>>,
    turns: VecDeque<Uuid>,
    waiting: usize,
    waiting_max: usize,
    waiting_per_project_max: usize,
    next_number: u64,
}

impl<T> FairQueue<T> {
    /// Empty, and never longer than that in all and for each project.
    pub fn new(waiting_max: usize, waiting_per_project_max: usize) -> Self {
        let (lines, turns) = (HashMap::new(), VecDeque::new());
        Self {
            lines,
            turns,
            waiting: 0,
            waiting_max,
            waiting_per_project_max,
            next_number: 0,
        }
    }

    /// How many wait in all.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// `None` when the queue, or this project's line, is full.
    pub fn push(&mut self, project: Uuid, item: T) -> Option<Ticket> {
        let length = self.lines.get(&project).map_or(0, VecDeque::len);
        if self.waiting >= self.waiting_max || length >= self.waiting_per_project_max {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        if length == 0 {
            self.turns.push_back(project);
        }
        self.lines
            .entry(project)
            .or_default()
            .push_back((number, item));
        self.waiting += 1;
        Some(Ticket { project, number })
    }

    /// The first of the project whose turn it is; that project then goes to the end.
    pub fn take(&mut self) -> Option<T> {
        self.take_of(|_| true)
    }

    /// The same among the projects that may have a turn now; the others keep their places.
    pub fn take_of(&mut self, may: impl Fn(Uuid) -> bool) -> Option<T> {
        let at = self.turns.iter().position(|project| may(*project))?;
        let project = self.turns.remove(at)?;
        let line = self.lines.get_mut(&project)?;
        let (_, item) = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&project);
        } else {
            self.turns.push_back(project);
        }
        self.waiting -= 1;
        Some(item)
    }

    /// Leaves the queue; what already left it is `None`.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        let line = self.lines.get_mut(&ticket.project)?;
        let at = line
            .binary_search_by_key(&ticket.number, |(number, _)| *number)
            .ok()?;
        let (_, item) = line.remove(at)?;
        if line.is_empty() {
            self.lines.remove(&ticket.project);
            self.turns.retain(|project| *project != ticket.project);
        }
        self.waiting -= 1;
        Some(item)
    }
}
