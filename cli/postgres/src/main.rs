//! `private-postgres run --data DIR [--fast] -- COMMAND ARGS…`: runs COMMAND beside a private
//! PostgreSQL and ends with its status. The arguments are read by hand: this program is what
//! `make prepare` builds before anything else.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use private_postgres::{Options, Server, start};

const USAGE: &str = "usage: private-postgres run --data DIR [--fast] -- COMMAND ARGS...
COMMAND finds the server by INSULA_PG_SOCKET, PGHOST, PGPORT and PGUSER, and its psql first on PATH.
--fast: data need not survive a power cut.";

/// Settings of the caller's shell that would lead psql or sqlx to another server.
const MISLEADING: [&str; 6] = [
    "PGHOSTADDR",
    "PGSERVICE",
    "PGDATABASE",
    "PGOPTIONS",
    "PGPASSWORD",
    "PGSSLMODE",
];

fn main() -> ExitCode {
    let Some((options, command)) = read(env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options, &command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("private-postgres: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, command: &[OsString]) -> Result<u8, Box<dyn std::error::Error>> {
    let server = start(options)?;
    if let Some(note) = server.note() {
        eprintln!("private-postgres: {note}");
    }
    let mut child = Command::new(&command[0]);
    for misleading in MISLEADING {
        child.env_remove(misleading);
    }
    let status = child
        .args(&command[1..])
        .env("INSULA_PG_SOCKET", server.socket_dir())
        .env("PGHOST", server.socket_dir())
        .env("PGPORT", "5432")
        .env("PGUSER", "postgres")
        .env("PATH", with_programs(&server))
        .status()?;
    server.stop()?;
    // As a shell tells it: 128 and the number of the signal.
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).unwrap_or(1))
}

/// The programs of this very version first.
fn with_programs(server: &Server) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [server.bin_dir().to_owned()]
        .into_iter()
        .chain(env::split_paths(&path));
    env::join_paths(folders).unwrap_or(path)
}

/// None when the line is not understood.
fn read(mut args: impl Iterator<Item = OsString>) -> Option<(Options, Vec<OsString>)> {
    if args.next()? != "run" {
        return None;
    }
    let mut data = None;
    let mut durable = true;
    loop {
        match args.next()?.to_str()? {
            "--data" => data = Some(args.next()?.into()),
            "--fast" => durable = false,
            "--" => break,
            _ => return None,
        }
    }
    let command: Vec<OsString> = args.collect();
    let options = Options {
        data: data?,
        durable,
        max_connections: 100,
        settings: Vec::new(),
    };
    (!command.is_empty()).then_some((options, command))
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::ffi::OsString;

    fn words(line: &str) -> impl Iterator<Item = OsString> {
        line.split(' ')
            .map(OsString::from)
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[test]
    fn reads_its_own_words_up_to_the_dashes() {
        let (options, command) = read(words("run --fast --data d -- sh --data x")).unwrap();
        assert!(!options.durable && options.data.ends_with("d"));
        assert_eq!(command, ["sh", "--data", "x"]);
        for wrong in [
            "run -- sh",
            "run --data d --",
            "run --data d sh",
            "stop --data d -- sh",
            "run",
        ] {
            assert!(read(words(wrong)).is_none(), "{wrong}");
        }
    }
}
