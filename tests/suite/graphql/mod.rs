//! The control plane over HTTP: projects made and renamed; configuration, life, keys and limits below
//! (docs/wire.md, chapter 17).
//!
//! Looks inside: `identity`.

mod config;
mod config_secrets;
mod history;
mod keys;
mod lifecycle;
mod limits;

use std::sync::Arc;

use api::{ApiSettings, App};
use identity::People;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenants::Settings;
use tests::{Answer, Client, Kind, ROOT_KEY, Site, fresh_slug, story};
use tokio::net::TcpListener;

/// An administrator at one server.
#[derive(Debug)]
pub(crate) struct Console {
    client: Client,
}

impl Console {
    pub(crate) fn at(origin: &str) -> Self {
        Self {
            client: Client::new(origin, Kind::Api),
        }
    }

    /// One operation, with that key or none.
    pub(crate) async fn ask(&self, key: Option<&str>, query: &str, variables: Value) -> Answer {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let headers: Vec<_> = bearer.iter().map(|it| ("authorization", &**it)).collect();
        let body = json!({"query": query, "variables": variables}).to_string();
        let body = Some(("application/json", body.into_bytes()));
        self.client
            .send(Method::POST, "/graphql", body, &headers)
            .await
    }

    /// What the first field of an operation answers; panics on errors.
    pub(crate) async fn data(&self, key: &str, query: &str, variables: Value) -> Value {
        let answer = self.ask(Some(key), query, variables).await;
        assert!(answer.body.get("errors").is_none(), "{}", answer.text);
        let data = answer.body["data"].as_object().unwrap();
        data.values().next().unwrap().clone()
    }

    /// The extensions of the first error; panics when there is none.
    pub(crate) async fn refusal(&self, key: &str, query: &str, variables: Value) -> Value {
        let answer = self.ask(Some(key), query, variables).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let refusal = answer.body["errors"][0]["extensions"].clone();
        assert!(refusal["code"].is_string(), "{}", answer.text);
        refusal
    }

    /// A project of that slug; its base and first key.
    pub(crate) async fn create(&self, site: &Site, slug: &str) -> (String, String) {
        site.world.keep_slots().await;
        let input = json!({"input": {"slug": slug, "name": format!("Project {slug}")}});
        let made = self.data(ROOT_KEY, CREATE, input).await;
        let made_at = site.world.installation().find_project(slug).await.unwrap();
        site.world.adopt(&made_at.unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&made["project"]["publicUrl"]),
            text(&made["apiKey"]["token"]),
        )
    }
}

const CREATE: &str = "mutation($input: CreateProjectInput!) { createProject(input: $input) {
    project { id slug name environment state config configRevision publicUrl adminUrl createdAt updatedAt }
    apiKey { id name role token prefix } } }";
const UPDATE: &str = "mutation($input: UpdateProjectInput!) { updateProject(input: $input) {
    project { name environment config } } }";

const STATE: &str = "query($slug: String!) { project(slug: $slug) { state } }";

/// A second server of the same installation: its origin.
async fn second_server(site: &Site, adjust: impl FnOnce(&mut Settings)) -> String {
    server_with(site, ApiSettings::default(), adjust).await
}

async fn server_with(
    site: &Site,
    behaviour: ApiSettings,
    adjust: impl FnOnce(&mut Settings),
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let public_url = origin.parse().unwrap();
    let installation = site.world.replica_with(|settings| {
        settings.public_url = public_url;
        settings.root_key = Some(ROOT_KEY.to_owned());
        adjust(settings);
    });
    let people = Arc::new(People::new());
    let app = App::new(installation.await, people, behaviour, None);
    tokio::spawn(async move {
        let served = api::serve(app, listener, std::future::pending());
        served.await.unwrap();
    });
    origin
}

/// Of the violations of a refused document, each of which says something.
fn pointers(refusal: &Value) -> Vec<&str> {
    assert_eq!(refusal["code"], "INVALID_INPUT", "{refusal}");
    let violations = refusal["violations"].as_array().unwrap().iter();
    violations
        .map(|violation| {
            assert_ne!(violation["message"].as_str().unwrap(), "");
            violation["pointer"].as_str().unwrap()
        })
        .collect()
}

#[story]
async fn a_project_serves_when_the_answer_comes(site: Site) {
    let console = Console::at(&site.origin);
    site.world.keep_slots().await;
    let slug = fresh_slug();
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "nickname": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}},
    }}}});
    let input = json!({"slug": slug, "name": "Żółw & Sons", "environment": "STAGING",
        "config": {"session": {"lifespan": "2h"}}, "identitySchemas": {"person": schema}});
    let made = console
        .data(ROOT_KEY, CREATE, json!({"input": input}))
        .await;
    let (project, key) = (&made["project"], &made["apiKey"]);
    let base = format!("{}/p/{slug}", site.origin);
    for (field, expected) in [
        ("slug", json!(slug)),
        ("name", json!("Żółw & Sons")),
        ("environment", json!("STAGING")),
        ("state", json!("ACTIVE")),
        ("configRevision", json!(1)),
        ("publicUrl", json!(base)),
        ("adminUrl", json!(base)),
    ] {
        assert_eq!(project[field], expected, "{field}");
    }
    assert_eq!(project["config"]["session"]["lifespan"], "2h");
    assert_eq!(project["config"]["identity"]["default_schema_id"], "person");
    assert_eq!(
        (&key["name"], &key["role"]),
        (&json!("first key"), &json!("OWNER"))
    );
    let (token, prefix) = (
        key["token"].as_str().unwrap(),
        key["prefix"].as_str().unwrap(),
    );
    assert!(token.starts_with(prefix) && token.len() > prefix.len() + 30);

    let mut admin = Client::new(&base, Kind::Api);
    let schemas = admin.get("/schemas").await;
    assert_eq!(schemas.body[0], json!({"id": "person", "schema": schema}));
    admin.set_header("authorization", &format!("Bearer {token}"));
    let person = json!({"schema_id": "person", "traits": {"nickname": "ada"}});
    let person = admin.post("/admin/identities", person).await;
    assert_eq!(person.status, StatusCode::CREATED, "{}", person.text);
}

#[story]
async fn a_project_is_refused_with_what_is_wrong(site: Site) {
    let console = Console::at(&site.origin);
    let project = site.project().await;
    let create = async |slug: &str, more: Value| {
        let input = tenants::config::merged(&json!({"slug": slug, "name": "A name"}), &more);
        console
            .refusal(ROOT_KEY, CREATE, json!({"input": input}))
            .await
    };
    let long = "a".repeat(41);
    for slug in [
        "ab", "Abc", "a_b", "-ab", "ab-", "xn--ab", "console", "www", "a b", "äbc", "", &long,
    ] {
        let refusal = create(slug, json!({})).await;
        assert_eq!(refusal["code"], "INVALID_INPUT", "{slug:?}");
    }
    assert_eq!(
        create(project.slug(), json!({})).await["code"],
        "SLUG_TAKEN"
    );
    let fresh = fresh_slug();
    for name in ["", "  ", "a\nb", &"a".repeat(101)] {
        let refusal = create(&fresh, json!({"name": name})).await;
        assert_eq!(refusal["code"], "INVALID_INPUT", "{name:?}");
    }
    let config = json!({"sesion": {}, "session": {"lifespan": "soon"}});
    let refusal = create(&fresh, json!({"config": config})).await;
    let found = pointers(&refusal);
    assert!(found.contains(&"/session/lifespan"), "{refusal}");
    assert!(
        found.iter().any(|at| at.is_empty() || *at == "/sesion"),
        "{refusal}"
    );
    let twice = json!({"config": {"identity": {"schemas": [{"id": "a", "url": "preset://email"}]}}, "identitySchemas": {"a": {}}});
    assert_eq!(
        pointers(&create(&fresh, twice).await),
        ["/identity/schemas"]
    );
    let wrong = json!({"identitySchemas": ["a"]});
    assert_eq!(create(&fresh, wrong).await["code"], "INVALID_INPUT");
    let none = console.data(ROOT_KEY, STATE, json!({"slug": fresh})).await;
    assert!(none.is_null(), "nothing was made");
}

#[story]
async fn development_must_be_allowed(site: Site) {
    let strict = second_server(&site, |settings| settings.allow_development = false).await;
    let strict = Console::at(&strict);
    let slug = fresh_slug();
    let input = json!({"slug": slug, "name": "A name", "environment": "DEVELOPMENT"});
    let refusal = strict
        .refusal(ROOT_KEY, CREATE, json!({"input": input}))
        .await;
    assert_eq!(refusal["code"], "INVALID_INPUT");
    let console = Console::at(&site.origin);
    let (_, owner) = console.create(&site, &slug).await;
    let input = json!({"input": {"slug": slug, "environment": "DEVELOPMENT"}});
    let refusal = strict.refusal(ROOT_KEY, UPDATE, input.clone()).await;
    assert_eq!(refusal["code"], "INVALID_INPUT");
    // There its configuration may call private networks: that is the installation's to allow, not its owner's.
    let refusal = console.refusal(&owner, UPDATE, input.clone()).await;
    assert_eq!(refusal["code"], "FORBIDDEN");
    let staging = json!({"input": {"slug": slug, "environment": "STAGING"}});
    let moved = console.data(&owner, UPDATE, staging).await;
    assert_eq!(moved["project"]["environment"], "STAGING");
    let updated = console.data(ROOT_KEY, UPDATE, input).await;
    assert_eq!(updated["project"]["environment"], "DEVELOPMENT");
}

#[story]
async fn a_project_of_which_no_environment_is_said_is_of_the_servers_kind(site: Site) {
    let development = ApiSettings {
        dev: true,
        ..ApiSettings::default()
    };
    let desk = server_with(&site, development, |_| {}).await;
    for (origin, environment) in [(&site.origin, "PRODUCTION"), (&desk, "DEVELOPMENT")] {
        let console = Console::at(origin);
        let slug = fresh_slug();
        console.create(&site, &slug).await;
        let read = "query($slug: String!) { project(slug: $slug) { environment } }";
        let project = console.data(ROOT_KEY, read, json!({"slug": slug})).await;
        assert_eq!(project["environment"], environment);
    }
}

#[story]
async fn a_project_is_renamed_and_moved_where_its_configuration_is_valid(site: Site) {
    let console = Console::at(&site.origin);
    let project = site.project().await;
    let slug = project.slug();
    let update =
        |more: Value| json!({"input": tenants::config::merged(&json!({"slug": slug}), &more)});
    let renamed = console
        .data(ROOT_KEY, UPDATE, update(json!({"name": "Other"})))
        .await;
    assert_eq!(renamed["project"]["name"], "Other");
    assert_eq!(renamed["project"]["environment"], "DEVELOPMENT");
    let same = console.data(ROOT_KEY, UPDATE, update(json!({}))).await;
    assert_eq!(same, renamed);
    let refusal = console
        .refusal(
            ROOT_KEY,
            UPDATE,
            update(json!({"environment": "PRODUCTION"})),
        )
        .await;
    let found = pointers(&refusal);
    assert!(
        found.iter().all(|at| at.starts_with("/hashers/argon2")),
        "{refusal}"
    );
    let refusal = console
        .refusal(ROOT_KEY, UPDATE, update(json!({"name": ""})))
        .await;
    assert_eq!(refusal["code"], "INVALID_INPUT");
    let unknown = json!({"input": {"slug": fresh_slug(), "name": "Nobody"}});
    assert_eq!(
        console.refusal(ROOT_KEY, UPDATE, unknown).await["code"],
        "NOT_FOUND"
    );
}
