//! Pauses that grow while something is wrong, or idle, and are short again when it is not.

use std::time::Duration;

/// Between `shortest` and `longest`, twice as long each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    shortest: Duration,
    longest: Duration,
    next: Duration,
}

impl Pause {
    pub(crate) const fn between(shortest: Duration, longest: Duration) -> Self {
        Self {
            shortest,
            longest,
            next: shortest,
        }
    }

    /// After a fault of the database or of ours: half a second to half a minute.
    pub(crate) const fn after_faults() -> Self {
        Self::between(Duration::from_millis(500), Duration::from_secs(30))
    }

    /// How long to wait now; the next one will be longer.
    pub(crate) fn take(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(self.longest);
        now
    }

    /// All is well again.
    pub(crate) fn reset(&mut self) {
        self.next = self.shortest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_longest_and_starts_over() {
        let mut pause = Pause::between(Duration::from_secs(1), Duration::from_secs(5));
        let taken: Vec<_> = (0..5).map(|_| pause.take().as_secs()).collect();
        assert_eq!(taken, [1, 2, 4, 5, 5]);
        pause.reset();
        assert_eq!(pause.take().as_secs(), 1);
    }
}
