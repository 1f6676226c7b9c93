//! Whether a try has a place: pure, from what was seen of the buckets.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Bucket, Try};

/// A place that was told is kept for so long after its time.
const PLACE_KEPT: TimeDelta = TimeDelta::minutes(15);
/// A wide network has so many times the tries of one of its networks.
pub(super) const WIDE: u32 = 3;

/// What the visitor is to the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The subject's identity signed in with this browser before.
    KnownBrowser,
    /// From this network.
    KnownNetwork,
    /// Neither, or there is no such identity.
    Stranger,
}

/// A bucket as it was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// After what was forgotten by now.
    pub(super) held: f64,
    pub(super) paused_until: Option<DateTime<Utc>>,
    /// Of a visitor's own bucket: from when on their place is kept.
    pub(super) due: Option<DateTime<Utc>>,
}

/// What was seen before a try, without holding anything.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) standing: Standing,
    pub(super) own: Level,
    pub(super) at_subject: Level,
    pub(super) in_project: Level,
    pub(super) budget: Level,
}

pub(super) enum Place {
    /// The try is to be counted in these.
    Free {
        buckets: Vec<Bucket>,
        standing: Standing,
        strict: bool,
    },
    /// Not before that. `full`: in these a place is taken for then; `None`: it is already, or none is needed.
    Wait {
        until: DateTime<Utc>,
        full: Option<Vec<Bucket>>,
    },
}

pub(super) fn of(tried: &Try, seen: &Seen, now: DateTime<Utc>) -> Place {
    let standing = seen.standing;
    if let Some(buckets) = of_known(tried, standing) {
        let strict = false;
        return Place::Free {
            buckets,
            standing,
            strict,
        };
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
    let networks = tried.networks.iter().cloned();
    let buckets = std::iter::once(own).chain(own_wide).chain(networks);
    Place::Free {
        buckets: buckets.chain(shared).collect(),
        standing,
        strict,
    }
}

/// What is counted of a visitor who shares nothing with strangers.
fn of_known(tried: &Try, standing: Standing) -> Option<Vec<Bucket>> {
    match (standing, &tried.own_browser) {
        (Standing::Stranger, _) => None,
        (Standing::KnownBrowser, Some(browser)) => Some(vec![browser.clone()]),
        (Standing::KnownBrowser | Standing::KnownNetwork, _) => {
            let own = std::iter::once(tried.own_known.clone());
            Some(own.chain(tried.networks.iter().cloned()).collect())
        }
    }
}

/// What is counted of what all strangers share, or how long this one waits for a place there. Nothing is counted of one
/// who waited: the place was counted when it was told.
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
        let all = shared.into_iter();
        return Ok(all.map(|(bucket, _)| bucket.clone().counting()).collect());
    }
    // A visitor who waited for the end of a pause of their own waited as told, too.
    match seen.own.due.or(seen.own.paused_until) {
        Some(until) if until > now => Err(Place::Wait { until, full: None }),
        Some(due) if now < due + PLACE_KEPT => Ok(Vec::new()),
        _ => {
            let full = shared.into_iter().filter(|(_, wait)| *wait > 0.0);
            let full = full.map(|(bucket, _)| bucket.clone()).collect();
            #[expect(clippy::cast_possible_truncation, reason = "an hour in milliseconds")]
            let wait = TimeDelta::milliseconds((longest * 1000.0).ceil() as i64);
            Err(Place::Wait {
                until: now + wait,
                full: Some(full),
            })
        }
    }
}
