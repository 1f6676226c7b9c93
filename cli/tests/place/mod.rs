//! Where a test runs the binary: a folder of its own, an environment without the developer's shell, and a
//! server in development mode.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// A folder under `/tmp` that the user `postgres` can enter, gone with the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("insula-binary-{}-{name}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `insula` in that folder, with nothing of the developer's shell but what finds PostgreSQL.
pub(crate) fn insula(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insula"));
    command.current_dir(folder).args(args).env_clear();
    for passed in ["PATH", "HOME", "TMPDIR", "INSULA_PG_BIN"] {
        if let Some(value) = std::env::var_os(passed) {
            command.env(passed, value);
        }
    }
    command
}

/// `serve --dev`, once it has said that it is ready.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) origin: String,
    pub(crate) greeting: String,
}

impl Serving {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut child = insula(folder, &DEV)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            greeting.push_str(&line);
            greeting.push('\n');
            if line.contains("Ctrl-C stops it") {
                break;
            }
        }
        let origin = greeting
            .lines()
            .nth(1)
            .and_then(|line| line.split_once(": "))
            .unwrap()
            .1;
        Self {
            origin: origin.to_owned(),
            child,
            greeting,
        }
    }

    pub(crate) fn end(mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap()
    }
}

/// Never left behind, also when a test fails; its private PostgreSQL notices.
impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) const DEV: [&str; 6] = [
    "serve",
    "--dev",
    "--listen",
    "127.0.0.1:0",
    "--metrics-listen",
    "127.0.0.1:0",
];
