//! Who may talk to a host: a few at once, and a line before each host in which projects take turns. So the
//! messages of one project wait for one of each other project, however many those have.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tenants::{ProjectId, fair::FairQueue};
use tokio::sync::oneshot;

/// Messages at once to one host, whosever they are.
const AT_ONCE_MAX: usize = 8;
/// With those that wait there: a host that hangs must not hold up everybody's messages.
const INSIDE_MAX: usize = 64;
/// Beyond that there is room for whoever has less than an equal share inside, up to this.
const CROWD_MAX: usize = 128;

/// The lines before all hosts.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<String, Host>>>);

struct Host {
    talking: usize,
    line: FairQueue<oneshot::Sender<Permit>>,
    inside: HashMap<ProjectId, usize>,
}

impl Host {
    fn new() -> Self {
        Self {
            talking: 0,
            line: FairQueue::new(CROWD_MAX, CROWD_MAX),
            inside: HashMap::new(),
        }
    }

    /// Its line, and nobody in it any more.
    fn dissolved(&mut self) -> FairQueue<oneshot::Sender<Permit>> {
        std::mem::replace(&mut self.line, FairQueue::new(CROWD_MAX, CROWD_MAX))
    }

    fn has_room_for(&self, project: ProjectId) -> bool {
        let inside: usize = self.inside.values().sum();
        let own = self.inside.get(&project).copied().unwrap_or_default();
        let projects = self.inside.len() + usize::from(own == 0);
        inside < INSIDE_MAX || (inside < CROWD_MAX && own < INSIDE_MAX / projects)
    }
}

impl Lines {
    /// Send those home who wait, so that a process can end.
    pub(super) fn dissolve(&self) {
        let lines = self
            .lock()
            .values_mut()
            .map(Host::dissolved)
            .collect::<Vec<_>>();
        drop(lines);
    }

    /// A turn at that host, when it comes. `None`: the line is long enough, or was dissolved.
    pub(super) async fn turn(&self, host: &str, project: ProjectId) -> Option<Turn> {
        let (inside, granted) = self.enter(host, project)?;
        let permit = granted.await.ok()?;
        Some(Turn {
            _permit: permit,
            _inside: inside,
        })
    }

    fn enter(&self, name: &str, project: ProjectId) -> Option<(Inside, oneshot::Receiver<Permit>)> {
        let mut hosts = self.lock();
        let host = hosts.entry(name.to_owned()).or_insert_with(Host::new);
        if !host.has_room_for(project) {
            return None;
        }
        let (grant, granted) = oneshot::channel();
        let free = host.talking < AT_ONCE_MAX;
        let mut grant = Some(grant);
        if free {
            host.talking += 1;
        } else {
            // There is room: the line is as long as the crowd.
            host.line.push(project.uuid(), grant.take()?)?;
        }
        *host.inside.entry(project).or_default() += 1;
        drop(hosts);
        let inside = Inside {
            lines: self.clone(),
            host: name.to_owned(),
            project,
        };
        if let Some(grant) = grant {
            drop(grant.send(self.permit(name)));
        }
        Some((inside, granted))
    }

    fn permit(&self, host: &str) -> Permit {
        Permit {
            lines: self.clone(),
            host: host.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tidy(hosts: &mut HashMap<String, Host>, name: &str) {
        let is_idle = |host: &Host| host.talking == 0 && host.inside.is_empty();
        if hosts.get(name).is_some_and(is_idle) {
            hosts.remove(name);
        }
    }
}

/// Given back when the message is through.
pub(super) struct Turn {
    _permit: Permit,
    _inside: Inside,
}

/// One of those who talk. Dropped, it passes to whoever is next; also when nobody waited for it any more.
struct Permit {
    lines: Lines,
    host: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut hosts = self.lines.lock();
        let Some(host) = hosts.get_mut(&self.host) else {
            return;
        };
        let Some(next) = host.line.take() else {
            host.talking -= 1;
            Lines::tidy(&mut hosts, &self.host);
            return;
        };
        drop(hosts);
        drop(next.send(self.lines.permit(&self.host)));
    }
}

/// One of those who are there, talking or waiting.
struct Inside {
    lines: Lines,
    host: String,
    project: ProjectId,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut hosts = self.lines.lock();
        if let Some(host) = hosts.get_mut(&self.host)
            && let Some(count) = host.inside.get_mut(&self.project)
        {
            *count -= 1;
            if *count == 0 {
                host.inside.remove(&self.project);
            }
        }
        Lines::tidy(&mut hosts, &self.host);
    }
}
