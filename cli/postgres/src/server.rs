//! The life of one server: lock, heal, initdb, start, answer, stop.
//!
//! A server outlives no run. Leaving scope stops it; so does the end of our process however it ends,
//! because a small watcher in a process group of its own waits on a pipe that closes with us. Should
//! the watcher be killed as well, the next start stops what is left over (`heal`).

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::heal;
use crate::launch::{died, initdb, open_log, spawn, wait_until_ready, watch};
use crate::options::Options;
use crate::place::Place;
use crate::standby;
use crate::{Error, PORT, SUPERUSER};

const STOP_SECONDS: Duration = Duration::from_secs(30);
const DROP_SECONDS: Duration = Duration::from_secs(10);

/// A running PostgreSQL, stopped when it leaves scope or when this process ends.
#[derive(Debug)]
pub struct Server {
    account: Account,
    binaries: Binaries,
    place: Place,
    child: Child,
    watcher: Option<Child>,
    stopped: bool,
    /// Released last: until the server is gone, the folder is ours.
    _lock: File,
}

/// Starts a private PostgreSQL on `options.data` and waits until it answers.
///
/// # Errors
/// [`Error::Running`] names the process that holds the folder already; [`Error::Server`] carries the
/// last lines of the log.
pub fn start(options: &Options) -> Result<Server, Error> {
    begin(options, None)
}

/// Starts a standby of `primary` on `options.data`, whose former cluster goes, and waits until it answers.
/// It becomes a primary by `select pg_promote()`.
///
/// # Errors
/// Those of [`start`], and [`Error::Tool`] when the primary could not be copied.
pub fn start_standby(options: &Options, primary: &Server) -> Result<Server, Error> {
    begin(options, Some(primary))
}

fn begin(options: &Options, primary: Option<&Server>) -> Result<Server, Error> {
    let account = Account::choose()?;
    let place = Place::prepare(account, &options.data)?;
    let lock = lock(&place)?;
    place.own_socket(account)?;
    heal::heal(&place)?;
    let cluster = primary.map_or(&place.cluster, |primary| &primary.place.cluster);
    let written_by = fs::read_to_string(cluster.join("PG_VERSION"))
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let binaries = Binaries::find(account, &place.data, written_by)?;
    match (primary, written_by) {
        (Some(primary), _) => standby::copy(account, &binaries, &place, primary)?,
        (None, None) => initdb(account, &binaries, &place, options.durable)?,
        (None, Some(_)) => {}
    }
    let (log, log_start) = open_log(&place.log)?;
    let mut child = spawn(account, &binaries, &place, options, log)?;
    if let Err(what) = wait_until_ready(&mut child, &place) {
        end(&mut child, DROP_SECONDS);
        let _ = fs::remove_dir(&place.socket);
        return Err(died(&place.log, log_start, what));
    }
    let watcher = watch(account, &child, &place);
    Ok(Server {
        account,
        binaries,
        place,
        child,
        watcher,
        stopped: false,
        _lock: lock,
    })
}

impl Server {
    /// The folder with the socket, mode 0700; what `PGHOST` and `psql -h` take.
    pub fn socket_dir(&self) -> &Path {
        &self.place.socket
    }

    /// `postgres://user@localhost:5432/database?host=…`, as sqlx and libpq read it; there are no
    /// passwords.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!(
            "postgres://{}@localhost:{PORT}/{}?host={}",
            percent(user),
            percent(database),
            percent(&self.place.socket.to_string_lossy()),
        )
    }

    /// Where the data live: the folder asked for, or what [`Server::note`] tells.
    pub fn data_dir(&self) -> &Path {
        &self.place.data
    }

    /// The folder with `psql`, `pg_dump` and the other programs of this version.
    pub fn bin_dir(&self) -> &Path {
        &self.binaries.folder
    }

    /// The server's version: `15.13`.
    pub fn version(&self) -> &str {
        &self.binaries.version
    }

    /// A sentence for the user when the data live elsewhere than asked.
    pub fn note(&self) -> Option<&str> {
        self.place.note.as_deref()
    }

    /// Runs statements through psql as the superuser, for bootstrap only. Answers the rows,
    /// unaligned, one a line; the first error ends it.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let program = self.binaries.program("psql");
        let mut child = self
            .account
            .command(&program)
            .args([
                "-XqAt",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                SUPERUSER,
                "-d",
                database,
                "-f",
                "-",
            ])
            .arg("-h")
            .arg(&self.place.socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io("run", &program))?;
        let mut input = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // Beside the reading, or a long answer would stop psql before it has read everything.
            // A failed write means that psql gave up; its status says why.
            scope.spawn(move || input.as_mut().map(|pipe| pipe.write_all(sql.as_bytes())));
            child.wait_with_output()
        })
        .map_err(Error::io("run", &program))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned())
        } else {
            Err(Error::Tool {
                tool: "psql",
                output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            })
        }
    }

    /// Every process of it, for tests that send them signals; empty where there is no `/proc`.
    pub fn processes(&self) -> Vec<i32> {
        heal::strays(&self.place.cluster)
    }

    /// Ends it as a power cut would: no process gets to write anything more.
    pub fn kill(mut self) {
        self.dismiss_watcher();
        for pid in self.processes() {
            heal::signal(pid, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        heal::gone_within(DROP_SECONDS, || self.processes().is_empty());
        self.stopped = true;
    }

    /// Fast shutdown: sessions are ended, data are written, the process is gone when this returns.
    pub fn stop(mut self) -> Result<(), Error> {
        if self.halt(STOP_SECONDS) {
            Ok(())
        } else {
            Err(died(
                &self.place.log,
                0,
                "had to be stopped without a last checkpoint".to_owned(),
            ))
        }
    }

    /// Whether the shutdown was in order.
    fn halt(&mut self, time: Duration) -> bool {
        let in_order = end(&mut self.child, time);
        self.dismiss_watcher();
        // Only when it is empty; the next start makes it again.
        let _ = fs::remove_dir(&self.place.socket);
        self.stopped = true;
        in_order
    }

    fn dismiss_watcher(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            let _ = watcher.kill();
            let _ = watcher.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stopped {
            self.halt(DROP_SECONDS);
        }
    }
}

/// Is that folder free at the moment? For a word before anything else is begun: [`start`] asks again.
///
/// # Errors
/// [`Error::Running`], as there.
pub fn check_free(data: &Path) -> Result<(), Error> {
    let account = Account::choose()?;
    lock(&Place::prepare(account, data)?).map(drop)
}

/// Removes the cluster of that folder, if there is one; whatever was left over and serves it is stopped first.
///
/// # Errors
/// [`Error::Running`], as [`start`].
pub fn remove(data: &Path) -> Result<(), Error> {
    let place = Place::prepare(Account::choose()?, data)?;
    let _lock = lock(&place)?;
    heal::heal(&place)?;
    if place.cluster.exists() {
        fs::remove_dir_all(&place.cluster).map_err(Error::io("remove", &place.cluster))?;
    }
    Ok(())
}

/// Takes the folder for this process, or says who has it.
fn lock(place: &Place) -> Result<File, Error> {
    let path = place.data.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(Error::Running {
                pid: pid.trim().to_owned(),
                data: place.data.clone(),
            });
        }
        Err(fs::TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(Error::io("write", &path))?;
    Ok(file)
}

/// Ask, then tell; true when asking was enough.
fn end(child: &mut Child, time: Duration) -> bool {
    let pid = i32::try_from(child.id()).unwrap_or_default();
    let start = Instant::now();
    heal::signal(pid, Signal::INT);
    while start.elapsed() < time {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Ok(Some(_)) | Err(_) => return true,
        }
    }
    heal::signal(pid, Signal::QUIT);
    let _ = child.wait();
    false
}

/// Everything but letters, digits, `-`, `_` and `.` as `%XX`.
fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_path_survives_a_url() {
        assert_eq!(percent("/tmp/insula-0-ab.c"), "%2Ftmp%2Finsula-0-ab.c");
        assert_eq!(percent("é @"), "%C3%A9%20%40");
    }
}
