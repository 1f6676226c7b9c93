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
pub(super) struct Lines(Arc<Mutex<Hosts>>);

#[derive(Default)]
struct Hosts {
    by_name: HashMap<String, Host>,
    closed: bool,
}

impl Hosts {
    fn tidy(&mut self, name: &str) {
        let is_idle = |host: &Host| host.talking == 0 && host.inside.is_empty();
        if self.by_name.get(name).is_some_and(is_idle) {
            self.by_name.remove(name);
        }
    }
}

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
    /// Nobody waits any more, so that a process can end.
    pub(super) fn close(&self) {
        let mut hosts = self.lock();
        hosts.closed = true;
        let lines: Vec<_> = hosts.by_name.values_mut().map(Host::dissolved).collect();
        drop(hosts);
        drop(lines);
    }

    /// A turn at that host, when it comes. `None`: the line is long enough, or closed.
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
        let closed = hosts.closed;
        let host = hosts
            .by_name
            .entry(name.to_owned())
            .or_insert_with(Host::new);
        let free = host.talking < AT_ONCE_MAX;
        if (closed && !free) || !host.has_room_for(project) {
            return None;
        }
        let (grant, granted) = oneshot::channel();
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

    fn lock(&self) -> MutexGuard<'_, Hosts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let Some(host) = hosts.by_name.get_mut(&self.host) else {
            return;
        };
        let Some(next) = host.line.take() else {
            host.talking -= 1;
            hosts.tidy(&self.host);
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
        if let Some(host) = hosts.by_name.get_mut(&self.host)
            && let Some(count) = host.inside.get_mut(&self.project)
        {
            *count -= 1;
            if *count == 0 {
                host.inside.remove(&self.project);
            }
        }
        hosts.tidy(&self.host);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::Pin, task::Poll};

    use super::*;

    fn project(number: u128) -> ProjectId {
        serde_json::from_value(serde_json::json!(uuid::Uuid::from_u128(number))).unwrap()
    }

    type Waiting<'a> = Pin<Box<dyn Future<Output = Option<Turn>> + 'a>>;

    fn ask<'a>(lines: &'a Lines, host: &'static str, number: u128) -> Waiting<'a> {
        Box::pin(lines.turn(host, project(number)))
    }

    /// What came of it, if anything did already.
    async fn now(turn: &mut Waiting<'_>) -> Option<Option<Turn>> {
        poll_fn(|cx| {
            Poll::Ready(match turn.as_mut().poll(cx) {
                Poll::Ready(turn) => Some(turn),
                Poll::Pending => None,
            })
        })
        .await
    }

    async fn full(lines: &Lines) -> Vec<Turn> {
        let mut talking = Vec::new();
        for _ in 0..AT_ONCE_MAX {
            talking.extend(lines.turn("a", project(1)).await);
        }
        assert_eq!(talking.len(), AT_ONCE_MAX);
        talking
    }

    #[tokio::test]
    async fn a_few_talk_and_the_projects_behind_them_take_turns() {
        let lines = Lines::default();
        let mut talking = full(&lines).await;
        let mut crowd: Vec<_> = (0..10).map(|_| ask(&lines, "a", 1)).collect();
        for one in &mut crowd {
            assert!(now(one).await.is_none());
        }
        let mut guest = ask(&lines, "a", 2);
        assert!(now(&mut guest).await.is_none());
        assert!(
            ask(&lines, "b", 1).await.is_some(),
            "elsewhere nobody waits"
        );
        talking.pop();
        let first = now(&mut crowd[0]).await;
        assert!(first.is_some() && now(&mut guest).await.is_none());
        talking.pop();
        assert!(now(&mut guest).await.is_some(), "one turn behind the crowd");
    }

    #[tokio::test]
    async fn who_leaves_passes_the_turn_on_and_hosts_are_forgotten() {
        let lines = Lines::default();
        let mut talking = full(&lines).await;
        let (mut gone, mut next) = (ask(&lines, "a", 2), ask(&lines, "a", 3));
        assert!(now(&mut gone).await.is_none() && now(&mut next).await.is_none());
        drop(gone);
        talking.pop();
        let turn = now(&mut next).await;
        assert!(matches!(turn, Some(Some(_))));
        // Granted, and left before it was looked at.
        let mut late = ask(&lines, "a", 4);
        assert!(now(&mut late).await.is_none());
        talking.clear();
        drop((late, turn));
        drop(next);
        assert!(lines.lock().by_name.is_empty());
    }

    #[tokio::test]
    async fn a_long_line_has_room_for_whoever_has_less_than_a_share() {
        let lines = Lines::default();
        let _talking = full(&lines).await;
        let mut crowd: Vec<_> = (AT_ONCE_MAX..INSIDE_MAX)
            .map(|_| ask(&lines, "a", 1))
            .collect();
        for one in &mut crowd {
            assert!(now(one).await.is_none());
        }
        assert!(
            ask(&lines, "a", 1).await.is_none(),
            "enough of this project"
        );
        let mut guest = ask(&lines, "a", 2);
        assert!(now(&mut guest).await.is_none(), "it waits in line");
        lines.close();
        assert!(matches!(now(&mut guest).await, Some(None)));
        assert!(ask(&lines, "a", 3).await.is_none(), "nobody waits any more");
    }
}
