//! Which messages may be sent to a host now: a few at once, and a queue before each host in which projects take
//! turns. So the messages of one project wait for one of each other project, however many those have.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tenants::{ProjectId, fair::FairQueue};
use tokio::sync::oneshot;

/// Messages sent to one host at once, of all projects together.
const SENDING_MAX: usize = 8;
/// With those that wait for it: a host that hangs must not hold up the messages to all others.
const PRESENT_MAX: usize = 64;
/// Beyond that there is room for a project that has less than an equal share, up to this.
const PRESENT_OF_ALL_MAX: usize = 128;

/// The queues before all hosts.
#[derive(Clone, Default)]
pub(super) struct HostQueues(Arc<Mutex<Hosts>>);

#[derive(Default)]
struct Hosts {
    by_name: HashMap<String, Host>,
    closed: bool,
}

impl Hosts {
    fn tidy(&mut self, name: &str) {
        let is_idle = |host: &Host| host.sending == 0 && host.present.is_empty();
        if self.by_name.get(name).is_some_and(is_idle) {
            self.by_name.remove(name);
        }
    }
}

struct Host {
    sending: usize,
    waiting: FairQueue<oneshot::Sender<Permit>>,
    /// Of each project, those that are sent and those that wait.
    present: HashMap<ProjectId, usize>,
}

impl Host {
    fn new() -> Self {
        Self {
            sending: 0,
            waiting: FairQueue::new(PRESENT_OF_ALL_MAX, PRESENT_OF_ALL_MAX),
            present: HashMap::new(),
        }
    }

    /// Take the queue: when it is dropped, what waits in it learns that nothing will be granted.
    fn take_queue(&mut self) -> FairQueue<oneshot::Sender<Permit>> {
        std::mem::replace(
            &mut self.waiting,
            FairQueue::new(PRESENT_OF_ALL_MAX, PRESENT_OF_ALL_MAX),
        )
    }

    fn has_room_for(&self, project: ProjectId) -> bool {
        let present: usize = self.present.values().sum();
        let own = self.present.get(&project).copied().unwrap_or_default();
        let projects = self.present.len() + usize::from(own == 0);
        present < PRESENT_MAX || (present < PRESENT_OF_ALL_MAX && own < PRESENT_MAX / projects)
    }
}

impl HostQueues {
    /// Let nothing wait any more, so that the process can end.
    pub(super) fn close(&self) {
        let mut hosts = self.lock();
        hosts.closed = true;
        let queues: Vec<_> = hosts.by_name.values_mut().map(Host::take_queue).collect();
        drop(hosts);
        drop(queues);
    }

    /// A slot at that host, once it is free. `None`: the queue is full, or closed.
    pub(super) async fn slot(&self, host: &str, project: ProjectId) -> Option<Slot> {
        let (presence, granted) = self.enter(host, project)?;
        let permit = granted.await.ok()?;
        Some(Slot {
            _permit: permit,
            _presence: presence,
        })
    }

    fn enter(
        &self,
        name: &str,
        project: ProjectId,
    ) -> Option<(Presence, oneshot::Receiver<Permit>)> {
        let mut hosts = self.lock();
        let closed = hosts.closed;
        let host = hosts
            .by_name
            .entry(name.to_owned())
            .or_insert_with(Host::new);
        let free = host.sending < SENDING_MAX;
        if (closed && !free) || !host.has_room_for(project) {
            return None;
        }
        let (grant, granted) = oneshot::channel();
        let mut grant = Some(grant);
        if free {
            host.sending += 1;
        } else {
            // There is room: the queue takes as many as may be present.
            host.waiting.push(project.uuid(), grant.take()?)?;
        }
        *host.present.entry(project).or_default() += 1;
        drop(hosts);
        let presence = Presence {
            queues: self.clone(),
            host: name.to_owned(),
            project,
        };
        if let Some(grant) = grant {
            drop(grant.send(self.permit(name)));
        }
        Some((presence, granted))
    }

    fn permit(&self, host: &str) -> Permit {
        Permit {
            queues: self.clone(),
            host: host.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Hosts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to send one message to a host; given up when dropped.
pub(super) struct Slot {
    _permit: Permit,
    _presence: Presence,
}

/// One of those that are sent. Dropped, it passes to the next that waits; also when its receiver is gone already.
struct Permit {
    queues: HostQueues,
    host: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut hosts = self.queues.lock();
        let Some(host) = hosts.by_name.get_mut(&self.host) else {
            return;
        };
        let Some(next) = host.waiting.take() else {
            host.sending -= 1;
            hosts.tidy(&self.host);
            return;
        };
        drop(hosts);
        drop(next.send(self.queues.permit(&self.host)));
    }
}

/// Counts one message as present, sent or waiting.
struct Presence {
    queues: HostQueues,
    host: String,
    project: ProjectId,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut hosts = self.queues.lock();
        if let Some(host) = hosts.by_name.get_mut(&self.host)
            && let Some(count) = host.present.get_mut(&self.project)
        {
            *count -= 1;
            if *count == 0 {
                host.present.remove(&self.project);
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

    type Waiting<'a> = Pin<Box<dyn Future<Output = Option<Slot>> + 'a>>;

    fn ask<'a>(queues: &'a HostQueues, host: &'static str, number: u128) -> Waiting<'a> {
        Box::pin(queues.slot(host, project(number)))
    }

    /// The outcome, if there is one already.
    async fn now(slot: &mut Waiting<'_>) -> Option<Option<Slot>> {
        poll_fn(|cx| {
            Poll::Ready(match slot.as_mut().poll(cx) {
                Poll::Ready(slot) => Some(slot),
                Poll::Pending => None,
            })
        })
        .await
    }

    async fn full(queues: &HostQueues) -> Vec<Slot> {
        let mut slots = Vec::new();
        for _ in 0..SENDING_MAX {
            slots.extend(queues.slot("a", project(1)).await);
        }
        assert_eq!(slots.len(), SENDING_MAX);
        slots
    }

    #[tokio::test]
    async fn a_few_are_sent_and_the_projects_behind_them_take_turns() {
        let queues = HostQueues::default();
        let mut slots = full(&queues).await;
        let mut crowd: Vec<_> = (0..10).map(|_| ask(&queues, "a", 1)).collect();
        for one in &mut crowd {
            assert!(now(one).await.is_none());
        }
        let mut guest = ask(&queues, "a", 2);
        assert!(now(&mut guest).await.is_none());
        assert!(
            ask(&queues, "b", 1).await.is_some(),
            "other hosts have no queue"
        );
        slots.pop();
        let first = now(&mut crowd[0]).await;
        assert!(first.is_some() && now(&mut guest).await.is_none());
        slots.pop();
        assert!(now(&mut guest).await.is_some(), "one turn behind the crowd");
    }

    #[tokio::test]
    async fn a_slot_that_is_given_up_passes_on_and_hosts_are_forgotten() {
        let queues = HostQueues::default();
        let mut slots = full(&queues).await;
        let (mut gone, mut next) = (ask(&queues, "a", 2), ask(&queues, "a", 3));
        assert!(now(&mut gone).await.is_none() && now(&mut next).await.is_none());
        drop(gone);
        slots.pop();
        let slot = now(&mut next).await;
        assert!(matches!(slot, Some(Some(_))));
        // Granted, and dropped before it was polled.
        let mut late = ask(&queues, "a", 4);
        assert!(now(&mut late).await.is_none());
        slots.clear();
        drop((late, slot));
        drop(next);
        assert!(queues.lock().by_name.is_empty());
    }

    #[tokio::test]
    async fn a_full_queue_has_room_for_projects_with_less_than_a_share() {
        let queues = HostQueues::default();
        let _slots = full(&queues).await;
        let mut crowd: Vec<_> = (SENDING_MAX..PRESENT_MAX)
            .map(|_| ask(&queues, "a", 1))
            .collect();
        for one in &mut crowd {
            assert!(now(one).await.is_none());
        }
        assert!(
            ask(&queues, "a", 1).await.is_none(),
            "enough of this project"
        );
        let mut guest = ask(&queues, "a", 2);
        assert!(now(&mut guest).await.is_none(), "it waits in the queue");
        queues.close();
        assert!(matches!(now(&mut guest).await, Some(None)));
        assert!(
            ask(&queues, "a", 3).await.is_none(),
            "nothing waits any more"
        );
    }
}
