//! Memory that argon2 fills, kept by a hashing thread from one hash to the next, so that the system need not
//! hand out and clear 19 MiB for each.

use argon2::Block;
use zeroize::Zeroize as _;

/// Beyond this it is given back after each hash; a KiB each.
const KEPT_BLOCKS_MAX: usize = 64 << 10;

/// Empty until the first hash.
#[derive(Default)]
pub(super) struct Scratch(Vec<Block>);

impl Scratch {
    /// So many blocks of any content. `None`: the system has no more.
    pub(super) fn blocks(&mut self, count: usize) -> Option<&mut [Block]> {
        if self.0.len() < count {
            self.0.try_reserve_exact(count - self.0.len()).ok()?;
            self.0.resize(count, Block::default());
        }
        Some(&mut self.0[..count])
    }

    /// Is there nothing to give back?
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// After a hash: keep what is of a usual size.
    pub(super) fn settle(&mut self) {
        if self.0.len() > KEPT_BLOCKS_MAX {
            self.clear();
        }
    }

    /// Nothing to do for a while: forget what was in it, and give it back.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(Block::zeroize);
        self.0 = Vec::new();
    }
}
