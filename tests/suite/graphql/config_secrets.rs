//! What a key that writes a configuration, but cannot read its secrets, tries in order to have one sent to itself. A
//! secret stays beside the address that it was given for, or has to be given again.

use serde_json::{Value, json};
use tenants::{Project, Role, config::MASK};
use tests::{ROOT_KEY, Site, mail, story};

use super::{Console, pointers};
use crate::courier::services::{Asked, Service, header};
use crate::courier::work_off;
use crate::tenancy::isolation_table::new_key;

const CONFIGURE: &str =
    "mutation($input: UpdateProjectConfigInput!) { updateProjectConfig(input: $input) {
    project { config configRevision } diff } }";
const RESTORE: &str =
    "mutation($input: RestoreProjectConfigInput!) { restoreProjectConfig(input: $input) {
    project { configRevision } } }";
const CREATE: &str = "mutation($input: CreateProjectInput!) { createProject(input: $input) {
    project { id } } }";

const HTTP: &str = "/courier/http/request_config";
/// `Basic` of `u` and the password below.
const BASIC: &str = "Basic dTphLXBhc3N3b3Jk";

/// A service, and a project that sends it mails with a password and a secret header; an ADMIN who may not read them.
struct Stage {
    service: Service,
    attacker: Service,
    console: Console,
    project: Project,
    admin: String,
}

impl Stage {
    async fn set(site: &Site) -> Self {
        let (service, attacker) = (Service::start().await, Service::start().await);
        let secrets = json!({
            "headers": {"X-Team": "a-secret-team"},
            "auth": {"type": "basic_auth", "config": {"user": "u", "password": "a-password"}},
        });
        let project = site.project_with(service.mails(secrets)).await;
        let (admin, _) = new_key(site.world.installation(), Some(&project), Role::Admin).await;
        Self {
            service,
            attacker,
            console: Console::at(&site.origin),
            project,
            admin,
        }
    }

    fn input(&self, config: &Value, mode: &str) -> Value {
        json!({"input": {"slug": self.project.slug(), "config": config, "mode": mode}})
    }

    async fn merge(&self, config: Value) -> Value {
        let input = self.input(&config, "MERGE");
        self.console.data(&self.admin, CONFIGURE, input).await
    }

    async fn refused(&self, config: &Value, mode: &str) -> Vec<String> {
        let input = self.input(config, mode);
        let refusal = self.console.refusal(&self.admin, CONFIGURE, input).await;
        let found = pointers(&refusal).into_iter().map(str::to_owned);
        assert!(!refusal.to_string().contains("a-password"), "{refusal}");
        found.collect()
    }

    /// The document as the ADMIN reads it.
    async fn shown(&self) -> Value {
        self.merge(json!({})).await["project"]["config"].clone()
    }

    /// What arrived at the two services after one more mail.
    async fn mailed(&self, site: &Site) -> (Vec<Asked>, Vec<Asked>) {
        let before = (self.service.asked().len(), self.attacker.asked().len());
        mail::enqueue(&self.project, "ada@example.org").await;
        work_off(site, &self.project).await;
        let new = |service: &Service, from: usize| service.asked()[from..].to_vec();
        (new(&self.service, before.0), new(&self.attacker, before.1))
    }
}

/// The part of the document that says how mails leave.
fn by_http(request_config: Value) -> Value {
    json!({"courier": {"http": {"request_config": request_config}}})
}

/// W16.2.
#[story]
async fn a_merge_that_moves_the_address_has_to_bring_the_secrets(site: Site) {
    let stage = Stage::set(&site).await;
    let elsewhere = stage.attacker.url.clone();
    let (header_at, password_at) = (
        format!("{HTTP}/headers/X-Team"),
        format!("{HTTP}/auth/config/password"),
    );
    // A word about the address alone, with some of the secrets masked, or given.
    for (patch, lost) in [
        (json!({"url": elsewhere}), vec![&header_at, &password_at]),
        (
            json!({"url": elsewhere, "headers": {"X-Team": MASK}}),
            vec![&header_at, &password_at],
        ),
        (
            json!({"url": elsewhere, "headers": {"X-Team": "mine"}}),
            vec![&password_at],
        ),
        (
            json!({"url": elsewhere, "headers": null, "auth": {"config": {"user": "mine"}}}),
            vec![&password_at],
        ),
        (
            json!({"url": format!("{}&more", stage.service.url), "auth": null}),
            vec![&header_at],
        ),
    ] {
        let mut found = stage.refused(&by_http(patch.clone()), "MERGE").await;
        found.sort();
        let mut lost: Vec<_> = lost.into_iter().cloned().collect();
        lost.sort();
        assert_eq!(found, lost, "{patch}");
    }
    let (came, stolen) = stage.mailed(&site).await;
    assert_eq!((came.len(), stolen.len()), (1, 0));

    // Whoever knows them moves them, also when they stay the same.
    let known = json!({"url": elsewhere, "headers": {"X-Team": "a-secret-team"},
        "auth": {"config": {"password": "a-password"}}});
    stage.merge(by_http(known)).await;
    let (came, moved) = stage.mailed(&site).await;
    assert_eq!((came.len(), moved.len()), (0, 1));
    assert_eq!(header(&moved[0], "authorization"), Some(BASIC));
}

#[story]
async fn secrets_stay_while_the_address_does(site: Site) {
    let stage = Stage::set(&site).await;
    let retries = json!({"courier": {"message_retries": 3}, "session": {"lifespan": "3h"}});
    let made = stage.merge(retries).await;
    let diff = made["diff"].to_string();
    assert!(!diff.contains("request_config"), "{diff}");
    stage
        .merge(by_http(
            json!({"method": "PUT", "headers": {"X-More": "b"}}),
        ))
        .await;
    let (came, _) = stage.mailed(&site).await;
    assert_eq!(header(&came[0], "authorization"), Some(BASIC));
    assert_eq!(header(&came[0], "x-team"), Some("a-secret-team"));
    assert_eq!(header(&came[0], "x-more"), Some("b"));
    // As it is shown, it can be written back as a whole.
    let shown = stage.shown().await;
    let input = stage.input(&shown, "REPLACE");
    let made = stage.console.data(&stage.admin, CONFIGURE, input).await;
    assert_eq!(made["diff"], json!([]));
}

#[story]
async fn a_list_that_is_replaced_keeps_no_secret_for_another_address(site: Site) {
    let stage = Stage::set(&site).await;
    let channel = |url: &str, value: &str| {
        json!({"courier": {"channels": [{"id": "sms", "request_config": {"url": url,
            "auth": {"type": "api_key", "config": {"name": "X-Key", "value": value, "in": "header"}}}}]}})
    };
    let (own, elsewhere) = (stage.service.url.clone(), stage.attacker.url.clone());
    stage.merge(channel(&own, "a-password-too")).await;
    let at = ["/courier/channels/0/request_config/auth/config/value"];
    for mode in ["MERGE", "REPLACE"] {
        assert_eq!(stage.refused(&channel(&elsewhere, MASK), mode).await, at);
    }
    let kept = stage.merge(channel(&own, MASK)).await;
    assert_eq!(kept["diff"], json!([]));
}

#[story]
async fn a_secret_cannot_be_fetched_from_another_place_or_time(site: Site) {
    let stage = Stage::set(&site).await;
    let elsewhere = stage.attacker.url.clone();
    // Under another name, in another service, in what is no secret.
    let headers = format!("{HTTP}/headers/x-team");
    let renamed = by_http(json!({"headers": {"X-Team": null, "x-team": MASK}}));
    assert_eq!(stage.refused(&renamed, "MERGE").await, [headers]);
    let other = json!({"courier": {"channels": [{"id": "sms", "request_config": {"url": elsewhere,
        "headers": {"X-Team": MASK}}}]}});
    assert_eq!(stage.refused(&other, "MERGE").await.len(), 1);
    // In two steps: the secrets go, the address changes, the masks come back.
    let bare = json!({"url": elsewhere, "headers": null, "auth": null});
    stage.merge(by_http(bare)).await;
    let masks = json!({"headers": {"X-Team": MASK},
        "auth": {"type": "basic_auth", "config": {"user": "u", "password": MASK}}});
    assert_eq!(stage.refused(&by_http(masks), "MERGE").await.len(), 2);
    // The revision that had them has its own address as well.
    let again = json!({"input": {"slug": stage.project.slug(), "revision": 1}});
    stage.console.data(&stage.admin, RESTORE, again).await;
    assert_eq!(
        stage
            .refused(&by_http(json!({"url": elsewhere})), "MERGE")
            .await
            .len(),
        2
    );
    let (came, stolen) = stage.mailed(&site).await;
    assert_eq!((came.len(), stolen.len()), (1, 0));
    assert_eq!(header(&came[0], "authorization"), Some(BASIC));
}

/// Behind a front that many share, `Host` says whose server answers.
#[story]
async fn the_address_is_not_said_by_a_header_either(site: Site) {
    let stage = Stage::set(&site).await;
    for name in [
        "Host",
        "host",
        "Transfer-Encoding",
        "content-length",
        "Connection",
    ] {
        let patch = by_http(json!({"headers": {name: "elsewhere.example"}}));
        let found = stage.refused(&patch, "MERGE").await;
        assert_eq!(found, [format!("{HTTP}/headers/{name}")]);
    }
    let key = json!({"auth": {"type": "api_key",
        "config": {"name": "Host", "value": "elsewhere.example", "in": "header"}}});
    let found = stage.refused(&by_http(key), "MERGE").await;
    assert_eq!(found, [format!("{HTTP}/auth/config/name")]);
}

#[story]
async fn a_copied_document_brings_no_masks_into_a_new_project(site: Site) {
    let stage = Stage::set(&site).await;
    let copy = stage.shown().await;
    let input = json!({"slug": tests::fresh_slug(), "name": "A copy", "environment": "DEVELOPMENT", "config": copy});
    let refusal = stage
        .console
        .refusal(ROOT_KEY, CREATE, json!({"input": input}))
        .await;
    let mut found = pointers(&refusal);
    found.sort_unstable();
    let expected = [
        format!("{HTTP}/auth/config/password"),
        format!("{HTTP}/headers/X-Team"),
    ];
    assert_eq!(found, expected);
}
