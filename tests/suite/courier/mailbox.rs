//! Development's page of kept mail.

use api::ApiSettings;
use reqwest::Method;
use serde_json::json;
use tenants::Environment;
use tests::{Database, Kind, Site, mail, story};

const MAILBOX: &str = "/ui/mail";

#[story]
async fn development_shows_what_was_sent() {
    let dev = ApiSettings {
        dev: true,
        ..ApiSettings::default()
    };
    let site = Site::on(Database::shared().await, |_| {}, dev).await;
    let project = site.project().await;
    let browser = site.client(&project, Kind::Html);
    let empty = browser.get(MAILBOX).await;
    assert!(empty.text.contains("Nothing was sent yet"));
    let id = mail::enqueue(&project, "o'neil&co@example.org").await;
    site.world.sweep().await;
    let all = browser.get(MAILBOX).await;
    assert_eq!(all.status, 200);
    assert!(
        all.text.contains(&format!("href=\"mail/{id}\"")),
        "{}",
        all.text
    );
    assert!(all.text.contains("o'neil&amp;co@example.org") && all.text.contains(mail::CODE));
    let policy = all.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src"),
        "{policy}"
    );
    let one = browser.get(&format!("{MAILBOX}/{id}")).await;
    assert!(
        one.text
            .contains("<iframe title=\"The mail\" sandbox=\"allow-popups")
    );
    assert!(one.text.contains("srcdoc=\"&lt;!doctype html&gt;") && !one.text.contains("<script"));

    let other = site.project().await;
    let foreign = site
        .client(&other, Kind::Html)
        .get(&format!("{MAILBOX}/{id}"))
        .await;
    assert_eq!(foreign.status, 404);
    let (staging, _) = site.world.create(Environment::Staging, json!({})).await;
    assert_eq!(
        site.client(&staging, Kind::Html).get(MAILBOX).await.status,
        404
    );
    site.finish().await;
}

/// A page elsewhere whose name leads here all of a sudden (DNS rebinding) would be of the same origin as the mailbox.
#[story]
async fn mail_is_shown_under_names_that_are_ours() {
    let dev = ApiSettings {
        dev: true,
        ..ApiSettings::default()
    };
    let ours = |settings: &mut tenants::Settings| {
        settings.public_url = "https://auth.example.org/".parse().unwrap();
    };
    let site = Site::on(Database::shared().await, ours, dev).await;
    let project = site.project().await;
    let id = mail::enqueue(&project, "ada@example.org").await;
    site.world.sweep().await;
    let base = format!("{}/p/{}", site.origin, project.slug());
    let browser = site.client(&project, Kind::Html);
    for path in [MAILBOX.to_owned(), format!("{MAILBOX}/{id}")] {
        let url = format!("{base}{path}");
        let by = async |host: &str| {
            let host = [("host", host)];
            browser.send(Method::GET, &url, None, &host).await
        };
        for host in [
            "localhost",
            "localhost:4433",
            "LOCALHOST",
            "127.0.0.1:4433",
            "[::1]:4433",
            "auth.example.org",
        ] {
            assert_eq!(by(host).await.status, 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:4433",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "auth.example.org.evil.example",
            "",
            "localhost:4433@evil.example",
        ] {
            let answer = by(host).await;
            assert_eq!(answer.status, 403, "{host}");
            assert!(!answer.text.contains("ada@example.org"), "{host}");
            let told = format!("{}/ui/mail", project.base_url());
            assert!(answer.text.contains(&told), "{}", answer.text);
        }
    }
    site.finish().await;
}

/// A DEVELOPMENT project on a server that others reach as well.
#[story]
async fn no_other_environment_shows_it(site: Site) {
    let project = site.project().await;
    let browser = site.client(&project, Kind::Html);
    for path in [
        MAILBOX,
        "/ui/mail/11111111-1111-4111-8111-111111111111",
        "/ui/mail/x",
    ] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
}
