//! `insula serve` or `insula work`, on ports of its own.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tenants::Project;
use tests::{Answer, Client, Kind, MASTER_KEY, World, eventually};

/// Bounds waits; nothing is measured.
pub(crate) const WITHIN: Duration = Duration::from_mins(1);

/// Killed when dropped.
pub(crate) struct Life {
    child: Child,
    /// Host and port of the projects.
    pub(crate) address: String,
    /// Host and port of metrics and health.
    pub(crate) metrics: String,
    watch: Client,
    log: PathBuf,
}

/// Taken and given back: nobody else asks for it at once.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

impl Life {
    /// `serve` over a world's database: begun, and ready.
    pub(crate) async fn begin(world: &World, environment: &[(&str, &str)]) -> Self {
        let database = world.database();
        let urls = (database.gate_url(), database.owner_url());
        Self::run("serve", urls, environment).await
    }

    /// `serve` or `work` with those logins, the gate's and the owner's.
    pub(crate) async fn run(
        command: &str,
        (gate, owner): (&str, &str),
        environment: &[(&str, &str)],
    ) -> Self {
        let (address, metrics) = (free_address(), free_address());
        let log = format!("insula-log-{}", metrics.replace(':', "-"));
        let log = std::env::temp_dir().join(log);
        let mut process = Command::new(env!("CARGO_BIN_EXE_insula"));
        process
            .arg(command)
            .env("DATABASE_URL", gate)
            .env("INSULA_OWNER_DATABASE_URL", owner)
            .env("INSULA_SECRETS", MASTER_KEY)
            .env("INSULA_LISTEN", &address)
            .env("INSULA_PUBLIC_URL", format!("http://{address}"))
            .env("INSULA_METRICS_LISTEN", &metrics)
            .env("INSULA_ALLOW_DEVELOPMENT_PROJECTS", "true")
            .env("INSULA_DB_CONNECTIONS", "8")
            .env("INSULA_LOG", "warn")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        let listens = if command == "serve" {
            address.clone()
        } else {
            metrics.clone()
        };
        let life = Self {
            child: process.spawn().unwrap(),
            watch: Client::new(&format!("http://{metrics}"), Kind::Api),
            metrics,
            log,
            address,
        };
        let is_ready = async || tokio::net::TcpStream::connect(&listens).await.is_ok();
        eventually("the process listens", WITHIN, is_ready).await;
        life
    }

    /// A client of a project.
    pub(crate) fn client(&self, project: &Project, kind: Kind) -> Client {
        let base = format!("http://{}/p/{}", self.address, project.slug());
        Client::new(&base, kind)
    }

    /// One metric as it stands; `None` before it is first told.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let told = self.watch.get("/metrics").await;
        let line = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        told.text.lines().find_map(line)
    }

    /// What it has said so far, a JSON object a line.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The lines that hold this.
    pub(crate) fn lines(&self, part: &str) -> Vec<String> {
        let said = self.said();
        let with_it = said.lines().filter(|line| line.contains(part));
        with_it.map(str::to_owned).collect()
    }

    /// What its metrics port answers.
    pub(crate) async fn watch(&self, path: &str) -> Answer {
        self.watch.get(path).await
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
        if std::thread::panicking() {
            eprintln!("{}", self.said());
        }
        let _ = fs::remove_file(&self.log);
    }
}
