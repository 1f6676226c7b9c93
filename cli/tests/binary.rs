//! The binary as people start it: development mode from nothing, a second start, a kill, a stop, and
//! what it says when a setting is missing.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod place;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Output,
};

use rustix::process::Signal;

use place::{DEV, Scratch, Serving, insula};

fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = insula(folder, args).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn kept(folder: &Path, file: &str) -> String {
    let path = folder.join(".insula").join(file);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600,
        "{file}"
    );
    fs::read_to_string(path).unwrap()
}

fn a_second_one_says_where_the_first_runs(scratch: &Scratch, first: &Serving) {
    let (code, said) = run(&scratch.0, &DEV);
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!(
            "insula: one already runs on {}",
            fs::canonicalize(&scratch.0).unwrap().display()
        )),
        "{said}"
    );
    assert!(
        said.contains(&format!("process {}", first.child.id())),
        "{said}"
    );
    // So it does with its ports named, as they mostly are: the folder comes first.
    let port = first.origin.rsplit_once(':').unwrap().1;
    let listen = format!("--listen=127.0.0.1:{port}");
    let here = run(&scratch.0, &["serve", "--dev", &listen]);
    assert!(here.1.contains("one already runs on"), "{}", here.1);
    let elsewhere = run(
        &scratch.0,
        &[
            "serve",
            "--dev",
            &listen,
            "--data=other",
            "--metrics-listen=127.0.0.1:0",
        ],
    );
    assert_eq!(elsewhere.0, Some(1));
    assert!(
        elsewhere.1.contains("another port with --listen"),
        "{}",
        elsewhere.1
    );
}

#[test]
fn development_mode_survives_a_kill_and_keeps_its_keys() {
    let scratch = Scratch::new("dev");
    let first = Serving::start(&scratch.0);
    for told in [
        "/p/demo\n",
        "/p/demo/ui/registration\n",
        "/p/demo/ui/mail\n",
        "/graphql\n",
        "/docs\n",
    ] {
        let told = format!("{}{told}", first.origin);
        assert!(first.greeting.contains(&told), "{}", first.greeting);
    }
    assert_eq!(
        run(&scratch.0, &["health", "--url", &first.origin]),
        (Some(0), String::new())
    );
    let keys = (
        kept(&scratch.0, "secrets.key"),
        kept(&scratch.0, "root.key"),
    );
    assert!(
        !first.greeting.contains(keys.1.trim()),
        "a key is not printed, its place is"
    );

    a_second_one_says_where_the_first_runs(&scratch, &first);

    assert!(!first.end(Signal::KILL).success());
    let second = Serving::start(&scratch.0);
    assert_eq!(
        keys,
        (
            kept(&scratch.0, "secrets.key"),
            kept(&scratch.0, "root.key")
        )
    );
    assert_eq!(
        run(&scratch.0, &["health", "--url", &second.origin]).0,
        Some(0)
    );
    assert!(second.end(Signal::TERM).success(), "stopped in good order");
    assert!(
        !scratch
            .0
            .join(".insula/postgres/cluster/postmaster.pid")
            .exists()
    );
    assert!(Serving::start(&scratch.0).end(Signal::INT).success());
}

#[test]
fn a_missing_setting_is_named() {
    let scratch = Scratch::new("missing");
    let (code, said) = run(&scratch.0, &["serve"]);
    assert_eq!(code, Some(2));
    for name in ["DATABASE_URL", "INSULA_SECRETS", "INSULA_PUBLIC_URL"] {
        assert!(said.contains(&format!("  {name}: ")), "{said}");
    }
    let (code, said) = run(&scratch.0, &["migrate"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("  INSULA_OWNER_DATABASE_URL: "), "{said}");
    let (code, said) = run(&scratch.0, &["project", "create", "abc"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("  INSULA_KEY: "), "{said}");
    let (code, said) = run(
        &scratch.0,
        &["serve", "--dev", "--base-domain", "example.com"],
    );
    assert_eq!(code, Some(2));
    assert!(said.contains("not served yet"), "{said}");
    let database = "postgres://somebody@localhost/elsewhere";
    let dev = insula(&scratch.0, &DEV)
        .env("DATABASE_URL", database)
        .output()
        .unwrap();
    let said = String::from_utf8(dev.stderr).unwrap();
    assert_eq!(dev.status.code(), Some(2));
    for part in [
        "DATABASE_URL: unset it",
        "INSULA_OWNER_DATABASE_URL: or set it",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(
        !scratch.0.join(".insula").exists(),
        "refused before anything was made"
    );
}

/// A name that nobody has: nothing is sent anywhere.
const ELSEWHERE: &str = "postgres://gate:hunter2@database.invalid:5432/insula";

fn with_database(folder: &Path, command: &[&str], url: &str) -> std::process::Command {
    let mut insula = insula(folder, command);
    insula
        .env("DATABASE_URL", url)
        .env("INSULA_OWNER_DATABASE_URL", url)
        .env(
            "INSULA_SECRETS",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        )
        .env("INSULA_PUBLIC_URL", "http://127.0.0.1:4433")
        .env("INSULA_LISTEN", "127.0.0.1:0")
        .env("INSULA_METRICS_LISTEN", "127.0.0.1:0");
    insula
}

const COMMANDS: [&[&str]; 5] = [
    &["serve"],
    &["work"],
    &["migrate"],
    &["migrate", "--check"],
    &["secrets", "status"],
];

#[test]
fn a_database_elsewhere_is_reached_by_verified_tls_or_not_at_all() {
    let scratch = Scratch::new("plain");
    for command in COMMANDS {
        for way in ["", "?sslmode=prefer", "?sslmode=require"] {
            let url = format!("{ELSEWHERE}{way}");
            let output = with_database(&scratch.0, command, &url).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
            for part in [
                "  DATABASE_URL: ",
                "  INSULA_OWNER_DATABASE_URL: ",
                "database.invalid",
                "sslmode=verify-full",
                "INSULA_PLAIN_DATABASE=true",
            ] {
                assert!(said.contains(part), "{command:?}: {part} in {said}");
            }
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    // A trusted network is said each time, and then it is tried.
    let mut child = with_database(&scratch.0, &["migrate"], ELSEWHERE)
        .env("INSULA_PLAIN_DATABASE", "true")
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said: Vec<String> = lines.take(3).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said[0].contains("\"setting\":\"DATABASE_URL\""), "{said:?}");
    assert!(
        said[1].contains("\"setting\":\"INSULA_OWNER_DATABASE_URL\""),
        "{said:?}"
    );
    assert!(said[2].contains("waiting up to"), "{said:?}");
}

#[test]
fn several_hosts_are_refused_with_what_to_do() {
    let scratch = Scratch::new("hosts");
    for (url, named) in [
        (
            "postgres://gate:hunter2@one.invalid,two.invalid/insula",
            "several hosts",
        ),
        (
            "postgres://gate:hunter2@one.invalid/insula?target_session_attrs=read-write",
            "target_session_attrs",
        ),
    ] {
        for command in COMMANDS {
            let mut insula = with_database(&scratch.0, command, url);
            let output = insula
                .env("INSULA_PLAIN_DATABASE", "true")
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
            assert!(said.contains(named) && said.contains("PgBouncer"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let scratch = Scratch::new("secret");
    let (code, said) = run(
        &scratch.0,
        &[
            "work",
            "--database-url",
            "postgres://gate:hunter2@db/insula",
        ],
    );
    assert_eq!(code, Some(2));
    assert!(
        said.contains("give DATABASE_URL in the environment"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_busy_port_is_named_with_its_setting() {
    let scratch = Scratch::new("port");
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let (code, said) = run(
        &scratch.0,
        &[
            "serve",
            "--dev",
            "--metrics-listen",
            "127.0.0.1:0",
            "--listen",
            &address,
        ],
    );
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("{address} (--listen)")), "{said}");
}

#[test]
fn a_folder_without_postgresql_is_refused_with_what_it_lacks() {
    let scratch = Scratch::new("programs");
    let any = "127.0.0.1:0";
    let arguments = ["serve", "--dev", "--listen", any, "--metrics-listen", any];
    let mut serve = insula(&scratch.0, &arguments);
    let output = serve.env("INSULA_PG_BIN", &scratch.0).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    let folder = scratch.0.display();
    let expected = format!("INSULA_PG_BIN is {folder}, where `postgres` is missing");
    assert!(said.contains(&expected), "{said}");
}

/// Answers one request with `body` and hands back what it was asked.
fn answer_once(body: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        let length = body.len();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
        request
    });
    (origin, server)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request + &String::from_utf8(body).unwrap()
}

#[test]
fn a_project_is_made_over_the_api_with_its_schemas_inlined() {
    let scratch = Scratch::new("project");
    fs::write(scratch.0.join("person.json"), "{}").unwrap();
    fs::write(
        scratch.0.join("config.json"),
        r#"{"identity": {"schemas": [{"id": "p", "url": "file://person.json"}]}}"#,
    )
    .unwrap();
    let (origin, server) = answer_once(
        r#"{"data": {"createProject": {"project": {"id": "1", "slug": "abc", "environment": "STAGING", "publicUrl": "http://x/p/abc"},
            "apiKey": {"role": "OWNER", "token": "ins_secret"}}}}"#,
    );
    let output = insula(
        &scratch.0,
        &[
            "project",
            "create",
            "abc",
            "--environment",
            "staging",
            "--config",
            "config.json",
            "--url",
            &origin,
        ],
    )
    .env("INSULA_KEY", "ins_key")
    .output()
    .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && said.contains("http://x/p/abc") && said.contains("ins_secret"),
        "{said}"
    );
    let request = server.join().unwrap();
    assert!(request.starts_with("POST /graphql "), "{request}");
    for part in [
        "authorization: Bearer ins_key",
        r#""slug":"abc""#,
        r#""environment":"STAGING""#,
        "base64://e30=",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}
