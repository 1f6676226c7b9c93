//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Load for servers that speak the public API of Kratos.
#[derive(Debug, Parser)]
#[command(name = "bench", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print JSON instead of a table
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Threads of the tool itself
    #[arg(long, global = true, value_name = "COUNT", default_value_t = 1, value_parser = threads)]
    pub(crate) threads: usize,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load any server
    Run(Box<RunArgs>),
    /// Start an Insula with a PostgreSQL of its own and run the standard set
    Standard(StandardArgs),
    /// Start the same, send the worst of requests to one project, and measure another beside it
    Hostile(HostileArgs),
    /// Hash with bare argon2id on several threads
    Argon2(Argon2Args),
}

/// What a visitor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Check sessions that were checked before
    Whoami,
    /// Check each session once, and never again: no server has it in memory
    WhoamiFirst,
    /// Sign in by password: two requests
    Login,
    /// Sign up by password: two requests, or three where the server asks in two steps
    Registration,
    /// 95 % session checks, 4 % sign-ins, 1 % registrations
    Mixed,
}

impl Scenario {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whoami => "whoami",
            Self::WhoamiFirst => "whoami-first",
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Mixed => "mixed",
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// What to do; several run one after the other
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<Scenario>,
    /// Public base URL of a server or project, http only; repeat it for many projects at once
    #[arg(
        long = "base",
        value_name = "URL",
        required_unless_present = "insula",
        conflicts_with = "insula"
    )]
    pub(crate) bases: Vec<String>,
    /// Make projects on the Insula at this origin; the key comes from --key
    #[arg(long, value_name = "ORIGIN", requires = "key")]
    pub(crate) insula: Option<String>,
    /// A key of the installation; better by the environment, which other users cannot see
    #[arg(long, env = "INSULA_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Projects to make
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 10,
        requires = "insula",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) projects: u32,
    /// Password hashing of those projects: KiB of memory, iterations, lanes
    #[arg(long, value_name = "KIB,N,N", default_value = "19456,2,1", value_parser = argon2, requires = "insula")]
    pub(crate) argon2: Argon2,
    /// Operations begun each second, spread evenly, whatever the server does (open loop)
    #[arg(long, value_name = "PER_SECOND", required_unless_present = "max", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// As many as the connections can do, one after the other (closed loop): finds the ceiling
    #[arg(long, conflicts_with = "rate")]
    pub(crate) max: bool,
    /// How long is measured
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// How long the load runs before that
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub(crate) warm_up: Duration,
    /// Connections kept open, and so operations at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// People registered beforehand, per base
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) people: u32,
    /// Sessions begun beforehand, per person
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) sessions: u32,
    /// Keep bases, people and sessions there; when the file exists, it is used and nobody is made. So a
    /// server can be started anew between preparation and measurement
    #[arg(long, value_name = "FILE")]
    pub(crate) people_file: Option<PathBuf>,
    /// Process of the server, on this machine: its CPU and memory are measured, its children's included
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,
    /// Process of PostgreSQL, on this machine
    #[arg(long, value_name = "PID")]
    pub(crate) postgres_pid: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct StandardArgs {
    /// The binary `insula`
    #[arg(long, value_name = "FILE", default_value = "target/release/insula")]
    pub(crate) binary: PathBuf,
    /// What the server keeps; on the kind of disk that is to be measured
    #[arg(long, value_name = "DIR", default_value = "target/bench-data")]
    pub(crate) data: PathBuf,
    /// How long each scenario is measured
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Connections kept open
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// Projects
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) projects: u32,
}

#[derive(Args, Debug)]
pub(crate) struct HostileArgs {
    /// The binary `insula`
    #[arg(long, value_name = "FILE", default_value = "target/release/insula")]
    pub(crate) binary: PathBuf,
    /// What the server keeps
    #[arg(long, value_name = "DIR", default_value = "target/bench-data")]
    pub(crate) data: PathBuf,
    /// How long each half of a round is measured
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Rounds, each idle and hostile; the medians of all are judged
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) rounds: u32,
    /// Requests of each kind at once
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) volley: u32,
}

#[derive(Args, Debug)]
pub(crate) struct Argon2Args {
    /// KiB of memory, iterations, lanes
    #[arg(long, value_name = "KIB,N,N", default_value = "19456,2,1", value_parser = argon2)]
    pub(crate) argon2: Argon2,
    /// Hashes at the same time; without it one a core
    #[arg(long, value_name = "COUNT")]
    pub(crate) at_once: Option<usize>,
    /// How long is measured
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
}

/// Parameters of argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Argon2 {
    pub(crate) memory_kib: u32,
    pub(crate) iterations: u32,
    pub(crate) lanes: u32,
}

impl Argon2 {
    /// What Insula hashes with by default.
    pub(crate) const DEFAULT: Self = Self {
        memory_kib: 19_456,
        iterations: 2,
        lanes: 1,
    };
    /// Next to nothing, where hashing is not what is measured.
    pub(crate) const CHEAP: Self = Self {
        memory_kib: 64,
        iterations: 1,
        lanes: 1,
    };
}

fn argon2(text: &str) -> Result<Argon2, String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[memory_kib, iterations, lanes]) => Ok(Argon2 {
            memory_kib,
            iterations,
            lanes,
        }),
        _ => Err("three numbers are wanted, such as 19456,2,1".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err("a number is wanted".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    positive(text).and_then(|rate| {
        (0.01..=1e6)
            .contains(&rate)
            .then_some(rate)
            .ok_or_else(|| "from 0.01 to 1000000".to_owned())
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    positive(text).and_then(|number| {
        (number <= 86_400.0)
            .then(|| Duration::from_secs_f64(number))
            .ok_or_else(|| "a day at most".to_owned())
    })
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=64) => Ok(count),
        _ => Err("from 1 to 64".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
        assert!(argon2("19456,2,1") == Ok(Argon2::DEFAULT));
        assert!(argon2("19456,2").is_err() && argon2("a,2,1").is_err());
        for wrong in ["0", "-1", "nan", "inf", "1e9"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
    }
}
