//! Sessions, as administrators see them.

use axum::{
    extract::OriginalUri,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use identity::{Session, sessions::store};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::key::Administrator;
use crate::{
    audience::ProjectRoutes,
    error::{ApiError, Result},
    openapi::shapes,
    paging::{Offset, OffsetParams, SessionPage},
    query::{Query, Segment},
    respond,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_clients(routes!(of_identity, delete_of_identity))
        .for_clients(routes!(list))
        .for_clients(routes!(get, revoke))
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    active: Option<String>,
    #[serde(default)]
    expand: Vec<String>,
    page: Option<String>,
    per_page: Option<String>,
    page_size: Option<String>,
    page_token: Option<String>,
}

/// Which sessions a list shows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the document")]
struct Which {
    /// Only active sessions, or only others; by default all.
    active: Option<bool>,
}

/// A page of all sessions, and what is shown of each.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "for the document")]
struct Shown {
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 250)]
    page_size: Option<i64>,
    /// Where the page begins: as it stands in a `Link` of another page.
    page_token: Option<String>,
    /// What to show besides the session; may come twice.
    #[param(inline)]
    expand: Option<Vec<Expandable>>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the document")]
enum Expandable {
    Identity,
    Devices,
}

impl ListQuery {
    fn params(&self) -> OffsetParams {
        OffsetParams {
            page: self.page.clone(),
            per_page: self.per_page.clone(),
            page_size: self.page_size.clone(),
            page_token: self.page_token.clone(),
        }
    }

    fn active(&self) -> Result<Option<bool>> {
        match self.active.as_deref() {
            None | Some("") => Ok(None),
            Some("1" | "t" | "T" | "TRUE" | "true" | "True") => Ok(Some(true)),
            Some("0" | "f" | "F" | "FALSE" | "false" | "False") => Ok(Some(false)),
            Some(other) => {
                let message = format!("The parameter active is a boolean, not {other:?}.");
                Err(ApiError::new(StatusCode::BAD_REQUEST).saying(message))
            }
        }
    }
}

/// What is shown of a session beyond itself.
#[derive(Clone, Copy, Debug, Default)]
struct Expand {
    identity: bool,
    devices: bool,
}

fn expand(asked: &[String]) -> Result<Expand> {
    let mut expand = Expand::default();
    for what in asked {
        match what.to_ascii_lowercase().as_str() {
            "identity" => expand.identity = true,
            "devices" => expand.devices = true,
            _ => {
                return Err(ApiError::bad_request(format!(
                    "expand knows identity and devices, not {what:?}."
                )));
            }
        }
    }
    Ok(expand)
}

fn uuid(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text)
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST).saying("The id is no UUID."))
}

fn shown(admin: &Administrator, session: &Session, expand: Expand, no_devices: Value) -> Value {
    let identity = expand
        .identity
        .then(|| session.identity.public_view(admin.project.base_url()));
    let mut view = session.view(admin.project.now(), identity);
    if !expand.devices {
        view["devices"] = no_devices;
    }
    view
}

const ALL: Expand = Expand {
    identity: true,
    devices: true,
};

/// The sessions of one identity
///
/// Newest first, with identity and devices, by pages. An unknown identity has none.
#[utoipa::path(get, path = "/admin/identities/{id}/sessions", tag = "identity", operation_id = "listIdentitySessions",
    params(("id" = Uuid, Path, description = "The identity's id."), Which, OffsetParams),
    responses((status = 200, description = "A page of sessions.", body = Vec<shapes::Session>,
        headers(("Link" = String, description = "The first, previous, next and last page, as far as there are any."),
            ("X-Total-Count" = i64, description = "How many there are on all pages.")))))]
async fn of_identity(
    admin: Administrator,
    Segment(id): Segment,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    let page = Offset::of_sessions(&query.params());
    let filter = store::Filter {
        identity: Some(uuid(&id)?),
        active: query.active()?,
        ..store::Filter::default()
    };
    let mut tx = admin.project.begin().await?;
    let listed = store::list(&mut tx, &filter, page.offset, page.size).await?;
    let sessions = whole(listed)?;
    let total = store::count(&mut tx, &filter).await?;
    drop(tx);
    let body: Value = sessions
        .iter()
        .map(|s| shown(&admin, s, ALL, Value::Null))
        .collect();
    let mut response = respond::json(StatusCode::OK, &body);
    page.write_headers(&uri, total, &mut response);
    Ok(response)
}

/// A page by number, which would leave somebody out if it were cut.
pub(crate) fn whole(listed: store::Listed) -> Result<Vec<Session>> {
    if listed.is_cut {
        return Err(ApiError::bad_request(
            "This page is too large: ask for fewer sessions at a time.",
        ));
    }
    Ok(listed.sessions)
}

/// Delete all sessions of one identity
///
/// Nothing is kept of them. To end a session and keep its record, end it by its own id.
#[utoipa::path(delete, path = "/admin/identities/{id}/sessions", tag = "identity", operation_id = "deleteIdentitySessions",
    params(("id" = Uuid, Path, description = "The identity's id.")),
    responses((status = 204, description = "Gone."),
        (status = 404, description = "There were none, or there is no such project.")))]
async fn delete_of_identity(admin: Administrator, Segment(id): Segment) -> Result<Response> {
    let id = uuid(&id)?;
    let mut tx = admin.project.begin().await?;
    if store::delete_all(&mut tx, id).await? == 0 {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// All sessions of a project
///
/// Newest first, by pages.
#[utoipa::path(get, path = "/admin/sessions", tag = "identity", operation_id = "listSessions",
    params(Which, Shown),
    responses((status = 200, description = "A page of sessions.", body = Vec<shapes::Session>,
        headers(("Link" = String, description = "The first page, and the next if there is one.")))))]
async fn list(
    admin: Administrator,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    let page = SessionPage::read(&query.params())?;
    let expand = expand(&query.expand)?;
    let filter = store::Filter {
        active: query.active()?,
        after: page.after,
        ..store::Filter::default()
    };
    let mut tx = admin.project.begin().await?;
    let listed = store::list(&mut tx, &filter, 0, page.size + 1).await?;
    let mut sessions = listed.sessions;
    drop(tx);
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = listed.is_cut || sessions.len() > size;
    sessions.truncate(size);
    let next = sessions
        .last()
        .filter(|_| more)
        .map(|s| SessionPage::token(s.created_at, s.id));
    let body: Value = sessions
        .iter()
        .map(|s| shown(&admin, s, expand, Value::Null))
        .collect();
    let mut response = respond::json(StatusCode::OK, &body);
    page.write_headers(&uri, next.as_deref(), &mut response);
    Ok(response)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GetQuery {
    /// What to show besides the session; may come twice.
    #[serde(default)]
    #[param(inline, value_type = Vec<Expandable>)]
    expand: Vec<String>,
}

/// One session, active or not
#[utoipa::path(get, path = "/admin/sessions/{id}", tag = "identity", operation_id = "getSession",
    params(("id" = Uuid, Path, description = "The session's id."), GetQuery),
    responses((status = 200, description = "The session.", body = shapes::Session),
        (status = 404, description = "There is no such session, or no such project.")))]
async fn get(
    admin: Administrator,
    Segment(id): Segment,
    Query(query): Query<GetQuery>,
) -> Result<Response> {
    let (id, expand) = (uuid(&id)?, expand(&query.expand)?);
    let mut tx = admin.project.begin().await?;
    let session = store::get(&mut tx, id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    drop(tx);
    Ok(respond::json(
        StatusCode::OK,
        &shown(&admin, &session, expand, json!([])),
    ))
}

/// End one session
///
/// Its record stays, and shows that it is not active any more.
#[utoipa::path(delete, path = "/admin/sessions/{id}", tag = "identity", operation_id = "disableSession",
    params(("id" = Uuid, Path, description = "The session's id.")),
    responses((status = 204, description = "Ended."),
        (status = 404, description = "There is no such session, or no such project.")))]
async fn revoke(admin: Administrator, Segment(id): Segment) -> Result<Response> {
    let id = uuid(&id)?;
    let mut tx = admin.project.begin().await?;
    if !store::revoke(&mut tx, id).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
