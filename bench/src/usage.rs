//! CPU time and memory of processes on this Linux, by `/proc`. Elsewhere nothing is known.

use std::{collections::HashMap, fs, time::Duration};

/// Of a clock tick in `/proc`: 100 a second on every architecture that has a current Rust.
const TICK: Duration = Duration::from_millis(10);

/// Which processes are watched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watched {
    /// The server and its children, without PostgreSQL's where that is one of them.
    pub(crate) server: Option<u32>,
    /// PostgreSQL's first process and its children.
    pub(crate) postgres: Option<u32>,
}

/// CPU time since each process began, or between two such readings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) server: Option<Duration>,
    pub(crate) postgres: Option<Duration>,
    pub(crate) tool: Option<Duration>,
    /// Resident memory of the server's first process, in KiB, when it was read.
    pub(crate) server_kib: Option<u64>,
}

impl Watched {
    pub(crate) fn read(self) -> Used {
        let all = processes();
        let postgres = self.postgres.and_then(|pid| ticks(&all, pid, None));
        let server = self.server.and_then(|pid| ticks(&all, pid, self.postgres));
        let tool = ticks(&all, std::process::id(), self.server.or(self.postgres));
        Used {
            server: server.map(time),
            postgres: postgres.map(time),
            tool: tool.map(time),
            server_kib: self.server.and_then(resident_kib),
        }
    }
}

impl Used {
    /// What was used since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let between = |now: Option<Duration>, then: Option<Duration>| {
            now.zip(then).map(|(now, then)| now.saturating_sub(then))
        };
        Self {
            server: between(self.server, earlier.server),
            postgres: between(self.postgres, earlier.postgres),
            tool: between(self.tool, earlier.tool),
            server_kib: self.server_kib,
        }
    }
}

fn time(ticks: u64) -> Duration {
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Its own, and that of children which have ended.
    ticks: u64,
}

fn processes() -> HashMap<u32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parse(&text)?))
    })
    .collect()
}

/// A line of `/proc/PID/stat` (proc(5)): the name may hold anything, so fields count from its end.
fn parse(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Field 3 of the manual is the first here; utime, stime, cutime and cstime are 14 to 17.
    let of_children = fields.get(11..15)?.iter();
    let ticks: Option<u64> = of_children.map(|field| field.parse::<u64>().ok()).sum();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: ticks?,
    })
}

/// Of a process and everything below it, without one branch.
fn ticks(all: &HashMap<u32, Stat>, root: u32, without: Option<u32>) -> Option<u64> {
    let mut sum = all.get(&root)?.ticks;
    let mut level = vec![root];
    while let Some(parent) = level.pop() {
        for (&pid, stat) in all {
            if stat.parent == parent && Some(pid) != without {
                sum += stat.ticks;
                level.push(pid);
            }
        }
    }
    Some(sum)
}

pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5";
        let stat = Stat {
            parent: 7,
            ticks: 127,
        };
        assert_eq!(parse(line), Some(stat));
        assert_eq!(parse("42 (short) S 7"), None);
    }

    #[test]
    fn a_branch_is_left_out() {
        let stat = |parent, ticks| Stat { parent, ticks };
        let all = HashMap::from([
            (10, stat(1, 5)),
            (11, stat(10, 7)),
            (12, stat(10, 100)),
            (13, stat(12, 1000)),
            (14, stat(1, 9)),
        ]);
        assert_eq!(ticks(&all, 10, None), Some(1112));
        assert_eq!(ticks(&all, 10, Some(12)), Some(12));
        assert_eq!(ticks(&all, 12, None), Some(1100));
        assert_eq!(ticks(&all, 99, None), None);
    }
}
