//! A cache whose key always starts with the project, and whose entries know what they depend on.

use std::{hash::Hash, sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{Project, invalidation::Load, project::ProjectId};

/// How long an entry may be served, whatever is heard or not heard.
const ENTRY_TTL: Duration = Duration::from_secs(30);

struct Entry<V> {
    value: V,
    load: Load,
    depends_on: Arc<[Uuid]>,
}

impl<V: Clone> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            load: self.load,
            depends_on: Arc::clone(&self.depends_on),
        }
    }
}

/// Memory for things that belong to a project. Every method takes the project first.
pub struct Scoped<K, V>(moka::sync::Cache<(ProjectId, K), Entry<V>>);

impl<K, V> Scoped<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `entries_max` entries, each for at most 30 seconds.
    pub fn new(entries_max: u64) -> Self {
        Self(
            moka::sync::Cache::builder()
                .max_capacity(entries_max)
                .time_to_live(ENTRY_TTL)
                .build(),
        )
    }

    /// At most entries of so many bytes together, as `weigh` weighs them, each for at most 30 seconds.
    pub fn weighing(bytes_max: u64, weigh: fn(&V) -> usize) -> Self {
        let weigher = move |_: &(ProjectId, K), entry: &Entry<V>| {
            u32::try_from(weigh(&entry.value)).unwrap_or(u32::MAX)
        };
        Self(
            moka::sync::Cache::builder()
                .max_capacity(bytes_max)
                .weigher(weigher)
                .time_to_live(ENTRY_TTL)
                .build(),
        )
    }

    /// How many bytes its entries hold, as they were weighed. What was added just now may be missing.
    pub fn bytes(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.weighted_size()
    }

    /// The value, if it is still true: nothing it depends on was invalidated since its load began, and
    /// this replica hears invalidations in time.
    pub fn get(&self, project: &Project, key: K) -> Option<V> {
        let entry = self.0.get(&(project.id(), key))?;
        project
            .cluster()
            .invalidations()
            .holds(entry.load, project.slot(), &entry.depends_on)
            .then_some(entry.value)
    }

    /// PostgreSQL knows nothing of it: what memory says of it, and of what it depends on, is not true any more.
    pub fn forget(&self, project: &Project, key: K) {
        if let Some(entry) = self.0.remove(&(project.id(), key)) {
            for key in entry.depends_on.iter() {
                project
                    .cluster()
                    .invalidations()
                    .forget(project.slot(), *key);
            }
        }
    }

    /// Remember a value, whose load began then, and which depends on `depends_on`.
    pub fn put(&self, project: &Project, key: K, (value, load): (V, Load), depends_on: &[Uuid]) {
        self.0.insert(
            (project.id(), key),
            Entry {
                value,
                load,
                depends_on: depends_on.into(),
            },
        );
    }
}

impl<K, V> std::fmt::Debug for Scoped<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scoped").finish_non_exhaustive()
    }
}
