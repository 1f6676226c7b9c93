//! A real server from start to end: kept data, one owner at a time, and recovery from kills.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use private_postgres::{Error, Options, Server, ensure_database, remove, start, start_standby};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A folder under `/tmp` that the user `postgres` can enter, gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("insula-test-{}-{name}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).unwrap();
        Self(folder)
    }

    fn options(&self) -> Options {
        Options {
            data: self.0.join("pg"),
            durable: false,
            max_connections: 20,
            settings: Vec::new(),
        }
    }

    fn start(&self) -> Server {
        start(&self.options()).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn postmaster(data: &Path) -> i32 {
    let text = fs::read_to_string(data.join("cluster/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Waits for something that is about to happen; a minute is for the slowest machine only.
fn soon(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn data_are_kept_and_nothing_is_left_running() {
    let scratch = Scratch::new("kept");
    let server = scratch.start();
    let pid = postmaster(server.data_dir());
    assert_eq!(
        server.data_dir(),
        fs::canonicalize(scratch.0.join("pg")).unwrap()
    );
    assert_eq!(server.note(), None);
    server
        .sql(
            "postgres",
            "create table kept (n int); insert into kept values (7), (8);",
        )
        .unwrap();
    server.stop().unwrap();
    assert!(test_kill_process(Pid::from_raw(pid).unwrap()).is_err());

    let server = scratch.start();
    assert_eq!(
        server
            .sql("postgres", "select n from kept order by n;")
            .unwrap(),
        "7\n8"
    );
    let refused = server.sql("postgres", "select wrong;").unwrap_err();
    assert!(
        refused.to_string().contains("\"wrong\" does not exist"),
        "{refused}"
    );
}

#[test]
fn only_the_socket_answers_and_it_is_private() {
    let scratch = Scratch::new("socket");
    let server = scratch.start();
    assert_eq!(
        server.sql("postgres", "show listen_addresses;").unwrap(),
        ""
    );
    assert_eq!(server.sql("postgres", "show fsync;").unwrap(), "off");
    let folder = fs::metadata(server.socket_dir()).unwrap();
    assert_eq!(folder.mode() & 0o777, 0o700);
    assert_eq!(
        folder.uid(),
        fs::metadata(server.data_dir().join("cluster"))
            .unwrap()
            .uid()
    );
    // libpq reads the same URL.
    let output = Command::new(server.bin_dir().join("psql"))
        .args([
            "-XAt",
            "-c",
            "select current_user, inet_server_addr() is null",
        ])
        .arg(server.url("postgres", "postgres"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "postgres|t");

    let socket = server.socket_dir().to_owned();
    server.stop().unwrap();
    assert!(!socket.exists());
    fs::create_dir(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o755)).unwrap();
    let squatted = start(&scratch.options());
    fs::remove_dir(&socket).unwrap();
    assert!(
        matches!(squatted, Err(Error::Squatted { .. })),
        "{squatted:?}"
    );
}

#[test]
fn a_second_start_names_the_first() {
    let scratch = Scratch::new("second");
    let _first = scratch.start();
    match start(&scratch.options()) {
        Err(Error::Running { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_killed_postmaster_heals() {
    let scratch = Scratch::new("killed");
    // Without `synchronous_commit` the last half second may be lost, as is meant for tests.
    let mut options = scratch.options();
    options.durable = true;
    let server = start(&options).unwrap();
    server
        .sql(
            "postgres",
            "create table kept (n int); insert into kept values (7);",
        )
        .unwrap();
    kill(postmaster(server.data_dir()));
    drop(server);
    let server = scratch.start();
    assert_eq!(server.sql("postgres", "select n from kept;").unwrap(), "7");
    // A number that has passed to a stranger, here to this test: neither harmed nor waited for.
    let file = server.data_dir().join("cluster/postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    server.stop().unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&file, format!("{}\n{rest}", std::process::id())).unwrap();
    assert_eq!(
        scratch
            .start()
            .sql("postgres", "select n from kept;")
            .unwrap(),
        "7"
    );
}

/// The watcher stops the server; without it, the next start does.
#[test]
fn a_killed_parent_leaves_nothing_behind() {
    for watcher_dies_too in [false, true] {
        let scratch = Scratch::new(if watcher_dies_too {
            "orphan"
        } else {
            "watched"
        });
        let data = scratch.options().data;
        let mut parent = Command::new(env!("CARGO_BIN_EXE_private-postgres"))
            .args(["run", "--fast", "--data"])
            .arg(&data)
            .args(["--", "sh", "-c", "echo up; read -r _"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut up = [0; 3];
        std::io::Read::read_exact(parent.stdout.as_mut().unwrap(), &mut up).unwrap();
        let pid = postmaster(&data);
        if watcher_dies_too {
            kill(watcher_of(pid));
        }
        kill(i32::try_from(parent.id()).unwrap());
        parent.wait().unwrap();
        if watcher_dies_too {
            assert!(test_kill_process(Pid::from_raw(pid).unwrap()).is_ok());
        } else {
            soon("the watcher stops the server", || {
                !data.join("cluster/postmaster.pid").exists()
            });
        }
        let server = scratch.start();
        assert_ne!(postmaster(server.data_dir()), pid);
        assert_eq!(server.sql("postgres", "select 1;").unwrap(), "1");
    }
}

fn watcher_of(postmaster: i32) -> i32 {
    let output = Command::new("ps")
        .args(["-eo", "pid=,args="])
        .output()
        .unwrap();
    let wanted = format!("insula-postgres-watcher {postmaster} ");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find(|line| line.contains(&wanted))
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap()
}

#[test]
fn the_command_gets_the_server_and_its_status_is_ours() {
    let scratch = Scratch::new("command");
    let status = Command::new(env!("CARGO_BIN_EXE_private-postgres"))
        .args(["run", "--fast", "--data"])
        .arg(scratch.options().data)
        .args([
            "--",
            "sh",
            "-c",
            r#"exit "$(psql -XAt -h "$INSULA_PG_SOCKET" -c 'select 40 + 2')""#,
        ])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(42));
}

#[test]
fn the_owner_is_made_once_and_is_no_superuser() {
    let scratch = Scratch::new("owner");
    let server = scratch.start();
    for _ in 0..2 {
        ensure_database(&server, "in\"sula", "ow'ner").unwrap();
    }
    let owner = server
        .sql(
            "in\"sula",
            "select rolname, rolcanlogin, rolcreaterole, rolsuper from pg_database d \
             join pg_roles r on r.oid = d.datdba where datname = current_database();",
        )
        .unwrap();
    assert_eq!(owner, "ow'ner|t|t|f");
}

#[test]
fn a_wrong_setting_shows_the_log() {
    let scratch = Scratch::new("setting");
    let mut options = scratch.options();
    options
        .settings
        .push(("shared_buffers".to_owned(), "many".to_owned()));
    let error = start(&options).unwrap_err();
    assert!(matches!(error, Error::Server { .. }));
    assert!(error.to_string().contains("shared_buffers"), "{error}");
}

#[test]
fn a_standby_has_what_the_primary_had_when_that_is_gone() {
    let scratch = Scratch::new("standby");
    let primary = scratch.start();
    let sql = |server: &Server, sql: &str| server.sql("postgres", sql).unwrap();
    sql(&primary, "create table kept (n int);");
    let options = Options {
        data: scratch.0.join("standby"),
        ..scratch.options()
    };
    // Once more: the copy of yesterday goes.
    drop(start_standby(&options, &primary).unwrap());
    sql(&primary, "insert into kept values (7);");
    let standby = start_standby(&options, &primary).unwrap();
    assert_eq!(sql(&standby, "select pg_is_in_recovery();"), "t");
    sql(&primary, "insert into kept values (8);");
    let count = "select count(*) from kept;";
    soon("the row at the standby", || sql(&standby, count) == "2");

    assert!(primary.processes().len() > 3, "the postmaster is not alone");
    let socket = primary.socket_dir().join(".s.PGSQL.5432");
    primary.kill();
    assert!(UnixStream::connect(socket).is_err());
    sql(&standby, "select pg_promote();");
    sql(&standby, "insert into kept values (9);");
    assert_eq!(sql(&standby, count), "3");
    standby.stop().unwrap();
    assert_eq!(sql(&start(&options).unwrap(), count), "3");

    // The first one wakes where it fell.
    assert_eq!(sql(&scratch.start(), count), "2");
    remove(&scratch.options().data).unwrap();
    let anew = scratch.start().sql("postgres", count).unwrap_err();
    assert!(anew.to_string().contains("does not exist"), "{anew}");
}

/// Only as root is there a user to whom a folder can be closed.
#[test]
fn data_move_when_postgres_cannot_enter() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new("closed");
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o700)).unwrap();
    let server = scratch.start();
    let moved = server.data_dir().to_owned();
    assert!(moved.starts_with("/var/lib/insula"), "{}", moved.display());
    assert!(server.note().unwrap().contains(moved.to_str().unwrap()));
    assert!(!scratch.options().data.exists());
    server.stop().unwrap();
    assert_eq!(scratch.start().data_dir(), moved);
    fs::remove_dir_all(moved).unwrap();
}
