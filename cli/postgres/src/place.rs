//! Where the cluster and its socket live, and whose those folders are.
//!
//! The data folder stays ours, so that no other user can write beside the lock; `cluster` inside it
//! belongs to the account that runs PostgreSQL:
//!
//! ```text
//! data/lock          held while a server of ours lives; the pid of its owner inside
//! data/log/postgres.log
//! data/cluster/      what initdb made        data/cluster.new/   an initdb that was cut short
//! ```

use std::env;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::{Error, PORT};

/// Bytes a socket's path may have: 104 with the closing zero on macOS, 108 on Linux.
const SOCKET_PATH_BYTES_MAX: usize = 103;
/// Where the cluster goes when the user `postgres` cannot enter the folder asked for.
const ELSEWHERE: &str = "/var/lib/insula";

/// The folders of one server.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) data: PathBuf,
    pub(crate) cluster: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) socket: PathBuf,
    /// Set when the data live elsewhere than asked.
    pub(crate) note: Option<String>,
}

impl Place {
    /// Makes the data folder, or its stand-in, and says where the socket will be.
    pub(crate) fn prepare(account: Account, asked: &Path) -> Result<Self, Error> {
        let asked = absolute(asked)?;
        let (data, note) = if make_enterable(account, &asked)? {
            (asked, None)
        } else {
            let data = Path::new(ELSEWHERE).join(digest(&asked));
            if !make_enterable(account, &data)? {
                return Err(Error::Squatted {
                    path: data,
                    why: "cannot be entered by the user `postgres`".to_owned(),
                });
            }
            let note = format!(
                "the user `postgres` cannot enter {}, so the data are kept in {}",
                asked.display(),
                data.display()
            );
            (data, Some(note))
        };
        // The server's processes tell their folder without links; `heal` compares with it.
        let data = fs::canonicalize(&data).map_err(Error::io("find", &data))?;
        let log = data.join("log");
        own(&log, None)?;
        let socket = socket_folder(account, &data);
        Ok(Self {
            cluster: data.join("cluster"),
            log: log.join("postgres.log"),
            data,
            socket,
            note,
        })
    }

    /// Makes the socket's folder. Under the lock only: stopping a server removes it again.
    pub(crate) fn own_socket(&self, account: Account) -> Result<(), Error> {
        own(&self.socket, Some(account))
    }

    /// The socket itself and the file that guards it.
    pub(crate) fn socket_files(&self) -> [PathBuf; 2] {
        [
            self.socket.join(format!(".s.PGSQL.{PORT}")),
            self.socket.join(format!(".s.PGSQL.{PORT}.lock")),
        ]
    }
}

/// The same name for the same folder, however it was written and whether or not it exists yet.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let path = std::path::absolute(path).map_err(Error::io("find", path))?;
    let existing = nearest(&path);
    let real = fs::canonicalize(existing).map_err(Error::io("find", existing))?;
    Ok(match path.strip_prefix(existing) {
        Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
        _ => real,
    })
}

/// The deepest part of `path` that exists.
fn nearest(path: &Path) -> &Path {
    path.ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"))
}

/// Makes `folder` with its parents; false, with nothing made, when `account` could not enter it.
fn make_enterable(account: Account, folder: &Path) -> Result<bool, Error> {
    if !account.can_enter(nearest(folder)) {
        return Ok(false);
    }
    // Enough for `postgres` to walk through when we are root; no other user when we are not.
    let mode = if account.dropped { 0o711 } else { 0o700 };
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.exists())
        .collect();
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Error::io("make", folder)(error));
            }
            // Made by another start a moment ago: it sets the same mode.
            _ => fs::set_permissions(folder, fs::Permissions::from_mode(mode))
                .map_err(Error::io("make", folder))?,
        }
    }
    Ok(account.can_enter(folder))
}

/// Makes `folder` with mode 0700 for `account` (none: ourselves), or accepts one that is so already.
pub(crate) fn own(folder: &Path, account: Option<Account>) -> Result<(), Error> {
    let ourselves = rustix::process::geteuid().as_raw();
    let owner = account.map_or(ourselves, |account| account.uid);
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Error::io("make", folder)(error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(folder).map_err(Error::io("read", folder))?;
    let squatted = |why: String| Error::Squatted {
        path: folder.to_owned(),
        why,
    };
    if !found.is_dir() {
        return Err(squatted("is not a folder".to_owned()));
    }
    if found.uid() != owner && found.uid() != ourselves {
        return Err(squatted(format!("belongs to user {}", found.uid())));
    }
    if found.mode() & 0o077 != 0 {
        return Err(squatted(format!(
            "is open to others (mode {:o})",
            found.mode() & 0o777
        )));
    }
    if let Some(account) = account.filter(|account| account.uid != found.uid()) {
        lchown(folder, Some(account.uid), Some(account.gid))
            .map_err(Error::io("hand over", folder))?;
    }
    Ok(())
}

/// A short folder that depends on the data folder alone, so that the next start finds it again.
fn socket_folder(account: Account, data: &Path) -> PathBuf {
    let name = digest(data);
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    if let Some(runtime) = runtime.filter(|folder| !account.dropped && usable(folder, account)) {
        return runtime.join(format!("insula-{name}"));
    }
    PathBuf::from(format!("/tmp/insula-{}-{name}", account.uid))
}

/// Whether sockets may live below `runtime`: ours, existing, short, and free of characters that a
/// setting or a URL would have to quote.
fn usable(runtime: &Path, account: Account) -> bool {
    let plain = runtime.to_str().is_some_and(|text| {
        let longest = text.len() + "/insula-".len() + DIGEST_CHARS + "/.s.PGSQL.5432.lock".len();
        longest <= SOCKET_PATH_BYTES_MAX
            && text.starts_with('/')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c))
    });
    plain && fs::metadata(runtime).is_ok_and(|found| found.is_dir() && found.uid() == account.uid)
}

const DIGEST_CHARS: usize = 12;

fn digest(path: &Path) -> String {
    let mut digest = hex::encode(Sha256::digest(path.as_os_str().as_encoded_bytes()));
    digest.truncate(DIGEST_CHARS);
    digest
}
