//! Many messages of one project and a few of another, at one relay: the few do not wait for the many.
//!
//! Looks inside: the tables, `courier`, `worker`.

use std::time::{Duration, Instant};

use tenants::Project;
use tests::{
    World, mail,
    relay::{Offer, Relay},
    story,
};
use tokio::{sync::watch, time::sleep};
use worker::Worker;

use super::through;

/// Ten thousand in the long form (`INSULA_TEST_MESSAGES=10000`).
const MANY: usize = 400;
const FEW: usize = 10;
/// The few are out among the first so many.
const AMONG: usize = 100;
/// Bounds the wait for messages that never leave.
const WITHIN: Duration = Duration::from_mins(10);

fn many() -> usize {
    let asked = std::env::var("INSULA_TEST_MESSAGES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(MANY)
}

async fn post(project: &Project, name: &str, count: usize) {
    let mut tx = project.begin().await.unwrap();
    for n in 0..count {
        let message = mail::login_code(project, &format!("{name}{n}@example.org"));
        courier::enqueue(&mut tx, &message).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[story]
async fn a_project_with_few_messages_does_not_wait_for_one_with_many() {
    among_crowds(1).await;
}

/// More projects than the relay talks to at once.
#[story]
async fn nor_for_several_at_one_relay() {
    among_crowds(4).await;
}

async fn among_crowds(crowds: usize) {
    // The worker takes the jobs of all projects, so no other test shares this database.
    let world = World::own().await;
    let relay = Relay::start(Offer::Clear).await;
    let uri = relay.uri("?disable_starttls=true");
    let many = many();
    for crowd in 0..crowds {
        let project = world.project_with(through(&uri)).await;
        for at in (0..many / crowds).step_by(500) {
            let left = many / crowds - at;
            post(&project, &format!("crowd{crowd}-{at}-"), left.min(500)).await;
        }
    }
    let guest = world.project_with(through(&uri)).await;
    post(&guest, "guest", FEW).await;

    let all = many / crowds * crowds + FEW;
    let (stop, stopped) = watch::channel(false);
    let worker = Worker::new(world.installation().clone());
    let began = Instant::now();
    let running = tokio::spawn(worker.run(stopped));
    while relay.count() < all {
        assert!(began.elapsed() < WITHIN, "{} are out", relay.count());
        sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed();
    stop.send(true).unwrap();
    running.await.unwrap();

    let taken = relay.taken();
    let last = taken.iter().rposition(|mail| mail.to.starts_with("guest"));
    let rate = f64::from(u32::try_from(all).unwrap()) / took.as_secs_f64();
    println!(
        "{crowds} with {many} in all: the last of the few is at {last:?}; {rate:.0} messages a second"
    );
    assert_eq!(taken.len(), all, "each once");
    assert!(last.unwrap() < AMONG, "the last of the few is at {last:?}");
    world.finish().await;
}
