//! `/self-service/recovery`.

use axum::{
    extract::OriginalUri,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use flows::{
    begin::Init,
    decision,
    flow::Transport,
    guard,
    recovery::{self, Recovery},
    submission::Submission,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::{
    audience::ProjectRoutes,
    body::Submitted,
    challenges,
    error::ApiError,
    openapi::shapes::{
        ErrorBrowserLocationChangeRequired, FormFields, RecoveryFlow, RefusedRecovery,
        SelfServiceFlowExpiredError, UpdateRecoveryFlowBody,
    },
    query::{self, Query},
    respond,
    visit::Visit,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_browsers(routes!(browser))
        .for_clients(routes!(api))
        .for_browsers(routes!(read))
        .for_browsers(routes!(submit, follow))
        .for_browsers(routes!(code_elsewhere))
        .for_browsers(routes!(link_elsewhere))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Ask {
    /// Where to go at the end.
    return_to: Option<String>,
    /// End there at once, rather than in the settings.
    skip_settings: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AskNative {
    /// Where to go at the end.
    return_to: Option<String>,
}

/// Begin a recovery in a browser
#[utoipa::path(get, path = "/self-service/recovery/browser", tag = "frontend", operation_id = "createBrowserRecoveryFlow",
    params(Ask), security((), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow, for scripts.", body = RecoveryFlow),
        (status = 302, description = "For pages, when somebody is signed in already: on.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "To the page of the recovery; to the error page when no flow could be begun.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "For scripts. The project does not offer it, somebody is signed in already (`session_already_available`), or a parameter is no good.")))]
async fn browser(visit: Visit, OriginalUri(uri): OriginalUri, Query(ask): Query<Ask>) -> Response {
    begin(visit, Transport::Browser, &uri, ask).await
}

/// Begin a recovery in an API client
#[utoipa::path(get, path = "/self-service/recovery/api", tag = "frontend", operation_id = "createNativeRecoveryFlow",
    params(AskNative), security((), ("sessionToken" = [])),
    responses((status = 200, description = "The flow.", body = RecoveryFlow),
        (status = 303, description = "For pages: to the error page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The project does not offer it, somebody is signed in already (`session_already_available`), or `return_to` is not allowed (`self_service_flow_return_to_forbidden`).")))]
async fn api(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(AskNative { return_to }): Query<AskNative>,
) -> Response {
    let ask = Ask {
        return_to,
        ..Ask::default()
    };
    begin(visit, Transport::Api, &uri, ask).await
}

async fn begin(visit: Visit, transport: Transport, uri: &Uri, ask: Ask) -> Response {
    let skip_settings = query::is_true(ask.skip_settings.as_deref());
    let init = Init {
        transport,
        request_url: query::seen_url(&visit, uri),
        return_to: ask.return_to,
        identity_schema: None,
    };
    match recovery::begin(&visit.cx(), init, skip_settings).await {
        Ok(flow) => respond::begun(&visit, &flow),
        Err(error) => {
            let json_client = transport == Transport::Api || visit.accepts_json;
            respond::failed::<Recovery>(&visit, json_client, StatusCode::FOUND, error).await
        }
    }
}

/// Read a recovery flow; any number of times
#[utoipa::path(get, path = "/self-service/recovery/flows", tag = "frontend", operation_id = "getRecoveryFlow",
    params(("id" = Uuid, Query, description = "The flow's id.")),
    responses((status = 200, description = "The flow.", body = RecoveryFlow),
        (status = 303, description = "For pages, when the project does not offer it: to the error page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The project does not offer it."),
        (status = 403, description = "The CSRF cookie is missing or another's (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow, or no such project."),
        (status = 410, description = "It has expired. `details` says where to begin anew.")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    let flow = match recovery::read(&visit.cx(), of.id()).await {
        Ok(flow) => flow,
        Err(error @ decision::Error::NotFound) => return ApiError::from(error).into_response(),
        Err(error) => return respond::error_for(&visit, visit.accepts_json, error.into()).await,
    };
    let readable = if flow.state.by_administrator {
        Ok(())
    } else {
        guard::check_reader(&visit.cx(), &flow).map_err(ApiError::from)
    };
    match readable.and_then(|()| query::refuse_expired(&visit, &flow)) {
        Ok(()) => respond::json(StatusCode::OK, &flow.view()),
        Err(error) => error.into_response(),
    }
}

/// Submit an address or a code
#[utoipa::path(post, path = "/self-service/recovery", tag = "frontend", operation_id = "updateRecoveryFlow",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(description = "By `method`, as the form's nodes say.",
        content((UpdateRecoveryFlowBody = "application/json"), (FormFields = "application/x-www-form-urlencoded"), (FormFields = "multipart/form-data"))),
    responses((status = 200, description = "For scripts and API clients: the flow as it goes on. Whether anybody has the address makes no difference.", body = RecoveryFlow),
        (status = 302, description = "For pages, when somebody is signed in already: on.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "For pages: back to the page, or on. For others: to a flow that takes this one's place.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again, with what is wrong. Or the project does not offer it, `flow` is no UUID, or somebody is signed in already.", body = inline(RefusedRecovery)),
        (status = 403, description = "The request could not be told from a forged one (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow or project, or the method is off."),
        (status = 410, description = "Another flow takes its place: `use_flow_id`.", body = SelfServiceFlowExpiredError),
        (status = 422, description = "For scripts. Recovered: go to `redirect_browser_to`, where everything can be changed (`browser_location_change_required`).", body = ErrorBrowserLocationChangeRequired),
        (status = 429, description = "For scripts and API clients. Too many mails were asked for, or too many guesses made.",
            headers(("Retry-After" = i64, description = "Seconds to wait before the next try.")))))]
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
    submitted(&visit, id, submission).await
}

async fn submitted(visit: &Visit, id: Uuid, submission: Result<Submission, String>) -> Response {
    match recovery::submit(&visit.cx(), id, submission).await {
        Ok(outcome) => challenges::recovery(visit, outcome),
        Err(error) => challenges::recovery_failed(visit, error).await,
    }
}

/// Follow the link of a mail
///
/// Its token is used; without one the form is shown. HEAD uses nothing, so that programs which look at links
/// beforehand take nothing away from people.
#[utoipa::path(get, path = "/self-service/recovery", tag = "frontend", operation_id = "followRecoveryLink",
    params(("flow" = Uuid, Query, description = "The flow's id."), ("token" = Option<String>, Query, description = "To be used.")),
    responses((status = 200, description = "The flow, for scripts.", body = RecoveryFlow),
        (status = 303, description = "Recovered: to the settings page. Or to a new flow, which says what is wrong with the link.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "A parameter is missing, or the project does not offer it."),
        (status = 404, description = "There is no such flow or project."),
        (status = 429, description = "Too many guesses were made.")))]
async fn follow(visit: Visit, method: Method, Query(of): Query<query::FlowId>) -> Response {
    match (of.flow(), of.token()) {
        (Some(id), _) if method == Method::HEAD => challenges::page_of::<Recovery>(&visit, id),
        (Some(id), Some(token)) => redeem(&visit, id, token).await,
        (Some(id), None) => submitted(&visit, id, Err(query::NOTHING_SENT.to_owned())).await,
        (None, _) => respond::error_for(&visit, visit.client.json, query::no_flow()).await,
    }
}

async fn redeem(visit: &Visit, id: Uuid, token: &str) -> Response {
    match recovery::redeem(&visit.cx(), id, token).await {
        Ok(recovered) => challenges::let_in(visit, &recovered),
        Err(error) => challenges::link_failed::<Recovery>(visit, error).await,
    }
}

/// Where administrators ask for a code
#[utoipa::path(post, path = "/recovery/code", tag = "identity", operation_id = "redirectRecoveryCode",
    responses((status = 307, description = "To the administration.",
            headers(("Location" = String, description = "Where to go.")))))]
async fn code_elsewhere(visit: Visit, OriginalUri(uri): OriginalUri) -> Response {
    challenges::administration(&visit, "/admin/recovery/code", &uri)
}

/// Where administrators ask for a link
#[utoipa::path(post, path = "/recovery/link", tag = "identity", operation_id = "redirectRecoveryLink",
    responses((status = 307, description = "To the administration.",
            headers(("Location" = String, description = "Where to go.")))))]
async fn link_elsewhere(visit: Visit, OriginalUri(uri): OriginalUri) -> Response {
    challenges::administration(&visit, "/admin/recovery/link", &uri)
}
