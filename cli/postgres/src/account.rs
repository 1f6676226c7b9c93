//! Who runs PostgreSQL: ourselves, or the user `postgres` when we are root, which initdb refuses.
//! Every program of PostgreSQL is started from here, so each has the same small environment.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::{Error, PORT, SUPERUSER};

/// The account of the operating system that owns the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// We are root and hand everything down to this account.
    pub(crate) dropped: bool,
}

/// What a program of PostgreSQL may inherit. Everything else stays here: the environment of the
/// server holds master keys that the database has no business with, and `PG…` variables of a
/// developer's shell would lead it astray.
const INHERITED: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

impl Account {
    /// Ourselves, or `postgres` when we are root.
    pub(crate) fn choose() -> Result<Self, Error> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            return Ok(Self {
                uid: uid.as_raw(),
                gid: rustix::process::getegid().as_raw(),
                dropped: false,
            });
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (uid, gid) = in_passwd(&passwd)
            .or_else(asked_of_id)
            .ok_or(Error::NoAccount)?;
        Ok(Self {
            uid,
            gid,
            dropped: true,
        })
    }

    /// A command that runs as this account, in `/`, with a small environment.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/");
        for name in INHERITED {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("LC_ALL", "C")
            .env("PGCLIENTENCODING", "UTF8")
            .env("PGPORT", PORT.to_string());
        if self.dropped {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Whether this account can enter `folder`, asked of the kernel rather than worked out from
    /// modes: the child changes its folder after it has changed its user.
    pub(crate) fn can_enter(self, folder: &Path) -> bool {
        !self.dropped
            || self
                .command("true")
                .current_dir(folder)
                .status()
                .is_ok_and(|status| status.success())
    }
}

/// `postgres:x:101:104:…` in the text of `/etc/passwd`.
fn in_passwd(text: &str) -> Option<(u32, u32)> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != SUPERUSER {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

/// Accounts kept elsewhere (LDAP, macOS) are known to `id` only.
fn asked_of_id() -> Option<(u32, u32)> {
    let ask = |flag: &str| -> Option<u32> {
        let output = Command::new("id").args([flag, SUPERUSER]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    Some((ask("-u")?, ask("-g")?))
}

#[cfg(test)]
mod tests {
    use super::in_passwd;

    #[test]
    fn finds_the_account_by_its_whole_name() {
        let text = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104:admin,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(in_passwd(text), Some((101, 104)));
        assert_eq!(in_passwd("root:x:0:0::/root:/bin/sh\n"), None);
        assert_eq!(in_passwd("postgres:x:many:104\n"), None);
    }
}
