//! The steps of a start: the cluster, the log, the process, the wait for its answer, the watcher.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::heal::gone_within;
use crate::options::Options;
use crate::place::{self, Place};
use crate::{Error, PORT, SUPERUSER};

/// Long enough for the recovery after a crash of a large development database.
const START_SECONDS: Duration = Duration::from_mins(2);
const LOG_BYTES_MAX: u64 = 8 << 20;
const TAIL_LINES: usize = 20;

/// Ends with our process: the pipe on its standard input closes. The file is read again so that a
/// number which has passed to another process is left alone.
const WATCHER: &str = r#"read -r _; [ "$(head -n 1 "$2" 2>/dev/null)" = "$1" ] && kill -INT "$1""#;

/// Makes the cluster beside its place and moves it there when it is whole.
pub(crate) fn initdb(
    account: Account,
    binaries: &Binaries,
    place: &Place,
    durable: bool,
) -> Result<(), Error> {
    let new = place.data.join("cluster.new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(Error::io("remove", &new))?;
    }
    place::own(&new, Some(account))?;
    let program = binaries.program("initdb");
    // Sorting by bytes is the same on every machine; letters are told apart as Unicode has them.
    let letters = if cfg!(target_os = "macos") {
        "UTF-8"
    } else {
        "C.UTF-8"
    };
    let mut command = account.command(&program);
    command
        .args([
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
        ])
        .arg(format!("--lc-ctype={letters}"))
        .arg(format!("--username={SUPERUSER}"))
        .arg("-D")
        .arg(&new);
    if !durable {
        command.arg("--no-sync");
    }
    let output = command.output().map_err(Error::io("run", &program))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(Error::Tool {
            tool: "initdb",
            output: last_lines(&String::from_utf8_lossy(&said)),
        });
    }
    fs::rename(&new, &place.cluster).map_err(Error::io("make", &place.cluster))
}

/// The log, opened by us and handed down, and where this run begins in it.
pub(crate) fn open_log(path: &Path) -> Result<(File, u64), Error> {
    let large = fs::metadata(path).is_ok_and(|found| found.len() > LOG_BYTES_MAX);
    if large {
        fs::rename(path, path.with_extension("log.old")).map_err(Error::io("move", path))?;
    }
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("open", path))?;
    let start = log.metadata().map_err(Error::io("read", path))?.len();
    Ok((log, start))
}

pub(crate) fn spawn(
    account: Account,
    binaries: &Binaries,
    place: &Place,
    options: &Options,
    log: File,
) -> Result<Child, Error> {
    let program = binaries.program("postgres");
    let stderr = log.try_clone().map_err(Error::io("open", &place.log))?;
    let mut command = account.command(&program);
    command.arg("-D").arg(&place.cluster);
    for (name, value) in settings(place, options) {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command
        // A Ctrl-C reaches the whole group of the terminal; the server is stopped by us, in order.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(stderr)
        .spawn()
        .map_err(Error::io("run", &program))
}

/// Given on the command line, so that the files of the cluster stay as initdb wrote them.
fn settings(place: &Place, options: &Options) -> Vec<(String, String)> {
    let socket = place.socket.to_string_lossy().into_owned();
    let max_connections = options.max_connections.to_string();
    let port = PORT.to_string();
    let mut settings = vec![
        ("listen_addresses", ""),
        ("port", &port),
        ("unix_socket_directories", &socket),
        ("unix_socket_permissions", "0700"),
        ("cluster_name", "insula"),
        ("max_connections", &max_connections),
        ("shared_buffers", "128MB"),
        // Dropping or migrating a project locks all its relations in one transaction.
        ("max_locks_per_transaction", "256"),
        ("jit", "off"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("log_line_prefix", "%m [%p] %q%u@%d "),
    ];
    if !options.durable {
        settings.extend([
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
        ]);
    }
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain(options.settings.iter().cloned())
        .collect()
}

/// Until `postmaster.pid` names this child and says `ready`; `Err` tells what happened instead.
pub(crate) fn wait_until_ready(child: &mut Child, place: &Place) -> Result<(), String> {
    let file = place.cluster.join("postmaster.pid");
    let pid = child.id().to_string();
    let mut ended = None;
    let ready = || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        lines.next() == Some(pid.as_str()) && lines.nth(6) == Some("ready")
    };
    let start = Instant::now();
    while ended.is_none() && start.elapsed() < START_SECONDS {
        if gone_within(Duration::from_millis(40), ready) {
            return Ok(());
        }
        ended = child.try_wait().map_err(|error| error.to_string())?;
    }
    Err(match ended {
        Some(status) => format!("did not start ({status})"),
        None => format!("was not ready after {} s", START_SECONDS.as_secs()),
    })
}

/// None when the watcher cannot be started: the next start heals all the same.
pub(crate) fn watch(account: Account, server: &Child, place: &Place) -> Option<Child> {
    let mut command: Command = account.command("/bin/sh");
    command
        .args([
            "-c",
            WATCHER,
            "insula-postgres-watcher",
            &server.id().to_string(),
        ])
        .arg(place.cluster.join("postmaster.pid"))
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

pub(crate) fn died(log: &Path, from: u64, what: String) -> Error {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let _ = file.seek(SeekFrom::Start(from));
        let _ = file.read_to_end(&mut text);
    }
    Error::Server {
        what,
        log: log.to_owned(),
        tail: last_lines(&String::from_utf8_lossy(&text)),
    }
}

pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn only_the_end_of_a_long_log_is_told() {
        let text = (1..=25)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join("\n");
        let told = last_lines(&text);
        assert!(told.starts_with("6\n") && told.ends_with("\n25"), "{told}");
        assert_eq!(last_lines(""), "");
    }
}
