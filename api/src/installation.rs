//! The routes of the installation itself: health, version, GraphQL, metrics.

use axum::{
    body::Bytes,
    extract::{FromRequestParts, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use tenants::{Key, Role};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, admin,
    body::{Whole, few_enough, holds_nul},
    error::{ApiError, Result},
    graphql,
    openapi::shapes::{GraphqlAnswer, GraphqlRequest, NotReady, Ready, Release},
    public, request_id,
};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(alive))
        .routes(routes!(ready))
        .routes(routes!(version))
        .routes(routes!(metrics))
        .routes(routes!(graphql_post))
}

/// Is the process alive?
#[utoipa::path(get, path = "/health/alive", tag = "installation", operation_id = "isInstallationAlive",
    responses((status = 200, description = "It is.", body = Ready)))]
async fn alive() -> public::Alive {
    public::Alive::OK
}

/// Can it serve?
///
/// Whether the database answers, its clock agrees, and nobody told the server to stop. For load balancers.
#[utoipa::path(get, path = "/health/ready", tag = "installation", operation_id = "isInstallationReady",
    responses((status = 200, description = "It can.", body = Ready), (status = 503, description = "What is missing.", body = NotReady)))]
async fn ready(State(app): State<App>) -> Response {
    public::readiness(app.installation(), app.is_stopping()).await
}

/// Which release serves?
#[utoipa::path(get, path = "/version", tag = "installation", operation_id = "getInstallationVersion",
    responses((status = 200, description = "The release.", body = Release)))]
async fn version() -> public::Version {
    public::Version
}

/// Metrics for Prometheus
///
/// For holders of a key of the installation.
#[utoipa::path(get, path = "/metrics", tag = "installation", operation_id = "getMetrics", security(("key" = [])),
    responses((status = 200, description = "The metrics, in the text format of Prometheus.", body = String, content_type = "text/plain"),
        (status = 401, description = "There is no valid API key in the request."),
        (status = 403, description = "The key is that of a project.")))]
async fn metrics(State(app): State<App>, Caller(key): Caller) -> Result<Response> {
    match key {
        None => Err(ApiError::new(StatusCode::UNAUTHORIZED)
            .because("Send a key of the installation as a bearer token.")),
        Some(key) if !key.may_on_installation(Role::Viewer) => {
            Err(ApiError::new(StatusCode::FORBIDDEN)
                .because("This needs a key of the installation."))
        }
        Some(_) => Ok(match app.metrics() {
            Some(metrics) => metrics.render().await,
            None => String::new(),
        }
        .into_response()),
    }
}

/// Administration over GraphQL
///
/// Projects, their configuration, keys. One operation a request; errors of an operation answer 200 and stand in
/// `errors`, with `extensions.code`. The schema is published as `schemas/api.graphql`.
#[utoipa::path(post, path = "/graphql", tag = "installation", operation_id = "executeGraphql", security(("key" = [])),
    request_body = GraphqlRequest,
    responses((status = 200, description = "The answer.", body = GraphqlAnswer)))]
async fn graphql_post(State(app): State<App>, caller: Caller, whole: Whole) -> Result<Response> {
    let Whole(headers, body) = whole;
    let media = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if !media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
    {
        return Err(ApiError::bad_request("Send application/json."));
    }
    let request = read(&body)?;
    let asked = graphql::Asked {
        caller: graphql::Caller(caller.0),
        request_id: graphql::RequestId(request_id::current()),
        development: graphql::DevelopmentMode(app.settings().dev),
    };
    let answer = graphql::handle(app.graphql(), asked, request).await;
    let body = serde_json::to_string(&answer).unwrap_or_else(|_| json!({"errors": []}).to_string());
    let mut response = (StatusCode::OK, body).into_response();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// Whose key it is, if it is a good one. Judged before the body is read, which is read in the holder's share.
struct Caller(Option<Key>);

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        admin::judged(parts, app).await.map(Self)
    }
}

fn read(body: &Bytes) -> Result<async_graphql::BatchRequest> {
    let unreadable = |e: serde_json::Error| {
        ApiError::bad_request(format!("The body is no GraphQL request: {e}."))
    };
    few_enough(body).map_err(ApiError::bad_request)?;
    let value: Value = serde_json::from_slice(body).map_err(unreadable)?;
    // The second spelling is GraphQL's own, inside the text of a document.
    let spelled = value["query"]
        .as_str()
        .is_some_and(|query| query.contains("\\u0000"));
    if spelled || holds_nul(&value) {
        let reason = "The body holds the character U+0000, which cannot be stored.";
        return Err(ApiError::bad_request(reason));
    }
    serde_json::from_value(value).map_err(unreadable)
}
