//! The worker is killed while it sends: every message leaves, is recorded once, and those that leave twice
//! carry the same Message-ID.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::{
    collections::HashMap,
    process::{Child, Command, Stdio},
    time::Duration,
};

use courier::{Status, store};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tenants::Project;
use tests::{
    MASTER_KEY, World, eventually, mail,
    relay::{Mood, Offer, Relay, Step},
};
use tokio::time::sleep;
use uuid::Uuid;

/// Two hundred in the long form (`INSULA_TEST_KILLS=200`).
const KILLS: usize = 6;
/// Bounds waits; nothing is measured.
const WITHIN: Duration = Duration::from_mins(1);

/// Killed when dropped.
struct Life(Child);

impl Life {
    fn begin(world: &World) -> Self {
        let database = world.database();
        let mut command = Command::new(env!("CARGO_BIN_EXE_insula"));
        command
            .arg("work")
            .env("DATABASE_URL", database.gate_url())
            .env("INSULA_OWNER_DATABASE_URL", database.owner_url())
            .env("INSULA_SECRETS", MASTER_KEY)
            .env("INSULA_PUBLIC_URL", "http://127.0.0.1:4433")
            .env("INSULA_METRICS_LISTEN", "127.0.0.1:0")
            .env("INSULA_DB_CONNECTIONS", "8")
            .env("INSULA_LOG", "error")
            .stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// As if a minute went by: what the dead had in hand is anyone's.
async fn leases_end(world: &World) {
    let mut superuser = world.database().superuser().await;
    sqlx::query("update control.jobs set lease_until = now() - interval '1 second', run_at = now() - interval '1 second' where state in (0, 1)")
        .execute(&mut superuser)
        .await
        .unwrap();
    superuser.close().await.unwrap();
}

async fn world_with(relay: &Relay) -> (World, Project) {
    let world = World::own().await;
    let uri = relay.uri("?disable_starttls=true");
    let courier = json!({"courier": {"smtp": {"connection_uri": uri, "from_address": "no-reply@mail.example.com"}}});
    let project = world.project_with(courier).await;
    (world, project)
}

/// Status, and how many attempts are recorded as successful.
async fn recorded(project: &Project, id: Uuid) -> (Status, usize) {
    let mut tx = project.begin().await.unwrap();
    let message = store::get(&mut tx, id).await.unwrap().unwrap();
    let all = serde_json::to_value(&message.dispatches).unwrap();
    let all = all.as_array().cloned().unwrap_or_default();
    let successes = all.iter().filter(|one: &&Value| one["status"] == "success");
    (message.status, successes.count())
}

/// How often each message was taken, by its Message-ID; none is anything but ours.
fn taken(relay: &Relay) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for mail in relay.taken() {
        *times.entry(mail.header("message-id").unwrap()).or_default() += 1;
    }
    times
}

fn message_id(id: Uuid) -> String {
    format!("<{id}@mail.example.com>")
}

#[test]
fn a_kill_at_each_step_of_sending_loses_nothing() {
    tests::run(async {
        let relay = Relay::start(Offer::Clear).await;
        let (world, project) = world_with(&relay).await;
        for step in Step::ALL {
            let before = relay.count();
            let stopped = relay.stopped();
            relay.set(Mood::StopsAt(step));
            let id = mail::enqueue(&project, "ada@example.org").await;
            let life = Life::begin(&world);
            eventually("the stop", WITHIN, async || relay.stopped() > stopped).await;
            drop(life);
            relay.set(Mood::TakesAll);
            leases_end(&world).await;
            let _next = Life::begin(&world);
            let is_sent = async || recorded(&project, id).await.0 == Status::Sent;
            eventually("the record of the message", WITHIN, is_sent).await;

            let times = taken(&relay)[&message_id(id)];
            let (_, successes) = recorded(&project, id).await;
            println!("killed at {step:?}: taken {times} times, recorded {successes} times");
            assert_eq!(successes, 1, "{step:?}");
            assert_eq!(
                relay.count() - before,
                times,
                "{step:?}: no other Message-ID"
            );
            match step {
                // It could know only if the relay had said so.
                Step::Taken => assert_eq!(times, 2),
                // The record may have been faster than the kill.
                Step::Said => assert!(times == 1 || times == 2),
                _ => assert_eq!(times, 1, "{step:?}"),
            }
        }
        world.finish().await;
    });
}

#[test]
fn kills_at_any_moment_cost_each_message_one_duplicate_at_most() {
    let kills = std::env::var("INSULA_TEST_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(KILLS);
    tests::run(async {
        let relay = Relay::start(Offer::Clear).await;
        let (world, project) = world_with(&relay).await;
        let mut all = Vec::new();
        for life in 0..kills {
            for n in 0..30 {
                all.push(mail::enqueue(&project, &format!("p{life}-{n}@example.org")).await);
            }
            let (before, one) = (relay.count(), Life::begin(&world));
            eventually("the first mail of a life", WITHIN, async || {
                relay.count() > before
            })
            .await;
            // Uneven on purpose, so that kills meet messages at any point.
            let chance = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos() % 60;
            sleep(Duration::from_millis(u64::from(chance))).await;
            drop(one);
            leases_end(&world).await;
        }
        let _last = Life::begin(&world);
        for id in &all {
            let is_sent = async || recorded(&project, *id).await.0 == Status::Sent;
            eventually("the record of a message", WITHIN, is_sent).await;
            assert_eq!(recorded(&project, *id).await.1, 1, "recorded once");
        }
        let times = taken(&relay);
        let ids: Vec<_> = all.iter().map(|id| message_id(*id)).collect();
        assert!(ids.iter().all(|id| times.contains_key(id)), "all are there");
        assert_eq!(times.len(), all.len(), "and no others");
        let most = times.values().max().copied().unwrap_or_default();
        let twice = relay.count() - all.len();
        println!("{kills} kills, {} messages: {twice} duplicates", all.len());
        // A kill meets at most those that a project has in hand.
        assert!(
            most <= 1 + kills && twice <= worker::IN_HAND_MAX * kills,
            "{most} times, {twice} duplicates"
        );
        world.finish().await;
    });
}
