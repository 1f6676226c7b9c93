//! One database with projects in it: its connections, what was heard of changes there, its logins, its clock.
//!
//! Queue, slots and pruning are `impl Cluster` in files of their own. A cluster knows numbered slots and
//! their roles; which project is behind one, and under which slug, says the directory of the home cluster.
//! There is one cluster so far.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use crate::{
    Fault, Settings,
    clock::Clock,
    invalidation::{self, Invalidations},
    migrations,
    poller::Poller,
    pools::{Pools, Sizes},
    roles::Gate,
};

const STANDBY: &str = "the database is a standby: DATABASE_URL has to lead to the primary";

/// A cluster that is being served. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Inner>);

struct Inner {
    /// Begins the names of all roles made for its projects.
    prefix: String,
    gate: Gate,
    owner_url: Option<String>,
    spare_slots_wanted: i32,
    clock: Clock,
    pools: Pools,
    invalidations: Invalidations,
    slot_wanted: Notify,
    slot_made: Notify,
}

impl Cluster {
    /// Connect, and check that the database fits this binary. Hears of no change before [`Self::listen`].
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, Fault> {
        let sizes = Sizes {
            total: settings.connections,
            guarded: settings.release_guard,
        };
        let pools = Pools::new(&settings.gate_url, sizes)?;
        Ok(Self(Arc::new(Inner {
            prefix: prefix(&pools).await?,
            gate: Gate::of_url(&settings.gate_url)?,
            owner_url: settings.owner_url.clone(),
            spare_slots_wanted: settings.spare_slots,
            clock: settings.clock.clone(),
            pools,
            invalidations: Invalidations::new(),
            slot_wanted: Notify::new(),
            slot_made: Notify::new(),
        })))
    }

    /// Read what has changed, now and from now on: until the last handle is gone, or [`Self::close`].
    pub(crate) async fn listen(&self) -> Result<(), Fault> {
        let mut poller = Poller::new(self.pools().options().clone());
        poller.poll(self.invalidations()).await?;
        let weak = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(invalidation::POLL_EVERY).await;
                let Some(inner) = weak.upgrade() else { break };
                if inner.pools.is_closed() {
                    break;
                }
                let polled = poller.poll(&inner.invalidations).await;
                let pools = &inner.pools;
                pools.reach().heard(polled, || pools.renew());
            }
            poller.close().await;
        });
        Ok(())
    }

    /// Why it cannot be served from here: `(component, what is wrong)`. Empty when it can.
    pub(crate) async fn readiness(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if let Some(why) = self.why_not_written().await {
            wrong.push(("database", why.to_owned()));
        }
        if !self.invalidations().clock_is_right() {
            wrong.push((
                "clock",
                "this machine's clock is more than two seconds off the database's".to_owned(),
            ));
        }
        wrong
    }

    /// Why nothing can be written to its database now, if so.
    async fn why_not_written(&self) -> Option<&'static str> {
        let state = sqlx::query!(
            r#"select pg_is_in_recovery() as "standby!", current_setting('transaction_read_only') = 'on' as "read_only!""#
        );
        let asked = async {
            let mut connection = self.pools().control.take().await?;
            state.fetch_one(&mut *connection).await
        };
        match asked.await.map_err(Fault::from) {
            Ok(state) if state.standby => Some(STANDBY),
            Ok(state) if state.read_only => {
                Some("the database is read-only: is its disk full, or is this not the primary?")
            }
            Ok(_) => None,
            Err(fault) => {
                if !fault.was_told() {
                    tracing::warn!(error = %fault, "not ready");
                }
                Some(if self.pools().reach().is_standby() {
                    STANDBY
                } else {
                    "the database does not answer"
                })
            }
        }
    }

    /// Close every connection, waiting for those in use.
    pub(crate) async fn close(&self) {
        self.pools().close().await;
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.0.pools
    }

    pub(crate) fn invalidations(&self) -> &Invalidations {
        &self.0.invalidations
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.0.prefix
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn has_owner(&self) -> bool {
        self.0.owner_url.is_some()
    }

    pub(crate) fn owner_url(&self) -> Result<&str, Fault> {
        self.0.owner_url.as_deref().ok_or_else(|| {
            Fault::broken("INSULA_OWNER_DATABASE_URL is not set: a worker needs it to make spare slots and to carry out deletions")
        })
    }

    pub(crate) fn spare_slots_wanted(&self) -> i32 {
        self.0.spare_slots_wanted
    }

    /// Told when a spare slot was taken or is missing.
    pub(crate) fn slot_wanted(&self) -> &Notify {
        &self.0.slot_wanted
    }

    /// Told when spare slots were made.
    pub(crate) fn slot_made(&self) -> &Notify {
        &self.0.slot_made
    }

    /// Wait until a spare slot is wanted, or a while passes.
    pub(crate) async fn until_slots_are_wanted(&self, or_after: Duration) {
        let _ = tokio::time::timeout(or_after, self.slot_wanted().notified()).await;
    }
}

async fn prefix(pools: &Pools) -> Result<String, Fault> {
    let hint = "run `insula migrate` first";
    let version = sqlx::query_scalar!(
        r#"select coalesce(max(version), 0) as "version!" from control.migrations"#
    );
    let mut connection = pools.control.take().await?;
    let version = match version.fetch_one(&mut *connection).await {
        Ok(version) => version,
        // 42P01 and 3F000: no such table or schema; 42501: not granted yet.
        Err(sqlx::Error::Database(e))
            if matches!(e.code().as_deref(), Some("42P01" | "3F000" | "42501")) =>
        {
            0
        }
        Err(other) => return Err(other.into()),
    };
    if version != migrations::control_version() {
        return Err(Fault::broken(format!(
            "the control schema has version {version}, this binary needs {}; {hint}",
            migrations::control_version()
        )));
    }
    Ok(
        sqlx::query_scalar!("select prefix from control.installation")
            .fetch_one(&mut *connection)
            .await?,
    )
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}
