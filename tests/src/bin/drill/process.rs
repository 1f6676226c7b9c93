//! One running `insula`: a replica or a worker, with its settings as an operator gives them, its log and its way to
//! the database.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Done,
    cluster::{DATABASE, GATE, OWNER},
    way::Way,
};

pub(crate) const ROOT_KEY: &str = "ins_root_key_of_the_drill_0123456789ab";
/// Where people would reach it.
pub(crate) const PUBLIC_URL: &str = "https://id.example.com";
pub(crate) const READY_WITHIN: Duration = Duration::from_mins(1);
/// What a server takes at most for requests in hand, its connections, a readiness that says `stopping`; and some air.
pub(crate) const ENDS_WITHIN: Duration = Duration::from_secs(22 + 5 + 5 + 10);
/// What stands in a log when something broke.
const FAULTS: [&str; 3] = ["panicked", "a fault of ours", "a request ended badly"];

/// What all processes have in common.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) binary: PathBuf,
    /// Where logs are kept.
    pub(crate) folder: PathBuf,
    /// `INSULA_SECRETS` of processes that start from now on.
    secrets: Mutex<String>,
}

impl Installation {
    pub(crate) fn new(binary: PathBuf, folder: PathBuf, secrets: &str) -> Arc<Self> {
        Arc::new(Self {
            binary,
            folder,
            secrets: Mutex::new(secrets.to_owned()),
        })
    }

    pub(crate) fn set_secrets(&self, secrets: &str) {
        secrets.clone_into(&mut self.secrets.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// `insula` with the settings of this installation and nothing of the caller's shell.
    pub(crate) fn command(&self, args: &[&str], way: &Way) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).env_clear();
        for passed in ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"] {
            if let Some(value) = std::env::var_os(passed) {
                command.env(passed, value);
            }
        }
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        command
            .env("DATABASE_URL", way.url(GATE, DATABASE))
            .env("INSULA_SECRETS", &*secrets)
            .env("INSULA_PUBLIC_URL", PUBLIC_URL)
            .env("INSULA_ALLOW_PRIVATE", "127.0.0.0/8")
            .env("INSULA_LOG", "info");
        if args.first() != Some(&"serve") {
            command.env("INSULA_OWNER_DATABASE_URL", way.url(OWNER, DATABASE));
        }
        command
    }

    /// A command that comes to an end: whether it did so well, and what it said.
    pub(crate) fn run(&self, args: &[&str], way: &Way) -> Done<(ExitStatus, String)> {
        let output = tokio::task::block_in_place(|| self.command(args, way).output())?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&said).into_owned()))
    }
}

/// See the head of the file. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) name: &'static str,
    /// Host and port of the projects; of a worker nobody listens there.
    pub(crate) address: String,
    pub(crate) metrics: String,
    pub(crate) way: Way,
    installation: Arc<Installation>,
    log: PathBuf,
    /// How far the log was read for faults.
    read: u64,
    child: Option<Child>,
}

/// Taken and given back: nobody else asks for it at once.
fn free_address() -> Done<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

impl Process {
    /// Not started yet.
    pub(crate) fn new(
        name: &'static str,
        installation: &Arc<Installation>,
        way: Way,
    ) -> Done<Self> {
        let log = installation.folder.join(format!("{name}.log"));
        File::create(&log)?;
        Ok(Self {
            name,
            address: free_address()?,
            metrics: free_address()?,
            way,
            installation: Arc::clone(installation),
            log,
            read: 0,
            child: None,
        })
    }

    fn is_replica(&self) -> bool {
        self.name.starts_with("replica")
    }

    pub(crate) fn installation(&self) -> &Arc<Installation> {
        &self.installation
    }

    /// Begun; not ready yet.
    pub(crate) fn start(&mut self) -> Done {
        let log = OpenOptions::new().append(true).open(&self.log)?;
        let args: &[&str] = if self.is_replica() {
            &["serve", "--no-worker"]
        } else {
            &["work"]
        };
        let mut command = self.installation.command(args, &self.way);
        command
            .env("INSULA_METRICS_LISTEN", &self.metrics)
            .env("INSULA_LISTEN", &self.address)
            .env("INSULA_ROOT_KEY", ROOT_KEY)
            .env("INSULA_TRUSTED_PROXIES", "127.0.0.0/8")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    pub(crate) fn is_running(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    pub(crate) fn signal(&self, signal: Signal) -> Done {
        let child = self.child.as_ref().ok_or("it does not run")?;
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    /// As `kill -9` and the loss of its machine do.
    pub(crate) fn kill(&mut self) -> Done {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// How it ended, if it did so in time, and how long that took. To be asked once it was told to end.
    pub(crate) async fn ended(&mut self, within: Duration) -> Done<(ExitStatus, Duration)> {
        let began = Instant::now();
        let child = self.child.as_mut().ok_or("it does not run")?;
        loop {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                return Ok((status, began.elapsed()));
            }
            if began.elapsed() > within {
                return Err(format!("{} does not end within {within:?}", self.name).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGTERM, and its end.
    pub(crate) async fn stop(&mut self) -> Done<Duration> {
        self.signal(Signal::TERM)?;
        let (status, took) = self.ended(ENDS_WITHIN).await?;
        if status.success() {
            Ok(took)
        } else {
            Err(format!("{} ended with {status}", self.name).into())
        }
    }

    /// What stands in the log since the last look and tells that something broke.
    pub(crate) fn faults(&mut self) -> Done<Vec<String>> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut text = Vec::new();
        self.read += file.read_to_end(&mut text)? as u64;
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.lines();
        let broken = lines.filter(|line| FAULTS.iter().any(|fault| line.contains(fault)));
        Ok(broken
            .map(|line| format!("{}: {}", self.name, message(line)))
            .collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// What a line in JSON says, without its time and place.
fn message(line: &str) -> String {
    let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else {
        return line.to_owned();
    };
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let path = line["span"]["path"].as_str().unwrap_or_default();
    format!("{}: {} {path}", text("message"), text("error"))
}

/// A folder of that name, made anew, for logs.
pub(crate) fn fresh_folder(folder: &Path) -> Done {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "log" || it == "md") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
