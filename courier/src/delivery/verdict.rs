//! What a failure means for the message. The one place that says so.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use metrics::counter;
use tenants::{Verdict, ids};

use super::error::DeliveryError;
use crate::store::Status;

/// Ten seconds, then twice as long each time, up to an hour.
const RETRY_AFTER: Duration = Duration::from_secs(10);
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
/// A relay that is set up wrongly is tried after half a minute, then twice as long, up to ten minutes.
pub(super) const FIRST_REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_mins(10);
/// Codes and links have long expired by then; a relay that works again should not flood its recipients.
const WAIT_MAX: TimeDelta = TimeDelta::days(3);

/// What becomes of a message after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another attempt, after that long.
    Retry(Duration),
    /// No attempt was used up; a look after that long.
    Wait(Duration),
    /// No further attempt.
    Abandon,
}

/// After `begun` attempts of `max`.
pub(super) fn of(error: &DeliveryError, begun: i64, max: i64) -> Next {
    match error {
        DeliveryError::Refused(_) => Next::Abandon,
        DeliveryError::Passing(_) if begun >= max => Next::Abandon,
        DeliveryError::Passing(_) => Next::Retry(pause(begun)),
        DeliveryError::Relay(_) => Next::Wait(FIRST_REST),
    }
}

/// How long a relay that failed so many times in a row is left alone.
pub(super) fn rest(times: u32) -> Duration {
    (FIRST_REST * 2u32.pow(times.saturating_sub(1).min(16))).min(LONGEST_REST)
}

/// Has the message waited too long for its relay?
pub(super) fn is_too_old(created: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - created > WAIT_MAX
}

fn pause(begun: i64) -> Duration {
    let doublings = u32::try_from(begun.saturating_sub(1).clamp(0, 16)).unwrap_or(16);
    (RETRY_AFTER * 2u32.pow(doublings)).min(RETRY_AFTER_MAX)
}

/// A fifth more or less, so that what failed together is not tried together.
pub(super) fn jittered(pause: Duration) -> Duration {
    let fifth = u64::try_from(pause.as_millis() / 5).unwrap_or(u64::MAX / 4);
    pause.saturating_sub(Duration::from_millis(fifth))
        + Duration::from_millis(ids::below(2 * fifth + 1))
}

impl Next {
    pub(super) fn status(self) -> Status {
        match self {
            Self::Retry(_) | Self::Wait(_) => Status::Queued,
            Self::Abandon => Status::Abandoned,
        }
    }

    /// For the queue, which learns nothing of what the message says: relays and snippets may quote it. Counts
    /// what became of the message.
    pub(super) fn verdict(self) -> Verdict {
        let why = "the message says why".to_owned();
        match self {
            Self::Retry(after) => {
                counter!("insula_messages_retried_total").increment(1);
                Verdict::Retry {
                    after: jittered(after),
                    why,
                }
            }
            Self::Wait(after) => Verdict::Retry {
                after: jittered(after),
                why,
            },
            Self::Abandon => {
                counter!("insula_messages_abandoned_total").increment(1);
                Verdict::Done
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_means() {
        let passing = DeliveryError::Passing(String::new());
        let seconds = |begun| match of(&passing, begun, 20) {
            Next::Retry(pause) => pause.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            [1, 2, 3, 9, 10, 19].map(seconds),
            [10, 20, 40, 2560, 3600, 3600]
        );
        assert_eq!(of(&passing, 6, 6), Next::Abandon);
        assert_eq!(of(&passing, 1, 1), Next::Abandon);
        assert_eq!(
            of(&DeliveryError::Refused(String::new()), 1, 6),
            Next::Abandon
        );
        let relay = DeliveryError::Relay(String::new());
        assert_eq!(of(&relay, 100, 6), Next::Wait(FIRST_REST));
        assert_eq!(
            [1, 2, 5, 6, 99].map(|n| rest(n).as_secs()),
            [30, 60, 480, 600, 600]
        );
    }

    #[test]
    fn jitter_is_a_fifth() {
        for _ in 0..1000 {
            let pause = jittered(Duration::from_secs(10));
            assert!((8..=12).contains(&pause.as_secs()), "{pause:?}");
        }
        assert_eq!(jittered(Duration::ZERO), Duration::ZERO);
    }
}
