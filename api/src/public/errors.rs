//! `/self-service/errors`: what the error page shows.

use axum::{http::StatusCode, response::Response};
use flows::errors;
use serde::Deserialize;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::{
    audience::ProjectRoutes,
    error::{ApiError, Result},
    openapi::shapes::FlowError,
    query::Query,
    respond,
    visit::Tenant,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new().for_browsers(routes!(read))
}

#[derive(Debug, Deserialize)]
struct Of {
    id: Option<String>,
    error: Option<String>,
}

/// Read a stored error
///
/// What the error page shows: browsers are sent there with the error's id when no form can show it. Kept for a
/// day. The id `stub:500` is an example for those who build an error page.
#[utoipa::path(get, path = "/self-service/errors", tag = "frontend", operation_id = "getFlowError",
    params(("id" = String, Query, description = "The error's id, as the address of the error page has it.", example = "stub:500")),
    responses((status = 200, description = "The error.", body = FlowError),
        (status = 404, description = "There is no such error, or no such project.")))]
async fn read(tenant: Tenant, Query(of): Query<Of>) -> Result<Response> {
    let id = of.id.or(of.error).unwrap_or_default();
    if id == "stub:500" {
        return Ok(respond::json(StatusCode::OK, &stub()));
    }
    let stored = match Uuid::try_parse(&id) {
        Ok(id) => errors::read(&tenant.project, id).await?,
        Err(_) => None,
    };
    let stored = stored.ok_or_else(ApiError::not_found)?;
    let body = json!({ "id": stored.id, "error": stored.error, "created_at": stored.at, "updated_at": stored.at });
    Ok(respond::json(StatusCode::OK, &body))
}

/// For those who build an error page.
fn stub() -> serde_json::Value {
    let error = ApiError::new(StatusCode::INTERNAL_SERVER_ERROR)
        .because("This is what an error looks like.");
    let at = chrono::DateTime::UNIX_EPOCH;
    json!({ "id": Uuid::nil(), "error": error.object(), "created_at": at, "updated_at": at })
}
