//! Arguments and environment variables that several commands share, or that concern the process itself. What
//! the commands take that call a running server stands beside each of them, in `commands/`.
//!
//! Secrets come by the environment alone: a command line is visible to every user of the machine.

pub mod installation;
pub mod log;
pub mod output;
pub mod server;

/// The arguments whose values must not stand on a command line: id here, variable there.
pub(crate) const SECRET_ARGS: &[(&str, &str)] = &[
    ("database_url", "DATABASE_URL"),
    ("owner_database_url", "INSULA_OWNER_DATABASE_URL"),
    ("secrets", "INSULA_SECRETS"),
    ("root_key", "INSULA_ROOT_KEY"),
    ("key", "INSULA_KEY"),
];
