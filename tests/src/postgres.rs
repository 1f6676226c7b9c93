//! The server of a run and its databases. One is shared; others live as long as the test that asks.

use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use chrono::TimeDelta;
use private_postgres::{Options, Server, ensure_database, start};
use sqlx::{Connection as _, PgConnection};
use tenants::{Clock, Installation, Program, Settings, migrate, secrets::MasterKeys};
use tokio::sync::OnceCell;

/// The master key of every installation in the suite.
pub const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const OWNER: &str = "owner";

/// Never dropped: its watcher stops the server when the test binary is gone.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let server = start(&Options {
        data: data_folder(),
        durable: false,
        max_connections: 300,
        settings: Vec::new(),
    });
    let server = server.unwrap_or_else(|error| panic!("{error}"));
    // Roles are the server's, and those of earlier runs would make every SET ROLE slower.
    let leftovers = "
        select format('drop database %I with (force)', datname) from pg_database
         where datname not in ('postgres', 'template0', 'template1') \\gexec
        select format('drop role %I', rolname) from pg_roles where not rolsuper and rolname !~ '^pg_' \\gexec";
    server.sql("postgres", leftovers).unwrap();
    server
});

static SHARED: OnceCell<Database> = OnceCell::const_new();
/// Making a database touches the one owner role, and PostgreSQL refuses to do that twice at a time.
static MAKING: Mutex<()> = Mutex::new(());

/// Beside what cargo builds, wherever that is: `target/test-postgres`.
fn data_folder() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    binary.ancestors().nth(3).unwrap().join("test-postgres")
}

/// Twice what the tests that run at once may take between a look and a taking.
fn spare_slots() -> i32 {
    let tests = std::thread::available_parallelism().map_or(4, usize::from);
    i32::try_from(tests * 2).unwrap_or(i32::MAX).clamp(4, 64)
}

/// Beside the test binary's folder, where cargo puts it.
fn sandbox() -> Program {
    let binary = std::env::current_exe().unwrap();
    Program {
        path: binary.ancestors().nth(2).unwrap().join("sandbox"),
        args: Vec::new(),
    }
}

/// A database of the run's server. Dropped with the last handle, the shared one with the next run.
#[derive(Clone, Debug)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    gate_url: String,
    owner_url: String,
    superuser_url: String,
    shared: bool,
    slots: tokio::sync::Mutex<()>,
}

impl Database {
    /// The one that most tests share.
    pub async fn shared() -> Self {
        let make = || async { Self::make("shared", true).migrated().await };
        SHARED.get_or_init(make).await.clone()
    }

    /// A migrated one of the test's own: for tests of the queue, slots, migrations, several replicas.
    pub async fn own() -> Self {
        Self::empty().migrated().await
    }

    /// One of the test's own in which nothing was made yet.
    pub fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::make(&format!("own_{number}"), false)
    }

    fn make(name: &str, shared: bool) -> Self {
        let server = &*SERVER;
        let _alone = MAKING.lock().unwrap();
        ensure_database(server, name, OWNER).unwrap();
        Self(Arc::new(Inner {
            // A login each, as each database is an installation.
            gate_url: server.url(&format!("gate_{name}"), name),
            owner_url: server.url(OWNER, name),
            superuser_url: server.url("postgres", name),
            name: name.to_owned(),
            shared,
            slots: tokio::sync::Mutex::default(),
        }))
    }

    async fn migrated(self) -> Self {
        migrate::migrate(self.owner_url(), self.gate_url(), 2, &|_| {})
            .await
            .unwrap();
        self
    }

    /// What the server logs in with.
    pub fn gate_url(&self) -> &str {
        &self.0.gate_url
    }

    /// What `insula migrate` and the worker log in with.
    pub fn owner_url(&self) -> &str {
        &self.0.owner_url
    }

    /// A connection that may look at everything and break anything.
    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect(&self.0.superuser_url).await.unwrap()
    }

    /// A connection as the gate login, outside of every pool.
    pub async fn gate(&self) -> PgConnection {
        PgConnection::connect(self.gate_url()).await.unwrap()
    }

    /// What a test's installation is made of: five connections, two of them for projects, and the suite's master key.
    pub fn settings(&self, clock: &Clock) -> Settings {
        Settings {
            gate_url: self.gate_url().to_owned(),
            owner_url: Some(self.owner_url().to_owned()),
            connections: 5,
            public_url: "http://127.0.0.1:4433".parse().unwrap(),
            master_keys: MasterKeys::parse(MASTER_KEY).unwrap(),
            root_key: None,
            allow_private: Vec::new(),
            allow_development: true,
            delete_grace: TimeDelta::days(7),
            spare_slots: spare_slots(),
            clock: clock.clone(),
            config_rules: api::config_rules(),
            lengths: tenants::Lengths::default(),
            sandbox: sandbox(),
            release_guard: true,
        }
    }

    /// Make as many spare slots as the settings ask for. One at a time: a second keeper would find the
    /// first at work and do nothing.
    pub async fn keep_slots(&self, installation: &Installation) {
        let _one_keeper = self.0.slots.lock().await;
        installation.keep_slots().await.unwrap();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.shared {
            let sql = format!("drop database if exists {} with (force)", self.name);
            if let Err(error) = SERVER.sql("postgres", &sql) {
                eprintln!("{error}");
            }
        }
    }
}
