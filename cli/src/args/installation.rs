//! What the commands take that run an installation, or work on its database: `serve`, `work`, `migrate`,
//! `secrets`, `dev`.

use std::{path::PathBuf, time::Duration};

use api::ClientIpHeader;
use clap::{ArgAction, Args, Subcommand, builder::BoolishValueParser};
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

use super::output::OutputArgs;

const SECRET_ENVIRONMENT: &str = "\
Environment only, because a command line is visible to other users of the machine:
  DATABASE_URL               the gate login, as postgres://user:password@host:port/database; on another
                             machine with ?sslmode=verify-full; with --dev a private PostgreSQL stands in
  INSULA_OWNER_DATABASE_URL  the owner login: owns the database, CREATEROLE; used by `migrate` and by the
                             worker (spare schemas, deletions) alone
  INSULA_SECRETS             master keys: 32 bytes each in base64url, separated by commas; the first
                             encrypts, all decrypt; without them a backup cannot be read; with --dev
                             made and kept (0600)
  INSULA_ROOT_KEY            accepted as an installation key of role OWNER while it is set; 32 characters
                             or more; with --dev made and kept (0600)
  OTEL_EXPORTER_OTLP_HEADERS sent with traces, as name=value pairs separated by commas";

/// Help that shows an example and the settings that come by the environment alone.
pub(crate) fn with_settings(example: &str) -> String {
    format!("Example:\n  {example}\n\n{SECRET_ENVIRONMENT}")
}

/// `insula serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Development mode: needs nothing from outside. Starts a private PostgreSQL, makes its keys and the
    /// project `demo`, and keeps all of it in the data folder
    #[arg(long)]
    pub dev: bool,
    /// Where to listen for HTTP
    #[arg(
        long,
        env = "INSULA_LISTEN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:4433"
    )]
    pub listen: String,
    /// Networks of the reverse proxies in front; nobody else is believed who a client is
    #[arg(
        long,
        env = "INSULA_TRUSTED_PROXIES",
        value_name = "CIDR,…",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<IpNet>,
    /// Flows begun, submissions refused and errors kept for visitors of one network, a minute and project; ten
    /// minutes' worth may come at once
    #[arg(long, env = "INSULA_VISITS_PER_MINUTE", value_name = "COUNT", default_value_t = 300,
          value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub visits_per_minute: u32,
    /// Memory for sessions that were checked lately, in MiB
    #[arg(long, env = "INSULA_SESSION_CACHE_MIB", value_name = "MIB", default_value_t = 256,
          value_parser = clap::value_parser!(u32).range(16..=65_536))]
    pub session_cache_mib: u32,
    /// The one header in which the trusted proxies name the client. X-Forwarded-For is read from the right, past
    /// the trusted proxies; any other is one address
    #[arg(
        long,
        env = "INSULA_CLIENT_IP_HEADER",
        value_name = "NAME",
        default_value = "X-Forwarded-For"
    )]
    pub client_ip_header: ClientIpHeader,
    /// Serve projects at https://SLUG.DOMAIN; not served yet
    #[arg(long, env = "INSULA_BASE_DOMAIN", value_name = "DOMAIN")]
    pub base_domain: Option<String>,
    /// Run no worker in this process: another one must run `insula work`
    #[arg(long, env = "INSULA_NO_WORKER", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub no_worker: bool,
    /// How long to serve on after SIGTERM or SIGINT while /health/ready says `stopping`, so that whoever sends
    /// traffic here notices first, such as 5s or 1m [default: 5s, with --dev 0s]
    #[arg(long, env = "INSULA_DRAIN", value_name = "DURATION", value_parser = duration)]
    pub drain: Option<Duration>,
    /// Folder for what development mode keeps
    #[arg(
        long,
        env = "INSULA_DATA",
        value_name = "DIR",
        default_value = ".insula"
    )]
    pub data: PathBuf,
    /// The installation.
    #[command(flatten)]
    pub installation: InstallationArgs,
}

/// `insula work`.
#[derive(Args, Debug)]
pub struct WorkArgs {
    /// The installation.
    #[command(flatten)]
    pub installation: InstallationArgs,
}

/// What `serve` and `work` have in common.
#[derive(Args, Debug)]
pub struct InstallationArgs {
    /// Where people reach this installation, without a path, such as https://id.example.com. Required;
    /// with --dev the listening address, `localhost` as its host
    #[arg(long, env = "INSULA_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,
    /// Where to serve Prometheus metrics, at /metrics, and /health/alive and /health/ready. Each process on a machine
    /// needs a port of its own
    #[arg(
        long,
        env = "INSULA_METRICS_LISTEN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:4434"
    )]
    pub metrics_listen: String,
    /// Private networks that projects outside DEVELOPMENT may call (webhooks and the like)
    #[arg(
        long,
        env = "INSULA_ALLOW_PRIVATE",
        value_name = "CIDR,…",
        value_delimiter = ','
    )]
    pub allow_private: Vec<IpNet>,
    /// PostgreSQL connections of this process, in all
    #[arg(long, env = "INSULA_DB_CONNECTIONS", value_name = "COUNT", default_value_t = 26,
          value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub db_connections: u32,
    /// How long the deletion of a project can be undone, such as 168h or 1h30m; DEVELOPMENT projects have
    /// no grace
    #[arg(long, env = "INSULA_DELETE_GRACE", value_name = "DURATION", default_value = "168h", value_parser = duration)]
    pub delete_grace: Duration,
    /// May projects of the environment DEVELOPMENT be made? Always with --dev
    #[arg(long, env = "INSULA_ALLOW_DEVELOPMENT_PROJECTS", action = ArgAction::SetTrue,
          value_parser = BoolishValueParser::new())]
    pub allow_development_projects: bool,
    /// Schemas kept ready for new projects [default: 20, with --dev 3]
    #[arg(long, env = "INSULA_SPARE_SLOTS", value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..=1000))]
    pub spare_slots: Option<i32>,
    /// Longest body of a self-service request, in KiB [default: 256]
    #[arg(long, env = "INSULA_SUBMISSION_KIB", value_name = "KIB", value_parser = clap::value_parser!(u32).range(64..=5120))]
    pub submission_kib: Option<u32>,
    /// Longest traits of an identity as JSON, in KiB [default: 64]
    #[arg(long, env = "INSULA_TRAITS_KIB", value_name = "KIB", value_parser = clap::value_parser!(u32).range(16..=1024))]
    pub traits_kib: Option<u32>,
    /// How much a flow keeps of what was typed into its form, in KiB [default: 16]
    #[arg(long, env = "INSULA_TYPED_KIB", value_name = "KIB", value_parser = clap::value_parser!(u32).range(4..=1024))]
    pub typed_kib: Option<u32>,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The master keys.
    #[command(flatten)]
    pub secrets: SecretsArg,
    /// `INSULA_ROOT_KEY`.
    #[arg(
        long,
        env = "INSULA_ROOT_KEY",
        hide = true,
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub root_key: Option<SecretString>,
}

/// The two logins.
#[derive(Args, Debug)]
pub struct DatabaseArgs {
    /// `DATABASE_URL`.
    #[arg(
        long,
        env = "DATABASE_URL",
        hide = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<SecretString>,
    /// `INSULA_OWNER_DATABASE_URL`.
    #[arg(
        long,
        env = "INSULA_OWNER_DATABASE_URL",
        hide = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub owner_database_url: Option<SecretString>,
    /// The network to the database is trusted: take a way there without TLS or with a certificate that nobody
    /// checks, with a warning. Else a database on another machine needs sslmode=verify-full
    #[arg(long, env = "INSULA_PLAIN_DATABASE", action = ArgAction::SetTrue, value_parser = BoolishValueParser::new())]
    pub plain_database: bool,
}

/// `INSULA_SECRETS`.
#[derive(Args, Debug)]
pub struct SecretsArg {
    /// The list of keys.
    #[arg(
        long,
        env = "INSULA_SECRETS",
        hide = true,
        hide_env_values = true,
        value_name = "KEYS"
    )]
    pub secrets: Option<SecretString>,
}

/// `insula migrate`.
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// Look only; exit status 3 when something is pending
    #[arg(long)]
    pub check: bool,
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Projects moved at the same time; each takes one connection
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub at_once: u16,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// `insula dev`.
#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Run the private PostgreSQL of a data folder in the foreground and print how to reach it
    #[command(after_help = "Example:\n  insula dev postgres --data /tmp/insula")]
    Postgres {
        /// The data folder, as `serve --dev` has it
        #[arg(
            long,
            env = "INSULA_DATA",
            value_name = "DIR",
            default_value = ".insula"
        )]
        data: PathBuf,
    },
}

/// `insula secrets`.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Show which master key how many projects' keys rest under
    #[command(after_long_help = with_settings("insula secrets status"))]
    Status(SecretsArgs),
    /// Put every project's key under the first master key, so that the others can be taken out
    #[command(after_long_help = with_settings("insula secrets rewrap && insula secrets status"))]
    Rewrap(SecretsArgs),
}

/// What the `secrets` commands need.
#[derive(Args, Debug)]
pub struct SecretsArgs {
    /// How to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The master keys.
    #[command(flatten)]
    pub secrets: SecretsArg,
}

/// `1h30m`, as configuration documents write it.
fn duration(text: &str) -> Result<Duration, String> {
    tenants::config::units::parse_duration(text).map_err(|error| error.to_string())
}
