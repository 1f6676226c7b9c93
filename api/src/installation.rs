//! The routes of the installation itself: health, version, GraphQL, metrics.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use tenants::Role;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, admin,
    body::{Whole, holds_nul},
    error::{ApiError, Result},
    graphql, public, request_id,
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
#[utoipa::path(get, path = "/health/alive", tag = "installation", responses((status = 200, description = "It is")))]
async fn alive() -> public::Alive {
    public::Alive::OK
}

/// Can it serve?
#[utoipa::path(get, path = "/health/ready", tag = "installation",
    responses((status = 200, description = "It can"), (status = 503, description = "What is missing")))]
async fn ready(State(app): State<App>) -> Response {
    public::readiness(&app).await
}

/// Which version serves?
#[utoipa::path(get, path = "/version", tag = "installation", responses((status = 200, description = "The version")))]
async fn version() -> public::Version {
    public::Version
}

/// Prometheus metrics, for holders of an installation key.
#[utoipa::path(get, path = "/metrics", tag = "installation", responses((status = 200, description = "The metrics")))]
async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    let key = match admin::bearer_key(&headers) {
        Some(token) => app.installation().authenticate_key(token).await?,
        None => None,
    };
    match key {
        None => Err(ApiError::new(StatusCode::UNAUTHORIZED)
            .because("Send a key of the installation as a bearer token.")),
        Some(key) if !key.may_on_installation(Role::Viewer) => {
            Err(ApiError::new(StatusCode::FORBIDDEN)
                .because("This needs a key of the installation."))
        }
        Some(_) => Ok(app
            .metrics()
            .map_or_else(String::new, |handle| handle.render())
            .into_response()),
    }
}

/// Administration by GraphQL. GET never executes.
#[utoipa::path(post, path = "/graphql", tag = "installation", responses((status = 200, description = "The answer")))]
async fn graphql_post(State(app): State<App>, whole: Whole) -> Result<Response> {
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
    let caller = match admin::bearer_key(&headers) {
        Some(token) => app.installation().authenticate_key(token).await?,
        None => None,
    };
    let asked = graphql::Asked {
        caller: graphql::Caller(caller),
        request_id: graphql::RequestId(request_id::current()),
        introspection: graphql::Introspection(app.settings().dev),
    };
    let answer = graphql::handle(app.graphql(), asked, request).await;
    let body = serde_json::to_string(&answer).unwrap_or_else(|_| json!({"errors": []}).to_string());
    let mut response = (StatusCode::OK, body).into_response();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

fn read(body: &Bytes) -> Result<async_graphql::BatchRequest> {
    let unreadable = |e: serde_json::Error| {
        ApiError::bad_request(format!("The body is no GraphQL request: {e}."))
    };
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
