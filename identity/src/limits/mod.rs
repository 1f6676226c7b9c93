//! How often something may be tried, counted in PostgreSQL across replicas: some tries are free, then each
//! has to wait longer, and with time everything is forgiven. Nothing is ever locked for good.
//!
//! A try is counted before it is judged, so that fifty at once are fifty; a visitor who turns out to be right gets
//! theirs back in the commit that says so.
//!
//! **What is shared delays, and never excludes.** Each visitor has buckets of their own, with long pauses; buckets
//! that all share tell a wait, and a visitor who was told one has a place from then on, however many others
//! try meanwhile. Visitors who are known to the identity, by their browser or their network, have buckets that no
//! stranger fills; when these are full, they are strangers like all others (docs/security.md, "Guesses").

mod bucket;
pub mod known;
mod network;
mod place;
mod store;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tenants::{Fault, Project, Tx};
use uuid::Uuid;

pub use bucket::{Bucket, PAUSE_MAX};
pub use network::Network;
pub use store::sweep;

use crate::write::WriteError;
use place::Place;

/// Who tries something, at what, and where it is counted.
#[derive(Clone, Debug)]
pub struct Try {
    /// The identifier or address, in its stored form.
    pub subject: String,
    /// Whose known browsers and networks these are at that subject.
    pub owner: Owner,
    /// The address that the visitor comes from.
    pub ip_address: String,
    /// A browser that signed in here before, and as whom.
    pub browser: Option<KnownBrowser>,
    /// The visitor's network at the subject: long pauses. A wait that was told is kept here.
    pub own: Bucket,
    /// The same of the wide network: several times as roomy.
    pub own_wide: Option<Bucket>,
    /// All browsers that the owner is known by, together, in the place of what strangers share.
    pub known_browsers: Bucket,
    /// The same of all networks.
    pub known_networks: Bucket,
    /// All strangers at the subject, where they do hold each other up: who is asked for a second factor has the first.
    pub strangers: Option<Bucket>,
    /// The visitor's networks at whatever subject.
    pub networks: Vec<Bucket>,
    /// Everybody at the subject. When it is full, strangers have one try each before a long pause.
    pub at_subject: Option<Bucket>,
    /// Everybody at whatever subject.
    pub in_project: Option<Bucket>,
    /// The project's wrong guesses. When it is full, strangers have one try each before a long pause.
    pub budget: Bucket,
}

/// Whom a try concerns: that identity's browsers and networks are known there, and no other's. A user name that
/// reads like an address does not make its identity known to that address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Who has the subject as identifier of a password.
    Password,
    /// Who is reached at the subject.
    Address,
    /// That identity.
    Identity(Uuid),
}

impl Owner {
    fn id(self) -> Option<Uuid> {
        match self {
            Self::Identity(id) => Some(id),
            Self::Password | Self::Address => None,
        }
    }
}

/// Who signed in with the browser that a try comes from, as a sealed cookie says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownBrowser {
    /// Their identities, latest first, each with the time of its latest sign-in.
    pub identities: Vec<(Uuid, DateTime<Utc>)>,
}

/// What came of a try before it was judged.
#[derive(Debug)]
pub enum Admission {
    /// It may be judged.
    Counted(Counted),
    /// It has to wait. The caller commits nothing else of its transaction, and the place, if one is kept, with
    /// [`Wait::keep`].
    Wait(Wait),
}

/// A try that was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Where.
    pub buckets: Vec<Bucket>,
    /// A stranger, while there are too many of them: a code is good for one try.
    pub strict: bool,
}

/// How long a try has to wait.
#[derive(Debug)]
pub struct Wait {
    /// Whole seconds, as `Retry-After` tells it.
    pub wait: Duration,
    promise: Option<store::Promise>,
}

impl Wait {
    /// Keep the place that the visitor was told, in a commit of its own.
    pub async fn keep(self, project: &Project) -> Result<Duration, Fault> {
        if let Some(promise) = &self.promise {
            let mut tx = project.begin().await?;
            store::keep(&mut tx, promise).await?;
            tx.commit().await?;
        }
        Ok(self.wait)
    }
}

/// Count a try, unless it has to wait. To be committed soon, because other tries wait for its rows; and not at
/// all when it has to wait.
///
/// The transaction's time may lie before that of a try which was faster: no time has passed between them then.
pub async fn admit(tx: &mut Tx, tried: &Try) -> Result<Admission, Fault> {
    let now = tx.project().now();
    let seen = store::look(tx, tried).await?;
    let (buckets, strict) = match place::of(tried, &seen, now) {
        Place::Free { buckets, strict } => (buckets, strict),
        Place::Wait { until, full } => {
            let promise = full.map(|full| store::Promise::new(tried, until, full));
            let wait = whole_seconds(until, now);
            return Ok(Admission::Wait(Wait { wait, promise }));
        }
    };
    if let Some(until) = store::count(tx, &buckets).await? {
        let (wait, promise) = (whole_seconds(until, now), None);
        return Ok(Admission::Wait(Wait { wait, promise }));
    }
    Ok(Admission::Counted(Counted { buckets, strict }))
}

/// The same in a transaction of its own.
pub async fn take(project: &Project, tried: &Try) -> Result<Option<Duration>, Fault> {
    let mut tx = project.begin().await?;
    match admit(&mut tx, tried).await? {
        Admission::Counted(_) => {
            tx.commit().await?;
            Ok(None)
        }
        Admission::Wait(wait) => {
            drop(tx);
            wait.keep(project).await.map(Some)
        }
    }
}

/// Count a wrong guess, in a commit of its own. True: with this one the budget is spent.
pub async fn wrong(project: &Project, budget: &Bucket) -> Result<bool, Fault> {
    let mut tx = project.begin().await?;
    let level = store::add(&mut tx, budget).await?;
    tx.commit().await?;
    Ok(level >= budget.free && level - 1.0 < budget.free)
}

/// Rounded up to whole seconds, at least one.
fn whole_seconds(until: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    let left = (until - now).to_std().unwrap_or_default();
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
        .max(Duration::from_secs(1))
}

/// A try that turned out to be right gets its place back in each bucket, and the owner is not made to wait for earlier
/// ones.
#[derive(Debug)]
pub struct Forgive(pub Vec<Bucket>);

impl Forgive {
    /// Carry it out, in the order in which tries are counted.
    pub async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        let keys: Vec<Vec<u8>> = self.0.iter().map(|b| b.key.clone()).collect();
        let forgiving: Vec<bool> = self.0.iter().map(|b| b.forgiving).collect();
        sqlx::query!(
            "update counters c set level = case when b.forgiving then 0 else greatest(0, c.level - 1) end, paused_until = null
               from (select c.key, b.forgiving from unnest($1::bytea[], $2::bool[]) as b (key, forgiving)
                       join counters c on c.key = b.key order by c.key for update of c) as b
              where c.key = b.key",
            &keys,
            &forgiving
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
