//! The whole command line: which commands there are, and which arguments each takes. What they do is not here.

use clap::{Parser, Subcommand};

use crate::args::{
    installation::{DevCommand, MigrateArgs, SecretsCommand, ServeArgs, WorkArgs, with_settings},
    log::LogArgs,
    server::HealthArgs,
};
pub use crate::commands::{
    identities::IdentitiesCommand, keys::KeysCommand, messages::MessagesCommand,
    project::ProjectCommand, version::VersionArgs,
};

const EXIT: &str = "\
Exit status:
  0  done, or stopped by SIGINT or SIGTERM in good order
  1  failed, or refused by the server; the reason is on standard error
  2  a wrong argument, or a setting that is missing
  3  looked only, and found something to do: `migrate --check`, `project config diff --check`
  4  there is no such project, identity, key or revision
  5  the server cannot be reached, or is not available
  130  stopped at once, by a second SIGINT or SIGTERM

What is asked for goes to standard output, with --json as one JSON document; everything else goes to
standard error. Colours are for terminals, and not where NO_COLOR is set.

The commands that call a server take its address from --url or INSULA_URL and a key from INSULA_KEY; on the
machine of `insula serve --dev`, in its folder, neither is needed.

`insula COMMAND --help` tells the settings of each command, with units and environment variables.";

const COMPLETIONS: &str = "\
Examples:
  insula completions bash > ~/.local/share/bash-completion/completions/insula
  insula completions zsh > ~/.zfunc/_insula
  insula completions fish > ~/.config/fish/completions/insula.fish";

/// Sign-up, sign-in and sessions for many projects, each in a schema of its own.
#[derive(Debug, Parser)]
#[command(name = "insula", version, after_help = EXIT, arg_required_else_help = true)]
pub struct Cli {
    /// How to log.
    #[command(flatten)]
    pub log: LogArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `insula` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve every project over HTTP; the worker runs inside
    #[command(after_long_help = with_settings("insula serve --public-url https://id.example.com --listen 0.0.0.0:4433"))]
    Serve(Box<ServeArgs>),
    /// Run the worker alone: jobs, spare schemas, deletions
    #[command(after_long_help = with_settings("insula work --public-url https://id.example.com"))]
    Work(Box<WorkArgs>),
    /// Bring the database and every project to the version of this binary
    #[command(after_long_help = with_settings("insula migrate --check || insula migrate"))]
    Migrate(MigrateArgs),
    /// Evaluate what the parent process asks for, and nothing else
    #[command(hide = true)]
    Sandbox,
    /// Tools for development
    #[command(subcommand)]
    Dev(DevCommand),
    /// The master keys under which projects' keys rest
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Projects of a running server, and their configuration
    #[command(subcommand)]
    Project(ProjectCommand),
    /// People and whatever else signs in, of one project of a running server
    #[command(subcommand)]
    Identities(IdentitiesCommand),
    /// Mail and text messages of one project of a running server
    #[command(subcommand)]
    Messages(MessagesCommand),
    /// API keys of a running server: of one project, or of the installation
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Ask a running server or worker whether it is ready; exit status 0 when it is
    #[command(
        after_help = "Examples:\n  insula health --url https://id.example.com\n  insula health --url http://127.0.0.1:4434    a worker, at its metrics port"
    )]
    Health(HealthArgs),
    /// Print the version of this binary, and with --server that of a running server
    #[command(after_help = "Example:\n  insula version --server --json")]
    Version(VersionArgs),
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}
