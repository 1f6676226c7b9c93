//! Outgoing messages, as administrators see them. What they say is shown in
//! DEVELOPMENT projects alone: it holds codes.

use axum::{extract::OriginalUri, http::StatusCode, response::Response};
use courier::{
    Status,
    store::{self, Filter, Stored},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tenants::Environment;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use super::key::Administrator;
use crate::{
    audience::ProjectRoutes,
    error::{ApiError, Result},
    openapi::shapes::Message,
    paging::SealedPage,
    query::{Query, Segment},
    respond,
};

/// What page tokens are bound to.
const PAGES: &str = "courier messages";
const REDACTED: &str = "<redacted-unless-dev-mode>";

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_clients(routes!(list))
        .for_clients(routes!(get))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `queued`, `processing`, `sent` or `abandoned`.
    status: Option<String>,
    /// Exactly this recipient.
    recipient: Option<String>,
    /// How many on a page.
    page_size: Option<String>,
    /// From the header `Link` of the page before.
    page_token: Option<String>,
}

fn status(text: &str) -> Result<Status> {
    serde_json::from_value(json!(text)).map_err(|_| {
        ApiError::bad_request("status is one of queued, processing, sent and abandoned.")
    })
}

/// List messages
///
/// The newest first, without their attempts.
#[utoipa::path(get, path = "/admin/courier/messages", tag = "courier", operation_id = "listCourierMessages",
    params(ListQuery),
    responses((status = 200, description = "A page of messages.", body = [Message],
            headers(("Link" = String, description = "The first page, and the next."))),
        (status = 400, description = "A parameter is no good.")))]
async fn list(
    admin: Administrator,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    let page = SealedPage::read(
        &admin.project,
        PAGES,
        query.page_size.as_deref(),
        query.page_token.as_deref(),
    )?;
    let filter = Filter {
        status: query.status.as_deref().map(status).transpose()?,
        recipient: query.recipient.filter(|recipient| !recipient.is_empty()),
        after: page.after,
    };
    let mut tx = admin.project.begin().await?;
    let mut messages = store::list(&mut tx, &filter, page.size + 1).await?;
    drop(tx);
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = messages.len() > size;
    messages.truncate(size);
    let last = messages.last().filter(|_| more);
    let last = last.map(|message| (message.created_at, message.id));
    let body: Value = messages.iter().map(|m| view(&admin, m)).collect();
    let mut response = respond::json(StatusCode::OK, &body);
    page.write_headers(&uri, last, &mut response);
    Ok(response)
}

/// Get a message
///
/// With its attempts, newest first.
#[utoipa::path(get, path = "/admin/courier/messages/{id}", tag = "courier", operation_id = "getCourierMessage",
    params(("id" = Uuid, Path, description = "The message's id.")),
    responses((status = 200, description = "The message.", body = Message),
        (status = 400, description = "The id is no UUID."),
        (status = 404, description = "There is no such message or project.")))]
async fn get(admin: Administrator, Segment(id): Segment) -> Result<Response> {
    let id = Uuid::try_parse(&id)
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST).saying("The id is no UUID."))?;
    let mut tx = admin.project.begin().await?;
    let message = store::get(&mut tx, id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    drop(tx);
    let mut body = view(&admin, &message);
    if !message.dispatches.is_empty() {
        let newest_first = message.dispatches.iter().rev();
        body["dispatches"] = newest_first
            .map(|dispatch| {
                let mut shown = json!(dispatch);
                shown["message_id"] = json!(message.id);
                shown
            })
            .collect();
    }
    Ok(respond::json(StatusCode::OK, &body))
}

fn view(admin: &Administrator, message: &Stored) -> Value {
    // A key that may only read must not sign in by a code that is read here.
    let open = admin.project.environment() == Environment::Development
        && admin.may_see_credentials().is_ok();
    let shown = |text: &str| if open { json!(text) } else { json!(REDACTED) };
    let channel = message.to.via.as_str();
    json!({
        "id": message.id,
        "status": message.status,
        "type": channel,
        "recipient": message.to.value,
        "body": shown(&message.content.body),
        "subject": shown(&message.content.subject),
        "template_type": message.template_type,
        "channel": channel,
        "send_count": message.send_count,
        "created_at": message.created_at,
        "updated_at": message.updated_at,
    })
}
