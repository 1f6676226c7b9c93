//! An Insula with a PostgreSQL of its own, durable as in production, on this machine.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Failure,
    args::Argon2,
    insula,
    people::{Crowd, Size, run_id},
    usage::Watched,
};

/// `insula serve --dev`, until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) origin: String,
    pub(crate) key: String,
    pub(crate) watched: Watched,
}

impl Server {
    pub(crate) fn start(binary: &Path, data: &Path) -> Result<Self, Failure> {
        let what = binary.display().to_string();
        let mut child = Command::new(binary)
            .args([
                "serve",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--metrics-listen",
                "127.0.0.1:0",
            ])
            .args(["--log", "warn", "--spare-slots", "20", "--data"])
            .arg(data)
            // A developer's shell may name another database.
            .env_remove("DATABASE_URL")
            .env_remove("INSULA_ROOT_KEY")
            .env_remove("INSULA_PUBLIC_URL")
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::of(&what, error))?;
        let output = child.stdout.take();
        let mut server = Self {
            watched: Watched {
                server: Some(child.id()),
                postgres: None,
            },
            child,
            origin: String::new(),
            key: String::new(),
        };
        for line in output
            .into_iter()
            .flat_map(|out| BufReader::new(out).lines())
        {
            let line = line.map_err(|error| Failure::of(&what, error))?;
            if server.heed(&line)? {
                return Ok(server);
            }
        }
        Err(Failure(format!("{what} ended before it was ready")))
    }

    /// Takes what is wanted from a line of the greeting. True at its end.
    fn heed(&mut self, line: &str) -> Result<bool, Failure> {
        let line = line.trim();
        if let Some((_, origin)) = line
            .split_once("ready after ")
            .and_then(|(_, l)| l.split_once(": "))
        {
            origin.clone_into(&mut self.origin);
        } else if let Some(file) = line.strip_prefix("root key ") {
            let text = fs::read_to_string(file.trim()).map_err(|error| Failure::of(file, error))?;
            text.trim().clone_into(&mut self.key);
        } else if let Some((_, folder)) = line
            .strip_prefix("database ")
            .and_then(|l| l.split_once(" in "))
        {
            self.watched.postgres = postmaster(Path::new(folder));
        }
        Ok(line.contains("Ctrl-C stops it"))
    }

    /// So many projects that hash as told, and people in them.
    pub(crate) async fn crowd(
        &self,
        projects: (u32, Argon2),
        size: Size,
    ) -> Result<Arc<Crowd>, Failure> {
        let bases = insula::projects(&self.origin, &self.key, &run_id(), projects).await?;
        Crowd::make(bases, size).await.map(Arc::new)
    }
}

/// The first line of `postmaster.pid`, in the data folder or the cluster within.
fn postmaster(folder: &Path) -> Option<u32> {
    let places: [PathBuf; 2] = [folder.to_owned(), folder.join("cluster")];
    let text = places
        .iter()
        .find_map(|place| fs::read_to_string(place.join("postmaster.pid")).ok())?;
    text.lines().next()?.trim().parse().ok()
}

impl Drop for Server {
    fn drop(&mut self) {
        // It stops its PostgreSQL in good order.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
