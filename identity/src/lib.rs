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
mod weight;
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
    /// Remembers sessions of up to 256 MiB, some 150,000 of ordinary ones.
    pub fn new() -> Self {
        Self::remembering(256 << 20)
    }

    /// Hashes on one thread more than there are cores, so that a single project can use them all and still
    /// leaves one to the others; remembers sessions of up to so many bytes together.
    pub fn remembering(session_bytes_max: u64) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            sessions: SessionCache::new(session_bytes_max),
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
