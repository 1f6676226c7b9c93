//! The line to a relay: how we introduce ourselves, which addresses it carries, and how long it lives.
//!
//! Looks inside: `worker`.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tests::{
    Site, mail,
    relay::{Mood, Offer, Relay},
    story,
};
use worker::Worker;

use super::{message, relayed, work_off};

/// `FRESH` of `courier/src/delivery/smtp.rs`, and a little more.
const NOT_FRESH: Duration = Duration::from_millis(2100);
/// `MESSAGES_MAX` of the same file.
const MESSAGES_MAX: usize = 50;

#[story]
async fn we_introduce_ourselves_by_the_configured_name(site: Site) {
    for (offer, query) in [
        (Offer::Clear, "?disable_starttls=true"),
        (Offer::StartTls, "?skip_ssl_verify=true"),
    ] {
        let named = json!({"courier": {"smtp": {"local_name": "out.example.com"}}});
        for (more, name) in [(json!({}), "localhost"), (named, "out.example.com")] {
            let relay = Relay::start(offer).await;
            let project = relayed(&site, &relay.uri(query), more).await;
            mail::enqueue(&project, "ada@example.org").await;
            work_off(&site, &project).await;
            assert_eq!(relay.count(), 1, "{offer:?}");
            // Each time that we say it: before TLS and after.
            let hellos = relay.hellos();
            assert!(!hellos.is_empty(), "{offer:?}");
            let is_name = |hello: &String| hello == name;
            assert!(hellos.iter().all(is_name), "{offer:?}: {hellos:?}");
        }
    }
}

#[story]
async fn addresses_beyond_ascii_need_a_relay_that_takes_them(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    for (mood, to, status, asks) in [
        (Mood::TakesAll, "zoë@example.org", "abandoned", false),
        (Mood::TakesUtf8, "zoë@example.org", "sent", true),
        (Mood::TakesUtf8, "ada@example.org", "sent", false),
    ] {
        relay.set(mood.clone());
        let before = relay.count();
        let project = relayed(&site, &relay.uri("?disable_starttls=true"), json!({})).await;
        let id = mail::enqueue(&project, to).await;
        work_off(&site, &project).await;
        let shown = message(&site, &project, id).await;
        assert_eq!(shown["status"], status, "{mood:?}, {to}: {shown}");
        let taken = relay.taken().split_off(before);
        if status == "abandoned" {
            let why = shown["dispatches"][0]["error"]["reason"].as_str().unwrap();
            assert!(why.contains("SMTPUTF8") && taken.is_empty(), "{why}");
            continue;
        }
        assert!(taken[0].to.starts_with(to), "{}", taken[0].to);
        let asked = taken[0].sender.contains("SMTPUTF8");
        assert_eq!(asked, asks, "{to}: {}", taken[0].sender);
    }
}

/// Nothing is lost: it is noticed before the line is used, or while it is used, and then tried again.
#[story]
async fn a_relay_that_hung_up_is_called_again(site: Site) {
    for (waits, attempts) in [(NOT_FRESH, 1), (Duration::ZERO, 2)] {
        let relay = Relay::start(Offer::Clear).await;
        let project = relayed(&site, &relay.uri("?disable_starttls=true"), json!({})).await;
        let worker = Worker::new(site.world.installation().clone());
        let only = [project.clone()];
        relay.set(Mood::HangsUpAfterwards);
        mail::enqueue(&project, "ada@example.org").await;
        worker.work_off(&only).await.unwrap();
        assert_eq!(relay.count(), 1);
        relay.set(Mood::TakesAll);
        // The age of a connection is real time, whatever a world's clock says.
        tokio::time::sleep(waits).await;
        let id = mail::enqueue(&project, "bob@example.org").await;
        worker.work_off(&only).await.unwrap();
        if attempts == 2 {
            let shown = message(&site, &project, id).await;
            let seen = (&shown["status"], &shown["send_count"]);
            assert_eq!(seen, (&json!("queued"), &json!(1)), "{shown}");
            site.world.clock.advance(TimeDelta::minutes(1));
            worker.work_off(&only).await.unwrap();
        }
        let shown = message(&site, &project, id).await;
        let seen = (&shown["status"], &shown["send_count"]);
        assert_eq!(seen, (&json!("sent"), &json!(attempts)), "{shown}");
        let calls: Vec<_> = relay.taken().iter().map(|mail| mail.call).collect();
        assert_eq!(calls, [1, 2], "once each, by another line");
    }
}

#[story]
async fn a_line_carries_only_so_many_messages(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    let project = relayed(&site, &relay.uri("?disable_starttls=true"), json!({})).await;
    for number in 0..=MESSAGES_MAX {
        mail::enqueue(&project, &format!("p{number}@example.org")).await;
    }
    work_off(&site, &project).await;
    let taken = relay.taken();
    assert_eq!(taken.len(), MESSAGES_MAX + 1);
    let by = |call: usize| taken.iter().filter(|mail| mail.call == call).count();
    assert_eq!((by(1), by(2), relay.calls()), (MESSAGES_MAX, 1, 2));
}
