//! A server and a worker whose database goes and comes back: they say so once, let no request wait, and stop when they
//! are told to.

use std::path::PathBuf;

use private_postgres::{Options, Server, ensure_database};
use rustix::process::Signal;
use tests::{Client, Kind, eventually};
use tokio::task::spawn_blocking;

use crate::server::{Life, WITHIN};

const DATABASE: &str = "away";

/// A PostgreSQL that this test may stop and start again.
async fn postgres() -> Server {
    let start = || {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_insula"));
        let options = Options {
            data: binary
                .ancestors()
                .nth(2)
                .unwrap()
                .join("test-postgres-away"),
            durable: false,
            max_connections: 60,
            settings: Vec::new(),
        };
        private_postgres::start(&options).unwrap()
    };
    spawn_blocking(start).await.unwrap()
}

async fn stop(postgres: Server) {
    spawn_blocking(move || postgres.stop().unwrap())
        .await
        .unwrap();
}

async fn is_away(life: &Life) {
    let told = async || life.metric("insula_database_away").await == Some(1.0);
    eventually("it is known to be away", WITHIN, told).await;
}

async fn status(life: &Life) -> u16 {
    let base = format!("http://{}", life.address);
    let project = Client::new(&base, Kind::Api);
    project
        .get("/p/nobody/sessions/whoami")
        .await
        .status
        .as_u16()
}

#[test]
fn an_outage_is_told_at_its_begin_and_at_its_end_and_holds_up_nobody() {
    tests::run(async {
        let here = postgres().await;
        let again = format!("drop database if exists {DATABASE} with (force)");
        here.sql("postgres", &again).unwrap();
        ensure_database(&here, DATABASE, "owner").unwrap();
        let gate = here.url("gate_away", DATABASE);
        let owner = here.url("owner", DATABASE);
        tenants::migrate::migrate(&owner, &gate, 2, &|_| {})
            .await
            .unwrap();
        let urls = (&*gate, &*owner);
        // Longer than the test: without a database no proxy is waited for.
        let patient = [("INSULA_DRAIN", "10m"), ("INSULA_NO_WORKER", "true")];
        let mut serve = Life::run("serve", urls, &patient).await;
        let mut work = Life::run("work", urls, &[]).await;
        assert_eq!(status(&serve).await, 404, "there is no such project");
        assert_eq!(work.watch("/health/ready").await.status, 200);

        stop(here).await;
        for life in [&serve, &work] {
            is_away(life).await;
            assert_eq!(life.watch("/health/alive").await.status, 200);
            let ready = life.watch("/health/ready").await;
            assert_eq!(ready.status, 503, "{}", ready.text);
            assert!(
                ready.body["errors"]["database"].is_string(),
                "{}",
                ready.text
            );
        }
        for _ in 0..100 {
            assert_eq!(status(&serve).await, 503);
        }

        let here = postgres().await;
        let served = async || status(&serve).await == 404;
        eventually("it is served again", WITHIN, served).await;
        let worked = async || work.watch("/health/ready").await.status == 200;
        eventually("the worker is ready again", WITHIN, worked).await;
        for life in [&serve, &work] {
            for told in ["the database is away: ", "\"the database is back\""] {
                let lines = life.lines(told);
                assert_eq!(lines.len(), 1, "{told}: {lines:?}");
            }
            assert!(life.lines("the database is back")[0].contains("\"seconds\":"));
            for often in [
                "after_release",
                "changes cannot be read;",
                "cannot be claimed",
            ] {
                let lines = life.lines(often);
                assert!(lines.len() <= 1, "{often}: {lines:?}");
            }
        }

        stop(here).await;
        for life in [&mut serve, &mut work] {
            is_away(life).await;
            life.signal(Signal::TERM);
            assert_eq!(life.ended(WITHIN).await.code(), Some(0));
        }
    });
}
