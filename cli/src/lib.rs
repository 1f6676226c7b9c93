//! The binary `insula`: reads the command line, wires the crates together, starts and stops them.
//!
//! What a project or a person is, is decided elsewhere. Commands that change a running installation go
//! through its HTTP API, so that rights and the audit trail hold for them too.

pub mod args;
mod client;
pub mod command_line;
mod commands;
mod connect;
mod database;
mod dev;
mod document;
mod failure;
mod keyfile;
mod migrate;
mod output;
mod postgres;
mod progress;
mod refusal;
mod running;
mod secrets;
mod serve;
mod settings;
mod shutdown;
mod telemetry;
mod work;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use args::installation::{DevCommand, SecretsCommand};
use command_line::{Cli, Command};
pub use failure::Failure;

/// Everything the process does. Answers its exit status (see `insula --help`).
pub fn main() -> ExitCode {
    // Before anything opens a connection. An error says that a provider is set already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(failure) => return failure.report(),
    };
    // Before anything else is touched: what runs here is not trusted.
    if matches!(cli.command, Command::Sandbox) {
        return tenants::serve_sandbox();
    }
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn parse() -> Result<Cli, Failure> {
    let matches = Cli::command().get_matches();
    refuse_secrets_in_sight(&matches)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.exit())
}

/// Every user of the machine can read the arguments of a process.
fn refuse_secrets_in_sight(matches: &ArgMatches) -> Result<(), Failure> {
    let mut level = Some(matches);
    while let Some(matches) = level {
        for (id, variable) in args::SECRET_ARGS {
            let known = matches.try_contains_id(id).unwrap_or(false);
            if known && matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine) {
                return Err(Failure::Usage(format!(
                    "give {variable} in the environment: a command line is visible to other users of the machine"
                )));
            }
        }
        level = matches.subcommand().map(|(_, below)| below);
    }
    Ok(())
}

fn start(cli: Cli) -> Result<(), Failure> {
    // Made before the runtime and flushed after it: the exporter has threads of its own.
    let telemetry = telemetry::start(&cli.log)?;
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of(&error))?
        .block_on(run(cli.command));
    telemetry.flush();
    ended
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::serve(*args).await,
        Command::Work(args) => work::work(*args).await,
        Command::Migrate(args) => migrate::migrate(args).await,
        Command::Dev(DevCommand::Postgres { data }) => postgres::run(data).await,
        Command::Secrets(SecretsCommand::Status(args)) => secrets::status(args).await,
        Command::Secrets(SecretsCommand::Rewrap(args)) => secrets::rewrap(args).await,
        Command::Project(command) => commands::project::run(command).await,
        Command::Identities(command) => commands::identities::run(command).await,
        Command::Messages(command) => commands::messages::run(command).await,
        Command::Keys(command) => commands::keys::run(command).await,
        Command::Health(args) => client::health(&args).await,
        Command::Version(args) => commands::version::run(args).await,
        Command::Completions { shell } => completions(shell),
        // Served before anything was started.
        Command::Sandbox => Ok(()),
    }
}

/// `insula completions`: drawn from the same description as the command line itself.
fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "insula", &mut script);
    output::say(String::from_utf8_lossy(&script).trim_end())
}
