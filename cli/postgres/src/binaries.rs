//! Where PostgreSQL is installed. The first folder that fits wins; data that exist already ask for
//! the major version that wrote them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::account::Account;

/// The oldest major version that is served.
pub(crate) const MAJOR_MIN: u32 = 15;

const NAMED: &str = "INSULA_PG_BIN";
const NEEDED: [&str; 3] = ["postgres", "initdb", "psql"];

/// One installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    /// As the server says it: `15.13`, `18.1`, `19beta1`.
    pub(crate) version: String,
    pub(crate) major: u32,
}

impl Binaries {
    /// The installation to use; `wanted` is the major version of data that exist already.
    pub(crate) fn find(account: Account, data: &Path, wanted: Option<u32>) -> Result<Self, Error> {
        let mut seen: Vec<String> = Vec::new();
        for folder in candidates() {
            let found = match Self::look(account, &folder) {
                Ok(found) => found,
                Err(why) if env::var_os(NAMED).is_some() => {
                    seen.push(format!("{NAMED} is {}, {why}", folder.display()));
                    continue;
                }
                Err(_) => continue,
            };
            if found.major >= MAJOR_MIN && wanted.is_none_or(|wanted| wanted == found.major) {
                return Ok(found);
            }
            seen.push(format!("found {} in {}", found.version, folder.display()));
        }
        let looked = if seen.is_empty() {
            "looked in pg_config, the usual folders and PATH".to_owned()
        } else {
            seen.join(", ")
        };
        Err(match wanted {
            Some(wanted) => Error::OtherVersion {
                data: data.to_owned(),
                wanted,
                looked,
            },
            None => Error::NoBinaries { looked },
        })
    }

    /// The path of one program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Asked as the account that will run them, so that binaries it cannot reach do not count.
    fn look(account: Account, folder: &Path) -> Result<Self, String> {
        if let Some(missing) = NEEDED.iter().find(|name| !folder.join(name).is_file()) {
            return Err(format!("where `{missing}` is missing"));
        }
        let output = account
            .command(folder.join("postgres"))
            .arg("--version")
            .output()
            .map_err(|fault| {
                let uid = account.uid;
                format!("whose `postgres` cannot be run by user {uid}: {fault}")
            })?;
        let (version, major) = parse_version(&String::from_utf8_lossy(&output.stdout))
            .ok_or("whose `postgres` does not tell its version")?;
        Ok(Self {
            folder: folder.to_owned(),
            version,
            major,
        })
    }
}

/// `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)` -> `("15.13", 15)`.
fn parse_version(line: &str) -> Option<(String, u32)> {
    let version = line.split(") ").nth(1)?.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

/// Every folder worth a look, best first. `INSULA_PG_BIN` is an order, not a hint.
fn candidates() -> Vec<PathBuf> {
    if let Some(named) = env::var_os(NAMED) {
        return vec![named.into()];
    }
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    folders.extend(versioned("/usr/lib/postgresql", "", "bin"));
    folders.extend(versioned("/usr", "pgsql-", "bin"));
    folders.extend(versioned("/opt/homebrew/opt", "postgresql@", "bin"));
    folders.extend(versioned("/usr/local/opt", "postgresql@", "bin"));
    folders.extend(versioned(
        "/Applications/Postgres.app/Contents/Versions",
        "",
        "bin",
    ));
    if let Some(path) = env::var_os("PATH") {
        // A link into a versioned folder is followed: a program finds its siblings by its own path.
        folders.extend(env::split_paths(&path).map(|folder| {
            fs::canonicalize(folder.join("postgres"))
                .ok()
                .and_then(|program| program.parent().map(Path::to_owned))
                .unwrap_or(folder)
        }));
    }
    folders
}

/// `{parent}/{prefix}{number}/{inner}`, the highest number first.
fn versioned(parent: &str, prefix: &str, inner: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path().join(inner)))
        })
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn reads_the_version_however_it_was_packaged() {
        let cases = [
            (
                "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n",
                "15.13",
                15,
            ),
            ("postgres (PostgreSQL) 18.1\n", "18.1", 18),
            ("postgres (PostgreSQL) 19beta1\n", "19beta1", 19),
        ];
        for (line, version, major) in cases {
            assert_eq!(parse_version(line), Some((version.to_owned(), major)));
        }
        assert_eq!(parse_version("command not found"), None);
    }
}
