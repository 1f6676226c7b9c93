//! What happened: times as histograms, failures by their kind. One per connection, added up at the end.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use crate::client::Trouble;

/// Three digits, whatever the size; in microseconds.
#[derive(Debug)]
struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // From 1 us to 10 minutes; three significant digits are a valid precision.
        Self(Histogram::new_with_max(600_000_000, 3).unwrap_or_else(|_| unreachable!()))
    }
}

impl Times {
    fn note(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros.max(1));
    }
}

/// What happened on one connection, or on all of them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    times: Times,
    late: Times,
    errors: BTreeMap<String, (u64, String)>,
    last: Option<Instant>,
}

impl Tally {
    /// An operation that ended as it should: `time` from when it was due, sent `late` after that.
    pub(crate) fn done(&mut self, time: Duration, late: Duration) {
        self.times.note(time);
        self.late.note(late);
        self.last = Some(Instant::now());
    }

    /// One that did not.
    pub(crate) fn failed(&mut self, trouble: &Trouble) {
        let entry = self.errors.entry(trouble.to_string());
        entry.or_insert_with(|| (0, trouble.tell())).0 += 1;
        self.last = Some(Instant::now());
    }

    pub(crate) fn add(&mut self, other: Self) {
        // Both are made alike, so neither can hold what the other cannot.
        let _ = self.times.0.add(other.times.0);
        let _ = self.late.0.add(other.late.0);
        for (kind, (count, example)) in other.errors {
            self.errors.entry(kind).or_insert((0, example)).0 += count;
        }
        self.last = self.last.max(other.last);
    }

    /// Operations that ended as they should.
    pub(crate) fn count(&self) -> u64 {
        self.times.0.len()
    }

    pub(crate) fn error_count(&self) -> u64 {
        self.errors.values().map(|(count, _)| count).sum()
    }

    /// How many of each kind, and what one of them said.
    pub(crate) fn errors(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        let errors = self.errors.iter();
        errors.map(|(kind, (count, example))| (kind.as_str(), *count, example.as_str()))
    }

    /// Milliseconds within which that share (0 to 1) of the operations ended.
    pub(crate) fn millis_at(&self, share: f64) -> f64 {
        millis(self.times.0.value_at_quantile(share))
    }

    pub(crate) fn millis_max(&self) -> f64 {
        millis(self.times.0.max())
    }

    /// Milliseconds within which that share of the operations was sent.
    pub(crate) fn late_millis_at(&self, share: f64) -> f64 {
        millis(self.late.0.value_at_quantile(share))
    }

    /// When the last one ended.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.last
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "ten minutes in microseconds fit"
)]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tallies_make_one() {
        let (mut one, mut two) = (Tally::default(), Tally::default());
        for ms in 1..=90 {
            one.done(Duration::from_millis(ms), Duration::ZERO);
        }
        for ms in 91..=100 {
            two.done(Duration::from_millis(ms), Duration::from_millis(5));
        }
        two.failed(&Trouble::TimedOut);
        one.failed(&Trouble::TimedOut);
        two.failed(&Trouble::NotSent);
        one.add(two);
        assert_eq!((one.count(), one.error_count()), (100, 3));
        assert_eq!(one.errors().map(|(_, count, _)| count).max(), Some(2));
        assert!((one.millis_at(0.5) - 50.0).abs() < 0.1);
        assert!((one.millis_at(0.99) - 99.0).abs() < 0.1);
        assert!((one.millis_max() - 100.0).abs() < 0.1);
        assert!(one.late_millis_at(0.8) < 0.01 && one.late_millis_at(0.99) > 4.9);
    }
}
