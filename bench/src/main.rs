//! Loads a server that speaks the public API of Kratos, and says what it could take.
//!
//! ```text
//! bench run        any server: scenarios at a set rate (open loop), or as fast as it can (`--max`)
//! bench standard   starts an Insula of its own and runs a short set against it
//! bench hostile    the same, and what the worst of one project costs another; fails beyond the limits
//! bench argon2     bare password hashing on every core: the ceiling of sign-ins on this machine
//! ```
//! It knows nothing of the insides of a server; only `insula.rs` knows that Insula makes projects.

mod argon2;
mod args;
mod attack;
mod client;
mod hostile;
mod insula;
mod kratos;
mod load;
mod people;
mod report;
mod run;
mod server;
mod standard;
mod tally;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn of(what: &str, error: impl std::fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cli.threads)
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(command(cli)),
        Err(error) => Err(Failure::of("no threads", error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn command(cli: Cli) -> Result<(), Failure> {
    let rows = match cli.command {
        Command::Run(args) => run::run(&args).await?,
        Command::Standard(args) => standard::run(&args).await?,
        Command::Hostile(args) => {
            let found = hostile::run(&args).await?;
            report::print(&found.rows, cli.json);
            return found.judge();
        }
        Command::Argon2(args) => vec![argon2::measure(&args)],
    };
    report::print(&rows, cli.json);
    Ok(())
}
