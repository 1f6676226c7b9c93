//! People: identities, their credentials and their sessions. Knows nothing of flows or HTTP.

mod aal;
pub mod addresses;
pub mod credentials;
pub mod factors;
pub mod identities;
mod judging;
pub mod limits;
pub mod normalize;
pub mod one_time;
pub mod schema;
pub mod schemas;
pub mod sessions;
pub mod write;

pub use credentials::password_hash::{HashError, HashPool, Hasher};
pub use identities::Identity;
pub use judging::{Judgement, TraitsPool};
pub use sessions::{Session, SessionCache};

/// What every request about people needs, made once per process.
pub struct People {
    /// Sessions in memory.
    pub sessions: SessionCache,
    /// Password work, bounded and fair among projects.
    pub hashing: HashPool,
    /// Judging of traits, likewise.
    pub judging: TraitsPool,
}

impl People {
    /// Hashes on one thread more than there are cores, so that a single project can use them all and still
    /// leaves one to the others; remembers up to 200,000 sessions (about 1.5 kB each).
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            sessions: SessionCache::new(200_000),
            hashing: HashPool::new(cores + 1, 2_000, 200),
            judging: TraitsPool::new(cores.max(2), 2_000, 200),
        }
    }
}

impl Default for People {
    fn default() -> Self {
        Self::new()
    }
}
