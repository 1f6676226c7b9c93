//! Guesses at passwords are counted, for people who exist and people who do not, and have to wait after a
//! while; never for ever.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::json;
use tenants::Project;
use tests::{ADA, Answer, Client, Kind, PASSWORD, Site, story, text};

const FREE: usize = 4;

async fn limited(site: &Site) -> Project {
    let limits = json!({"guesses": {"per_identifier": FREE}});
    let patch = json!({"insula": {"limits": limits}});
    site.project_with(tests::cheap(patch)).await
}

async fn guess(client: &Client, identifier: &str) -> Answer {
    client.sign_in(identifier, "wrong-horse-battery").await
}

fn refused(answer: &Answer) -> i64 {
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "{}",
        answer.text
    );
    answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[story]
async fn after_some_guesses_each_has_to_wait_longer(site: Site) {
    let project = limited(&site).await;
    let client = site.client(&project, Kind::Api);
    client.sign_up(ADA, PASSWORD).await;
    // Whether an account has the identifier makes no difference.
    for identifier in [ADA, "nobody@example.org"] {
        for _ in 0..FREE {
            let wrong = guess(&client, identifier).await;
            assert_eq!(
                wrong.messages(),
                [text::WRONG_CREDENTIALS],
                "{}",
                wrong.text
            );
        }
        let mut waits = Vec::new();
        for _ in 0..4 {
            let wait = refused(&guess(&client, identifier).await);
            // The right password has to wait as well, or the wait would tell.
            let right = client.sign_in(identifier, PASSWORD).await;
            assert!(refused(&right) <= wait);
            waits.push(wait);
            site.world.clock.advance(TimeDelta::seconds(wait));
            let wrong = guess(&client, identifier).await;
            assert_eq!(
                wrong.messages(),
                [text::WRONG_CREDENTIALS],
                "{}",
                wrong.text
            );
        }
        assert!(waits.is_sorted() && waits[0] < waits[3], "{waits:?}");
    }
    // Others are not made to wait: of the same project, nor the same person elsewhere.
    let other = guess(&client, "third@example.org").await;
    assert_eq!(other.messages(), [text::WRONG_CREDENTIALS]);
    let elsewhere = site.client(&site.project().await, Kind::Api);
    assert_eq!(
        guess(&elsewhere, ADA).await.messages(),
        [text::WRONG_CREDENTIALS]
    );
}

#[story]
async fn a_right_password_is_forgiven_its_guesses(site: Site) {
    let project = limited(&site).await;
    let client = site.client(&project, Kind::Api);
    client.sign_up(ADA, PASSWORD).await;
    for _ in 0..3 {
        for _ in 0..FREE - 1 {
            assert_eq!(
                guess(&client, ADA).await.messages(),
                [text::WRONG_CREDENTIALS]
            );
        }
        let right = client.sign_in(ADA, PASSWORD).await;
        assert_eq!(right.status, StatusCode::OK, "{}", right.text);
    }
    // And with time every identifier is.
    for _ in 0..FREE {
        assert_eq!(
            guess(&client, ADA).await.messages(),
            [text::WRONG_CREDENTIALS]
        );
    }
    refused(&guess(&client, ADA).await);
    site.world.clock.advance(TimeDelta::hours(2));
    for _ in 0..FREE {
        assert_eq!(
            guess(&client, ADA).await.messages(),
            [text::WRONG_CREDENTIALS]
        );
    }
    site.world.sweep().await;
}

#[story]
async fn a_page_says_how_long_to_wait(site: Site) {
    let project = limited(&site).await;
    let page = site.client(&project, Kind::Html);
    for _ in 0..FREE {
        guess(&page, ADA).await;
    }
    let waits = guess(&page, ADA).await;
    assert_eq!(waits.status, StatusCode::SEE_OTHER);
    let shown = page.shown("login", waits).await;
    assert_eq!(shown.messages(), [text::GENERIC], "{}", shown.text);
    assert!(shown.text.contains("seconds"), "{}", shown.text);
}

#[story]
async fn fifty_guesses_at_once_are_fifty(site: Site) {
    let project = limited(&site).await;
    let guesses = (0..50).map(|_| {
        let client = site.client(&project, Kind::Api);
        async move { guess(&client, ADA).await.status }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let judged = answers
        .iter()
        .filter(|status| **status == StatusCode::BAD_REQUEST)
        .count();
    assert_eq!(judged, FREE, "{answers:?}");
}

#[story]
async fn one_network_has_a_limit_of_its_own(site: Site) {
    let limits = json!({"guesses": {"per_network": 10}});
    let patch = json!({"insula": {"limits": limits}});
    let project = site.project_with(tests::cheap(patch)).await;
    let client = site.client(&project, Kind::Api);
    client.sign_up(ADA, PASSWORD).await;
    for number in 0..9 {
        // Those who are right in between do not count.
        let right = client.sign_in(ADA, PASSWORD).await;
        assert_eq!(right.status, StatusCode::OK, "{}", right.text);
        let wrong = guess(&client, &format!("p{number}@example.org")).await;
        assert_eq!(
            wrong.messages(),
            [text::WRONG_CREDENTIALS],
            "{}",
            wrong.text
        );
    }
    guess(&client, "p9@example.org").await;
    refused(&guess(&client, "p10@example.org").await);
}
