//! A server that is told to stop while it is at work: what has begun is brought to its end.

use std::time::Duration;

use courier::{Status, store};
use rustix::process::Signal;
use serde_json::json;
use tests::{
    Kind, World, eventually, mail,
    relay::{Mood, Offer, Relay, Step},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::server::{Life, WITHIN};

/// The drain, `FINISH` and `CLOSE` of `cli/src/running.rs`, and some air.
const ENDS_WITHIN: Duration = Duration::from_secs(1 + 22 + 5 + 5);

/// Reads until the text is there; panics when the other side hangs up before.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        let count = stream.read_buf(&mut read).await.unwrap();
        let so_far = String::from_utf8_lossy(&read);
        assert!(count > 0, "hung up before {text:?}: {so_far}");
    }
    String::from_utf8(read).unwrap()
}

/// What the server says on a connection of its own, until it hangs up.
async fn last_words(life: &Life, path: &str) -> String {
    let mut stream = TcpStream::connect(&life.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Proxies ask for readiness once in a while, and do not try another server when one refuses: so it is still there
/// when they have asked.
#[test]
fn a_server_that_was_told_to_stop_says_so_and_serves_meanwhile() {
    tests::run(async {
        let world = World::own().await;
        let project = world.project().await;
        let mut life = Life::begin(&world, &[("INSULA_DRAIN", "10m")]).await;
        let native = life.client(&project, Kind::Api);
        assert_eq!(native.get("/health/ready").await.status, 200);
        // A connection that was there before and waits for its next request.
        let mut kept = TcpStream::connect(&life.address).await.unwrap();
        let alive = "GET /health/alive HTTP/1.1\r\nhost: x\r\n\r\n";
        kept.write_all(alive.as_bytes()).await.unwrap();
        let first = read_until(&mut kept, "{\"status\":\"ok\"}").await;
        assert!(!first.contains("connection: close"), "{first}");

        // As supervisors do that signal the group as well: it is one wish.
        life.signal(Signal::TERM);
        life.signal(Signal::TERM);
        let is_stopping = async || native.get("/health/ready").await.status == 503;
        eventually("it says that it stops", WITHIN, is_stopping).await;
        for path in [
            "/health/ready".to_owned(),
            format!("/p/{}/health/ready", project.slug()),
        ] {
            let answer = last_words(&life, &path).await;
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            assert!(answer.contains("\"stopping\":\""), "{answer}");
        }
        let served = last_words(&life, &format!("/p/{}/sessions/whoami", project.slug())).await;
        assert!(served.starts_with("HTTP/1.1 401 "), "{served}");
        assert!(served.contains("connection: close"), "{served}");
        kept.write_all(alive.as_bytes()).await.unwrap();
        let mut last = String::new();
        kept.read_to_string(&mut last).await.unwrap();
        assert!(
            last.starts_with("HTTP/1.1 200 ") && last.contains("connection: close"),
            "{last}"
        );
        let flow = native.begin("login", "").await;
        assert_eq!(flow.status, 200, "{}", flow.text);

        // Who cannot wait says it again, later.
        tokio::time::sleep(Duration::from_millis(600)).await;
        life.signal(Signal::TERM);
        assert_eq!(life.ended(WITHIN).await.code(), Some(130));
        world.finish().await;
    });
}

#[test]
fn what_has_begun_is_brought_to_its_end() {
    tests::run(async {
        let relay = Relay::start(Offer::Clear).await;
        relay.set(Mood::StopsAt(Step::Mail));
        let world = World::own().await;
        let uri = relay.uri("?disable_starttls=true");
        let smtp = json!({"connection_uri": uri, "from_address": "no-reply@mail.example.com"});
        let config = tests::cheap(json!({"courier": {"smtp": smtp}}));
        let project = world.project_with(config).await;
        let mut life = Life::begin(&world, &[("INSULA_DRAIN", "1s")]).await;
        let id = mail::enqueue(&project, "ada@example.org").await;
        let hangs = async || relay.stopped() == 1;
        eventually("a mail that hangs", WITHIN, hangs).await;

        let native = life.client(&project, Kind::Api);
        let flow = native.begin("registration", "").await;
        let action: url::Url = flow.body["ui"]["action"].as_str().unwrap().parse().unwrap();
        let body = json!({"method": "password", "password": "correct-horse-battery",
            "traits": {"email": "bob@example.org"}});
        let body = body.to_string();
        let head = format!(
            "POST {}?{} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            action.path(),
            action.query().unwrap(),
            life.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&life.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // It is being read from now on.
        read_until(&mut stream, "100 Continue").await;
        let (one, other) = body.as_bytes().split_at(body.len() / 2);
        stream.write_all(one).await.unwrap();

        life.signal(Signal::TERM);
        let refuses = async || TcpStream::connect(&life.address).await.is_err();
        eventually("nobody else is let in", WITHIN, refuses).await;
        stream.write_all(other).await.unwrap();
        // Nothing more is heard on this line, so it ends with the answer.
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("session_token"), "{answer}");
        let status = life.ended(ENDS_WITHIN).await;
        assert_eq!(status.code(), Some(0), "{status}");

        // The mail that hung was cut off, and nobody has it in hand: it is tried again.
        let mut tx = project.begin().await.unwrap();
        let message = store::get(&mut tx, id).await.unwrap().unwrap();
        drop(tx);
        assert_eq!(message.status, Status::Processing);
        relay.set(Mood::TakesAll);
        world.clock.advance(chrono::TimeDelta::minutes(2));
        world.sweep().await;
        let taken = relay.taken();
        assert_eq!((taken.len(), &*taken[0].to), (1, "ada@example.org"));
        world.finish().await;
    });
}
