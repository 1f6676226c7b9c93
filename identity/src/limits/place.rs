//! Whether a try has a place: pure, from what was seen of the buckets.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Bucket, Try};

/// A place that was told is kept for so long after its time.
const PLACE_KEPT: TimeDelta = TimeDelta::minutes(15);
/// A wide network has so many times the tries of one of its networks.
pub(super) const WIDE: u32 = 3;

/// A bucket as it was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// After what was forgotten by now.
    pub(super) held: f64,
    pub(super) paused_until: Option<DateTime<Utc>>,
    /// Of a visitor's own bucket: from when on their place is kept.
    pub(super) due: Option<DateTime<Utc>>,
}

impl Level {
    fn is_full(&self, bucket: &Bucket, now: DateTime<Utc>) -> bool {
        self.paused_until.is_some_and(|until| until > now) || bucket.wait_at(self.held) > 0.0
    }
}

/// What was seen before a try, without holding anything.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The owner signed in with this browser before: what is counted of all such.
    pub(super) known_browsers: Option<Level>,
    /// From this network.
    pub(super) known_networks: Option<Level>,
    pub(super) own: Level,
    pub(super) own_wide: Level,
    /// As [`Try::networks`].
    pub(super) networks: Vec<Level>,
    pub(super) at_subject: Level,
    pub(super) in_project: Level,
    pub(super) budget: Level,
}

pub(super) enum Place {
    /// The try is to be counted in these.
    Free { buckets: Vec<Bucket>, strict: bool },
    /// Not before that. `full`: in these a place is taken for then; `None`: it is already, or none is needed.
    Wait {
        until: DateTime<Utc>,
        full: Option<Vec<Bucket>>,
    },
}

pub(super) fn of(tried: &Try, seen: &Seen, now: DateTime<Utc>) -> Place {
    if let Some(buckets) = of_known(tried, seen, now) {
        let strict = false;
        return Place::Free { buckets, strict };
    }
    if let Some(until) = seen.own.paused_until.filter(|until| *until > now) {
        return Place::Wait { until, full: None };
    }
    let shared = match shared(tried, seen, now) {
        Ok(shared) => shared,
        Err(wait) => return wait,
    };
    let full = |bucket: &Bucket| bucket.wait_at(seen.at_subject.held) > 0.0;
    let strict =
        tried.at_subject.as_ref().is_some_and(full) || seen.budget.held >= tried.budget.free;
    let (mut own, mut own_wide) = (tried.own.clone(), tried.own_wide.clone());
    if strict {
        own = own.strict(1.0);
        own_wide = own_wide.map(|wide| wide.strict(f64::from(WIDE)));
    }
    let own = std::iter::once(own).chain(own_wide);
    let own = own.chain(tried.strangers.clone());
    Place::Free {
        buckets: own.chain(shared).collect(),
        strict,
    }
}

/// What is counted of a visitor who is known to the owner and shares nothing with strangers; `None` of a stranger,
/// and when those who are known have tried too often.
fn of_known(tried: &Try, seen: &Seen, now: DateTime<Utc>) -> Option<Vec<Bucket>> {
    let has_room = |bucket: &Bucket, level: Option<Level>| {
        let level = level.filter(|level| !level.is_full(bucket, now));
        level.map(|_| bucket.clone())
    };
    let known = has_room(&tried.known_browsers, seen.known_browsers)
        .or_else(|| has_room(&tried.known_networks, seen.known_networks))?;
    // Counted of the visitor's network as well, or more tries would tell who is known there; but what others there
    // tried does not hold up the identity.
    let own = has_room(&tried.own, Some(seen.own));
    let wide = tried.own_wide.as_ref();
    let own_wide = wide.and_then(|wide| has_room(wide, Some(seen.own_wide)));
    let own = std::iter::once(known).chain(own).chain(own_wide);
    let networks = tried.networks.iter().cloned();
    let in_project = tried.in_project.clone().map(Bucket::counting);
    Some(own.chain(networks).chain(in_project).collect())
}

/// What is counted of the visitor's networks and of what all strangers share, or how long this one waits for a place
/// there. Nothing is counted of one who waited: the place was counted when it was told.
fn shared(tried: &Try, seen: &Seen, now: DateTime<Utc>) -> Result<Vec<Bucket>, Place> {
    let levels = [seen.at_subject.held, seen.in_project.held];
    let buckets = [&tried.at_subject, &tried.in_project];
    let shared = buckets.into_iter().zip(levels);
    let shared: Vec<(&Bucket, f64)> = shared
        .filter_map(|(bucket, level)| Some((bucket.as_ref()?, level)))
        .map(|(bucket, level)| (bucket, bucket.wait_at(level)))
        .collect();
    let longest = shared.iter().map(|(_, wait)| *wait).fold(0.0, f64::max);
    if longest <= 0.0 {
        let all = shared.into_iter().map(|(bucket, _)| bucket.clone());
        let all = all.map(Bucket::counting);
        return Ok(tried.networks.iter().cloned().chain(all).collect());
    }
    // A visitor who waited for the end of a pause of their own waited as told, too.
    match seen.own.due.or(seen.own.paused_until) {
        Some(until) if until > now => Err(Place::Wait { until, full: None }),
        Some(due) if now < due + PLACE_KEPT => Ok(Vec::new()),
        _ => {
            // No place for a network that has had its share: visitors from there wait for that first.
            if let Some(until) = network_wait(tried, seen, now) {
                return Err(Place::Wait { until, full: None });
            }
            let full = shared.into_iter().filter(|(_, wait)| *wait > 0.0);
            let full = full.map(|(bucket, _)| bucket.clone()).collect();
            Err(Place::Wait {
                until: now + seconds(longest),
                full: Some(full),
            })
        }
    }
}

/// Until when the fullest of the visitor's networks has no room, if one has none.
fn network_wait(tried: &Try, seen: &Seen, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let networks = tried.networks.iter().zip(&seen.networks);
    let full = networks.filter(|(bucket, level)| level.is_full(bucket, now));
    full.map(|(bucket, level)| {
        let room_at = now + seconds(bucket.wait_at(level.held));
        level.paused_until.map_or(room_at, |at| at.max(room_at))
    })
    .max()
}

fn seconds(wait: f64) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "an hour in milliseconds")]
    TimeDelta::milliseconds((wait * 1000.0).ceil() as i64)
}
