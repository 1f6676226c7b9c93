//! `/self-service/verification`.

use axum::{
    extract::OriginalUri,
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use flows::{
    begin::Init,
    flow::Transport,
    guard,
    verification::{self, Verification},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    body::Submitted,
    challenges,
    error::ApiError,
    query::{self, Query},
    respond,
    visit::Visit,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(browser))
        .routes(routes!(api))
        .routes(routes!(read))
        .routes(routes!(submit, follow))
}

#[derive(Debug, Default, Deserialize)]
struct Ask {
    return_to: Option<String>,
}

/// Begin a verification in a browser.
#[utoipa::path(get, path = "/self-service/verification/browser", tag = "frontend", operation_id = "createBrowserVerificationFlow",
    responses((status = 200, description = "The flow, for scripts"), (status = 303, description = "To the verification page")))]
async fn browser(visit: Visit, OriginalUri(uri): OriginalUri, Query(ask): Query<Ask>) -> Response {
    begin(visit, Transport::Browser, &uri, ask).await
}

/// Begin a verification in an API client.
#[utoipa::path(get, path = "/self-service/verification/api", tag = "frontend", operation_id = "createNativeVerificationFlow",
    responses((status = 200, description = "The flow")))]
async fn api(visit: Visit, OriginalUri(uri): OriginalUri, Query(ask): Query<Ask>) -> Response {
    begin(visit, Transport::Api, &uri, ask).await
}

async fn begin(visit: Visit, transport: Transport, uri: &Uri, ask: Ask) -> Response {
    let init = Init {
        transport,
        request_url: query::seen_url(&visit, uri),
        return_to: ask.return_to,
        identity_schema: None,
    };
    match verification::begin(&visit.cx(), init).await {
        Ok(flow) => respond::begun(&visit, &flow),
        Err(error) => respond::init_failed::<Verification>(&visit, transport, error).await,
    }
}

/// Read a verification flow; any number of times.
#[utoipa::path(get, path = "/self-service/verification/flows", tag = "frontend", operation_id = "getVerificationFlow",
    params(("id" = Uuid, Query, description = "The flow's id")), responses((status = 200, description = "The flow")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    let flow = match verification::read(&visit.cx(), of.id()).await {
        Ok(flow) => flow,
        Err(error) => return respond::error_for(&visit, visit.accepts_json, error.into()).await,
    };
    let readable = guard::check_reader(&visit.cx(), &flow).map_err(ApiError::from);
    match readable.and_then(|()| query::refuse_expired(&visit, &flow)) {
        Ok(()) => respond::json(StatusCode::OK, &flow.view()),
        Err(error) => error.into_response(),
    }
}

/// Submit an address or a code.
#[utoipa::path(post, path = "/self-service/verification", tag = "frontend", operation_id = "updateVerificationFlow",
    params(("flow" = Uuid, Query, description = "The flow's id")),
    responses((status = 200, description = "The flow: sent, wrong or passed"), (status = 303, description = "The same, for pages"),
        (status = 400, description = "The flow again, with messages"), (status = 410, description = "Another flow took its place")))]
async fn submit(
    visit: Visit,
    Query(of): Query<query::FlowId>,
    Submitted(submission): Submitted,
) -> Response {
    let Some(id) = of.flow() else {
        return respond::error_for(&visit, visit.client.json, query::no_flow()).await;
    };
    if let Some(token) = of.token() {
        return redeem(&visit, id, token).await;
    }
    match verification::submit(&visit.cx(), id, submission).await {
        Ok(outcome) => challenges::form(&visit, &outcome.flow, outcome.complains),
        Err(error) => challenges::verification_failed(&visit, error).await,
    }
}

/// Follow the link of a mail: a code is shown in the form, a token is used.
#[utoipa::path(get, path = "/self-service/verification", tag = "frontend", operation_id = "followVerificationLink",
    params(("flow" = Uuid, Query, description = "The flow's id"),
        ("code" = Option<String>, Query, description = "To be filled into the form"),
        ("token" = Option<String>, Query, description = "To be used")),
    responses((status = 200, description = "The flow, for scripts"), (status = 303, description = "To the verification page")))]
async fn follow(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    let Some(id) = of.flow() else {
        return respond::error_for(&visit, visit.client.json, query::no_flow()).await;
    };
    if let Some(code) = of.code() {
        return match verification::prefill(&visit.cx(), id, code).await {
            Ok(flow) => challenges::page_of::<Verification>(&visit, flow.id),
            Err(error) => challenges::verification_failed(&visit, error).await,
        };
    }
    let Some(token) = of.token() else {
        let error = ApiError::bad_request("The link has neither a code nor a token.");
        return respond::error_for(&visit, visit.client.json, error).await;
    };
    redeem(&visit, id, token).await
}

async fn redeem(visit: &Visit, id: uuid::Uuid, token: &str) -> Response {
    match verification::redeem(&visit.cx(), id, token).await {
        Ok(flow) if visit.client.json => respond::json(StatusCode::OK, &flow.view()),
        Ok(flow) => challenges::page_of::<Verification>(visit, flow.id),
        Err(error) => challenges::link_failed::<Verification>(visit, error).await,
    }
}
