//! All routes put together, above every handler: a project's below `/p/{slug}`, the installation's beside
//! them; and what is told of them, to the tests and in the description of the REST interface.

use axum::{Router, handler::Handler as _, middleware};
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App, admin,
    edge::{
        self,
        dispatch::{Projects, dispatch},
        fallback::{fallback, wrong_method},
    },
    installation, mailbox, openapi, public, ui,
};

/// Everything below `{base}`.
fn project() -> OpenApiRouter<App> {
    public::router()
        .merge(admin::router())
        .merge(ui::router())
        .merge(mailbox::router())
}

/// Everything beside the projects.
fn installation() -> OpenApiRouter<App> {
    installation::router().merge(openapi::router(document))
}

/// Everything served: the installation's routes, and those of each project below `/p/{slug}`.
/// Requests must carry `ConnectInfo<SocketAddr>`.
pub(crate) fn router(app: App) -> Router {
    let (of_project, _) = project().split_for_parts();
    let projects = Projects {
        routes: of_project
            .fallback(fallback)
            .method_not_allowed_fallback(wrong_method)
            .with_state(app.clone()),
        app: app.clone(),
    };
    let (own, _) = installation().split_for_parts();
    own.fallback_service(dispatch.with_state(projects))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), edge::around))
        .with_state(app)
}

/// The whole description, as in `schemas/openapi.json`.
pub fn document() -> Value {
    openapi::describe(project().into_openapi(), installation().into_openapi())
}

/// Every REST route served, as `METHOD path`: the project's below `{base}`, then the installation's.
/// The isolation table of the tests must name each.
pub fn routes() -> (Vec<String>, Vec<String>) {
    (
        named(project().into_openapi()),
        named(installation().into_openapi()),
    )
}

fn named(api: OpenApi) -> Vec<String> {
    let paths = api.paths.paths.into_iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = [
            ("GET", item.get.is_some()),
            ("POST", item.post.is_some()),
            ("PUT", item.put.is_some()),
            ("PATCH", item.patch.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        methods
            .into_iter()
            .filter(|(_, there)| *there)
            .map(move |(method, _)| format!("{method} {path}"))
    });
    operations.collect()
}
