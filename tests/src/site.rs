//! A world that serves HTTP on a port of its own.

use std::{net::SocketAddr, sync::Arc};

use api::{ApiSettings, App};
use identity::People;
use reqwest::Method;
use serde_json::{Value, json};
use tenants::{Environment, NewKey, Project, Settings, config};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::{Client, Database, Kind, World, world};

/// The key of the installation that every site accepts.
pub const ROOT_KEY: &str = "ins_root_key_of_the_suite_0123456789";

/// A world and its server.
#[derive(Debug)]
pub struct Site {
    /// Projects, clock and database.
    pub world: World,
    /// `http://127.0.0.1:port`.
    pub origin: String,
    server: JoinHandle<()>,
}

impl Site {
    /// In the shared database.
    pub async fn new() -> Self {
        Self::on(Database::shared().await, |_| {}, ApiSettings::default()).await
    }

    /// In that database, with settings that differ from the suite's.
    pub async fn on(
        database: Database,
        adjust: impl FnOnce(&mut Settings),
        api: ApiSettings,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let origin = format!("http://{address}");
        let public_url: Url = origin.parse().unwrap();
        let world = World::on(database, |settings| {
            settings.public_url = public_url;
            settings.root_key = Some(ROOT_KEY.to_owned());
            settings.connections = 8;
            adjust(settings);
        })
        .await;
        let app = App::new(
            world.installation().clone(),
            Arc::new(People::new()),
            api,
            None,
        );
        let server = tokio::spawn(async move {
            api::serve(app, listener, std::future::pending())
                .await
                .unwrap();
        });
        Self {
            world,
            origin,
            server,
        }
    }

    /// A DEVELOPMENT project whose registrations sign in at once, in one step.
    pub async fn project(&self) -> Project {
        self.project_with(json!({})).await
    }

    /// The same with a merge patch on its configuration.
    pub async fn project_with(&self, patch: Value) -> Project {
        self.world.project_with(signs_in(&patch)).await
    }

    /// A project with its first key.
    pub async fn project_with_key(&self) -> (Project, NewKey) {
        self.world
            .create(Environment::Development, cheap(json!({})))
            .await
    }

    /// A browser, a script or an API client at a project.
    pub fn client(&self, project: &Project, kind: Kind) -> Client {
        Client::new(project.base_url(), kind)
    }

    /// An administrator of every project.
    pub fn admin(&self, project: &Project) -> Client {
        let mut client = Client::new(project.base_url(), Kind::Api);
        client.set_header("authorization", &format!("Bearer {ROOT_KEY}"));
        client
    }

    /// One GraphQL operation with that key.
    pub async fn graphql(&self, key: &str, query: &str, variables: Value) -> Value {
        let mut client = Client::new(&self.origin, Kind::Spa);
        client.set_header("authorization", &format!("Bearer {key}"));
        client
            .json(
                Method::POST,
                "/graphql",
                &json!({"query": query, "variables": variables}),
            )
            .await
            .body
    }

    /// The world's last looks.
    pub async fn finish(self) {
        self.server.abort();
        self.world.finish().await;
    }
}

/// Cheap hashing and no call to the breach service, as in every project of the suite; and registrations sign
/// in at once, in one step, as in every project of a site.
pub fn cheap(patch: Value) -> Value {
    world::cheap(&signs_in(&patch))
}

fn signs_in(patch: &Value) -> Value {
    let session = json!({"hooks": [{"hook": "session"}]});
    let registration = json!({"style": "unified", "after": {"password": session}});
    let config = json!({"selfservice": {"flows": {"registration": registration}}});
    config::merged(&config, patch)
}
