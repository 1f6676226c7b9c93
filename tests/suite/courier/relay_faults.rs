//! Relays that fail: what is tried again, what is given up, and what waits.
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

use super::{message, relayed};

/// Long enough for a relay on this machine, short enough to wait for one that hangs.
const PATIENCE: Duration = Duration::from_millis(800);

fn impatient(site: &Site) -> Worker {
    Worker::new(site.world.installation().clone()).with_patience(PATIENCE)
}

/// After the first attempt: status and attempts; how many mails the relay has once it is well again.
#[story]
async fn every_fault_has_its_verdict(site: Site) {
    let to = "ada@example.org";
    let refused = Mood::Refuses(to.to_owned());
    for (mood, status, attempts, in_the_end) in [
        (Mood::SaysNothing, "queued", 1, 1),
        (Mood::IsBusy, "queued", 1, 1),
        (Mood::HangsInTheMail, "queued", 1, 1),
        (Mood::DiesInTheMail, "queued", 1, 1),
        // It cannot be known: twice rather than never.
        (Mood::DiesAfterTheMail, "queued", 1, 2),
        (Mood::Greylists, "queued", 1, 1),
        (refused, "abandoned", 1, 0),
        (Mood::RefusesContent, "abandoned", 1, 0),
        (Mood::RefusesPasswords, "queued", 0, 1),
        (Mood::KnowsNobody, "queued", 0, 1),
        (Mood::HangsUpOnPasswords, "queued", 1, 1),
        (Mood::WantsCramMd5, "queued", 0, 1),
        (Mood::WantsPasswords, "queued", 0, 1),
        (Mood::RefusesSender, "queued", 0, 1),
        (Mood::Chatters, "queued", 0, 1),
    ] {
        let relay = Relay::start(Offer::Clear).await;
        relay.set(mood.clone());
        let of_passwords = [
            Mood::RefusesPasswords,
            Mood::KnowsNobody,
            Mood::HangsUpOnPasswords,
            Mood::WantsCramMd5,
        ];
        let user = if of_passwords.contains(&mood) {
            "user:password@"
        } else {
            ""
        };
        let uri = format!("smtp://{user}{}/?disable_starttls=true", relay.address);
        let project = relayed(&site, &uri, json!({})).await;
        let id = mail::enqueue(&project, to).await;
        let worker = impatient(&site);
        let only = [project.clone()];
        worker.work_off(&only).await.unwrap();
        let shown = message(&site, &project, id).await;
        let seen = (&shown["status"], &shown["send_count"]);
        assert_eq!(
            seen,
            (&json!(status), &json!(attempts)),
            "{mood:?}: {shown}"
        );
        assert_eq!(shown["dispatches"].as_array().unwrap().len(), 1, "{mood:?}");
        assert_eq!(shown["dispatches"][0]["status"], "failed");
        let why = shown["dispatches"][0]["error"]["reason"].as_str().unwrap();
        println!("{mood:?}: {status} after {attempts}, because {why}");

        relay.set(Mood::TakesAll);
        site.world.clock.advance(TimeDelta::minutes(1));
        worker.work_off(&only).await.unwrap();
        let taken = relay.taken();
        assert_eq!(taken.len(), in_the_end, "{mood:?}");
        let ids: Vec<_> = taken.iter().map(|mail| mail.header("message-id")).collect();
        assert!(
            ids.windows(2).all(|pair| pair[0] == pair[1]),
            "{mood:?}: {ids:?}"
        );
        let shown = message(&site, &project, id).await;
        let status = if in_the_end == 0 { "abandoned" } else { "sent" };
        assert_eq!(shown["status"], status, "{mood:?}: {shown}");
    }
}

/// One bad address costs the others nothing.
#[story]
async fn one_recipient_is_refused_and_the_next_is_served(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    relay.set(Mood::Refuses("eve@example.org".to_owned()));
    let project = relayed(&site, &relay.uri("?disable_starttls=true"), json!({})).await;
    let eve = mail::enqueue(&project, "eve@example.org").await;
    mail::enqueue(&project, "ada@example.org").await;
    impatient(&site)
        .work_off(std::slice::from_ref(&project))
        .await
        .unwrap();
    assert_eq!(message(&site, &project, eve).await["status"], "abandoned");
    let taken = relay.taken();
    assert_eq!((taken.len(), &*taken[0].to), (1, "ada@example.org"));
}

/// W15.2: six attempts with growing pauses, then no more.
#[story]
async fn a_relay_that_is_down_uses_up_the_attempts(site: Site) {
    let port = {
        let relay = Relay::start(Offer::Clear).await;
        relay.address.port()
    };
    let uri = format!("smtp://127.0.0.1:{port}/?disable_starttls=true");
    let project = relayed(&site, &uri, json!({})).await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    let (worker, only) = (impatient(&site), [project.clone()]);
    let mut waited = TimeDelta::zero();
    let mut begun = Vec::new();
    for _ in 0..4000 {
        if worker.work_off(&only).await.unwrap() > 0 {
            begun.push(waited.num_seconds());
        }
        if message(&site, &project, id).await["status"] == "abandoned" {
            break;
        }
        let step = TimeDelta::seconds(if begun.len() < 4 { 4 } else { 16 });
        site.world.clock.advance(step);
        waited += step;
    }
    let shown = message(&site, &project, id).await;
    assert_eq!(
        (&shown["status"], &shown["send_count"]),
        (&json!("abandoned"), &json!(6))
    );
    assert_eq!(shown["dispatches"].as_array().unwrap().len(), 6);
    let pauses: Vec<i64> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses.len(), 5, "{begun:?}");
    for (pause, about) in pauses.iter().zip([10, 20, 40, 80, 160]) {
        assert!(
            (about * 8 / 10..=about * 12 / 10 + 16).contains(pause),
            "{pauses:?}"
        );
    }
}

/// A wrong password is asked about once, not once for every message.
#[story]
async fn a_relay_that_refuses_us_is_left_alone(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    relay.set(Mood::RefusesPasswords);
    let uri = format!("smtp://user:old@{}/?disable_starttls=true", relay.address);
    let project = relayed(&site, &uri, json!({})).await;
    let mut all = Vec::new();
    for n in 0..5 {
        all.push(mail::enqueue(&project, &format!("p{n}@example.org")).await);
    }
    let (worker, only) = (impatient(&site), [project.clone()]);
    worker.work_off(&only).await.unwrap();
    assert_eq!(relay.calls(), 1);
    // Half a minute, a minute, and so on up to ten.
    for (seconds, calls) in [(45, 2), (20, 2), (100, 3), (1800, 4), (86_400, 5)] {
        site.world.clock.advance(TimeDelta::seconds(seconds));
        worker.work_off(&only).await.unwrap();
        assert_eq!(relay.calls(), calls, "after {seconds} s more");
    }
    for id in &all {
        let shown = message(&site, &project, *id).await;
        assert_eq!(
            (&shown["status"], &shown["send_count"]),
            (&json!("queued"), &json!(0))
        );
    }
    // A new revision is a new relay.
    relay.set(Mood::TakesAll);
    let patch = json!({"courier": {"smtp": {"connection_uri": uri.replace("old", "new")}}});
    let project = site.world.configure(&project, patch).await;
    site.world.clock.advance(TimeDelta::minutes(13));
    worker
        .work_off(std::slice::from_ref(&project))
        .await
        .unwrap();
    assert_eq!(relay.taken().len(), 5);

    relay.set(Mood::RefusesPasswords);
    let patch = json!({"courier": {"smtp": {"connection_uri": uri}}});
    let project = site.world.configure(&project, patch).await;
    let late = mail::enqueue(&project, "late@example.org").await;
    let worker = impatient(&site);
    for _ in 0..5 {
        worker
            .work_off(std::slice::from_ref(&project))
            .await
            .unwrap();
        site.world.clock.advance(TimeDelta::hours(18));
    }
    let shown = message(&site, &project, late).await;
    assert_eq!(
        (&shown["status"], &shown["send_count"]),
        (&json!("abandoned"), &json!(0))
    );
    assert_eq!(
        shown["dispatches"].as_array().unwrap().len(),
        2,
        "told once, and at the end: {shown}"
    );
}
