//! What each sender, a network or a key, holds of something that all share: half of it at most, so that no single one
//! holds it all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many each sender holds.
pub(super) struct BySender {
    each_max: usize,
    held: Mutex<HashMap<Arc<str>, usize>>,
}

/// What one request holds of its sender's part; given back when it goes.
pub(super) struct Part {
    of: Arc<BySender>,
    sender: Arc<str>,
    count: usize,
}

impl BySender {
    /// Of so many in all.
    pub(super) fn of(all: usize) -> Arc<Self> {
        Arc::new(Self {
            each_max: all.div_ceil(2),
            held: Mutex::default(),
        })
    }

    /// `None`: the sender holds as many as it may.
    pub(super) fn take(self: &Arc<Self>, sender: &Arc<str>, count: usize) -> Option<Part> {
        let mut part = Part {
            of: Arc::clone(self),
            sender: Arc::clone(sender),
            count: 0,
        };
        part.take_more(count).then_some(part)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// False: the sender holds as many as it may, and this one as many as before.
    pub(super) fn take_more(&mut self, count: usize) -> bool {
        let mut held = self.of.held();
        let of_sender = held.entry(Arc::clone(&self.sender)).or_default();
        if *of_sender + count > self.of.each_max {
            return false;
        }
        *of_sender += count;
        self.count += count;
        true
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut held = self.of.held();
        if let Some(of_sender) = held.get_mut(&self.sender) {
            *of_sender -= self.count;
            if *of_sender == 0 {
                held.remove(&self.sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_holds_half_and_gives_it_back() {
        let all = BySender::of(8);
        let (one, other): (Arc<str>, Arc<str>) = ("192.0.2.1".into(), "192.0.2.2".into());
        let mut part = all.take(&one, 3).unwrap();
        assert!(all.take(&one, 2).is_none());
        assert!(all.take(&other, 4).is_some());
        assert!(part.take_more(1) && !part.take_more(1));
        drop(part);
        assert!(all.take(&one, 4).is_some());
        assert!(all.held().is_empty());
    }
}
