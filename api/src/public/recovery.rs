//! `/self-service/recovery`.

use axum::{
    extract::OriginalUri,
    http::{Method, StatusCode, Uri},
    response::Response,
};
use flows::{
    address_proof,
    flow::Transport,
    recovery::{Recovery, RecoveryParams},
    run::Outcome,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use super::flow;
use crate::{
    audience::ProjectRoutes,
    body::Submitted,
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
struct InitQuery {
    /// Where to go at the end.
    return_to: Option<String>,
    /// End there at once, rather than in the settings.
    skip_settings: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct NativeInitQuery {
    /// Where to go at the end.
    return_to: Option<String>,
}

/// Begin a recovery in a browser
#[utoipa::path(get, path = "/self-service/recovery/browser", tag = "frontend", operation_id = "createBrowserRecoveryFlow",
    params(InitQuery), security((), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow, for scripts.", body = RecoveryFlow),
        (status = 302, description = "For pages, when somebody is signed in already: on.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "To the page of the recovery; to the error page when no flow could be begun.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "For scripts. The project does not offer it, somebody is signed in already (`session_already_available`), or a parameter is no good.")))]
async fn browser(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(visit, Transport::Browser, &uri, asked).await
}

/// Begin a recovery in an API client
#[utoipa::path(get, path = "/self-service/recovery/api", tag = "frontend", operation_id = "createNativeRecoveryFlow",
    params(NativeInitQuery), security((), ("sessionToken" = [])),
    responses((status = 200, description = "The flow.", body = RecoveryFlow),
        (status = 303, description = "For pages: to the error page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The project does not offer it, somebody is signed in already (`session_already_available`), or `return_to` is not allowed (`self_service_flow_return_to_forbidden`).")))]
async fn api(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(NativeInitQuery { return_to }): Query<NativeInitQuery>,
) -> Response {
    let asked = InitQuery {
        return_to,
        ..InitQuery::default()
    };
    begin(visit, Transport::Api, &uri, asked).await
}

async fn begin(visit: Visit, transport: Transport, uri: &Uri, asked: InitQuery) -> Response {
    let params = RecoveryParams {
        skip_settings: query::is_true(asked.skip_settings.as_deref()),
    };
    let init = flow::init(&visit, transport, uri, asked.return_to);
    flow::begin::<Recovery>(&visit, init, &params).await
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
    flow::read_proof::<Recovery>(&visit, &of, |flow| flow.data.by_administrator).await
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
    match (of.flow(), of.token()) {
        (Some(id), Some(token)) => redeem(&visit, id, token).await,
        _ => flow::submit::<Recovery>(&visit, &of, submission).await,
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
        (Some(id), _) if method == Method::HEAD => {
            respond::to_page::<Recovery>(&visit, StatusCode::SEE_OTHER, id)
        }
        (Some(id), Some(token)) => redeem(&visit, id, token).await,
        (_, _) => flow::open::<Recovery>(&visit, &of).await,
    }
}

async fn redeem(visit: &Visit, id: Uuid, token: &str) -> Response {
    match address_proof::redeem::<Recovery>(&visit.cx(), id, token).await {
        Ok(Outcome::Done { done, .. }) => respond::let_in(visit, &done),
        Ok(other) => respond::outcome(visit, other),
        Err(error) => respond::link_failed::<Recovery>(visit, error).await,
    }
}

/// Where administrators ask for a code
#[utoipa::path(post, path = "/recovery/code", tag = "identity", operation_id = "redirectRecoveryCode",
    responses((status = 307, description = "To the administration.",
            headers(("Location" = String, description = "Where to go.")))))]
async fn code_elsewhere(visit: Visit, OriginalUri(uri): OriginalUri) -> Response {
    respond::administration(&visit, "/admin/recovery/code", &uri)
}

/// Where administrators ask for a link
#[utoipa::path(post, path = "/recovery/link", tag = "identity", operation_id = "redirectRecoveryLink",
    responses((status = 307, description = "To the administration.",
            headers(("Location" = String, description = "Where to go.")))))]
async fn link_elsewhere(visit: Visit, OriginalUri(uri): OriginalUri) -> Response {
    respond::administration(&visit, "/admin/recovery/link", &uri)
}
