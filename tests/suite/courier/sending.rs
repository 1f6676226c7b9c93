//! What becomes of a message at a relay that does what relays do. The table of faults is in `faults.rs`.
//!
//! Looks inside: the tables, `courier`, `worker`.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tenants::{Actor, ConfigUpdate, Environment, Project, UpdateMode};
use tests::{
    Site,
    mail::{self, CODE},
    relay::{Mood, Offer, Relay},
    story,
};
use uuid::Uuid;

use super::{message, relayed, through, unprotected::listing, work_off};

#[story]
async fn a_mail_is_whole(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    let more = json!({"courier": {"smtp": {
        "from_name": "Ünsula, \"quoted\"",
        "headers": {"X-Campaign": "übung", "Reply-To": "help@example.com"},
    }}});
    let project = relayed(&site, &relay.uri("?disable_starttls=true"), more).await;
    let one = mail::enqueue(&project, "ada@example.org").await;
    let two = mail::enqueue(&project, "bob@example.org").await;
    work_off(&site, &project).await;
    let mut taken = relay.taken();
    taken.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(
        (taken.len(), relay.calls()),
        (2, 1),
        "one connection for both"
    );
    let mail = &taken[0];
    assert_eq!(
        mail.header("message-id"),
        Some(format!("<{one}@mail.example.com>"))
    );
    assert_eq!(mail.header("to").as_deref(), Some("ada@example.org"));
    let from = mail.header("from").unwrap();
    assert!(
        from.contains("<no-reply@mail.example.com>") && from.contains("=?utf-8?"),
        "{from}"
    );
    assert!(mail.header("subject").unwrap().contains(CODE));
    assert_eq!(mail.header("reply-to").as_deref(), Some("help@example.com"));
    assert!(mail.header("x-campaign").is_some() && mail.header("date").is_some());
    assert!(
        mail.header("content-type")
            .unwrap()
            .starts_with("multipart/alternative")
    );
    assert!(mail.text.find("text/plain").unwrap() < mail.text.find("text/html").unwrap());
    assert!(
        taken[1]
            .header("message-id")
            .unwrap()
            .contains(&two.to_string())
    );

    let sent = message(&site, &project, one).await;
    assert_eq!(
        (&sent["status"], &sent["send_count"]),
        (&json!("sent"), &json!(1))
    );
    assert_eq!(sent["dispatches"][0]["status"], "success");
    assert!(sent["dispatches"][0].get("error").is_none());
    // Nothing more comes of it.
    work_off(&site, &project).await;
    assert_eq!(relay.taken().len(), 2);
}

/// W15.4.
#[story]
async fn the_way_is_as_protected_as_the_configuration_says(site: Site) {
    let [clear, start, tls] = [
        Relay::start(Offer::Clear).await,
        Relay::start(Offer::StartTls).await,
        Relay::start(Offer::Tls).await,
    ];
    let smtps = |rest: &str| format!("smtps://{}/{rest}", tls.address);
    // No authority vouches for these certificates.
    for (uri, sent) in [
        (clear.uri(""), None),
        (clear.uri("?disable_starttls=true"), Some(false)),
        (start.uri(""), None),
        (start.uri("?skip_ssl_verify=true"), Some(true)),
        // Where TLS is a choice and offered, it has to be good.
        (
            start.uri("?disable_starttls=true&skip_ssl_verify=true"),
            None,
        ),
        (smtps(""), None),
        (smtps("?skip_ssl_verify=true"), Some(true)),
        (
            smtps("?skip_ssl_verify=true&server_name=other.example"),
            Some(true),
        ),
    ] {
        let project = relayed(&site, &uri, json!({})).await;
        let to = format!("{}@example.org", tests::fresh_slug());
        let id = mail::enqueue(&project, &to).await;
        work_off(&site, &project).await;
        let all = [clear.taken(), start.taken(), tls.taken()].concat();
        let taken = all.iter().find(|mail| mail.to == to);
        assert_eq!(taken.map(|mail| mail.encrypted), sent, "{uri}");
        let shown = message(&site, &project, id).await;
        let status = if sent.is_some() { "sent" } else { "queued" };
        assert_eq!(shown["status"], status, "{uri}: {shown}");
        if sent.is_none() {
            // The relay's fault, not the message's.
            assert_eq!(shown["send_count"], 0, "{uri}");
            let why = shown["dispatches"][0]["error"]["reason"].as_str().unwrap();
            assert!(
                why.contains("certificate") || why.contains("STARTTLS"),
                "{why}"
            );
        }
    }
    start.set(Mood::Injects);
    let project = relayed(&site, &start.uri("?skip_ssl_verify=true"), json!({})).await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    assert_eq!(message(&site, &project, id).await["status"], "queued");
}

/// What a visitor typed as an address begins no second one, and no header.
#[story]
async fn what_is_no_address_gets_nothing(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    let project = relayed(&site, &relay.uri("?disable_starttls=true"), json!({})).await;
    for to in [
        "a@b.example\r\nBcc: eve@example.org",
        "a@b.example>\r\nDATA\r\n",
        "a@b.example,eve@example.org",
        "@b.example",
    ] {
        let id = mail::enqueue(&project, to).await;
        work_off(&site, &project).await;
        let shown = message(&site, &project, id).await;
        assert_eq!(shown["status"], "abandoned", "{to:?}");
        assert_eq!(
            shown["dispatches"][0]["error"]["reason"],
            "the recipient is no address"
        );
    }
    assert_eq!(relay.calls(), 0);
}

#[story]
async fn a_password_goes_to_relays_that_ask_for_it(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    relay.set(Mood::WantsPasswords);
    let uri = format!(
        "smtp://us%40er:p%3Aw@{}/?disable_starttls=true",
        relay.address
    );
    let project = relayed(&site, &uri, json!({})).await;
    mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    assert_eq!(relay.taken()[0].user.as_deref(), Some(":us@er:p:w"));
    let trusting = Relay::start(Offer::Clear).await;
    trusting.set(Mood::AsksForNoPassword);
    let uri = format!(
        "smtp://user:password@{}/?disable_starttls=true",
        trusting.address
    );
    let project = relayed(&site, &uri, json!({})).await;
    mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    assert_eq!(trusting.taken()[0].user, None);
}

/// A relay on a private address is a neighbour of the server.
#[story]
async fn private_relays_are_for_development_or_listed(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    let (project, _) = site.world.create(Environment::Production, json!({})).await;
    let update = ConfigUpdate {
        config: through(&relay.uri("")),
        mode: UpdateMode::Merge,
        expected_revision: None,
        dry_run: false,
    };
    let actor = Actor("a test".to_owned());
    let installation = site.world.installation();
    let written = installation.update_config(&actor, &project, &update).await;
    let notes = written.unwrap().notes;
    assert!(
        notes.len() == 1
            && notes[0].starts_with("/courier/smtp/connection_uri: ")
            && notes[0].contains("INSULA_ALLOW_PRIVATE"),
        "told when it is written: {notes:?}"
    );
    let id = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let shown = message(&site, &project, id).await;
    assert_eq!(
        (&shown["status"], &shown["send_count"]),
        (&json!("queued"), &json!(0))
    );
    let why = shown["dispatches"][0]["error"]["reason"].as_str().unwrap();
    assert!(
        why.contains("loopback address") && relay.calls() == 0,
        "{why}"
    );

    let listed = |settings: &mut tenants::Settings| {
        settings.allow_private = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let replica = site.world.replica_with(listed).await;
    site.world.clock.advance(TimeDelta::minutes(1));
    worker::Worker::new(replica.clone())
        .work_off(std::slice::from_ref(&project))
        .await
        .unwrap();
    assert_eq!(relay.calls(), 1);
    let shown = message(&site, &project, id).await;
    let why = shown["dispatches"][0]["error"]["reason"].as_str().unwrap();
    assert!(why.contains("does not offer STARTTLS"), "{why}");
    replica.close().await;
}

#[story(listing())]
async fn without_a_relay_mail_is_kept_in_development_and_waits_elsewhere(site: Site) {
    let project = site.project().await;
    let kept = mail::enqueue(&project, "ada@example.org").await;
    let sms = mail::enqueue(&project, "+4930123456").await;
    work_off(&site, &project).await;
    for id in [kept, sms] {
        let shown = message(&site, &project, id).await;
        assert_eq!(
            (&shown["status"], &shown["send_count"]),
            (&json!("sent"), &json!(1))
        );
        let note = shown["dispatches"][0]["error"]["message"].as_str().unwrap();
        assert!(note.starts_with("Kept: no relay"), "{note}");
        assert!(shown["body"].as_str().unwrap().contains(CODE));
    }
    let (project, _) = site.world.create(Environment::Staging, json!({})).await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let shown = message(&site, &project, id).await;
    assert_eq!(shown["status"], "queued");
    // An operator who mends it within three days loses nothing.
    site.world.clock.advance(TimeDelta::days(2));
    let relay = Relay::start(Offer::Clear).await;
    let patch = through(&relay.uri("?disable_starttls=true"));
    let project = site.world.configure(&project, patch).await;
    work_off(&site, &project).await;
    assert_eq!(relay.taken().len(), 1);
}

async fn count(project: &Project) -> i64 {
    let mut tx = project.begin().await.unwrap();
    let count = sqlx::query_scalar("select count(*) from messages");
    count.fetch_one(tx.conn()).await.unwrap()
}

#[story]
async fn old_messages_are_swept_and_those_that_wait_are_not(site: Site) {
    let short = json!({"insula": {"courier": {"retention": "48h"}}});
    let project = site.project_with(short).await;
    mail::enqueue(&project, "ada@example.org").await;
    work_off(&site, &project).await;
    let waiting = mail::login_code(&project, "bob@example.org");
    let mut tx = project.begin().await.unwrap();
    courier::store::insert(&mut tx, &waiting).await.unwrap();
    let sweep = project.now() + TimeDelta::hours(47);
    let job = tenants::Job::SweepExpired;
    tx.enqueue(&job, sweep).await.unwrap();
    tx.enqueue(&job, sweep + TimeDelta::hours(2)).await.unwrap();
    tx.commit().await.unwrap();
    site.world.clock.advance(TimeDelta::hours(47));
    work_off(&site, &project).await;
    assert_eq!(count(&project).await, 2);
    site.world.clock.advance(TimeDelta::hours(2));
    work_off(&site, &project).await;
    assert_eq!(count(&project).await, 1);
    let left = message(&site, &project, waiting.id).await;
    assert_eq!(left["status"], "queued");
}

/// A worker that died leaves its trace, and the next one sends the same Message-ID.
#[story]
async fn what_a_dead_worker_began_is_begun_again(site: Site) {
    let relay = Relay::start(Offer::Clear).await;
    let project = relayed(&site, &relay.uri("?disable_starttls=true"), json!({})).await;
    let id: Uuid = mail::enqueue(&project, "ada@example.org").await;
    let claimed = site.world.claim(1).await;
    assert_eq!(claimed.len(), 1);
    let number = courier::attempts::begin(&project, id).await.unwrap();
    assert_eq!(number, Some(1));
    work_off(&site, &project).await;
    assert_eq!(relay.calls(), 0, "the lease holds");
    site.world.clock.advance(TimeDelta::seconds(61));
    work_off(&site, &project).await;
    let shown: Value = message(&site, &project, id).await;
    assert_eq!(
        (&shown["status"], &shown["send_count"]),
        (&json!("sent"), &json!(2))
    );
    let told: Vec<_> = shown["dispatches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["status"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["success", "failed"]);
    assert_eq!(relay.taken().len(), 1);
    // A worker that comes back late records nothing.
    let late = courier::attempts::Ended {
        status: courier::Status::Abandoned,
        began: project.now(),
        failure: None,
        note: None,
    };
    let recorded = courier::attempts::end(&project, id, 1, &late)
        .await
        .unwrap();
    assert!(!recorded);
    assert_eq!(message(&site, &project, id).await["status"], "sent");
}
