//! `/schemas`: the identity schemas of a project.

use axum::{extract::OriginalUri, http::StatusCode, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::schemas::Schemas;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    error::{ApiError, Result},
    paging::{Offset, OffsetParams},
    query::{Query, Segment},
    respond,
    visit::Tenant,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
}

/// All schemas, in the order of the configuration.
#[utoipa::path(get, path = "/schemas", tag = "identity", operation_id = "listIdentitySchemas",
    responses((status = 200, description = "The schemas")))]
async fn list(
    tenant: Tenant,
    OriginalUri(uri): OriginalUri,
    Query(params): Query<OffsetParams>,
) -> Response {
    let schemas = Schemas::of(&tenant.project);
    let page = Offset::from(&params);
    let shown: Vec<Value> = schemas
        .all()
        .iter()
        .skip(page.offset_usize())
        .take(page.size_usize())
        .map(|s| json!({ "id": s.id, "schema": s.schema.document() }))
        .collect();
    let mut response = respond::json(StatusCode::OK, &Value::Array(shown));
    page.write_headers(
        &uri,
        i64::try_from(schemas.all().len()).unwrap_or(i64::MAX),
        &mut response,
    );
    response
}

/// One schema, by its id or the base64url of it.
#[utoipa::path(get, path = "/schemas/{id}", tag = "identity", operation_id = "getIdentitySchema",
    params(("id" = String, Path, description = "The schema's id, plain or base64url-encoded")),
    responses((status = 200, description = "The schema"), (status = 404, description = "There is none")))]
async fn get(tenant: Tenant, Segment(id): Segment) -> Result<Response> {
    let schemas = Schemas::of(&tenant.project);
    let decoded = URL_SAFE_NO_PAD
        .decode(&id)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let found = schemas
        .get(&id)
        .or_else(|| schemas.get(decoded.as_deref()?));
    let found = found.ok_or_else(|| {
        ApiError::not_found().because(format!("There is no identity schema {id:?}."))
    })?;
    Ok(respond::json(StatusCode::OK, found.schema.document()))
}
