//! A flood of one project costs the others a turn, not the flood's length.

use std::time::{Duration, Instant};

use serde_json::json;
use tenants::Project;
use tests::{
    Database, Site, eventually, mail,
    relay::{Mood, Offer, Relay},
    run,
};
use tokio::sync::watch;
use worker::Worker;

use super::relayed;

/// In transactions of a hundred, as no flow does, but quickly.
async fn queue(project: &Project, name: &str, count: usize) {
    let to = |n: usize| format!("{name}{n}@example.org");
    for first in (0..count).step_by(100) {
        let mut tx = project.begin().await.unwrap();
        for n in first..count.min(first + 100) {
            let message = mail::login_code(project, &to(n));
            identity::courier::enqueue(&mut tx, &message).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// `many` of one project, then ten of another; both have relays of their own or share one.
async fn flood(many: usize) -> (Vec<String>, Duration) {
    let site = Site::on(Database::own().await, |_| {}, api::ApiSettings::default()).await;
    let relay = Relay::start(Offer::Clear).await;
    let uri = relay.uri("?disable_starttls=true");
    let loud = relayed(&site, &uri, json!({})).await;
    let quiet = relayed(&site, &uri, json!({})).await;
    queue(&loud, "loud", many).await;
    queue(&quiet, "quiet", 10).await;
    let (stop, stopped) = watch::channel(false);
    let began = Instant::now();
    let worker = Worker::new(site.world.installation().clone());
    let worker = tokio::spawn(worker.run(stopped));
    eventually("all are out", Duration::from_secs(600), async || {
        relay.taken().len() >= many + 10
    })
    .await;
    let took = began.elapsed();
    stop.send_replace(true);
    worker.await.unwrap();
    let order = relay.taken().into_iter().map(|mail| mail.to).collect();
    site.finish().await;
    (order, took)
}

fn place_of_the_last(order: &[String]) -> usize {
    let quiet = |to: &String| to.starts_with("quiet");
    order.iter().rposition(quiet).unwrap() + 1
}

#[test]
fn ten_messages_do_not_wait_for_three_hundred() {
    run(async {
        let (order, _) = flood(300).await;
        assert_eq!(order.len(), 310, "each once");
        let last = place_of_the_last(&order);
        assert!(last <= 100, "the last of the ten is number {last}");
    });
}

/// The whole number, and how fast it goes: `cargo test --release -p tests --test suite -- --ignored flood`.
#[test]
#[ignore = "takes minutes; for the figure"]
fn flood_of_ten_thousand() {
    run(async {
        let (order, took) = flood(10_000).await;
        let last = place_of_the_last(&order);
        println!(
            "10,010 messages in {took:.1?}: {:.0} a second; the last of the ten was number {last}",
            10_010.0 / took.as_secs_f64()
        );
        assert!(last <= 100, "{last}");
    });
}

/// Whose relay hangs holds up themselves.
#[test]
fn a_relay_that_hangs_holds_up_nobody_else() {
    run(async {
        let site = Site::on(Database::own().await, |_| {}, api::ApiSettings::default()).await;
        let (dead, alive) = (
            Relay::start(Offer::Clear).await,
            Relay::start(Offer::Clear).await,
        );
        dead.set(Mood::SaysNothing);
        let stuck = relayed(&site, &dead.uri("?disable_starttls=true"), json!({})).await;
        let well = relayed(&site, &alive.uri("?disable_starttls=true"), json!({})).await;
        queue(&stuck, "stuck", 60).await;
        let (stop, stopped) = watch::channel(false);
        let worker = Worker::new(site.world.installation().clone());
        let worker = worker.with_patience(Duration::from_secs(5));
        let worker = tokio::spawn(worker.run(stopped));
        eventually(
            "the dead relay is tried",
            Duration::from_secs(10),
            async || dead.calls() > 0,
        )
        .await;
        queue(&well, "well", 20).await;
        let took = eventually("the others are out", Duration::from_secs(10), async || {
            alive.taken().len() == 20
        })
        .await;
        assert!(
            took < Duration::from_secs(5),
            "they waited for the dead relay: {took:?}"
        );
        assert!(dead.calls() <= 8, "few at once: {}", dead.calls());
        stop.send_replace(true);
        worker.await.unwrap();
        // What is stuck will be tried again; this test does not wait for it.
        dead.set(Mood::TakesAll);
        site.world.clock.advance(chrono::TimeDelta::minutes(1));
        site.world.sweep().await;
        site.finish().await;
    });
}
