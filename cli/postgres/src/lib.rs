//! A PostgreSQL of one's own: started from the binaries installed on the machine, reachable through
//! a Unix socket alone, stopped with the process that started it, its data kept for the next time.
//!
//! It knows nothing of projects, migrations or the two logins of an installation; callers bring
//! those with [`Server::sql`] and [`ensure_database`]. Nothing here is asynchronous, because
//! `make prepare` needs it before any crate with checked SQL can be compiled.

mod account;
mod binaries;
mod bootstrap;
mod error;
mod heal;
mod launch;
mod options;
mod place;
mod server;
mod standby;

pub use bootstrap::ensure_database;
pub use error::Error;
pub use options::Options;
pub use server::{Server, check_free, remove, start, start_standby};

/// The one port number in the socket's name; nothing listens on TCP.
pub(crate) const PORT: u16 = 5432;
/// The cluster's superuser, whatever the account of the operating system is called.
pub(crate) const SUPERUSER: &str = "postgres";
