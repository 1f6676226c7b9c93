//! Codes and links leave by verified TLS, or into networks that the operator trusts.
//!
//! Looks inside: `worker`.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tenants::{
    Actor, ChangeError, ConfigUpdate, ConfigUpdated, Environment, Installation, Project, Settings,
    UpdateMode,
};
use tests::{
    Database, Site, mail,
    relay::{Offer, Relay},
    story,
};

use super::{message, services::Service, through, work_off};

/// An address that nobody has.
const ELSEWHERE: &str = "203.0.113.9";

/// Where the operator lists this machine and another network.
pub(super) async fn listing() -> Site {
    let listed = |settings: &mut Settings| {
        let networks = ["127.0.0.0/8", "203.0.113.0/24"];
        settings.allow_private = networks.map(|net| net.parse().unwrap()).to_vec();
    };
    Site::on(
        Database::shared().await,
        listed,
        api::ApiSettings::default(),
    )
    .await
}

async fn tried(
    installation: &Installation,
    project: &Project,
    config: Value,
) -> Result<ConfigUpdated, ChangeError> {
    let update = ConfigUpdate {
        config,
        mode: UpdateMode::Replace,
        expected_revision: None,
        dry_run: true,
    };
    let actor = Actor("a test".to_owned());
    installation.update_config(&actor, project, &update).await
}

fn service(url: &str) -> Value {
    json!({"courier": {"delivery_strategy": "http", "http": {"request_config": {"url": url}}}})
}

fn sms(url: &str) -> Value {
    json!({"courier": {"channels": [{"id": "sms", "type": "http", "request_config": {"url": url}}]}})
}

const RELAY: &str = "/courier/smtp/connection_uri";
const SERVICE: &str = "/courier/http/request_config/url";
const SMS: &str = "/courier/channels/0/request_config/url";

/// Each way without verified TLS, with the place that says so.
fn unprotected(host: &str) -> [(Value, &'static str); 6] {
    [
        (
            through(&format!("smtp://{host}:25/?disable_starttls=true")),
            RELAY,
        ),
        (
            through(&format!("smtp://{host}:587/?skip_ssl_verify=true")),
            RELAY,
        ),
        (
            through(&format!("smtps://{host}:465/?skip_ssl_verify=true")),
            RELAY,
        ),
        (
            through(&format!(
                "smtps://{host}:465/?skip_ssl_verify=1&disable_starttls=1"
            )),
            RELAY,
        ),
        (service(&format!("http://{host}/mail")), SERVICE),
        (sms(&format!("http://{host}:8080/sms")), SMS),
    ]
}

#[story]
async fn outside_development_verified_tls_is_asked_for(site: Site) {
    let installation = site.world.installation();
    for environment in [Environment::Staging, Environment::Production] {
        let (project, _) = site.world.create(environment, json!({})).await;
        // Neither on this machine nor elsewhere, and no matter whether there is such a host.
        for host in [ELSEWHERE, "127.0.0.1", "localhost", "relay.invalid"] {
            for (config, pointer) in unprotected(host) {
                let shown = config.to_string();
                let refused = tried(installation, &project, config).await;
                let Err(ChangeError::Violations(found)) = refused else {
                    panic!("{shown}: {refused:?}");
                };
                let pointers: Vec<&str> = found.iter().map(|it| &*it.pointer).collect();
                assert_eq!(pointers, [pointer], "{shown}: {found:?}");
                let said = &found[0].message;
                assert!(said.contains("INSULA_ALLOW_PRIVATE"), "{said}");
            }
        }
        for config in [
            through(&format!("smtps://{ELSEWHERE}:465/?disable_starttls=true")),
            through(&format!(
                "smtp://{ELSEWHERE}:587/?server_name=mx.example.com"
            )),
            service(&format!("https://{ELSEWHERE}/mail")),
            sms(&format!("https://{ELSEWHERE}/sms")),
        ] {
            let shown = config.to_string();
            let accepted = tried(installation, &project, config).await;
            assert!(accepted.is_ok(), "{shown}: {accepted:?}");
        }
    }
    let development = site.project().await;
    for (config, _) in unprotected(ELSEWHERE) {
        let shown = config.to_string();
        let accepted = tried(installation, &development, config).await;
        assert!(accepted.is_ok(), "{shown}: {accepted:?}");
    }
}

/// A project that leaves DEVELOPMENT is judged again.
#[story]
async fn a_relay_in_the_clear_stays_in_development(site: Site) {
    let (project, _) = site
        .world
        .create(
            Environment::Development,
            through(&format!("smtp://{ELSEWHERE}:25/?disable_starttls=true")),
        )
        .await;
    let actor = Actor("a test".to_owned());
    let moved = site
        .world
        .installation()
        .update_project(&actor, &project, None, Some(Environment::Production))
        .await;
    let Err(ChangeError::Violations(found)) = moved else {
        panic!("{moved:?}");
    };
    assert_eq!(found[0].pointer, RELAY);
}

#[story(listing())]
async fn a_network_that_the_operator_lists_needs_no_tls(site: Site) {
    let installation = site.world.installation();
    let (project, _) = site.world.create(Environment::Production, json!({})).await;
    for host in ["127.0.0.1", "localhost", ELSEWHERE] {
        for (config, _) in unprotected(host) {
            let shown = config.to_string();
            let accepted = tried(installation, &project, config).await;
            assert!(accepted.is_ok(), "{shown}: {accepted:?}");
        }
    }
    let relay = Relay::start(Offer::Clear).await;
    let service = Service::start().await;
    for config in [
        through(&relay.uri("?disable_starttls=true")),
        service.mails(json!({})),
    ] {
        let (project, _) = site.world.create(Environment::Production, config).await;
        let id = mail::enqueue(&project, "ada@example.org").await;
        work_off(&site, &project).await;
        assert_eq!(message(&site, &project, id).await["status"], "sent");
    }
    assert_eq!((relay.taken().len(), service.asked().len()), (1, 1));
}

/// The list may be shorter tomorrow, or a name lead elsewhere: each message asks again.
#[story(listing())]
async fn what_is_not_listed_any_more_gets_nothing(site: Site) {
    for config in [
        through(&format!("smtp://{ELSEWHERE}:25/?disable_starttls=true")),
        service(&format!("http://{ELSEWHERE}/mail")),
    ] {
        let (project, _) = site.world.create(Environment::Production, config).await;
        let id = mail::enqueue(&project, "ada@example.org").await;
        let replica = site.world.replica().await;
        worker::Worker::new(replica.clone())
            .work_off(std::slice::from_ref(&project))
            .await
            .unwrap();
        replica.close().await;
        let shown = message(&site, &project, id).await;
        assert_eq!(
            (&shown["status"], &shown["send_count"]),
            (&json!("queued"), &json!(0)),
            "it reached nobody: {shown}"
        );
        let why = shown["dispatches"][0]["error"]["reason"].as_str().unwrap();
        assert!(why.contains("without verified TLS"), "{why}");
        site.world.clock.advance(TimeDelta::days(4));
    }
}
