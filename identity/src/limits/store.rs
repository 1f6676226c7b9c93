//! Rows of `counters`.

use chrono::{DateTime, Utc};
use tenants::{Fault, Tx};
use uuid::Uuid;

use super::{
    Bucket, Owner, Try, known,
    place::{Level, Seen},
};

/// A place that is kept for a visitor who was told to wait.
#[derive(Debug)]
pub(super) struct Promise {
    own: Bucket,
    due: DateTime<Utc>,
    full: Vec<Bucket>,
}

impl Promise {
    /// Counted in `full` and in the visitor's networks.
    pub(super) fn new(tried: &Try, due: DateTime<Utc>, mut full: Vec<Bucket>) -> Self {
        full.extend(tried.networks.iter().cloned());
        let own = tried.own.clone();
        Self { own, due, full }
    }
}

/// See how full the buckets of a try are, and who tries, without holding anything.
pub(super) async fn look(tx: &mut Tx, tried: &Try) -> Result<Seen, Fault> {
    let project = tx.project();
    let network = known::digest(project, &tried.ip_address);
    let (known_after, now) = (known::known_after(project), project.now());
    let shared = [&tried.at_subject, &tried.in_project];
    let known = [&tried.known_browsers, &tried.known_networks];
    let buckets = [&tried.own, &tried.budget].into_iter().chain(known);
    let buckets = buckets.chain(&tried.own_wide).chain(&tried.networks);
    let buckets = buckets.chain(shared.into_iter().flatten());
    let keys: Vec<Vec<u8>> = buckets.map(|bucket| bucket.key.clone()).collect();
    let browser = tried.browser.as_ref();
    let signed_in = browser.map_or(&[][..], |browser| &browser.identities);
    let identities: Vec<Uuid> = signed_in.iter().map(|(identity, _)| *identity).collect();
    let rows = sqlx::query!(
        r#"with who as (
             select $7::uuid as identity_id where $7 is not null
             union all
             select identity_id from identifiers
              where kind = case when $8::bool then 'password' else 'code' end and value = $2 and $7 is null
             union all
             select identity_id from addresses
              where purpose in ('verifiable', 'recovery') and via in ('email', 'sms') and value = $2 and not $8 and $7 is null)
           select who.browser as "browser!", who.network as "network!", c.key as "key?", c.paused_until, c.due,
                  greatest(0, c.level - c.free * greatest(0, extract(epoch from $5 - c.counted_at))::float8 / c.span_seconds) as level
             from (select exists (select from who where identity_id = any($6)) as browser,
                          exists (select from known_networks n where n.network = $3 and n.seen_on > $4
                                     and n.identity_id in (select identity_id from who)) as network) as who
             left join counters c on c.key = any($1)"#,
        &keys,
        tried.subject,
        network,
        known_after,
        now,
        &identities,
        tried.owner.id(),
        tried.owner == Owner::Password
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    let level = |of: Option<&Bucket>| {
        let row = rows
            .iter()
            .find(|row| row.key.as_ref() == of.map(|bucket| &bucket.key));
        row.filter(|_| of.is_some())
            .map_or_else(Level::default, |row| Level {
                held: row.level.unwrap_or_default(),
                paused_until: row.paused_until,
                due: row.due,
            })
    };
    let who = rows.first();
    let by_browser = who.filter(|who| who.browser);
    let by_network = who.filter(|who| who.network);
    Ok(Seen {
        known_browsers: by_browser.map(|_| level(Some(&tried.known_browsers))),
        known_networks: by_network.map(|_| level(Some(&tried.known_networks))),
        own: level(Some(&tried.own)),
        own_wide: level(tried.own_wide.as_ref()),
        networks: tried.networks.iter().map(|it| level(Some(it))).collect(),
        at_subject: level(tried.at_subject.as_ref()),
        in_project: level(tried.in_project.as_ref()),
        budget: level(Some(&tried.budget)),
    })
}

/// Count one try in each bucket. `Some`: at least one is paused until then, and nothing must be committed.
pub(super) async fn count(tx: &mut Tx, buckets: &[Bucket]) -> Result<Option<DateTime<Utc>>, Fault> {
    let now = tx.project().now();
    // One order for everybody, so that two cannot wait for each other.
    let mut sorted: Vec<&Bucket> = buckets.iter().collect();
    sorted.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    let keys: Vec<Vec<u8>> = sorted.iter().map(|b| b.key.clone()).collect();
    let free: Vec<f64> = sorted.iter().map(|b| b.free).collect();
    let spans: Vec<f64> = sorted.iter().map(|b| b.span.as_secs_f64()).collect();
    let shortest: Vec<f64> = sorted.iter().map(|b| b.pause_min.as_secs_f64()).collect();
    let longest: Vec<f64> = sorted.iter().map(|b| b.pause_max.as_secs_f64()).collect();
    let rows = sqlx::query!(
        r#"insert into counters as c (key, level, free, span_seconds, counted_at, paused_until)
           select b.key, 1, b.free, b.span, $4::timestamptz, case when b.free <= 1 then $4::timestamptz + make_interval(secs => b.shortest) end
             from unnest($1::bytea[], $2::float8[], $3::float8[], $5::float8[]) as b (key, free, span, shortest)
           on conflict (key) do update set (free, span_seconds, refused, level, paused_until, counted_at, due) = (
             select excluded.free, excluded.span_seconds, held,
                    case when held then c.level else next end,
                    case when held then c.paused_until
                         when ceil(next) >= excluded.free
                         then excluded.counted_at + make_interval(secs =>
                                least(longest, greatest(shortest, power(2, least(20, 1 + ceil(next) - excluded.free))))) end,
                    case when held then c.counted_at else greatest(c.counted_at, excluded.counted_at) end,
                    case when held then c.due end
               from (select coalesce(c.paused_until > excluded.counted_at, false) as held,
                            1 + greatest(0, c.level - excluded.free * greatest(0, extract(epoch from excluded.counted_at - c.counted_at))::float8
                                                      / excluded.span_seconds) as next,
                            p.shortest, p.longest
                       from unnest($1::bytea[], $5::float8[], $6::float8[]) as p (key, shortest, longest)
                      where p.key = c.key) as n)
           returning refused, paused_until"#,
        &keys,
        &free,
        &spans,
        now,
        &shortest,
        &longest
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    let refusing = rows.iter().filter(|row| row.refused);
    Ok(refusing.filter_map(|row| row.paused_until).max())
}

/// Keep a place: it is counted now, in the buckets that were full, and due later.
pub(super) async fn keep(tx: &mut Tx, promise: &Promise) -> Result<(), Fault> {
    let now = tx.project().now();
    let own = (&promise.own, 0.0, f64::MAX, Some(promise.due));
    let full = promise.full.iter();
    let full = full.map(|bucket| (bucket, 1.0, bucket.level_max(), None));
    let mut sorted: Vec<_> = std::iter::once(own).chain(full).collect();
    sorted.sort_unstable_by(|a, b| a.0.key.cmp(&b.0.key));
    let keys: Vec<Vec<u8>> = sorted.iter().map(|it| it.0.key.clone()).collect();
    let free: Vec<f64> = sorted.iter().map(|it| it.0.free).collect();
    let spans: Vec<f64> = sorted.iter().map(|it| it.0.span.as_secs_f64()).collect();
    let added: Vec<f64> = sorted.iter().map(|it| it.1).collect();
    let most: Vec<f64> = sorted.iter().map(|it| it.2).collect();
    let due: Vec<Option<DateTime<Utc>>> = sorted.iter().map(|it| it.3).collect();
    sqlx::query!(
        r#"insert into counters as c (key, level, free, span_seconds, counted_at, due)
           select b.key, b.added, b.free, b.span, $7::timestamptz, b.due
             from unnest($1::bytea[], $2::float8[], $3::float8[], $4::float8[], $6::timestamptz[]) as b (key, free, span, added, due)
           on conflict (key) do update set (level, counted_at, due) = (
             select least(p.most, p.added + greatest(0, c.level - c.free * greatest(0, extract(epoch from excluded.counted_at - c.counted_at))::float8
                                                                 / c.span_seconds)),
                    greatest(c.counted_at, excluded.counted_at), coalesce(excluded.due, c.due)
               from unnest($1::bytea[], $4::float8[], $5::float8[]) as p (key, added, most) where p.key = c.key)"#,
        &keys,
        &free,
        &spans,
        &added,
        &most,
        &due as &[Option<DateTime<Utc>>],
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Count one more in a bucket that holds nobody up. Answers its level.
pub(super) async fn add(tx: &mut Tx, bucket: &Bucket) -> Result<f64, Fault> {
    let now = tx.project().now();
    let level = sqlx::query_scalar!(
        r#"insert into counters as c (key, level, free, span_seconds, counted_at) values ($1, 1, $2, $3, $4)
           on conflict (key) do update set
             level = least($2 * 2, 1 + greatest(0, c.level - excluded.free * greatest(0, extract(epoch from excluded.counted_at - c.counted_at))::float8
                                                     / excluded.span_seconds)),
             free = excluded.free, counted_at = greatest(c.counted_at, excluded.counted_at)
           returning level"#,
        bucket.key,
        bucket.free,
        bucket.span.as_secs_f64(),
        now
    );
    Ok(level.fetch_one(tx.conn()).await?)
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
