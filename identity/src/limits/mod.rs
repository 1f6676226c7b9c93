//! How often something may be tried, counted in PostgreSQL across replicas: some tries are free, then each
//! has to wait longer, and with time everything is forgiven. Nothing is ever locked for good.
//!
//! A try is counted before it is judged, so that fifty at once are fifty; who turns out to be right gets
//! theirs back in the commit that says so. One that is refused counts nowhere: who has to wait in one bucket
//! fills none that others share.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tenants::{Fault, Project, Tx};

use crate::write::WriteError;

/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_mins(15);
const KEY_BYTES: usize = 16;

/// Something that is counted.
#[derive(Clone, Debug)]
pub struct Bucket {
    key: Vec<u8>,
    free: f64,
    span: Duration,
    pause_max: Duration,
    forgiving: bool,
}

impl Bucket {
    /// `free` tries of `what` (a kind and a value, which is not stored) in `span`.
    pub fn new(project: &Project, (kind, value): (&str, &str), free: u32, span: Duration) -> Self {
        let key = project.data_key().derive("limits");
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
        let mac = mac.chain_update(kind).chain_update([0]).chain_update(value);
        Self {
            key: mac.finalize().into_bytes()[..KEY_BYTES].to_vec(),
            free: f64::from(free),
            span,
            pause_max: PAUSE_MAX,
            forgiving: false,
        }
    }

    /// No pause of this one is longer than that.
    #[must_use]
    pub fn pausing_at_most(mut self, pause_max: Duration) -> Self {
        self.pause_max = pause_max;
        self
    }

    /// Who is right once is forgiven all earlier tries, not this one alone.
    #[must_use]
    pub fn forgiving(mut self) -> Self {
        self.forgiving = true;
        self
    }
}

/// The network of a visitor, of an address with or without a port: one IPv4 address, or the first
/// 64 bits of an IPv6 address, which is what one household gets. Anything else stands for itself.
pub fn network(address: &str) -> String {
    let ip = address.parse::<IpAddr>().ok().or_else(|| {
        let peer = address.parse::<std::net::SocketAddr>().ok();
        peer.map(|peer| peer.ip())
    });
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => {
            let s = ip.segments();
            format!("{:x}:{:x}:{:x}:{:x}::/64", s[0], s[1], s[2], s[3])
        }
        None => address.to_owned(),
    }
}

/// Count one try in each bucket, in a commit of its own. `Some`: at least one bucket refuses, for so long, and
/// the try is counted in none.
pub async fn take(project: &Project, buckets: &[Bucket]) -> Result<Option<Duration>, Fault> {
    let mut tx = project.begin().await?;
    let refused = take_in(&mut tx, buckets).await?;
    if refused.is_none() {
        tx.commit().await?;
    }
    Ok(refused)
}

/// The same in the caller's transaction, whose time may lie before that of a try which was faster: no time has passed
/// between them then. To be committed soon, because other tries wait for its rows; and not at
/// all when it is refused.
pub async fn take_in(tx: &mut Tx, buckets: &[Bucket]) -> Result<Option<Duration>, Fault> {
    let now = tx.project().now();
    // One order for everybody, so that two cannot wait for each other.
    let mut sorted: Vec<&Bucket> = buckets.iter().collect();
    sorted.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let keys: Vec<Vec<u8>> = sorted.iter().map(|b| b.key.clone()).collect();
    let free: Vec<f64> = sorted.iter().map(|b| b.free).collect();
    let spans: Vec<f64> = sorted.iter().map(|b| b.span.as_secs_f64()).collect();
    let pauses: Vec<f64> = sorted.iter().map(|b| b.pause_max.as_secs_f64()).collect();
    let rows = sqlx::query!(
        r#"insert into counters as c (key, level, free, span_seconds, counted_at)
           select b.key, 1, b.free, b.span, $4 from unnest($1::bytea[], $2::float8[], $3::float8[]) as b (key, free, span)
           on conflict (key) do update set (free, span_seconds, refused, level, paused_until, counted_at) = (
             select excluded.free, excluded.span_seconds, held,
                    case when held then c.level else next end,
                    case when held then c.paused_until
                         when ceil(next) >= excluded.free
                         then excluded.counted_at + make_interval(secs => least(pause_max, power(2, least(20, 1 + ceil(next) - excluded.free)))) end,
                    case when held then c.counted_at else greatest(c.counted_at, excluded.counted_at) end
               from (select coalesce(c.paused_until > excluded.counted_at, false) as held,
                            1 + greatest(0, c.level - excluded.free * greatest(0, extract(epoch from excluded.counted_at - c.counted_at))::float8
                                                      / excluded.span_seconds) as next,
                            (select p.pause_max from unnest($1::bytea[], $5::float8[]) as p (key, pause_max)
                              where p.key = c.key) as pause_max) as n)
           returning refused, paused_until"#,
        &keys,
        &free,
        &spans,
        now,
        &pauses
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    let refusing = rows.iter().filter(|row| row.refused);
    let until = refusing.filter_map(|row| row.paused_until).max();
    Ok(until.map(|until| wait(until, now)))
}

/// Rounded up to whole seconds, as `Retry-After` tells it.
fn wait(until: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    let left = (until - now).to_std().unwrap_or_default();
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0))
        .max(Duration::from_secs(1))
}

/// A try that turned out to be right gets its place back in each bucket, and the owner is not made to wait for earlier
/// ones.
#[derive(Debug)]
pub struct Forgive(pub Vec<Bucket>);

impl Forgive {
    /// Carry it out, in the order in which tries are counted.
    pub async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        let keys: Vec<Vec<u8>> = self.0.iter().map(|b| b.key.clone()).collect();
        let forgiving: Vec<bool> = self.0.iter().map(|b| b.forgiving).collect();
        sqlx::query!(
            "update counters c set level = case when b.forgiving then 0 else greatest(0, c.level - 1) end, paused_until = null
               from (select c.key, b.forgiving from unnest($1::bytea[], $2::bool[]) as b (key, forgiving)
                       join counters c on c.key = b.key order by c.key for update of c) as b
              where c.key = b.key",
            &keys,
            &forgiving
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// Delete up to `limit` buckets that were not touched since `before`. Answers how many went.
pub async fn sweep(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, Fault> {
    let gone = sqlx::query!(
        "delete from counters where key in (select key from counters where counted_at < $1 order by counted_at limit $2)",
        before,
        limit
    );
    Ok(gone.execute(tx.conn()).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let cases = [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:443", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2:ffff::1]:80", "2001:db8:1:2::/64"),
            ("unknown", "unknown"),
        ];
        for (address, expected) in cases {
            assert_eq!(network(address), expected, "{address}");
        }
    }
}
