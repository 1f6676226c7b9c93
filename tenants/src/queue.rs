//! One queue for all projects of a cluster: written in the transaction that causes the work, claimed with a
//! lease, fair among projects.
//!
//! A job's `state` is 0 while it waits, 1 while it is leased, 2 when it was given up. The numbers stand in
//! the SQL as such: PostgreSQL takes the partial indexes `jobs_due` (0) and `jobs_leased` (1) for a condition that
//! it can read, and not for a parameter.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    Claimed, Fault, Job, Project, Verdict, cluster::Cluster, control::directory::Directory, ids,
};

/// How long a job waits whose project cannot be loaded.
const UNREADABLE_PAUSE: TimeDelta = TimeDelta::minutes(1);

const REASON_CHARS_MAX: usize = 500;

/// How much is taken at once.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// No more than can start now.
    pub jobs_max: i64,
    /// No more than this of one project.
    pub per_project_max: i64,
    /// How long the work may take before another worker may have it.
    pub lease: Duration,
    /// Only these projects' jobs. `None`: those of all projects.
    pub only: Option<&'a [Project]>,
    /// Not these projects' jobs: they have their share in hand.
    pub except: &'a [Project],
}

/// A claimed row: id, role, kind, reference, attempts.
struct Row {
    id: Uuid,
    db_role: String,
    kind: String,
    reference: Option<Uuid>,
    attempts: i32,
}

impl Cluster {
    /// The directory says which project a role belongs to.
    pub(crate) async fn claim(
        &self,
        claim: Claim<'_>,
        directory: &Directory,
    ) -> Result<Vec<Claimed>, Fault> {
        let now = self.clock().now();
        let only: Option<Vec<String>> = claim
            .only
            .map(|p| p.iter().map(|p| p.db_role().to_owned()).collect());
        let except: Vec<String> = claim
            .except
            .iter()
            .map(|p| p.db_role().to_owned())
            .collect();
        self.release_expired(now, only.as_deref()).await?;
        // Among those with jobs, not among all slot numbers: most of those are above every project.
        let start = i64::try_from(ids::below(1 << 32)).unwrap_or(0);
        let rows = sqlx::query_as!(
            Row,
            r#"
            with recursive seen (db_role) as (
                (select db_role from control.jobs where state = 0 order by db_role limit 1)
                union all
                select (select j.db_role from control.jobs j where j.state = 0 and j.db_role > s.db_role order by j.db_role limit 1)
                  from seen s where s.db_role is not null
            ), turns as (
                select db_role, (row_number() over (order by db_role) + $6) % count(*) over () as turn
                  from seen where db_role is not null and ($5::text[] is null or db_role = any ($5)) and db_role <> all ($7::text[])
            ), due as (
                select j.id
                  from (select db_role from turns order by turn) s
                 cross join lateral (
                    select id from control.jobs
                     where state = 0 and db_role = s.db_role and run_at <= $1
                     order by run_at limit $3 for update skip locked) j
                 limit $2
            )
            update control.jobs set state = 1, attempts = attempts + 1, lease_until = $4
             where id in (select id from due)
            returning id, db_role, kind, ref as reference, attempts
            "#,
            now,
            claim.jobs_max,
            claim.per_project_max,
            now + to_delta(claim.lease),
            only.as_deref(),
            start,
            &except,
        )
        .fetch_all(&mut *self.pools().worker.take().await?)
        .await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, attempts) = (row.id, row.attempts);
            match self.readable(row, directory).await {
                Ok(job) => claimed.extend(job),
                Err(fault @ Fault::Unavailable(_)) => return Err(fault),
                // One project that cannot be loaded must not hold up the others.
                Err(fault) => {
                    tracing::error!(%id, error = &fault as &dyn std::error::Error, "a job's project cannot be loaded");
                    self.retry((id, attempts), now + UNREADABLE_PAUSE, &fault.to_string())
                        .await?;
                }
            }
        }
        Ok(claimed)
    }

    /// A job of a project that is gone is dropped; one of an unknown kind is kept with its reason.
    async fn readable(&self, row: Row, directory: &Directory) -> Result<Option<Claimed>, Fault> {
        let Some(project) = directory.project_of_role(&row.db_role).await? else {
            sqlx::query!("delete from control.jobs where id = $1", row.id)
                .execute(&mut *self.pools().worker.take().await?)
                .await?;
            return Ok(None);
        };
        if let Some(job) = Job::read(&row.kind, row.reference) {
            return Ok(Some(Claimed {
                id: row.id,
                attempts: row.attempts,
                project,
                job,
            }));
        }
        let why = format!("this version does not know jobs of kind {:?}", row.kind);
        sqlx::query!(
            "update control.jobs set state = 2, lease_until = null, last_error = $2 where id = $1",
            row.id,
            why
        )
        .execute(&mut *self.pools().worker.take().await?)
        .await?;
        Ok(None)
    }

    /// What a worker that died had in hand is waiting again.
    async fn release_expired(
        &self,
        now: DateTime<Utc>,
        only: Option<&[String]>,
    ) -> Result<(), Fault> {
        sqlx::query!(
            "update control.jobs set state = 0, lease_until = null
              where state = 1 and lease_until < $1 and ($2::text[] is null or db_role = any ($2))",
            now,
            only
        )
        .execute(&mut *self.pools().worker.take().await?)
        .await?;
        Ok(())
    }

    /// Give a job back until `run_at`, unless another took it over meanwhile.
    async fn retry(
        &self,
        (id, attempts): (Uuid, i32),
        run_at: DateTime<Utc>,
        why: &str,
    ) -> Result<(), Fault> {
        sqlx::query!(
            "update control.jobs set state = 0, lease_until = null, last_error = $4, run_at = $3 where id = $1 and attempts = $2",
            id,
            attempts,
            run_at,
            storable(why)
        )
        .execute(&mut *self.pools().worker.take().await?)
        .await?;
        Ok(())
    }

    pub(crate) async fn renew(&self, claimed: &Claimed, lease: Duration) -> Result<bool, Fault> {
        let until = self.clock().now() + to_delta(lease);
        let renewed = sqlx::query!(
            "update control.jobs set lease_until = $3 where id = $1 and attempts = $2 and state = 1",
            claimed.id,
            claimed.attempts,
            until
        );
        Ok(renewed
            .execute(&mut *self.pools().worker.take().await?)
            .await?
            .rows_affected()
            == 1)
    }

    pub(crate) async fn finish(&self, claimed: &Claimed, verdict: &Verdict) -> Result<(), Fault> {
        let mut connection = self.pools().worker.take().await?;
        let (id, attempts, now) = (claimed.id, claimed.attempts, self.clock().now());
        match verdict {
            Verdict::Done => {
                sqlx::query!(
                    "delete from control.jobs where id = $1 and attempts = $2",
                    id,
                    attempts
                )
                .execute(&mut *connection)
                .await?;
            }
            Verdict::Retry { after, why } => {
                drop(connection);
                self.retry((id, attempts), now + to_delta(*after), why)
                    .await?;
            }
            Verdict::Abandon { why } => {
                sqlx::query!("update control.jobs set state = 2, lease_until = null, last_error = $3 where id = $1 and attempts = $2", id, attempts, storable(why))
                    .execute(&mut *connection)
                    .await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn queue_depth(&self) -> Result<QueueDepth, Fault> {
        let row = sqlx::query!(
            r#"select count(*) filter (where state = 0 and run_at <= $1) as "due!", count(*) filter (where state = 1) as "leased!",
                      count(*) filter (where state = 2) as "abandoned!", min(run_at) filter (where state = 0 and run_at <= $1) as oldest,
                      count(*) filter (where state < 2 and kind = $2) as "messages!",
                      min(created_at) filter (where state < 2 and kind = $2) as oldest_message,
                      (select count(*) from control.slots where state = 'SPARE') as "spare_slots!"
                 from control.jobs"#,
            self.clock().now(),
            Job::SEND_MESSAGE
        );
        let row = row
            .fetch_one(&mut *self.pools().worker.take().await?)
            .await?;
        let since = |at: Option<DateTime<Utc>>| {
            let age = at.map_or(TimeDelta::zero(), |at| self.clock().now() - at);
            age.to_std().unwrap_or_default()
        };
        Ok(QueueDepth {
            due: row.due,
            leased: row.leased,
            abandoned: row.abandoned,
            oldest: since(row.oldest),
            messages: row.messages,
            oldest_message: since(row.oldest_message),
            spare_slots: row.spare_slots,
        })
    }
}

impl Project {
    /// The id under which this hour's sweep of this project is queued, when this replica has not asked
    /// for it yet: idle projects cost nothing, busy ones one row an hour.
    pub fn sweep_to_ask_for(&self) -> Option<(Uuid, DateTime<Utc>)> {
        const HOUR: i64 = 3600;
        let hour = self.now().timestamp().div_euclid(HOUR);
        let before = self
            .swept_at()
            .swap(hour, std::sync::atomic::Ordering::Relaxed);
        if before == hour {
            return None;
        }
        // The project's id with the hour folded into its last bytes: every replica that asks for this sweep
        // asks under the same id, and the queue keeps the first. XOR loses nothing, so no two hours of a project
        // share an id; two projects could only if their random ids agreed in the eight bytes before.
        let mut id = *self.id().uuid().as_bytes();
        for (byte, of_hour) in id.iter_mut().rev().zip(hour.to_le_bytes()) {
            *byte ^= of_hour;
        }
        let run_at = DateTime::from_timestamp((hour + 1) * HOUR, 0)?;
        Some((Uuid::from_bytes(id), run_at))
    }
}

/// How full the queue is, and how many projects can be made at once.
#[derive(Clone, Copy, Debug)]
pub struct QueueDepth {
    /// Could start now.
    pub due: i64,
    /// A worker has them in hand.
    pub leased: i64,
    /// Failed for good.
    pub abandoned: i64,
    /// How long the oldest due one has waited.
    pub oldest: Duration,
    /// Messages not sent yet, due or not.
    pub messages: i64,
    /// How long the oldest of them has been there.
    pub oldest_message: Duration,
    /// Schemas ready for new projects.
    pub spare_slots: i64,
}

/// What others said may be long, and hold what PostgreSQL does not take.
fn storable(why: &str) -> String {
    let shown = why.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(REASON_CHARS_MAX).collect()
}

fn to_delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
