//! A second server that follows the first: a copy of its files, then its write-ahead log as it comes.

use std::fs;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::launch::last_lines;
use crate::place::{self, Place};
use crate::{Error, PORT, SUPERUSER, Server};

/// Makes the cluster a copy of `primary`'s, whatever was there before, with all that a standby needs to
/// follow it.
pub(crate) fn copy(
    account: Account,
    binaries: &Binaries,
    place: &Place,
    primary: &Server,
) -> Result<(), Error> {
    let new = place.data.join("cluster.new");
    for old in [&new, &place.cluster] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(Error::io("remove", old))?;
        }
    }
    place::own(&new, Some(account))?;
    let program = binaries.program("pg_basebackup");
    let output = account
        .command(&program)
        .args(["--checkpoint=fast", "--wal-method=stream", "--no-sync"])
        .args(["--write-recovery-conf", "--username", SUPERUSER])
        .args(["--port", &PORT.to_string(), "--host"])
        .arg(primary.socket_dir())
        .arg("--pgdata")
        .arg(&new)
        .output()
        .map_err(Error::io("run", &program))?;
    if !output.status.success() {
        return Err(Error::Tool {
            tool: "pg_basebackup",
            output: last_lines(&String::from_utf8_lossy(&output.stderr)),
        });
    }
    fs::rename(&new, &place.cluster).map_err(Error::io("make", &place.cluster))
}
