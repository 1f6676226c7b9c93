//! `/schemas`: the identity schemas of a project.

use axum::{extract::OriginalUri, http::StatusCode, response::Response};
use identity::schemas::Schemas;
use serde_json::{Value, json};
use utoipa_axum::routes;

use crate::{
    audience::ProjectRoutes,
    error::{ApiError, Result},
    openapi::shapes::IdentitySchemaContainer,
    paging::{Offset, OffsetParams},
    query::{Query, Segment},
    respond,
    visit::Tenant,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_browsers(routes!(list))
        .for_clients(routes!(get))
}

/// The identity schemas of a project
///
/// In the order of the configuration, by pages.
#[utoipa::path(get, path = "/schemas", tag = "identity", operation_id = "listIdentitySchemas", params(OffsetParams),
    responses((status = 200, description = "A page of schemas.", body = Vec<IdentitySchemaContainer>,
        headers(("Link" = String, description = "The first, previous, next and last page, as far as there are any."),
            ("X-Total-Count" = i64, description = "How many there are on all pages.")))))]
async fn list(
    tenant: Tenant,
    OriginalUri(uri): OriginalUri,
    Query(params): Query<OffsetParams>,
) -> Response {
    let schemas = Schemas::of(&tenant.project);
    let page = Offset::of_schemas(&params);
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

/// One identity schema
///
/// The document itself. Identities say in `schema_url` where theirs is.
#[utoipa::path(get, path = "/schemas/{id}", tag = "identity", operation_id = "getIdentitySchema",
    params(("id" = String, Path, description = "The schema's id, as it is or in base64url without padding.", example = "preset://email")),
    responses((status = 200, description = "A JSON Schema.", body = Object),
        (status = 404, description = "There is no such schema, or no such project.")))]
async fn get(tenant: Tenant, Segment(id): Segment) -> Result<Response> {
    let schemas = Schemas::of(&tenant.project);
    let found = schemas.find(&id).ok_or_else(|| {
        ApiError::not_found().because(format!("There is no identity schema {id:?}."))
    })?;
    Ok(respond::json(StatusCode::OK, found.schema.document()))
}
