//! `insula serve` over the database of a world, on ports of its own.

use std::{
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tenants::Project;
use tests::{Client, Kind, MASTER_KEY, World, eventually};

/// Bounds waits; nothing is measured.
pub(crate) const WITHIN: Duration = Duration::from_mins(1);

/// Killed when dropped.
pub(crate) struct Life {
    child: Child,
    /// Host and port of the projects.
    pub(crate) address: String,
    metrics: Client,
}

/// Taken and given back: nobody else asks for it at once.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

impl Life {
    /// Begun, and ready.
    pub(crate) async fn begin(world: &World, environment: &[(&str, &str)]) -> Self {
        Self::begin_and_log(world, environment, Stdio::inherit()).await
    }

    /// The same, with its log sent there.
    pub(crate) async fn begin_and_log(
        world: &World,
        environment: &[(&str, &str)],
        log: Stdio,
    ) -> Self {
        let (address, metrics) = (free_address(), free_address());
        let database = world.database();
        let mut command = Command::new(env!("CARGO_BIN_EXE_insula"));
        command
            .arg("serve")
            .env("DATABASE_URL", database.gate_url())
            .env("INSULA_OWNER_DATABASE_URL", database.owner_url())
            .env("INSULA_SECRETS", MASTER_KEY)
            .env("INSULA_LISTEN", &address)
            .env("INSULA_PUBLIC_URL", format!("http://{address}"))
            .env("INSULA_METRICS_LISTEN", &metrics)
            .env("INSULA_ALLOW_DEVELOPMENT_PROJECTS", "true")
            .env("INSULA_DB_CONNECTIONS", "8")
            .env("INSULA_LOG", "warn")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(log);
        let life = Self {
            child: command.spawn().unwrap(),
            metrics: Client::new(&format!("http://{metrics}"), Kind::Api),
            address,
        };
        let is_ready = async || {
            let connected = tokio::net::TcpStream::connect(&life.address).await;
            connected.is_ok()
        };
        eventually("the server listens", WITHIN, is_ready).await;
        life
    }

    /// A client of a project.
    pub(crate) fn client(&self, project: &Project, kind: Kind) -> Client {
        let base = format!("http://{}/p/{}", self.address, project.slug());
        Client::new(&base, kind)
    }

    /// One metric as it stands; `None` before it is first told.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let told = self.metrics.get("/metrics").await;
        let line = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        told.text.lines().find_map(line)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How it ended, if it did so in time.
    pub(crate) async fn ended(&mut self, within: Duration) -> ExitStatus {
        let mut status = None;
        eventually("the end of the server", within, async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
