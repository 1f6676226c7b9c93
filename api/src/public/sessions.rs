//! `/sessions`: who am I, and where else am I signed in.

use axum::{
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flows::{decision, login};
use identity::{
    Session,
    sessions::{self, SessionConfig, store},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tenants::Section;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::{
    audience::ProjectRoutes,
    cookies,
    error::{ApiError, Result},
    openapi::shapes::{self, ErrorBrowserLocationChangeRequired, RevokedSessions},
    paging::{Offset, OffsetParams},
    query::{Query, Segment},
    respond,
    visit::Visit,
};

pub(super) fn router() -> ProjectRoutes {
    let (schemas, paths, check) = routes!(whoami);
    // Proxies that authenticate a request pass its own method on.
    let check = check
        .post(whoami)
        .put(whoami)
        .patch(whoami)
        .delete(whoami)
        .options(whoami);
    ProjectRoutes::new()
        .for_clients((schemas, paths, check))
        .for_clients(routes!(list, revoke_others))
        .for_clients(routes!(revoke))
}

/// `feature_flags`, as far as session checks go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct CacheFlags {
    cacheable_sessions: bool,
    #[serde(with = "tenants::config::units::optional_duration")]
    cacheable_sessions_max_age: Option<std::time::Duration>,
}

impl Section for CacheFlags {
    const POINTER: &'static str = "/feature_flags";
}

#[derive(Debug, Deserialize, IntoParams)]
struct Check {
    #[param(ignore)]
    tokenize_as: Option<String>,
}

/// Who is signed in?
///
/// The session of the request, for pages, apps, and services behind the login. Answered from memory; a
/// session that was ended is refused within half a second everywhere. Proxies that hand on the method of the
/// request they authenticate may send POST, PUT, PATCH, DELETE and OPTIONS as well.
#[utoipa::path(get, path = "/sessions/whoami", tag = "frontend", operation_id = "toSession",
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses((status = 200, description = "The session.", body = shapes::Session,
            headers(("X-Kratos-Authenticated-Identity-Id" = Uuid, description = "The identity's id, for proxies."),
                ("Ory-Session-Cache-For" = i64, description = "Seconds that the answer may be kept; only where the project allows it."))),
        (status = 401, description = "Nobody is signed in. The error has no `id`."),
        (status = 403, description = "A second factor is missing (`session_aal2_required`): go to `redirect_browser_to`. Or the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired)))]
async fn whoami(visit: Visit, Query(check): Query<Check>) -> Result<Response> {
    let flags = visit.project.config::<CacheFlags>();
    let Some(session) = &visit.session else {
        let mut response = unauthorized().into_response();
        if flags.cacheable_sessions && !visit.has_credentials {
            response
                .headers_mut()
                .insert("ory-session-cache-for", HeaderValue::from_static("60"));
        }
        return Ok(response);
    };
    require_aal(&visit, session)?;
    if check
        .tokenize_as
        .is_some_and(|template| !template.is_empty())
    {
        return Err(ApiError::bad_request(
            "There is no tokenizer template of that name.",
        ));
    }
    let now = visit.project.now();
    let identity = session.identity.public_view(visit.project.base_url());
    let mut response = respond::json(StatusCode::OK, &session.view(now, Some(identity)));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(session.identity.id.to_string()) {
        headers.insert("x-kratos-authenticated-identity-id", id);
    }
    if flags.cacheable_sessions {
        let left = (session.expires_at - now).to_std().unwrap_or_default();
        let seconds = flags
            .cacheable_sessions_max_age
            .map_or(left, |max| left.min(max))
            .as_secs();
        headers.insert("ory-session-cache-for", HeaderValue::from(seconds));
    }
    // The session was extended since the cookie was made: the cookie has to live as long.
    if let (Some(expires_at), Some(token)) = (visit.cookie_expires_at, &visit.token)
        && expires_at < session.expires_at
    {
        let cookie = cookies::set_session(&visit.project, token, session.expires_at);
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn unauthorized() -> ApiError {
    decision::Error::SessionMissing.into()
}

fn require_aal(visit: &Visit, session: &Session) -> Result<()> {
    let required = visit.project.config::<SessionConfig>().whoami.required_aal;
    if session.satisfies(required, sessions::code_as_factor(&visit.project)) {
        return Ok(());
    }
    let redirect_to = login::second_factor_url(&visit.project, None);
    Err(decision::Error::AalTooLow { redirect_to }.into())
}

fn signed_in(visit: &Visit) -> Result<&Session> {
    visit.session.as_deref().ok_or_else(unauthorized)
}

/// My other sessions
///
/// Those that are active, without the one of the request, newest first, by pages.
#[utoipa::path(get, path = "/sessions", tag = "frontend", operation_id = "listMySessions",
    params(OffsetParams), security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses((status = 200, description = "A page of sessions.", body = Vec<shapes::Session>,
            headers(("Link" = String, description = "The first, previous, next and last page, as far as there are any."),
                ("X-Total-Count" = i64, description = "How many there are on all pages."))),
        (status = 401, description = "Nobody is signed in."),
        (status = 403, description = "A second factor is missing (`session_aal2_required`): go to `redirect_browser_to`. Or the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired)))]
async fn list(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(params): Query<OffsetParams>,
) -> Result<Response> {
    let own = signed_in(&visit)?;
    require_aal(&visit, own)?;
    let page = Offset::of_sessions(&params);
    let filter = store::Filter {
        identity: Some(own.identity.id),
        except: Some(own.id),
        active: Some(true),
        ..store::Filter::default()
    };
    let mut tx = visit.project.begin().await?;
    let listed = store::list(&mut tx, &filter, page.offset, page.size).await?;
    let sessions = crate::admin::sessions::whole(listed)?;
    let total = store::count(&mut tx, &filter).await?;
    drop(tx);
    let mut response = respond::json(StatusCode::OK, &shown(&visit, &sessions));
    page.write_headers(&uri, total, &mut response);
    Ok(response)
}

fn shown(visit: &Visit, sessions: &[Session]) -> Value {
    let (now, base) = (visit.project.now(), visit.project.base_url());
    sessions
        .iter()
        .map(|s| s.view(now, Some(s.identity.public_view(base))))
        .collect()
}

/// Sign out everywhere but here
#[utoipa::path(delete, path = "/sessions", tag = "frontend", operation_id = "disableMyOtherSessions",
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses((status = 200, description = "How many were ended.", body = RevokedSessions),
        (status = 401, description = "Nobody is signed in.")))]
async fn revoke_others(visit: Visit) -> Result<Response> {
    let own = signed_in(&visit)?;
    let mut tx = visit.project.begin().await?;
    let count = store::revoke_others(&mut tx, own.identity.id, own.id).await?;
    tx.commit().await?;
    Ok(respond::json(StatusCode::OK, &json!({ "count": count })))
}

/// Sign out in one other place
///
/// Unknown, foreign and ended sessions are answered alike.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "frontend", operation_id = "disableMySession",
    params(("id" = Uuid, Path, description = "The session's id.")), security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses((status = 204, description = "Done."),
        (status = 400, description = "The id is no UUID, or that of the request's own session."),
        (status = 401, description = "Nobody is signed in.")))]
async fn revoke(visit: Visit, Segment(id): Segment) -> Result<Response> {
    let own = signed_in(&visit)?;
    let id = Uuid::try_parse(&id)
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST).saying("The id is no UUID."))?;
    if id == own.id {
        let message = "This is the session of the request itself: use logout.";
        return Err(ApiError::new(StatusCode::BAD_REQUEST).saying(message));
    }
    let mut tx = visit.project.begin().await?;
    store::revoke_own(&mut tx, own.identity.id, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
