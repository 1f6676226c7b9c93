//! Cleans up after a run that was killed. Called under the data folder's lock, so whatever still
//! serves the cluster has lost its owner: it is asked to stop, then told to.
//!
//! A signal goes only to a process that is known to be PostgreSQL in this very cluster; the number
//! in `postmaster.pid` may long belong to another process.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::Error;
use crate::place::Place;

const STEP: Duration = Duration::from_millis(20);
const FAST_SECONDS: Duration = Duration::from_secs(30);
const IMMEDIATE_SECONDS: Duration = Duration::from_secs(10);

/// Leaves a cluster that no process serves. `Err` when a left-over server does not go away.
pub(crate) fn heal(place: &Place) -> Result<(), Error> {
    let file = place.cluster.join("postmaster.pid");
    let noted = fs::read_to_string(&file)
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse::<i32>().ok());
    if let Some(pid) = noted {
        if serves(pid, &place.cluster) {
            signal(pid, Signal::INT);
            if !gone_within(FAST_SECONDS, || !serves(pid, &place.cluster)) {
                signal(pid, Signal::QUIT);
            }
        }
        stop_strays(place)?;
        // PostgreSQL itself heals a file whose process is gone, and checks shared memory by it. When
        // the number was given to a stranger it would refuse for ever; no process serves the
        // cluster any more, so then the file can go.
        if fs::exists("/proc/self/cwd").unwrap_or(false) && alive(pid) {
            fs::remove_file(&file)
                .or_else(absent)
                .map_err(Error::io("remove", &file))?;
        }
    }
    for file in place.socket_files() {
        fs::remove_file(&file)
            .or_else(absent)
            .map_err(Error::io("remove", &file))?;
    }
    Ok(())
}

/// Backends that outlived a killed postmaster notice by themselves; one in a long query does not.
fn stop_strays(place: &Place) -> Result<(), Error> {
    let none = || strays(&place.cluster).is_empty();
    if gone_within(IMMEDIATE_SECONDS, none) {
        return Ok(());
    }
    for pid in strays(&place.cluster) {
        signal(pid, Signal::QUIT);
    }
    if gone_within(IMMEDIATE_SECONDS, none) {
        return Ok(());
    }
    Err(Error::Stubborn {
        pid: strays(&place.cluster).first().copied().unwrap_or_default(),
        data: place.data.clone(),
    })
}

/// Waits for `done`; false when it did not come about in `time`.
pub(crate) fn gone_within(time: Duration, done: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() >= time {
            return false;
        }
        sleep(STEP);
    }
}

/// Sends `signal`; a process that has just ended is no matter.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

fn alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Whether `pid` is PostgreSQL serving `cluster`: its processes all work inside that folder. Where
/// there is no `/proc`, the name alone has to do.
fn serves(pid: i32, cluster: &Path) -> bool {
    if !alive(pid) {
        return false;
    }
    let process = format!("/proc/{pid}");
    if Path::new("/proc/self/cwd").exists() {
        let name = fs::read_to_string(format!("{process}/comm")).unwrap_or_default();
        return matches!(name.trim(), "postgres" | "postmaster")
            && fs::read_link(format!("{process}/cwd")).is_ok_and(|folder| folder == cluster);
    }
    Command::new("ps")
        .args(["-o", "comm=", "-p", &pid.to_string()])
        .output()
        .is_ok_and(|output| {
            let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            name.ends_with("postgres") || name.ends_with("postmaster")
        })
}

/// Every process that still serves `cluster`; empty where there is no `/proc`.
pub(crate) fn strays(cluster: &Path) -> Vec<i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| serves(*pid, cluster))
        .collect()
}

fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}
