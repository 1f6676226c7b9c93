//! What a try is counted in.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tenants::Project;

/// No pause of a visitor's own is longer.
pub const PAUSE_MAX: Duration = Duration::from_mins(15);
const KEY_BYTES: usize = 16;

/// Something that is counted: it empties at `free` in `span`. Beyond `free` each try is followed by a pause, the
/// longer the more there were.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub(super) key: Vec<u8>,
    pub(super) free: f64,
    pub(super) span: Duration,
    pub(super) pause_min: Duration,
    pub(super) pause_max: Duration,
    pub(super) forgiving: bool,
}

impl Bucket {
    /// `free` tries of `what` (a kind and a value, which is not stored) in `span`.
    pub fn new(project: &Project, (kind, value): (&str, &str), free: u32, span: Duration) -> Self {
        Self {
            key: key(project, kind, value),
            free: f64::from(free),
            span,
            pause_min: Duration::ZERO,
            pause_max: PAUSE_MAX,
            forgiving: false,
        }
    }

    /// No pause of this one, and no wait for a place in it, is longer than that.
    #[must_use]
    pub fn pausing_at_most(mut self, pause_max: Duration) -> Self {
        self.pause_max = pause_max;
        self
    }

    /// A visitor who is right once is forgiven all earlier tries, not this one alone.
    #[must_use]
    pub fn forgiving(mut self) -> Self {
        self.forgiving = true;
        self
    }

    /// So many tries, and then the longest pause at once.
    #[must_use]
    pub(super) fn strict(mut self, free: f64) -> Self {
        self.free = self.free.min(free);
        self.pause_min = self.pause_max;
        self
    }

    /// Counts, and holds nobody up by itself: who has to wait is told before ([`super::admit`]).
    #[must_use]
    pub(super) fn counting(mut self) -> Self {
        (self.pause_min, self.pause_max) = (Duration::ZERO, Duration::ZERO);
        self
    }

    /// How long it takes until one try of it is forgotten.
    pub(super) fn drop_takes(&self) -> f64 {
        self.span.as_secs_f64() / self.free
    }

    /// How long the next try has to wait for a place in a bucket that everybody shares, at that level, in seconds;
    /// zero: there is room.
    pub(super) fn wait_at(&self, level: f64) -> f64 {
        let beyond = (level + 1.0 - self.free).max(0.0);
        (beyond * self.drop_takes()).min(self.pause_max.as_secs_f64())
    }

    /// No level is higher: beyond it every wait is the longest, and it takes no longer to empty than that.
    pub(super) fn level_max(&self) -> f64 {
        self.free + self.pause_max.as_secs_f64() / self.drop_takes() + 1.0
    }
}

/// Under which something is counted or known: neither names nor addresses are stored.
pub(super) fn key(project: &Project, kind: &str, value: &str) -> Vec<u8> {
    let key = project.data_key().derive("limits");
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    let mac = mac.chain_update(kind).chain_update([0]).chain_update(value);
    mac.finalize().into_bytes()[..KEY_BYTES].to_vec()
}
