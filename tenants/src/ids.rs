//! The only source of chance: ids, tokens and random bytes.
//!
//! Ids that the Kratos-compatible API shows are UUIDv4, because the reference UI refuses newer
//! versions; jobs and events are UUIDv7, so that they sort by time.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that draws randomness"
)]

use rand::{Rng as _, RngExt as _};
use uuid::Uuid;

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A random id for anything a client sees.
pub fn v4() -> Uuid {
    Uuid::new_v4()
}

/// A time-ordered id for jobs and events.
pub fn v7() -> Uuid {
    Uuid::now_v7()
}

/// `N` random bytes from a cryptographic generator.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    rand::rng().fill_bytes(&mut out);
    out
}

/// `length` characters of `[A-Za-z0-9]`, each drawn without bias (5.95 bits apiece).
pub fn alphanumeric(length: usize) -> String {
    let mut rng = rand::rng();
    (0..length)
        .map(|_| char::from(ALPHANUMERIC[rng.random_range(0..ALPHANUMERIC.len())]))
        .collect()
}

/// A number in `0..bound`, for jitter.
pub fn below(bound: u64) -> u64 {
    rand::rng().random_range(0..bound.max(1))
}
