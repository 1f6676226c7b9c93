//! Floods: from one network, of a whole project, and at two servers that share a database; and what they
//! cost a neighbour, which is nothing (`insula.limits`).

use api::ApiSettings;
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{ADA, Answer, BOB, Client, Database, Kind, PASSWORD, Site, mailbox, story, text};

use crate::{
    methods::code::{
        ask, fields,
        limits::{limited, wait},
        make, sign_in,
    },
    tenancy::replicas::Pair,
};

const HERE: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

/// A site behind a proxy, so that visitors can come from anywhere.
pub(super) async fn behind_a_proxy() -> Site {
    let api = ApiSettings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..ApiSettings::default()
    };
    Site::on(Database::shared().await, |_| {}, api).await
}

pub(super) fn visitor(site: &Site, project: &Project, kind: Kind, from: &str) -> Client {
    let mut client = site.client(project, kind);
    client.set_header("x-forwarded-for", from);
    client
}

/// Asks for a code to that address.
async fn asked(site: &Site, project: &Project, from: &str, who: &str) -> Answer {
    let client = visitor(site, project, Kind::Api, from);
    let flow = client.begin("login", "").await;
    let fields = json!({"method": "code", "identifier": who});
    client.submit(&flow, fields).await
}

async fn is_sent(site: &Site, project: &Project, from: &str, who: &str) {
    let sent = asked(site, project, from, who).await;
    assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
}

/// Tries a wrong password.
async fn guessed(site: &Site, project: &Project, from: &str, who: &str) -> Answer {
    let client = visitor(site, project, Kind::Api, from);
    client.sign_in(who, "wrong-horse-battery").await
}

pub(super) async fn is_judged(site: &Site, project: &Project, from: &str, who: &str) {
    let wrong = guessed(site, project, from, who).await;
    assert_eq!(
        wrong.messages(),
        [text::WRONG_CREDENTIALS],
        "{}",
        wrong.text
    );
}

fn person_number(number: usize) -> String {
    format!("p{number}@example.org")
}

/// Whether or not the addresses have accounts.
#[story(behind_a_proxy())]
async fn a_network_causes_only_so_many_mails(site: Site) {
    let project = site
        .project_with(limited(&json!({"mails": {"per_network": 3}})))
        .await;
    make(&site, &project, json!({"email": ADA}), false).await;
    for (one, same, other) in [
        (HERE, HERE, ELSEWHERE),
        ("2001:db8:1:2::1", "2001:db8:1:2:3::4", "2001:db8:1:3::1"),
    ] {
        for number in 0..3 {
            is_sent(&site, &project, one, &person_number(number)).await;
        }
        let seconds = wait(&asked(&site, &project, same, ADA).await);
        let page = visitor(&site, &project, Kind::Html, same);
        let flow = page.begin("login", "").await;
        let fields = json!({"method": "code", "identifier": ADA});
        let refused = page.submit_and_go_on(&flow, fields).await;
        assert_eq!(refused.messages(), [text::GENERIC]);
        assert_eq!(refused.body["state"], "choose_method");
        is_sent(&site, &project, other, ADA).await;
        site.world.clock.advance(TimeDelta::seconds(seconds));
        is_sent(&site, &project, same, ADA).await;
    }
    assert_eq!(mailbox::count(&project).await, 4, "to the one who is there");
    site.world.sweep().await;
}

#[story(behind_a_proxy())]
async fn a_project_sends_only_so_many_mails(site: Site) {
    let limits = limited(&json!({"mails": {"per_project": 3}}));
    let project = site.project_with(limits.clone()).await;
    let neighbour = site.project_with(limits).await;
    for number in 0..3 {
        let from = format!("198.51.100.{number}");
        is_sent(&site, &project, &from, &person_number(number)).await;
    }
    let seconds = wait(&asked(&site, &project, ELSEWHERE, ADA).await);
    // Registration and login send from one purse.
    let client = visitor(&site, &project, Kind::Api, ELSEWHERE);
    let flow = client.begin("registration", "").await;
    let fields = json!({"method": "code", "traits": {"email": BOB}});
    wait(&client.submit(&flow, fields).await);
    is_sent(&site, &neighbour, ELSEWHERE, ADA).await;
    site.world.clock.advance(TimeDelta::seconds(seconds));
    is_sent(&site, &project, ELSEWHERE, ADA).await;
    site.world.sweep().await;
}

#[story(behind_a_proxy())]
async fn a_network_guesses_only_so_often(site: Site) {
    let limits = json!({"insula": {"limits": {"guesses": {"per_network": 10}}}});
    let project = site.project_with(tests::cheap(limits)).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    for number in 0..10 {
        is_judged(&site, &project, HERE, &person_number(number)).await;
    }
    let seconds = wait(&guessed(&site, &project, HERE, &person_number(10)).await);
    // The right password has to wait as well, or the wait would tell.
    let here = visitor(&site, &project, Kind::Api, HERE);
    wait(&here.sign_in(ADA, PASSWORD).await);
    let elsewhere = visitor(&site, &project, Kind::Api, ELSEWHERE);
    let done = elsewhere.sign_in(ADA, PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.clock.advance(TimeDelta::seconds(seconds));
    let done = here.sign_in(ADA, PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    site.world.sweep().await;
}

/// A visitor who guesses at a password waits longer and longer; its owner, elsewhere, not at all.
#[story(behind_a_proxy())]
async fn who_guesses_elsewhere_does_not_keep_the_owner_out(site: Site) {
    let limits = json!({"insula": {"limits": {"guesses": {"per_identifier": 10}}}});
    let project = site.project_with(tests::cheap(limits)).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    for _ in 0..10 {
        is_judged(&site, &project, HERE, ADA).await;
    }
    let mut waits = Vec::new();
    for _ in 0..10 {
        waits.push(wait(&guessed(&site, &project, HERE, ADA).await));
        let seconds = TimeDelta::seconds(*waits.last().unwrap());
        site.world.clock.advance(seconds);
        is_judged(&site, &project, HERE, ADA).await;
    }
    assert!(waits.is_sorted(), "{waits:?}");
    assert_eq!((waits[0], waits[9]), (2, 256), "{waits:?}");
    let owner = visitor(&site, &project, Kind::Api, ELSEWHERE);
    for _ in 0..5 {
        assert!(wait(&guessed(&site, &project, HERE, ADA).await) > 200);
    }
    let done = owner.sign_in(ADA, PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    // What was forgiven to the owner is not forgiven to the guessing network.
    assert!(wait(&guessed(&site, &project, HERE, ADA).await) > 200);
    site.world.sweep().await;
}

/// Strangers to an identifier wait for each other, whether or not there is an account; after their wait each has a
/// try, and then a long pause.
#[story(behind_a_proxy())]
async fn many_networks_share_the_guesses_at_one_password(site: Site) {
    let limits = json!({"insula": {"limits": {"guesses": {"per_identifier": 3}}}});
    let project = site.project_with(tests::cheap(limits)).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let mut seen = Vec::new();
    for who in [ADA, BOB] {
        let mut waits = Vec::new();
        for number in 0..12 {
            let from = format!("198.51.100.{number}");
            if number >= 9 {
                waits.push(wait(&guessed(&site, &project, &from, who).await));
                let seconds = TimeDelta::seconds(*waits.last().unwrap());
                site.world.clock.advance(seconds);
            }
            is_judged(&site, &project, &from, who).await;
            if number >= 9 {
                waits.push(wait(&guessed(&site, &project, &from, who).await));
            }
        }
        seen.push(waits);
    }
    assert_eq!(seen[0], [30, 900, 30, 900, 30, 900]);
    assert_eq!(seen[0], seen[1]);
    site.world.sweep().await;
}

/// Codes are good in the flow that asked for them alone: tries in another flow make no owner wait.
#[story(behind_a_proxy())]
async fn who_tries_codes_elsewhere_does_not_make_the_owner_wait(site: Site) {
    let limits = json!({"guesses": {"per_identifier": 3}});
    let recovery = json!({"selfservice": {"flows": {"recovery": {"enabled": true}}}});
    let config = merged(&limited(&limits), &recovery);
    let project = site.project_with(config).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    let here = visitor(&site, &project, Kind::Html, HERE);
    let owner = visitor(&site, &project, Kind::Html, ELSEWHERE);
    // Passwords and codes are counted apart.
    for _ in 0..4 {
        guessed(&site, &project, HERE, ADA).await;
    }
    let sent = ask(&here, ADA).await;
    for message in [
        text::WRONG_LOGIN_CODE,
        text::WRONG_LOGIN_CODE,
        text::WRONG_LOGIN_CODE,
        text::GENERIC,
    ] {
        let wrong = here.submit_and_go_on(&sent, fields(ADA, "none")).await;
        assert_eq!(wrong.messages(), [message], "{}", wrong.text);
    }
    let done = sign_in(&project, &owner, ADA).await;
    assert!(owner.whoami_after(&done).await.status.is_success());

    let stranger = visitor(&site, &project, Kind::Html, ELSEWHERE);
    let begun = stranger.begin("recovery", "").await;
    let asked = json!({"method": "code", "email": ADA});
    let sent = stranger.submit_and_go_on(&begun, asked).await;
    let code = mailbox::code_to(&project, ADA).await;
    let right = json!({"method": "code", "code": code});
    let back = stranger.submit(&sent, right).await;
    assert!(back.location().contains("/ui/settings"), "{}", back.text);
    site.world.sweep().await;
}

/// Everything of one project is refused, to a visitor who is then served elsewhere as if nothing had been.
#[story(behind_a_proxy())]
async fn a_flood_costs_a_neighbour_nothing(site: Site) {
    let limits = json!({
        "guesses": {"per_identifier": 3, "per_network": 10},
        "mails": {"per_address": 3, "per_network": 3, "per_project": 3},
    });
    let flooded = site.project_with(limited(&limits)).await;
    let neighbour = site.project_with(limited(&limits)).await;
    make(&site, &flooded, json!({"email": ADA}), true).await;
    make(&site, &neighbour, json!({"email": ADA}), true).await;
    for number in 0..12 {
        guessed(&site, &flooded, HERE, ADA).await;
        guessed(&site, &flooded, HERE, &person_number(number)).await;
        asked(&site, &flooded, HERE, ADA).await;
    }
    // Time goes by, so that one or another was let through after its wait.
    let sent = mailbox::count(&flooded).await;
    assert!(sent < 12, "{sent}");
    for _ in 0..3 {
        is_judged(&site, &neighbour, HERE, ADA).await;
    }
    wait(&guessed(&site, &neighbour, HERE, ADA).await);
    for _ in 0..3 {
        is_sent(&site, &neighbour, HERE, ADA).await;
    }
    wait(&asked(&site, &neighbour, HERE, ADA).await);
    assert_eq!(mailbox::count(&flooded).await, sent);
    assert_eq!(mailbox::count(&neighbour).await, 3);
    site.world.sweep().await;
}

/// The same at the second server, whose forms name the first.
async fn at(client: &Client, kind: &str, fields: Value) -> Answer {
    let flow = client.begin(kind, "").await;
    let id = flow.body["id"].as_str().unwrap();
    let path = format!("/self-service/{kind}?flow={id}");
    client.post(&path, fields).await
}

/// What is counted lies in the database and not in a server's memory.
#[story]
async fn two_servers_count_together(pair: Pair) {
    let limits = json!({"guesses": {"per_identifier": 4}, "mails": {"per_address": 4}});
    let project = pair.here.project_with(limited(&limits)).await;
    make(&pair.here, &project, json!({"email": ADA}), true).await;
    let both = [
        pair.here.client(&project, Kind::Api),
        pair.there(&project, Kind::Api),
    ];
    let wrong = json!({"method": "password", "identifier": ADA, "password": "wrong-horse"});
    let code = json!({"method": "code", "identifier": ADA});
    for _ in 0..2 {
        for client in &both {
            let judged = at(client, "login", wrong.clone()).await;
            assert_eq!(
                judged.messages(),
                [text::WRONG_CREDENTIALS],
                "{}",
                judged.text
            );
        }
    }
    let mut seconds = 0;
    for client in &both {
        seconds = wait(&at(client, "login", wrong.clone()).await).max(seconds);
    }
    for _ in 0..2 {
        for client in &both {
            let sent = at(client, "login", code.clone()).await;
            assert_eq!(sent.body["state"], "sent_email", "{}", sent.text);
        }
    }
    for client in &both {
        wait(&at(client, "login", code.clone()).await);
    }
    assert_eq!(mailbox::count(&project).await, 4);
    // A right password at one of them is forgiven at the other.
    pair.here
        .world
        .clock
        .advance(TimeDelta::seconds(seconds + 1));
    let right = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
    let done = at(&both[0], "login", right).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    for _ in 0..2 {
        let judged = at(&both[1], "login", wrong.clone()).await;
        assert_eq!(
            judged.messages(),
            [text::WRONG_CREDENTIALS],
            "{}",
            judged.text
        );
    }
    pair.here.world.sweep().await;
}
