//! What was acknowledged: who signed up, with which password one gets in now, which sessions are good and which
//! are not. One person does one thing at a time, so the order of what was acknowledged is known; what was asked for
//! without an answer stands here as well, since it may have been done or not.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::chance::Chance;

/// How many people are looked at before it is given up that one is free.
const LOOKS: usize = 40;

/// A session whose token was given out.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) token: String,
    /// When signing out was acknowledged.
    pub(crate) ended: Option<Instant>,
}

impl Session {
    pub(crate) fn begun(token: String) -> Self {
        Self { token, ended: None }
    }

    /// Enough to find it again.
    pub(crate) fn name(&self) -> &str {
        self.token.get(..14).unwrap_or(&self.token)
    }
}

/// Somebody whose sign-up was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The place of the project in the list.
    pub(crate) project: usize,
    pub(crate) email: String,
    pub(crate) id: String,
    /// The address this person comes from.
    pub(crate) from: String,
    pub(crate) password: String,
    /// Asked for without an answer: either of the two is right.
    pub(crate) maybe: Option<String>,
    pub(crate) sessions: Vec<Session>,
    /// How many were asked for.
    pub(crate) mails: u32,
    /// The last one was not seen yet.
    pub(crate) awaits_mail: bool,
    /// Something was done since the last comparison.
    pub(crate) touched: bool,
}

impl Person {
    /// One good session.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.sessions
            .iter()
            .rev()
            .find(|session| session.ended.is_none())
    }

    /// Forget a session of which nothing is known.
    pub(crate) fn forget(&mut self, token: &str) {
        self.sessions.retain(|session| session.token != token);
    }
}

/// A sign-up without an answer.
#[derive(Clone, Debug)]
pub(crate) struct Unsure {
    pub(crate) project: usize,
    pub(crate) email: String,
    pub(crate) from: String,
    pub(crate) password: String,
}

pub(crate) type Known = Arc<RwLock<Person>>;

/// See the head of the file.
#[derive(Default)]
pub(crate) struct Ledger {
    people: Mutex<Vec<Known>>,
    unsure: Mutex<Vec<Unsure>>,
    lost: Mutex<BTreeSet<String>>,
    broken: Mutex<BTreeSet<String>>,
    acknowledged: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    pub(crate) fn add(&self, person: Person) {
        lock(&self.people).push(Arc::new(RwLock::new(person)));
    }

    pub(crate) fn add_unsure(&self, unsure: Unsure) {
        lock(&self.unsure).push(unsure);
    }

    /// All sign-ups without an answer so far.
    pub(crate) fn take_unsure(&self) -> Vec<Unsure> {
        std::mem::take(&mut *lock(&self.unsure))
    }

    pub(crate) fn people(&self) -> Vec<Known> {
        lock(&self.people).clone()
    }

    /// They never were.
    pub(crate) fn forget(&self, people: &[Known]) {
        lock(&self.people).retain(|known| !people.iter().any(|one| Arc::ptr_eq(one, known)));
    }

    pub(crate) async fn touch_all(&self) {
        for known in self.people() {
            known.write().await.touched = true;
        }
    }

    /// Somebody who does nothing else meanwhile.
    pub(crate) fn for_writing(
        &self,
        chance: &mut Chance,
        fits: impl Fn(&Person) -> bool,
    ) -> Option<OwnedRwLockWriteGuard<Person>> {
        (0..LOOKS).find_map(|_| {
            let person = self.one(chance)?.try_write_owned().ok()?;
            fits(&person).then_some(person)
        })
    }

    /// Somebody of whom nothing changes meanwhile.
    pub(crate) fn for_reading(
        &self,
        chance: &mut Chance,
        fits: impl Fn(&Person) -> bool,
    ) -> Option<OwnedRwLockReadGuard<Person>> {
        (0..LOOKS).find_map(|_| {
            let person = self.one(chance)?.try_read_owned().ok()?;
            fits(&person).then_some(person)
        })
    }

    fn one(&self, chance: &mut Chance) -> Option<Known> {
        let people = lock(&self.people);
        people.get(chance.below(people.len())).cloned()
    }

    /// A write was acknowledged.
    pub(crate) fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// An acknowledged write is not there.
    pub(crate) fn lose(&self, what: String) {
        if lock(&self.lost).insert(what.clone()) {
            eprintln!("drill: LOST: {what}");
        }
    }

    pub(crate) fn take_lost(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.lost)).into_iter().collect()
    }

    /// Something is not as it was promised.
    pub(crate) fn break_promise(&self, what: String) {
        if lock(&self.broken).insert(what.clone()) {
            eprintln!("drill: BROKEN: {what}");
        }
    }

    pub(crate) fn take_broken(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.broken))
            .into_iter()
            .collect()
    }
}
