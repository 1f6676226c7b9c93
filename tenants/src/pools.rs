//! Connections of the gate login, split so that each backend sees a part of the projects only:
//! Postgres never forgets a table it has once looked at, so memory is connections × projects seen.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    Connection as _, Executor as _, Postgres, Row as _, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Fault, fault::Said, pool::Pool, reach::Reach};

/// What every connection must be when it goes back to its pool: no open transaction, its own role, its
/// own search path, and able to write: one that is not may lead to the primary of yesterday. Simple protocol on purpose: in the extended one each Execute renews
/// `statement_timestamp()`, and a healthy connection would look poisoned.
const GUARD: &str = "SELECT (now() = statement_timestamp() AND current_user = session_user \
     AND current_setting('search_path') = 'pg_catalog, pg_temp' \
     AND current_setting('transaction_read_only') = 'off')::int::text";

/// The same facts as the guard's, one by one and for the same reason in simple protocol.
const STATE: &str = "SELECT current_setting('search_path') AS search_path, current_user::text AS \"user\", \
     session_user::text AS \"session_user\", (now() <> statement_timestamp())::text AS in_transaction";

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection of a project pool that was idle for longer is asked whether it lives before it is used. One
/// that was in use just now is not: that would be a round trip before each transaction, and a `BEGIN` that
/// finds its connection dead can be repeated on another.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How many connections, and whether the release guard is on (off only in the test that proves it is needed).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) total: u32,
    pub(crate) guarded: bool,
}

/// How a pooled connection was found. Only the tests of the release guard ask.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionState {
    /// `pg_catalog, pg_temp` on a healthy one.
    pub search_path: String,
    /// The role in force.
    pub user: String,
    /// The role that logged in.
    pub session_user: String,
    /// Was a transaction left open?
    pub in_transaction: bool,
}

/// The pools of one cluster, all of the gate login.
#[derive(Debug)]
pub(crate) struct Pools {
    projects: Vec<Pool>,
    pub(crate) control: Pool,
    pub(crate) worker: Pool,
    reach: Arc<Reach>,
    options: PgConnectOptions,
}

impl Pools {
    /// Opens nothing yet: connections are made when they are first asked for.
    pub(crate) fn new(url: &str, sizes: Sizes) -> Result<Self, Fault> {
        // 512 statements: about 150 static ones, and never 0, which leaks one per execution.
        let options: PgConnectOptions = url
            .parse::<PgConnectOptions>()?
            .application_name("insula")
            .statement_cache_capacity(512);
        let (shards, each, control, worker) = split(sizes.total);
        let pool = |index: u64, connections: u32| {
            let pool = PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // Staggered by pool, so that they are not all renewed at once.
                .max_lifetime(Duration::from_mins(12 + 2 * index))
                .idle_timeout(Duration::from_mins(5));
            if sizes.guarded { guarded(pool) } else { pool }
        };
        let of_projects = |index: u64| trusting(pool(index % 4, each));
        let reach = Arc::new(Reach::new());
        let open = |kind| Pool::new(kind, options.clone(), Arc::clone(&reach));
        Ok(Self {
            projects: (0..shards)
                .map(|index| open(of_projects(index.into())))
                .collect(),
            control: open(pool(0, control)),
            worker: open(pool(1, worker)),
            reach,
            options,
        })
    }

    /// Begin anew, each: the database was away.
    pub(crate) fn renew(&self) {
        let all = self.projects.iter().chain([&self.control, &self.worker]);
        all.for_each(Pool::renew);
    }

    /// Whether the database is there.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// How to connect: for the one connection that belongs to no pool.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.control.is_closed()
    }

    /// Begin with a statement that pins the transaction: one round trip. A begin that fails leaves its
    /// connection to the guard, which closes it; if the connection was lost, another takes its place.
    ///
    /// A backend that was computing the gate's memberships while a role was made can keep a list without
    /// it, and refuses `SET ROLE` (42501) until memberships change again. A backend that starts now
    /// knows the role; so connections are given up until there is one.
    pub(crate) async fn begin(
        &self,
        slot: i32,
        sql: &Arc<str>,
    ) -> Result<Transaction<'static, Postgres>, Fault> {
        let shard = usize::try_from(slot).unwrap_or(0) % self.projects.len();
        let pool = &self.projects[shard];
        let mut left = pool.connections_max() + 2;
        let began = Instant::now();
        loop {
            let begun = pool.begin_with(sql).await;
            left -= 1;
            match begun {
                // A server that cannot be reached at all is not asked for longer than one that does not answer.
                Err(error)
                    if is_lost(&error)
                        && left > 0
                        && began.elapsed() < ACQUIRE_TIMEOUT
                        && !self.reach.is_away() =>
                {
                    tracing::debug!(error = %Said(&error), slot, "a connection was lost while it was idle");
                }
                Err(error) if is_refused_role(&error) && left > 0 => {
                    tracing::warn!(error = %Said(&error), slot, "a connection was given up: it does not know the role");
                }
                Err(error) if is_refused_role(&error) => return Err(Fault::Unavailable(error)),
                begun => return Ok(begun?),
            }
        }
    }

    /// What the next borrower of a connection of that slot's pool finds, before it begins anything.
    pub(crate) async fn probe(&self, slot: i32) -> Result<ConnectionState, Fault> {
        let shard = usize::try_from(slot).unwrap_or(0) % self.projects.len();
        let mut connection = self.projects[shard].take().await?;
        let row = connection.fetch_one(sqlx::raw_sql(STATE)).await?;
        let text = |column: &str| row.try_get_unchecked::<String, _>(column);
        Ok(ConnectionState {
            search_path: text("search_path")?,
            user: text("user")?,
            session_user: text("session_user")?,
            in_transaction: text("in_transaction")? == "true",
        })
    }

    pub(crate) async fn close(&self) {
        for pool in self.projects.iter().chain([&self.control, &self.worker]) {
            pool.close().await;
        }
    }
}

/// Closes a connection on its way back to the pool that is not as it was.
fn guarded(pool: PgPoolOptions) -> PgPoolOptions {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            let row = connection.fetch_one(sqlx::raw_sql(GUARD)).await?;
            Ok(row.try_get_unchecked::<String, _>(0)? == "1")
        })
    })
}

/// Asks only a connection that was idle for long whether it lives.
fn trusting(pool: PgPoolOptions) -> PgPoolOptions {
    let pool = pool.test_before_acquire(false);
    pool.before_acquire(|connection, found| {
        Box::pin(async move {
            if found.idle_for > TRUSTED_FOR {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}

/// Has the other end gone? Nothing was begun then. A pool that has no connection to give is another matter.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // Said to idle connections when the server shuts down.
        sqlx::Error::Database(e) => matches!(e.code().as_deref(), Some("57P01" | "57P02")),
        sqlx::Error::Protocol(text) => text.contains("closed") || text.contains("EOF"),
        _ => false,
    }
}

fn is_refused_role(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("42501")
}

/// Shards, connections in each, for control, for the worker. From 26: four of five, three, two; and one that reads
/// what has changed (`poller.rs`).
fn split(total: u32) -> (u32, u32, u32, u32) {
    let total = total.saturating_sub(1);
    let (control, worker) = if total >= 19 {
        (3, 2)
    } else {
        (1.max(total / 5), 1)
    };
    let rest = total.saturating_sub(control + worker).max(1);
    let shards = if rest >= 12 { 4 } else { 1 };
    (shards, rest / shards, control, worker)
}

#[cfg(test)]
mod tests {
    #[test]
    fn connections_are_split_and_never_exceed_the_total() {
        assert_eq!(super::split(26), (4, 5, 3, 2));
        assert_eq!(super::split(4), (1, 1, 1, 1));
        for total in 4..200 {
            let (shards, each, control, worker) = super::split(total);
            let all = shards * each + control + worker + 1;
            assert!(all <= total, "{total}");
            assert!(each >= 1, "{total}");
        }
    }
}
