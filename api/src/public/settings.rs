//! `/self-service/settings`.

use axum::{
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use flows::{
    begin::Init,
    decision,
    flow::Transport,
    settings::{self, Settings},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    body::Submitted,
    cookies,
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
        .routes(routes!(submit, resume))
}

/// Query parameters of an init. Empty ones count as absent.
#[derive(Debug, Default, Deserialize)]
struct Ask {
    return_to: Option<String>,
}

/// Begin settings in a browser.
#[utoipa::path(get, path = "/self-service/settings/browser", tag = "frontend", operation_id = "createBrowserSettingsFlow",
    responses((status = 200, description = "The flow, for scripts"), (status = 303, description = "To the settings page"),
        (status = 401, description = "Nobody is signed in"), (status = 403, description = "A second factor is needed")))]
async fn browser(visit: Visit, OriginalUri(uri): OriginalUri, Query(ask): Query<Ask>) -> Response {
    begin(&visit, Transport::Browser, &uri, ask).await
}

/// Begin settings in an API client.
#[utoipa::path(get, path = "/self-service/settings/api", tag = "frontend", operation_id = "createNativeSettingsFlow",
    responses((status = 200, description = "The flow"), (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "A second factor is needed")))]
async fn api(visit: Visit, OriginalUri(uri): OriginalUri, Query(ask): Query<Ask>) -> Response {
    begin(&visit, Transport::Api, &uri, ask).await
}

async fn begin(visit: &Visit, transport: Transport, uri: &Uri, ask: Ask) -> Response {
    let init = Init {
        transport,
        request_url: query::seen_url(visit, uri),
        return_to: ask.return_to,
        identity_schema: None,
    };
    match settings::begin(&visit.cx(), init).await {
        Ok(flow) => {
            let mut response = respond::begun(visit, &flow);
            forget_waiting(visit, &mut response);
            response
        }
        Err(error) => respond::init_failed::<Settings>(visit, transport, error).await,
    }
}

/// Read a settings flow of one's own; any number of times.
#[utoipa::path(get, path = "/self-service/settings/flows", tag = "frontend", operation_id = "getSettingsFlow",
    params(("id" = Uuid, Query, description = "The flow's id")),
    responses((status = 200, description = "The flow"), (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "Somebody else's flow, or a second factor is needed")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    use axum::response::IntoResponse as _;

    let flow = match settings::read(&visit.cx(), of.id()).await {
        Ok(flow) => flow,
        Err(error @ decision::Error::SessionMissing) => {
            return respond::submit_failed::<Settings>(&visit, error).await;
        }
        Err(error) => return ApiError::from(error).into_response(),
    };
    match query::refuse_expired(&visit, &flow) {
        Ok(()) => respond::json(StatusCode::OK, &flow.view()),
        Err(gone) => gone.into_response(),
    }
}

/// Submit settings.
#[utoipa::path(post, path = "/self-service/settings", tag = "frontend", operation_id = "updateSettingsFlow",
    params(("flow" = Uuid, Query, description = "The flow's id")),
    responses((status = 200, description = "Done; the flow"), (status = 303, description = "Done, for pages"),
        (status = 400, description = "The flow again, with messages"),
        (status = 403, description = "Authenticate once more, or with a second factor, first")))]
async fn submit(
    visit: Visit,
    Query(of): Query<query::FlowId>,
    Submitted(submission): Submitted,
) -> Response {
    let Some(id) = of.flow() else {
        return no_flow(&visit).await;
    };
    match settings::submit(&visit.cx(), id, submission).await {
        Ok(outcome) => respond::settings(&visit, outcome),
        Err(error) => respond::submit_failed::<Settings>(&visit, error).await,
    }
}

/// Go on with a change that waited for its owner to authenticate once more: where the detour leads back to.
#[utoipa::path(get, path = "/self-service/settings", tag = "frontend", operation_id = "resumeSettingsFlow",
    params(("flow" = Uuid, Query, description = "The flow's id")),
    responses((status = 200, description = "Done; the flow"), (status = 303, description = "Done, for pages"),
        (status = 400, description = "The flow again, with messages"),
        (status = 403, description = "Authenticate once more, or with a second factor, first")))]
async fn resume(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    let Some(id) = of.flow() else {
        return no_flow(&visit).await;
    };
    match settings::resume(&visit.cx(), id).await {
        Ok(outcome) => {
            let mut response = respond::settings(&visit, outcome);
            forget_waiting(&visit, &mut response);
            response
        }
        Err(error) => respond::submit_failed::<Settings>(&visit, error).await,
    }
}

async fn no_flow(visit: &Visit) -> Response {
    let error = ApiError::bad_request("The query parameter \"flow\" must be the id of a flow.");
    respond::error_for(visit, visit.client.json, error).await
}

/// What waited was carried out or dropped: the browser need not remember it.
fn forget_waiting(visit: &Visit, response: &mut Response) {
    if visit.client.continuity.is_some() {
        let cookie: HeaderValue = cookies::clear_continuity(&visit.project);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
