//! The commands that call a server, as people and scripts run them: what they print, what they leave behind,
//! and how they end. One server for all of it, because starting one takes seconds.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod people;
#[path = "../place/mod.rs"]
mod place;
mod projects;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;

use place::{Scratch, Serving, insula};

/// A folder in which a server in development mode runs.
struct Place {
    // Ends before its folder goes.
    serving: Serving,
    scratch: Scratch,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    said: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// With that status, and these words on standard error.
    fn with(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.said.contains(word), "{word:?} is not in {self:?}");
        }
        self
    }
}

impl Place {
    fn folder(&self) -> &Path {
        &self.scratch.0
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = insula(self.folder(), args);
        command.env("INSULA_URL", &self.serving.origin);
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    /// What it printed; it ended well.
    fn out(&self, args: &[&str]) -> String {
        self.run(args).with(0, &[]).out
    }

    /// The one document that `--json` prints.
    fn json(&self, args: &[&str]) -> Value {
        let args: Vec<_> = args.iter().chain(&["--json"]).copied().collect();
        serde_json::from_str(&self.out(&args)).unwrap()
    }

    fn with_key(&self, key: &str, args: &[&str]) -> Ended {
        let mut command = self.command(args);
        let command = command.env("INSULA_KEY", key).stdin(Stdio::null());
        Ended::of(command.output().unwrap())
    }

    fn with_input(&self, input: &str, args: &[&str]) -> Ended {
        let mut command = self.command(args);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        Ended::of(child.wait_with_output().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder().join(name), text).unwrap();
    }
}

#[test]
fn what_a_server_is_asked_for_is_done() {
    let scratch = Scratch::new("commands");
    let serving = Serving::start(&scratch.0);
    assert!(
        serving.greeting.contains(".insula/root.key"),
        "the key that the commands find by themselves"
    );
    let place = Place { serving, scratch };
    let key = projects::a_project_is_made_and_found(&place);
    projects::a_configuration_is_changed_and_brought_back(&place);
    projects::a_document_is_read_from_where_it_lies(&place);
    people::people_are_made_found_and_deleted(&place);
    people::keys_are_made_listed_and_ended(&place, &key);
    people::what_is_refused_is_explained(&place, &key);
    projects::a_project_goes_and_comes_back(&place);
    assert!(place.serving.end(Signal::TERM).success());
}

#[test]
fn nobody_there_is_told_apart_from_a_refusal() {
    let scratch = Scratch::new("nobody");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let ask = |args: &[&str]| {
        let mut command = insula(&scratch.0, args);
        let command = command.env("INSULA_URL", &url).env("INSULA_KEY", "ins_x");
        Ended::of(command.output().unwrap())
    };
    for args in [
        &["project", "list"][..],
        &["health"],
        &["version", "--server"],
    ] {
        ask(args).with(5, &["cannot be reached", "insula serve --dev", "--url"]);
    }
    assert!(ask(&["version"]).with(0, &[]).out.starts_with("insula "));
    ask(&["project"]).with(2, &["Usage: insula project"]);
}

#[test]
fn what_is_wrong_with_a_setting_is_told_and_not_what_comes_of_it() {
    let scratch = Scratch::new("wrong");
    let ask = |(url, key): (&str, &str), args: &[&str]| {
        let mut command = insula(&scratch.0, args);
        let command = command.env("INSULA_URL", url).env("INSULA_KEY", key);
        Ended::of(command.output().unwrap())
    };
    let list = ["project", "list"];
    for (url, advice) in [
        ("localhost:4750", "begins with http://"),
        ("http://localhost:4750/p/demo", "without /p/"),
    ] {
        ask((url, "ins_x"), &list).with(2, &["--url", advice]);
    }
    let here = "http://localhost:1";
    ask((here, "ins_x\nins_y"), &list).with(2, &["INSULA_KEY", "line breaks"]);

    let (url, server) = answering("503 Service Unavailable");
    ask((&url, "ins_x"), &["health"]).with(5, &["is not ready", "503"]);
    server.join().unwrap();
    let (url, server) = answering("404 Not Found");
    ask((&url, "ins_x"), &list).with(2, &["--url", "origin"]);
    server.join().unwrap();
}

/// A server that gives one answer, without a word more.
fn answering(status: &str) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    (url, server)
}

/// Each has an example.
const COMMANDS: &[&[&str]] = &[
    &["project", "create"],
    &["project", "list"],
    &["project", "show"],
    &["project", "suspend"],
    &["project", "resume"],
    &["project", "delete"],
    &["project", "restore"],
    &["project", "config", "get"],
    &["project", "config", "set"],
    &["project", "config", "diff"],
    &["project", "config", "history"],
    &["project", "config", "restore"],
    &["identities", "list"],
    &["identities", "get"],
    &["identities", "create"],
    &["identities", "delete"],
    &["messages", "list"],
    &["messages", "show"],
    &["keys", "create"],
    &["keys", "list"],
    &["keys", "revoke"],
    &["version"],
    &["completions"],
    &["health"],
    &["serve"],
    &["work"],
    &["migrate"],
    &["secrets", "status"],
    &["secrets", "rewrap"],
    &["dev", "postgres"],
];

#[test]
fn every_command_tells_how_it_is_used() {
    let scratch = Scratch::new("help");
    let help = |args: &[&str]| {
        let args: Vec<_> = args.iter().chain(&["--help"]).copied().collect();
        let output = insula(&scratch.0, &args).output().unwrap();
        Ended::of(output).with(0, &[]).out
    };
    let whole = help(&[]);
    for part in [
        "Exit status:",
        "  4  there is no such",
        "  5  the server",
        "INSULA_KEY",
    ] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    for command in COMMANDS {
        let help = help(command);
        let example = format!("insula {}", command.join(" "));
        let (_, examples) = help.split_once("Example").unwrap();
        assert!(examples.contains(&example), "{help}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = insula(&scratch.0, &["completions", shell])
            .output()
            .unwrap();
        let script = Ended::of(output).with(0, &[]).out;
        for word in ["insula", "identities", "password-stdin", "completions"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}

/// Whoever waits longer than a second is told for what, on standard error; the answer stands alone.
#[test]
fn a_slow_server_is_waited_for_aloud() {
    let scratch = Scratch::new("slow");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut some = [0; 4096];
        std::io::Read::read(&mut stream, &mut some).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1500));
        let body = r#"{"version":"9.9.9"}"#;
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    });
    let mut command = insula(&scratch.0, &["version", "--server", "--json"]);
    let output = command.env("INSULA_URL", &origin).output().unwrap();
    server.join().unwrap();
    let ended = Ended::of(output).with(0, &["waiting for", &origin]);
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert!(document.to_string().contains("9.9.9"), "{document}");
}
