//! `/self-service/logout`.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use flows::{
    decision,
    logout::LogoutConfig,
    pages::{Pages, with_query},
};
use identity::sessions::{store, token};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::{
    audience::ProjectRoutes,
    body::Short,
    error::{ApiError, Result},
    openapi::shapes::{LogoutFlow, NativeLogout},
    query::Query,
    respond,
    visit::{Tenant, Visit},
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_browsers(routes!(begin))
        .for_browsers(routes!(finish))
        .for_clients(routes!(api))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogoutQuery {
    /// Where the browser goes afterwards. The project says which addresses are allowed.
    #[param(format = Uri)]
    return_to: Option<String>,
    #[param(ignore)]
    token: Option<String>,
}

fn inactive() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED)
        .id("session_inactive")
        .because("No active session was found in the request.")
}

/// Where to go afterwards: as asked for, if allowed.
fn target(visit: &Visit, asked: Option<&str>) -> Result<Option<String>> {
    let Some(asked) = asked.filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    let checked = Pages::of(&visit.project).return_to().check(asked);
    let forbidden = |_| decision::Error::ReturnToForbidden {
        url: asked.to_owned(),
    };
    Ok(Some(checked.map_err(forbidden)?.into()))
}

/// The link that signs out a browser
///
/// For the page that offers it. It works for this session alone.
#[utoipa::path(get, path = "/self-service/logout/browser", tag = "frontend", operation_id = "createBrowserLogoutFlow",
    params(LogoutQuery), security(("sessionCookie" = [])),
    responses((status = 200, description = "The link.", body = LogoutFlow),
        (status = 303, description = "For pages that may not sign out: to the error page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The return URL is not allowed: `self_service_flow_return_to_forbidden`."),
        (status = 401, description = "Nobody is signed in: `session_inactive`.")))]
async fn begin(visit: Visit, Query(ask): Query<LogoutQuery>) -> Response {
    match begin_or_refuse(&visit, &ask) {
        Ok(response) => response,
        Err(error) => respond::error_for(&visit, visit.accepts_json, error).await,
    }
}

fn begin_or_refuse(visit: &Visit, ask: &LogoutQuery) -> Result<Response> {
    let session = visit.session.as_ref().ok_or_else(inactive)?;
    target(visit, ask.return_to.as_deref())?;
    let token = token::logout_token(&visit.project, session.id);
    let mut url = format!(
        "{}/self-service/logout?token={token}",
        visit.project.base_url()
    );
    if let Some(return_to) = ask.return_to.as_deref().filter(|url| !url.is_empty()) {
        url = with_query(&url, "return_to", return_to);
    }
    Ok(respond::json(
        StatusCode::OK,
        &json!({ "logout_url": url, "logout_token": token }),
    ))
}

/// Sign out a browser
///
/// Ends the session, takes its cookie away, and lets forms that are still open die.
#[utoipa::path(get, path = "/self-service/logout", tag = "frontend", operation_id = "updateLogoutFlow",
    params(("token" = String, Query, description = "The `logout_token` of the link."), LogoutQuery), security(("sessionCookie" = [])),
    responses((status = 204, description = "Signed out, for scripts."),
        (status = 303, description = "Signed out, for pages; or to the error page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The token is missing, or the return URL is not allowed (`self_service_flow_return_to_forbidden`); nothing has happened."),
        (status = 401, description = "Nobody is signed in: `session_inactive`."),
        (status = 403, description = "The token belongs to another session, or the project is suspended (`project_suspended`).")))]
async fn finish(visit: Visit, Query(ask): Query<LogoutQuery>) -> Response {
    match finish_or_refuse(&visit, &ask).await {
        Ok(response) => response,
        Err(error) => respond::error_for(&visit, visit.accepts_json, error).await,
    }
}

async fn finish_or_refuse(visit: &Visit, ask: &LogoutQuery) -> Result<Response> {
    let Some(given) = ask.token.as_deref().filter(|t| !t.is_empty()) else {
        return Err(ApiError::bad_request("The query has no logout token."));
    };
    let session = visit.session.as_ref().ok_or_else(inactive)?;
    if !token::is_logout_token(&visit.project, session.id, given) {
        return Err(ApiError::new(StatusCode::FORBIDDEN)
            .because("The logout token does not belong to this session."));
    }
    // Judged before the session ends: an answer of 400 changes nothing.
    let asked = target(visit, ask.return_to.as_deref())?;
    let mut tx = visit.project.begin().await?;
    store::revoke(&mut tx, session.id).await?;
    tx.commit().await?;
    let mut response = if visit.accepts_json {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let config = visit.project.config::<LogoutConfig>();
        let pages = Pages::of(&visit.project);
        let configured = config.after.default_browser_return_url.as_deref();
        let fallback = || {
            configured.map_or_else(
                || pages.return_to().default_url().to_string(),
                |url| pages.absolute(url),
            )
        };
        respond::redirect(StatusCode::SEE_OTHER, &asked.unwrap_or_else(fallback))
    };
    respond::signed_out(&visit.project, &mut response);
    Ok(response)
}

#[derive(Debug, Deserialize)]
struct ApiLogout {
    #[serde(default)]
    session_token: String,
}

/// Sign out an API client
#[utoipa::path(delete, path = "/self-service/logout/api", tag = "frontend", operation_id = "performNativeLogout",
    request_body = NativeLogout,
    responses((status = 204, description = "Signed out."),
        (status = 403, description = "There is no session of that token, or the project is suspended (`project_suspended`).")))]
async fn api(tenant: Tenant, whole: Short) -> Result<Response> {
    let Short(body) = whole;
    if body.is_empty() {
        return Err(ApiError::bad_request("The request has no body."));
    }
    let logout: ApiLogout = serde_json::from_slice(&body)
        .map_err(|e| ApiError::bad_request(format!("The body cannot be read: {e}.")))?;
    let mut tx = tenant.project.begin().await?;
    let Some(id) = store::id_of_token(&mut tx, &logout.session_token).await? else {
        return Err(
            ApiError::new(StatusCode::FORBIDDEN).because("There is no session of that token.")
        );
    };
    store::revoke(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
