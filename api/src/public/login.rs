//! `/self-service/login`.

use axum::{
    extract::OriginalUri,
    http::{StatusCode, Uri},
    response::Response,
};
use flows::{
    begin::Init,
    flow::{Flow, Transport},
    guard,
    login::{self, Login, Wish},
    store,
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    body::Submitted,
    error::{ApiError, Result},
    query::{self, Query},
    respond,
    visit::Visit,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(browser))
        .routes(routes!(api))
        .routes(routes!(read))
        .routes(routes!(submit))
}

/// Query parameters of an init. Empty ones count as absent.
#[derive(Debug, Default, Deserialize)]
struct Ask {
    refresh: Option<String>,
    aal: Option<String>,
    via: Option<String>,
    return_to: Option<String>,
    identity_schema: Option<String>,
    login_challenge: Option<String>,
    return_session_token_exchange_code: Option<String>,
}

/// Begin a login in a browser.
#[utoipa::path(get, path = "/self-service/login/browser", tag = "frontend", operation_id = "createBrowserLoginFlow",
    responses((status = 200, description = "The flow, for scripts"), (status = 303, description = "To the login page")))]
async fn browser(visit: Visit, OriginalUri(uri): OriginalUri, Query(ask): Query<Ask>) -> Response {
    begin(visit, Transport::Browser, &uri, ask).await
}

/// Begin a login in an API client.
#[utoipa::path(get, path = "/self-service/login/api", tag = "frontend", operation_id = "createNativeLoginFlow",
    responses((status = 200, description = "The flow")))]
async fn api(visit: Visit, OriginalUri(uri): OriginalUri, Query(ask): Query<Ask>) -> Response {
    begin(visit, Transport::Api, &uri, ask).await
}

async fn begin(visit: Visit, transport: Transport, uri: &Uri, ask: Ask) -> Response {
    let wish = Wish {
        refresh: query::is_true(ask.refresh.as_deref()),
        aal: ask.aal,
        via: ask.via,
    };
    let init = Init {
        transport,
        request_url: query::seen_url(&visit, uri),
        return_to: ask.return_to,
        identity_schema: ask.identity_schema,
    };
    let served = query::refuse_unserved(
        ask.login_challenge.as_deref(),
        ask.return_session_token_exchange_code.as_deref(),
    );
    let begun = match served {
        Ok(()) => login::begin(&visit.cx(), init, wish).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(flow) => respond::begun(&visit, &flow),
        Err(error) => respond::init_failed::<Login>(&visit, transport, error).await,
    }
}

/// Read a login flow; any number of times.
#[utoipa::path(get, path = "/self-service/login/flows", tag = "frontend", operation_id = "getLoginFlow",
    params(("id" = Uuid, Query, description = "The flow's id")), responses((status = 200, description = "The flow")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Result<Response> {
    let flow: Option<Flow<Login>> = match of.id() {
        Some(id) => store::load(&visit.project, id).await?,
        None => None,
    };
    let flow = flow.ok_or_else(ApiError::not_found)?;
    guard::check_reader(&visit.cx(), &flow)?;
    query::refuse_expired(&visit, &flow)?;
    Ok(respond::json(StatusCode::OK, &flow.view()))
}

/// Submit a login flow.
#[utoipa::path(post, path = "/self-service/login", tag = "frontend", operation_id = "updateLoginFlow",
    params(("flow" = Uuid, Query, description = "The flow's id")),
    responses((status = 200, description = "Signed in"), (status = 303, description = "Signed in, for pages"),
        (status = 400, description = "The flow again, with messages")))]
async fn submit(
    visit: Visit,
    Query(of): Query<query::FlowId>,
    Submitted(submission): Submitted,
) -> Response {
    let Some(id) = of.flow() else {
        let error = ApiError::bad_request("The query parameter \"flow\" must be the id of a flow.");
        return respond::error_for(&visit, visit.client.json, error).await;
    };
    match login::submit(&visit.cx(), id, submission).await {
        Ok(outcome) => respond::logged_in(&visit, outcome),
        Err(error) => respond::submit_failed::<Login>(&visit, error).await,
    }
}
