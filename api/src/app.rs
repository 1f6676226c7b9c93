//! What every request can reach, made once per process.

use std::sync::Arc;

use axum::Router;
use identity::People;
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;
use tenants::Installation;

use crate::{Limits, admin, edge, graphql, mailbox, public, room::Room, ui};

/// How the edge behaves.
#[derive(Clone, Debug, Default)]
pub struct ApiSettings {
    /// Development mode: introspection without a key, and mail that is read without one.
    pub dev: bool,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// What a request may take.
    pub limits: Limits,
}

/// The application: everything that handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    installation: Installation,
    people: Arc<People>,
    settings: ApiSettings,
    metrics: Option<PrometheusHandle>,
    graphql: graphql::Schema,
    room: Arc<Room>,
    project_routes: std::sync::OnceLock<Router>,
}

impl App {
    /// Put the parts together. `metrics`: shown to holders of an installation key.
    pub fn new(
        installation: Installation,
        people: Arc<People>,
        settings: ApiSettings,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        let graphql = graphql::schema(installation.clone());
        let app = Self(Arc::new(Inner {
            installation,
            people,
            room: Arc::new(Room::new(&settings.limits)),
            settings,
            metrics,
            graphql,
            project_routes: std::sync::OnceLock::new(),
        }));
        let (router, _) = project_router().split_for_parts();
        // The routes hold the application and the application the routes: a cycle for the life of the
        // process, which is how long both are needed.
        let router = router
            .fallback(edge::nowhere)
            .method_not_allowed_fallback(edge::wrong_method);
        let _ = app.0.project_routes.set(router.with_state(app.clone()));
        app
    }

    /// The installation.
    pub fn installation(&self) -> &Installation {
        &self.0.installation
    }

    /// Sessions in memory and the hashing pool.
    pub fn people(&self) -> &People {
        &self.0.people
    }

    /// How the edge behaves.
    pub fn settings(&self) -> &ApiSettings {
        &self.0.settings
    }

    pub(crate) fn metrics(&self) -> Option<&PrometheusHandle> {
        self.0.metrics.as_ref()
    }

    pub(crate) fn graphql(&self) -> &graphql::Schema {
        &self.0.graphql
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.0.room
    }

    /// The routes below a project's base.
    pub(crate) fn project_routes(&self) -> Router {
        self.0.project_routes.get().cloned().unwrap_or_default()
    }
}

/// Everything below `{base}`.
pub(crate) fn project_router() -> utoipa_axum::router::OpenApiRouter<App> {
    public::router()
        .merge(admin::router())
        .merge(ui::router())
        .merge(mailbox::router())
}
