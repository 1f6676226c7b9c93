//! `/self-service/settings`.

use axum::{
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use flows::{
    decision,
    flow::Transport,
    pages,
    settings::{self, Settings},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::flow;
use crate::{
    audience::ProjectRoutes,
    body::Submitted,
    cookies,
    error::ApiError,
    openapi::shapes::{
        ErrorBrowserLocationChangeRequired, FormFields, RefusedSettings,
        SelfServiceFlowExpiredError, SettingsFlow, UpdateSettingsFlowBody,
    },
    query::{self, Query},
    respond::{self, Answer as _},
    visit::{Tenant, Visit},
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_browsers(routes!(browser))
        .for_clients(routes!(api))
        .for_browsers(routes!(read))
        .for_browsers(routes!(submit, resume))
        .for_browsers(routes!(change_password))
}

/// Query parameters of an init. Empty ones count as absent.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InitQuery {
    /// Where the browser goes at the end. The project says which addresses are allowed.
    #[param(format = Uri)]
    return_to: Option<String>,
}

/// Begin settings in a browser
///
/// For whoever is signed in. Pages are redirected to the project's settings page, or to the login first;
/// scripts get the flow at once.
#[utoipa::path(get, path = "/self-service/settings/browser", tag = "frontend", operation_id = "createBrowserSettingsFlow",
    params(InitQuery), security(("sessionCookie" = [])),
    responses((status = 200, description = "The flow, for scripts.", body = SettingsFlow),
        (status = 303, description = "To the settings page; to the login when nobody is signed in or a second factor is missing; to the error page when a parameter is no good.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "For scripts. A parameter is no good (`self_service_flow_return_to_forbidden` among others)."),
        (status = 401, description = "For scripts. Nobody is signed in: `session_inactive`."),
        (status = 403, description = "For scripts. A second factor is missing (`session_aal2_required`): go to `redirect_browser_to`. Or the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired)))]
async fn browser(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(&visit, Transport::Browser, &uri, asked).await
}

/// Begin settings in an API client
#[utoipa::path(get, path = "/self-service/settings/api", tag = "frontend", operation_id = "createNativeSettingsFlow",
    params(InitQuery), security(("sessionToken" = [])),
    responses((status = 200, description = "The flow.", body = SettingsFlow),
        (status = 401, description = "Nobody is signed in: `session_inactive`."),
        (status = 403, description = "A second factor is missing (`session_aal2_required`), or the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired)))]
async fn api(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(&visit, Transport::Api, &uri, asked).await
}

async fn begin(visit: &Visit, transport: Transport, uri: &Uri, asked: InitQuery) -> Response {
    let init = flow::init(visit, transport, uri, asked.return_to);
    let begun = settings::begin(&visit.cx(), init).await;
    let has_begun = begun.is_ok();
    let mut response = flow::answer_begun(visit, transport, begun).await;
    if has_begun {
        forget_waiting(visit, &mut response);
    }
    response
}

/// Read a settings flow
///
/// One's own, as it was drawn last, any number of times.
#[utoipa::path(get, path = "/self-service/settings/flows", tag = "frontend", operation_id = "getSettingsFlow",
    params(("id" = Uuid, Query, description = "The flow's id.")), security(("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow.", body = SettingsFlow),
        (status = 302, description = "For pages, when nobody is signed in: to the login page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 401, description = "Nobody is signed in."),
        (status = 403, description = "It is somebody else's (`security_identity_mismatch`), a second factor is missing (`session_aal2_required`), or the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired),
        (status = 404, description = "There is no such flow, or no such project."),
        (status = 410, description = "It has expired. `details` says where to begin anew.")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    use axum::response::IntoResponse as _;

    let flow = match settings::read(&visit.cx(), of.id()).await {
        Ok(flow) => flow,
        Err(error @ decision::Error::SessionMissing) => {
            return Settings::failed(&visit, error).await;
        }
        Err(error) => return ApiError::from(error).into_response(),
    };
    match query::refuse_expired(&visit, &flow) {
        Ok(()) => respond::json(StatusCode::OK, &flow.view()),
        Err(gone) => gone.into_response(),
    }
}

/// Submit a settings flow
///
/// What somebody signs in with or is reached at needs a session that authenticated a while ago at most; browsers
/// are sent to the login otherwise, and the change waits for them.
#[utoipa::path(post, path = "/self-service/settings", tag = "frontend", operation_id = "updateSettingsFlow",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security(("sessionToken" = []), ("sessionCookie" = [])),
    request_body(description = "By `method`, as the form's nodes say. Forms write nested names with dots: `traits.email`.",
        content((UpdateSettingsFlowBody = "application/json"), (FormFields = "application/x-www-form-urlencoded"), (FormFields = "multipart/form-data"))),
    responses((status = 200, description = "For scripts and API clients. Saved, or waiting until a new address is verified: the flow, and what to do next. Or several new addresses at once, of which each has to be verified: the form again, and nothing is changed.", body = SettingsFlow),
        (status = 302, description = "For pages, when nobody is signed in: to the login page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "For pages. Saved, and on; or to the verification of a new address; or back to the settings page, which shows what is wrong; or to the login, to authenticate again.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again, with what is wrong. Or `flow` is no UUID.", body = inline(RefusedSettings)),
        (status = 401, description = "Nobody is signed in."),
        (status = 403, description = "The session is too old for this change (`session_refresh_required`) or lacks a second factor (`session_aal2_required`): go to `redirect_browser_to`. Or the flow is somebody else's (`security_identity_mismatch`), the request could not be told from a forged one (`security_csrf_violation`), the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired),
        (status = 404, description = "There is no such flow or project, or the method is off."),
        (status = 410, description = "It expired before it was submitted. `use_flow_id` takes its place.", body = SelfServiceFlowExpiredError),
        (status = 429, description = "For scripts and API clients. Too many mails were asked for.",
            headers(("Retry-After" = i64, description = "Seconds to wait before the next try.")))))]
async fn submit(
    visit: Visit,
    Query(of): Query<query::FlowId>,
    Submitted(submission): Submitted,
) -> Response {
    match of.flow() {
        Some(id) => flow::submit_to::<Settings>(&visit, id, submission).await,
        None => no_flow(&visit).await,
    }
}

/// Where passwords are changed
///
/// For password managers (W3C, A Well-Known URL for Changing Passwords).
#[utoipa::path(get, path = "/.well-known/change-password", tag = "frontend", operation_id = "redirectChangePassword",
    responses((status = 303, description = "To the settings page.",
            headers(("Location" = String, description = "Where to go.")))))]
async fn change_password(tenant: Tenant) -> Response {
    let page = pages::page::<Settings>(&tenant.project);
    respond::redirect(StatusCode::SEE_OTHER, &page)
}

/// Go on with a change that waited
///
/// Where the detour to the login leads back to.
#[utoipa::path(get, path = "/self-service/settings", tag = "frontend", operation_id = "resumeSettingsFlow",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security(("sessionCookie" = [])),
    responses((status = 200, description = "For scripts and API clients. Saved, or waiting until a new address is verified: the flow, and what to do next. Or several new addresses at once, of which each has to be verified: the form again, and nothing is changed.", body = SettingsFlow),
        (status = 302, description = "For pages, when nobody is signed in: to the login page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "For pages. Saved, and on; or to the verification of a new address; or back to the settings page, which shows what is wrong; or to the login, to authenticate again.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again, with what is wrong. Or `flow` is no UUID.", body = inline(RefusedSettings)),
        (status = 401, description = "Nobody is signed in."),
        (status = 403, description = "The session is too old for this change (`session_refresh_required`) or lacks a second factor (`session_aal2_required`): go to `redirect_browser_to`. Or the flow is somebody else's (`security_identity_mismatch`), the request could not be told from a forged one (`security_csrf_violation`), the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired),
        (status = 404, description = "There is no such flow or project, or the method is off."),
        (status = 410, description = "It expired before it was submitted. `use_flow_id` takes its place.", body = SelfServiceFlowExpiredError),
        (status = 429, description = "For scripts and API clients. Too many mails were asked for.",
            headers(("Retry-After" = i64, description = "Seconds to wait before the next try.")))))]
async fn resume(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    let Some(id) = of.flow() else {
        return no_flow(&visit).await;
    };
    match settings::resume(&visit.cx(), id).await {
        Ok(outcome) => {
            let mut response = respond::outcome(&visit, outcome);
            forget_waiting(&visit, &mut response);
            response
        }
        Err(error) => Settings::failed(&visit, error).await,
    }
}

/// Who is signed in comes first, as in Kratos.
async fn no_flow(visit: &Visit) -> Response {
    if visit.session.is_none() {
        return Settings::failed(visit, decision::Error::SessionMissing).await;
    }
    flow::no_flow(visit).await
}

/// What waited was carried out or dropped: the browser need not remember it.
fn forget_waiting(visit: &Visit, response: &mut Response) {
    if visit.client.continuity.is_some() {
        let cookie: HeaderValue = cookies::clear_continuity(&visit.project);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
