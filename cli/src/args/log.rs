//! What is logged, how it looks, and where traces go.

use clap::{Args, ValueEnum};

/// How to log.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs and traces")]
pub struct LogArgs {
    /// What to log: a level (error, warn, info, debug, trace), or levels by module
    /// such as `info,tenants=debug`
    #[arg(
        long = "log",
        env = "INSULA_LOG",
        value_name = "FILTER",
        default_value = "info",
        global = true
    )]
    pub filter: String,
    /// How log lines look; without it `text` when standard error is a terminal, else `json`
    #[arg(
        long = "log-format",
        env = "INSULA_LOG_FORMAT",
        value_name = "FORMAT",
        global = true
    )]
    pub format: Option<LogFormat>,
    /// Send traces there by OTLP over HTTP, such as http://localhost:4318; `/v1/traces` is added
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        value_name = "URL",
        global = true
    )]
    pub otlp_endpoint: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}
