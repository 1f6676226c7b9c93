//! What can go wrong, each said in words that tell the reader what to do next.

use std::io;
use std::path::{Path, PathBuf};

/// Why a private PostgreSQL could not be started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No folder with `postgres`, `initdb` and `psql` of a supported version was found.
    #[error(
        "no PostgreSQL {min} or newer found on this machine ({looked}); `make setup` installs it, \
         or name the folder with `postgres`, `initdb` and `psql` in INSULA_PG_BIN",
        min = crate::binaries::MAJOR_MIN
    )]
    NoBinaries {
        /// What was found instead, or where was looked.
        looked: String,
    },
    /// The data belong to another major version than any that is installed.
    #[error(
        "the data in {data} were written by PostgreSQL {wanted}, which is not installed ({looked}); \
         install it, or move that folder away to begin anew"
    )]
    OtherVersion {
        /// The folder with the data.
        data: PathBuf,
        /// The major version that wrote them.
        wanted: u32,
        /// The installations that were found.
        looked: String,
    },
    /// Started as root, and there is no user to hand the server to.
    #[error(
        "PostgreSQL refuses to run as root and this machine has no user `postgres`; \
         `make setup` installs both"
    )]
    NoAccount,
    /// Another living process holds this data folder.
    #[error("a private PostgreSQL already runs on {data}, started by process {pid}")]
    Running {
        /// The process that started it, as it wrote in the lock file.
        pid: String,
        /// The data folder.
        data: PathBuf,
    },
    /// A folder that must be ours alone is not.
    #[error("{path} {why}; remove it, or find out who made it")]
    Squatted {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A server left over from an earlier run does not go away.
    #[error("process {pid} still serves {data} and does not stop; stop it by hand")]
    Stubborn {
        /// The left-over process.
        pid: i32,
        /// The data folder.
        data: PathBuf,
    },
    /// A program of PostgreSQL failed.
    #[error("{tool} failed: {output}")]
    Tool {
        /// The program's name.
        tool: &'static str,
        /// What it printed.
        output: String,
    },
    /// The server ended, or did not answer in time, while it was starting or stopping.
    #[error("PostgreSQL {what}; the end of {log}:\n{tail}")]
    Server {
        /// What it did.
        what: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of this run.
        tail: String,
    },
    /// The operating system refused something.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried, as a verb: `open`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason it gave.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: names what was attempted on which file.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
