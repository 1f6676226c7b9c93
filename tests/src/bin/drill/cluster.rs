//! PostgreSQL as an operator has it: a durable primary and a standby that streams from it, and the ways of all
//! processes to the primary. Knows nothing of Insula but the name of its database.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use private_postgres::{Options, Server, ensure_database, remove, start, start_standby};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::task::block_in_place;

use crate::{Done, way::Way};

pub(crate) const DATABASE: &str = "insula";
pub(crate) const OWNER: &str = "insula_owner";
pub(crate) const GATE: &str = "insula_gate";
/// PostgreSQL's default.
pub(crate) const CONNECTIONS_MAX: u32 = 100;
const SOON: Duration = Duration::from_secs(30);

/// Two servers, one of which is the primary.
pub(crate) struct Cluster {
    folder: PathBuf,
    primary: Option<Server>,
    standby: Option<Server>,
    /// In which of two folders the primary lives.
    primary_in: usize,
    ways: Vec<Way>,
}

impl Cluster {
    /// A primary with an empty database, and its standby.
    pub(crate) fn start(folder: &Path) -> Done<Self> {
        let mut cluster = Self {
            folder: folder.to_owned(),
            primary: None,
            standby: None,
            primary_in: 0,
            ways: Vec::new(),
        };
        block_in_place(|| {
            for place in [0, 1] {
                remove(&cluster.options(place).data)?;
            }
            let primary = start(&cluster.options(0))?;
            if let Some(note) = primary.note() {
                eprintln!("drill: {note}");
            }
            ensure_database(&primary, DATABASE, OWNER)?;
            cluster.primary = Some(primary);
            cluster.renew_standby()
        })?;
        Ok(cluster)
    }

    fn options(&self, place: usize) -> Options {
        let name = ["postgres-one", "postgres-two"][place % 2];
        Options {
            data: self.folder.join(name),
            durable: true,
            max_connections: CONNECTIONS_MAX,
            settings: vec![("wal_keep_size".to_owned(), "256MB".to_owned())],
        }
    }

    pub(crate) fn primary(&self) -> Done<&Server> {
        self.primary.as_ref().ok_or("there is no primary".into())
    }

    pub(crate) fn standby(&self) -> Done<&Server> {
        self.standby.as_ref().ok_or("there is no standby".into())
    }

    /// A new way that follows the primary from now on.
    pub(crate) async fn way(&mut self) -> Done<Way> {
        let way = Way::new().await?;
        way.lead_to(&socket(self.primary()?));
        self.ways.push(way.clone());
        Ok(way)
    }

    /// Where the primary answers.
    pub(crate) fn primary_socket(&self) -> Done<PathBuf> {
        self.primary().map(socket)
    }

    pub(crate) fn standby_socket(&self) -> Done<PathBuf> {
        self.standby().map(socket)
    }

    /// Statements as superuser, one after the other, at the primary.
    pub(crate) fn sql(&self, sql: &str) -> Done<String> {
        block_in_place(|| Ok(self.primary()?.sql(DATABASE, sql)?))
    }

    /// A connection of the superuser.
    pub(crate) async fn superuser(&self) -> Done<PgConnection> {
        Ok(PgConnection::connect(&self.primary()?.url("postgres", DATABASE)).await?)
    }

    /// A connection as the login of the servers, past every way.
    pub(crate) async fn gate(&self) -> Result<PgConnection, sqlx::Error> {
        let primary = self.primary().map_err(|_| sqlx::Error::PoolClosed)?;
        PgConnection::connect(&primary.url(GATE, DATABASE)).await
    }

    /// Stop the primary in good order.
    pub(crate) fn stop(&mut self) -> Done {
        let primary = self.primary.take().ok_or("there is no primary")?;
        for way in &self.ways {
            way.refuse();
        }
        Ok(block_in_place(|| primary.stop())?)
    }

    /// Start it again.
    pub(crate) fn start_again(&mut self) -> Done {
        self.primary = Some(block_in_place(|| start(&self.options(self.primary_in)))?);
        self.open_ways()
    }

    fn open_ways(&self) -> Done {
        let socket = self.primary_socket()?;
        for way in &self.ways {
            way.lead_to(&socket);
        }
        Ok(())
    }

    /// The primary's host is gone.
    pub(crate) fn kill(&mut self) -> Done {
        let primary = self.primary.take().ok_or("there is no primary")?;
        for way in &self.ways {
            way.refuse();
        }
        block_in_place(|| primary.kill());
        Ok(())
    }

    /// The standby is the primary now. No way leads to it yet.
    pub(crate) fn promote(&mut self) -> Done {
        let standby = self.standby.take().ok_or("there is no standby")?;
        let promoted = block_in_place(|| standby.sql("postgres", "select pg_promote(true, 60);"))?;
        self.primary = Some(standby);
        self.primary_in = 1 - self.primary_in;
        if promoted == "t" {
            Ok(())
        } else {
            Err("the standby was not promoted within a minute".into())
        }
    }

    /// Every way leads to the primary of now.
    pub(crate) fn lead_everybody(&self) -> Done {
        self.open_ways()
    }

    /// A new standby of the primary of now.
    pub(crate) fn renew_standby(&mut self) -> Done {
        let options = self.options(1 - self.primary_in);
        block_in_place(|| {
            drop(self.standby.take());
            self.standby = Some(start_standby(&options, self.primary()?)?);
            Ok(())
        })
    }

    /// Until the standby has everything that the primary wrote so far.
    pub(crate) async fn caught_up(&self) -> Done {
        let written = self.sql("select pg_current_wal_lsn();")?;
        let ask = format!("select coalesce(pg_last_wal_replay_lsn() >= '{written}', false);");
        let began = Instant::now();
        while block_in_place(|| {
            self.standby()?
                .sql("postgres", &ask)
                .map_err(crate::Failure::from)
        })? != "t"
        {
            if began.elapsed() > SOON {
                return Err("the standby does not catch up".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Nothing of what the primary writes reaches the standby any more.
    pub(crate) async fn cut_replication(&self) -> Done {
        block_in_place(|| {
            let stop = "alter system set primary_conninfo = ''; select pg_reload_conf();";
            self.standby()?
                .sql("postgres", stop)
                .map_err(crate::Failure::from)
        })?;
        let began = Instant::now();
        while self.sql("select count(*) from pg_stat_replication;")? != "0" {
            if began.elapsed() > SOON {
                return Err("the standby does not let go".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Commits wait for the standby, or no longer.
    pub(crate) async fn wait_for_standby(&self, wait: bool) -> Done {
        let names = if wait { "*" } else { "" };
        self.sql(&format!(
            "alter system set synchronous_standby_names = '{names}'; select pg_reload_conf();"
        ))?;
        let began = Instant::now();
        let ask = "select coalesce(bool_or(sync_state = 'sync'), false) from pg_stat_replication;";
        while wait && self.sql(ask)? != "t" {
            if began.elapsed() > SOON {
                return Err("the standby is not synchronous".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// So many transactions that write, each with an id of its own.
    pub(crate) async fn use_up_ids(&self, count: usize) -> Done {
        let mut superuser = self.superuser().await?;
        for _ in 0..count {
            sqlx::query(AssertSqlSafe("select pg_current_xact_id()"))
                .execute(&mut superuser)
                .await?;
        }
        superuser.close().await?;
        Ok(())
    }

    /// Every process of the primary stands still until this is dropped.
    pub(crate) fn freeze(&self) -> Done<Frozen> {
        let pids = self.primary()?.processes();
        if pids.is_empty() {
            return Err("no process of PostgreSQL is found".into());
        }
        let frozen = Frozen(pids);
        frozen.signal(Signal::STOP);
        Ok(frozen)
    }
}

/// The socket of a server, as a path.
fn socket(server: &Server) -> PathBuf {
    server.socket_dir().join(".s.PGSQL.5432")
}

/// Processes that stand still.
pub(crate) struct Frozen(Vec<i32>);

impl Frozen {
    fn signal(&self, signal: Signal) {
        for pid in self.0.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            // One that has ended is no matter.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}
