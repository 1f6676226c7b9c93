//! What an operator sees of a running server: metrics, and traces by OTLP.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::mpsc,
};

use rustix::process::Signal;
use serde_json::json;
use sqlx::Connection as _;
use tenants::{Project, Verdict};
use tests::{
    Kind, World, eventually, mail,
    relay::{Mood, Offer, Relay},
};

use crate::server::{Life, WITHIN};

const PASSWORD: &str = "correct-horse-battery";

async fn world_with(relay: &Relay) -> (World, Project) {
    let world = World::own().await;
    let uri = relay.uri("?disable_starttls=true");
    let smtp = json!({"connection_uri": uri, "from_address": "no-reply@mail.example.com"});
    let config = tests::cheap(json!({"courier": {"smtp": smtp}}));
    let project = world.project_with(config).await;
    (world, project)
}

/// One message that waits for two hours already and for one more, one that another worker has in hand, and
/// a job that was given up.
async fn fill_the_queue(world: &World, project: &Project) {
    for (to, verdict) in [
        ("given-up@example.org", true),
        ("in-hand@example.org", false),
    ] {
        mail::enqueue(project, to).await;
        let claimed = world.claim(1).await;
        assert_eq!(claimed.len(), 1);
        if verdict {
            let why = "for a test".to_owned();
            let verdict = Verdict::Abandon { why };
            let finished = world.installation().finish(&claimed[0], &verdict).await;
            finished.unwrap();
        }
    }
    mail::enqueue(project, "later@example.org").await;
    let mut superuser = world.database().superuser().await;
    let later = "update control.jobs set run_at = run_at + interval '1 hour', created_at = created_at - interval '2 hours'
                  where state = 0 and kind = 'send_message'";
    let moved = sqlx::query(later).execute(&mut superuser).await.unwrap();
    assert_eq!(moved.rows_affected(), 1);
    superuser.close().await.unwrap();
}

async fn shows(life: &Life, name: &str, value: f64) {
    let what = format!("{name} {value}");
    let is_so = async || {
        let told = life.metric(name).await;
        told.is_some_and(|told| (told - value).abs() < f64::EPSILON)
    };
    eventually(&what, WITHIN, is_so).await;
}

#[test]
fn metrics_tell_what_became_of_messages_and_how_full_the_queue_is() {
    tests::run(async {
        let relay = Relay::start(Offer::Clear).await;
        relay.set(Mood::Refuses("eve@example.org".to_owned()));
        let (world, project) = world_with(&relay).await;
        fill_the_queue(&world, &project).await;
        let life = Life::begin(&world, &[]).await;
        for (gauge, value) in [
            ("insula_messages_waiting", 2.0),
            ("insula_jobs_leased", 1.0),
            ("insula_jobs_abandoned", 1.0),
            ("insula_jobs_due", 0.0),
            ("insula_jobs_oldest_seconds", 0.0),
        ] {
            shows(&life, gauge, value).await;
        }
        let oldest = life.metric("insula_messages_oldest_seconds").await.unwrap();
        assert!((7200.0..7260.0).contains(&oldest), "{oldest}");
        assert!(life.metric("insula_spare_slots").await.is_some());

        mail::enqueue(&project, "ada@example.org").await;
        shows(&life, "insula_messages_sent_total", 1.0).await;
        mail::enqueue(&project, "eve@example.org").await;
        shows(&life, "insula_messages_abandoned_total", 1.0).await;
        assert_eq!(life.metric("insula_messages_retried_total").await, None);
        relay.set(Mood::Greylists);
        mail::enqueue(&project, "bob@example.org").await;
        shows(&life, "insula_messages_retried_total", 1.0).await;
        shows(&life, "insula_messages_sent_total", 1.0).await;
        shows(&life, "insula_messages_abandoned_total", 1.0).await;
        // It waits with the two others for its next attempt.
        shows(&life, "insula_messages_waiting", 3.0).await;

        let mut native = life.client(&project, Kind::Api);
        let made = native.sign_up("ada@example.org", PASSWORD).await;
        let token = made.body["session_token"].as_str().unwrap();
        native.set_header("x-session-token", token);
        assert_eq!(native.get("/sessions/whoami").await.status, 200);
        let from_postgres = "insula_session_checks_total{from=\"postgres\"}";
        shows(&life, from_postgres, 1.0).await;
        let from_memory = "insula_session_checks_total{from=\"memory\"}";
        assert_eq!(life.metric(from_memory).await, None);
        assert_eq!(native.get("/sessions/whoami").await.status, 200);
        shows(&life, from_memory, 1.0).await;
        shows(&life, from_postgres, 1.0).await;
        let answered = "insula_requests_total{method=\"GET\",status=\"2xx\"}";
        assert!(life.metric(answered).await.unwrap() >= 3.0);
        drop(life);
        world.finish().await;
    });
}

/// The alarm "no worker runs" rings where there is none, and a worker can be asked how it is.
#[test]
fn the_queue_is_told_by_servers_that_do_not_work_and_health_by_workers() {
    tests::run(async {
        let world = World::own().await;
        let project = world.project().await;
        mail::enqueue(&project, "ada@example.org").await;
        let idle = [("INSULA_NO_WORKER", "true")];
        let serve = Life::begin(&world, &idle).await;
        shows(&serve, "insula_jobs_due", 1.0).await;
        let oldest = serve.metric("insula_jobs_oldest_seconds").await;
        assert!(oldest.is_some_and(|seconds| seconds > 0.0), "{oldest:?}");
        for gauge in [
            "insula_jobs_abandoned",
            "insula_jobs_leased",
            "insula_spare_slots",
            "insula_messages_oldest_seconds",
            "insula_clock_ahead_seconds",
        ] {
            assert!(serve.metric(gauge).await.is_some(), "{gauge}");
        }
        shows(&serve, "insula_messages_waiting", 1.0).await;

        let database = world.database();
        let urls = (database.gate_url(), database.owner_url());
        let work = Life::run("work", urls, &[]).await;
        shows(&work, "insula_messages_sent_total", 1.0).await;
        shows(&serve, "insula_messages_waiting", 0.0).await;
        for life in [&serve, &work] {
            for path in ["/health/alive", "/health/ready"] {
                assert_eq!(life.watch(path).await.status, 200, "{path}");
            }
        }
        let mut health = Command::new(env!("CARGO_BIN_EXE_insula"));
        health.args(["health", "--url", &format!("http://{}", work.metrics)]);
        assert!(health.status().unwrap().success());

        // One port, two processes.
        let mut second = Command::new(env!("CARGO_BIN_EXE_insula"));
        second
            .arg("work")
            .env("DATABASE_URL", urls.0)
            .env("INSULA_OWNER_DATABASE_URL", urls.1)
            .env("INSULA_SECRETS", tests::MASTER_KEY)
            .env("INSULA_PUBLIC_URL", "http://127.0.0.1:4433")
            .env("INSULA_METRICS_LISTEN", &work.metrics);
        let refused = second.output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("one of its own"), "{said}");
        assert!(said.contains("INSULA_METRICS_LISTEN"), "{said}");
        drop((serve, work));
        world.finish().await;
    });
}

/// A relay that cannot be reached from here is no secret of the message's.
#[test]
fn the_worker_says_once_why_messages_of_a_project_cannot_leave() {
    tests::run(async {
        let relay = Relay::start(Offer::Clear).await;
        let world = World::own().await;
        let uri = relay.uri("");
        let smtp = json!({"connection_uri": uri, "from_address": "no-reply@mail.example.com"});
        let config = tests::cheap(json!({"courier": {"smtp": smtp}}));
        let project = world.project_with(config).await;
        for n in 0..5 {
            mail::enqueue(&project, &format!("p{n}@example.org")).await;
        }
        let life = Life::begin(&world, &[]).await;
        let told = async || !life.lines("cannot leave").is_empty();
        eventually("it is told", WITHIN, told).await;
        let waiting = async || {
            let mut superuser = world.database().superuser().await;
            let tried =
                "select count(*) from control.jobs where kind = 'send_message' and attempts > 0";
            let tried: i64 = sqlx::query_scalar(tried)
                .fetch_one(&mut superuser)
                .await
                .unwrap();
            superuser.close().await.unwrap();
            tried == 5
        };
        eventually("each was looked at", WITHIN, waiting).await;
        let lines = life.lines("cannot leave");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(project.slug()), "{lines:?}");
        assert!(lines[0].contains("does not offer STARTTLS"), "{lines:?}");
        drop(life);
        world.finish().await;
    });
}

/// A proxy on this machine that was not listed, and one that was and says nothing useful.
#[test]
fn the_log_tells_who_asked_and_whom_nobody_believes() {
    tests::run(async {
        let world = World::own().await;
        let project = world.project().await;
        let log = ("INSULA_LOG", "info");
        let stranger = Life::begin(&world, &[log]).await;
        for n in 0..3 {
            let mut native = stranger.client(&project, Kind::Api);
            native.set_header("x-forwarded-for", &format!("203.0.113.{n}"));
            native.begin("login", "").await;
        }
        let told = stranger.lines("INSULA_TRUSTED_PROXIES");
        assert_eq!(told.len(), 1, "once for each network: {told:?}");
        assert!(told[0].contains("\"peer\":\"127.0.0.1/32\""), "{told:?}");
        assert_eq!(
            stranger.lines("\"client\":\"127.0.0.1\"").len(),
            stranger.lines("answered").len()
        );

        let settings = [
            log,
            ("INSULA_TRUSTED_PROXIES", "127.0.0.0/8"),
            ("INSULA_CLIENT_IP_HEADER", "X-Real-IP"),
        ];
        let listed = Life::begin(&world, &settings).await;
        let mut native = listed.client(&project, Kind::Api);
        native.set_header("x-real-ip", "203.0.113.5:4711");
        native.begin("login", "").await;
        let answered = listed.lines("\"client\":\"203.0.113.5\"");
        assert_eq!(answered.len(), 1, "{answered:?}");
        native.set_header("x-real-ip", "unknown");
        native.begin("login", "").await;
        native.begin("login", "").await;
        let told = listed.lines("INSULA_CLIENT_IP_HEADER");
        assert_eq!(told.len(), 1, "once in a while: {told:?}");
        assert!(told[0].contains("\"entry\":\"unknown\""), "{told:?}");
        drop((stranger, listed));
        world.finish().await;
    });
}

/// Answers everything with 200, and hands on first lines and bodies.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut length) = (String::new(), 0);
            reader.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            (&stream).write_all(answer.as_bytes()).unwrap();
            if sender.send((first, body)).is_err() {
                return;
            }
        }
    });
    (origin, receiver)
}

#[test]
fn traces_are_sent_before_the_end() {
    tests::run(async {
        let (endpoint, sent) = collector();
        let world = World::own().await;
        let project = world.project().await;
        let settings = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
            ("INSULA_LOG", "info"),
        ];
        let mut life = Life::begin(&world, &settings).await;
        let client = life.client(&project, Kind::Api);
        assert_eq!(client.get("/sessions/whoami").await.status, 401);
        life.signal(Signal::TERM);
        assert!(life.ended(WITHIN).await.success());
        // What was sent is here by now, or never comes.
        let all: Vec<(String, Vec<u8>)> = sent.try_iter().collect();
        assert!(!all.is_empty(), "nothing was sent");
        for (first, _) in &all {
            assert_eq!(first.trim_end(), "POST /v1/traces HTTP/1.1");
        }
        let holds = |text: &str| {
            let holds = |body: &[u8]| body.windows(text.len()).any(|part| part == text.as_bytes());
            all.iter().any(|(_, body)| holds(body))
        };
        let path = format!("/p/{}/sessions/whoami", project.slug());
        for text in ["service.name", "insula", "request", &path] {
            assert!(holds(text), "{text}");
        }
        world.finish().await;
    });
}
