//! The slot keeper: schemas and roles made ahead of time, so that a project is made in milliseconds.
//! Runs in the worker, as owner; one keeper at a time per cluster.

use sqlx::{Connection as _, PgConnection};

use crate::{Fault, cluster::Cluster, roles, schema};

const KEEPER_LOCK: i64 = 0x1_a5_02;
/// Roles are made many at once: each new role empties the membership cache of every backend.
const ROLES_AT_ONCE: i32 = 50;
/// Dropped in batches too, for the same reason.
const DROP_ROLES_AT: i64 = 20;

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Spare schemas made.
    pub made: usize,
    /// Roles of deleted projects dropped.
    pub roles_dropped: usize,
}

impl Cluster {
    pub(crate) async fn keep_slots(&self) -> Result<Kept, Fault> {
        let url = self.owner_url()?;
        if self.spare_slots().await? >= i64::from(self.spare_slots_wanted())
            && self.dropped_slots().await? < DROP_ROLES_AT
        {
            return Ok(Kept::default());
        }
        let mut owner = PgConnection::connect(url).await?;
        let ours =
            sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "ours!""#, KEEPER_LOCK)
                .fetch_one(&mut owner)
                .await?;
        let kept = if ours {
            self.keep_with(&mut owner).await?
        } else {
            Kept::default()
        };
        owner.close().await?;
        Ok(kept)
    }

    async fn keep_with(&self, owner: &mut PgConnection) -> Result<Kept, Fault> {
        let mut kept = Kept::default();
        while self.spare_slots().await? < i64::from(self.spare_slots_wanted()) {
            let Some((slot, role)) = next_role(owner).await? else {
                let count = self.spare_slots_wanted().clamp(1, ROLES_AT_ONCE);
                roles::create_batch(owner, self.prefix(), &self.gate().name, count).await?;
                continue;
            };
            schema::create(owner, slot, &role).await?;
            kept.made += 1;
            self.slot_made().notify_waiters();
        }
        if self.dropped_slots().await? >= DROP_ROLES_AT {
            kept.roles_dropped = roles::drop_batch(owner, 100).await?;
        }
        Ok(kept)
    }

    pub(crate) async fn spare_slots(&self) -> Result<i64, Fault> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from control.slots where state = 'SPARE'"#
        );
        Ok(count
            .fetch_one(&mut *self.pools().worker.take().await?)
            .await?)
    }

    async fn dropped_slots(&self) -> Result<i64, Fault> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from control.slots where state = 'DROPPED'"#
        );
        Ok(count
            .fetch_one(&mut *self.pools().worker.take().await?)
            .await?)
    }
}

async fn next_role(owner: &mut PgConnection) -> Result<Option<(i32, String)>, Fault> {
    let row = sqlx::query!(
        "select slot, db_role from control.slots where state = 'ROLE' order by slot limit 1"
    );
    Ok(row
        .fetch_optional(owner)
        .await?
        .map(|r| (r.slot, r.db_role)))
}
