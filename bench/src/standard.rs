//! The standard set: an Insula with a PostgreSQL of its own, durable as in production, on this machine.
//!
//! Ceilings are found first; the set rates are shares of them, so that the set fits any machine.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Failure, argon2,
    args::{Argon2, Argon2Args, Scenario, StandardArgs},
    insula,
    load::{Pace, Plan},
    people::{Crowd, Size, run_id},
    report::Row,
    usage::Watched,
};

const PEOPLE: u32 = 20;
const PROJECTS_FIRST: u32 = 4;
const PEOPLE_FIRST: u32 = 50;
/// Per person; as each is checked once, they are all used up in the end.
const SESSIONS_FIRST: u32 = 20;

/// `bench standard`.
pub(crate) async fn run(args: &StandardArgs) -> Result<Vec<Row>, Failure> {
    let hashing = Argon2Args {
        argon2: Argon2::DEFAULT,
        at_once: None,
        seconds: args.seconds,
    };
    let mut rows = vec![argon2::measure(&hashing)];
    let server = Server::start(args)?;
    let crowd = server
        .crowd(args, args.projects, Argon2::DEFAULT, (PEOPLE, 1))
        .await?;
    let set = Set {
        args,
        watched: server.watched,
        crowd,
    };
    let whoami = set.measure(&mut rows, Scenario::Whoami, Pace::Max).await?;
    let login = set.measure(&mut rows, Scenario::Login, Pace::Max).await?;
    for (scenario, rate) in [
        (Scenario::Whoami, whoami * 0.6),
        (Scenario::Login, login * 0.6),
        // One hash and more writes.
        (Scenario::Registration, login * 0.5),
        // One operation in twenty hashes.
        (Scenario::Mixed, (login * 10.0).min(whoami * 0.5)),
    ] {
        set.measure(&mut rows, scenario, Pace::Rate(rate.max(1.0)))
            .await?;
    }
    let crowd = server
        .crowd(
            args,
            PROJECTS_FIRST,
            Argon2::CHEAP,
            (PEOPLE_FIRST, SESSIONS_FIRST),
        )
        .await?;
    let set = Set { crowd, ..set };
    set.measure(&mut rows, Scenario::WhoamiFirst, Pace::Max)
        .await?;
    Ok(rows)
}

struct Set<'a> {
    args: &'a StandardArgs,
    watched: Watched,
    crowd: Arc<Crowd>,
}

impl Set<'_> {
    /// Answers operations a second.
    async fn measure(
        &self,
        rows: &mut Vec<Row>,
        scenario: Scenario,
        pace: Pace,
    ) -> Result<f64, Failure> {
        let is_first = scenario == Scenario::WhoamiFirst;
        let plan = Plan {
            scenario,
            pace,
            warm_up: if is_first {
                Duration::ZERO
            } else {
                Duration::from_secs(2)
            },
            time: self.args.seconds,
            connections: self.args.connections,
            watched: self.watched,
        };
        eprintln!("bench: {}", scenario.name());
        let row = Row::of(
            &plan,
            self.crowd.bases(),
            plan.clone().run(&self.crowd).await?,
        );
        let per_second = row.per_second();
        rows.push(row);
        Ok(per_second)
    }
}

/// `insula serve --dev`, until it is dropped.
struct Server {
    child: Child,
    origin: String,
    key: String,
    watched: Watched,
}

impl Server {
    fn start(args: &StandardArgs) -> Result<Self, Failure> {
        let what = args.binary.display().to_string();
        let mut child = Command::new(&args.binary)
            .args([
                "serve",
                "--dev",
                "--listen",
                "127.0.0.1:0",
                "--metrics-listen",
                "127.0.0.1:0",
            ])
            .args(["--log", "warn", "--spare-slots", "20", "--data"])
            .arg(&args.data)
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

    async fn crowd(
        &self,
        args: &StandardArgs,
        projects: u32,
        argon2: Argon2,
        (people, sessions): (u32, u32),
    ) -> Result<Arc<Crowd>, Failure> {
        let bases =
            insula::projects(&self.origin, &self.key, &run_id(), (projects, argon2)).await?;
        let size = Size {
            people,
            sessions,
            connections: args.connections,
        };
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
