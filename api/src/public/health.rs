//! Health and version, for the project as for the installation.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tenants::Installation;
use utoipa_axum::routes;

use crate::{
    App,
    audience::ProjectRoutes,
    openapi::shapes::{NotReady, Ready, Release},
    respond,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_everyone(routes!(alive))
        .for_everyone(routes!(ready))
        .for_everyone(routes!(version))
}

/// `{"status": "ok"}`.
#[derive(Serialize)]
pub(crate) struct Alive {
    status: &'static str,
}

impl Alive {
    pub(crate) const OK: Self = Self { status: "ok" };
}

impl IntoResponse for Alive {
    fn into_response(self) -> Response {
        respond::json(StatusCode::OK, &json!(self))
    }
}

/// `{"version": …}`.
pub(crate) struct Version;

impl IntoResponse for Version {
    fn into_response(self) -> Response {
        respond::json(
            StatusCode::OK,
            &json!({ "version": concat!("v", env!("CARGO_PKG_VERSION")) }),
        )
    }
}

/// Is the process alive?
///
/// The same for every project.
#[utoipa::path(get, path = "/health/alive", tag = "metadata", operation_id = "isAlive",
    responses((status = 200, description = "It is.", body = Ready)))]
async fn alive() -> Alive {
    Alive::OK
}

/// Can it serve?
///
/// Whether the database answers, and its clock agrees. The same for every project.
#[utoipa::path(get, path = "/health/ready", tag = "metadata", operation_id = "isReady",
    responses((status = 200, description = "It can.", body = Ready), (status = 503, description = "What is missing.", body = NotReady)))]
async fn ready(State(app): State<App>) -> Response {
    readiness(app.installation(), app.is_stopping()).await
}

pub(crate) async fn readiness(installation: &Installation, stopping: bool) -> Response {
    let wrong = if stopping {
        vec![("stopping", "this server was told to stop".to_owned())]
    } else {
        installation.readiness().await
    };
    if wrong.is_empty() {
        return Alive::OK.into_response();
    }
    let errors: Map<String, Value> = wrong
        .into_iter()
        .map(|(part, why)| (part.to_owned(), json!(why)))
        .collect();
    respond::json(
        StatusCode::SERVICE_UNAVAILABLE,
        &json!({ "errors": errors }),
    )
}

/// Which release serves?
#[utoipa::path(get, path = "/version", tag = "metadata", operation_id = "getVersion",
    responses((status = 200, description = "The release.", body = Release)))]
async fn version() -> Version {
    Version
}
