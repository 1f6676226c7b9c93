//! The description of the REST interface: put together from what stands at the handlers, served as a
//! document (OpenAPI 3.1) and as a page. Knows no route by name; what every route of a kind has in common
//! (the project in its address, the key of administration, refusals of the edge) is added here.

mod page;
pub(crate) mod shapes;
mod tags;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use axum::{
    Extension,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

/// `document` makes the document, these routes among those that it describes.
pub(crate) fn router(document: fn() -> Value) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(browse))
        .layer(Extension(Document(document)))
}

/// How the document is made, once for each process.
#[derive(Clone, Copy)]
struct Document(fn() -> Value);

/// This document
///
/// The description of everything that is served over REST, in OpenAPI 3.1. It is the same for every
/// installation of a release.
#[utoipa::path(get, path = "/openapi.json", tag = "installation", operation_id = "getOpenApi",
    responses((status = 200, description = "The document", body = Object,
            headers(("ETag" = String, description = "Changes with the document."))),
        (status = 304, description = "It is still the one that `If-None-Match` names.")))]
async fn read(Extension(document): Extension<Document>, headers: HeaderMap) -> Response {
    static DOCUMENT: OnceLock<Fixed> = OnceLock::new();
    let made = || Fixed::new(document.0().to_string(), "application/json");
    let mut response = DOCUMENT.get_or_init(made).answer(&headers);
    // Viewers on other sites may read it: it is public, and the same for every visitor.
    let any_origin = HeaderValue::from_static("*");
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any_origin);
    response
}

/// This document, to read
///
/// A page without scripts that loads nothing else.
#[utoipa::path(get, path = "/docs", tag = "installation", operation_id = "browseOpenApi",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 304, description = "It is still the one that `If-None-Match` names.")))]
async fn browse(Extension(document): Extension<Document>, headers: HeaderMap) -> Response {
    static PAGE: OnceLock<Fixed> = OnceLock::new();
    let made = || Fixed::new(page::html(&document.0()), "text/html; charset=utf-8");
    let mut response = PAGE.get_or_init(made).answer(&headers);
    if let Ok(policy) = HeaderValue::try_from(page::policy()) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A text that does not change while the process lives.
struct Fixed {
    text: String,
    kind: &'static str,
    etag: String,
}

impl Fixed {
    fn new(text: String, kind: &'static str) -> Self {
        let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
        Self { text, kind, etag }
    }

    fn answer(&'static self, headers: &HeaderMap) -> Response {
        let known = headers.get_all(header::IF_NONE_MATCH).into_iter();
        let known = known
            .filter_map(|v| v.to_str().ok())
            .flat_map(|list| list.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/") == self.etag);
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.text.as_str().into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(etag) = HeaderValue::try_from(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

/// The whole description, from what stands at the handlers of a project and at those of the installation.
pub(crate) fn describe(project: OpenApi, own: OpenApi) -> Value {
    let parts = |api: OpenApi| serde_json::to_value(api).unwrap_or_default();
    let (mut project, mut own) = (parts(project), parts(own));
    let mut paths = Map::new();
    for (path, mut item) in taken(&mut own, "/paths") {
        finish(&path, &mut item, &[]);
        paths.insert(path, item);
    }
    for (path, mut item) in taken(&mut project, "/paths") {
        finish(&path, &mut item, &OF_A_PROJECT);
        let slug = json!([{ "$ref": "#/components/parameters/slug" }]);
        let mut located = Map::from_iter([("parameters".to_owned(), slug)]);
        located.extend(item.as_object().cloned().unwrap_or_default());
        paths.insert(format!("/p/{{slug}}{path}"), Value::Object(located));
    }
    let mut schemas = taken(&mut own, "/components/schemas");
    schemas.extend(taken(&mut project, "/components/schemas"));
    tags::fold(&mut schemas);
    schemas.sort_keys();
    let mut document = frame();
    document["paths"] = Value::Object(paths);
    document["components"]["schemas"] = Value::Object(schemas);
    unwrap_lines(&mut document);
    document
}

/// Descriptions come from comments, whose lines end where the editor's do.
fn unwrap_lines(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                let paragraphs: Vec<_> = text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
                *text = paragraphs.join("\n\n");
            }
            fields.values_mut().for_each(unwrap_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        _ => {}
    }
}

fn taken(value: &mut Value, pointer: &str) -> Map<String, Value> {
    match value.pointer_mut(pointer).map(Value::take) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Everything but paths and schemas.
fn frame() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Insula",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Sign-up, sign-in and sessions for many projects, from one server.",
            "description": include_str!("about.md").trim(),
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The installation that served this document" }],
        "tags": [
            { "name": "frontend", "description": "Self-service of a project: what a person's browser or app asks, and services that check sessions." },
            { "name": "identity", "description": "Administration of a project's people, with a key; and the identity schemas, which everybody may read." },
            { "name": "courier", "description": "The mails and text messages of a project, for administrators with a key." },
            { "name": "metadata", "description": "Health and version, below each project's base." },
            { "name": "ui", "description": "The account pages that come with each project." },
            { "name": "installation", "description": "The installation itself: administration over GraphQL, health, metrics, this document." },
        ],
        "components": {
            "parameters": { "slug": {
                "name": "slug",
                "in": "path",
                "required": true,
                "description": "The project, by the name in its base URL.",
                "schema": {
                    "type": "string", "minLength": 3, "maxLength": 40,
                    "pattern": "^[a-z0-9][a-z0-9-]+[a-z0-9]$", "example": "demo",
                },
            }},
            "responses": responses(),
            "securitySchemes": {
                "key": {
                    "type": "http", "scheme": "bearer",
                    "description": "An API key (`ins_…`) of the project or of the installation. VIEWER reads, ADMIN and OWNER write.",
                },
                "sessionToken": {
                    "type": "apiKey", "in": "header", "name": "X-Session-Token",
                    "description": "The session of an API client, as sign-in handed it out (`ory_st_…`).",
                },
                "sessionBearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "The same token as a bearer token. `X-Session-Token` and the cookie go first.",
                },
                "sessionCookie": {
                    "type": "apiKey", "in": "cookie", "name": "ory_session_{slug}",
                    "description": "The session of a browser. The name ends in the project's slug, unless the project configures another.",
                },
            },
        },
    })
}

/// Refusals that do not depend on the route.
fn responses() -> Value {
    let error = |description: &str| json!({ "description": description, "headers": { "Ory-Error-Id": error_id() }, "content": error_content() });
    let later = |description: &str| {
        let mut response = error(description);
        response["headers"]["Retry-After"] = json!({
            "description": "Seconds to wait before the next try.",
            "schema": { "type": "integer", "minimum": 1 },
        });
        response
    };
    json!({
        "Malformed": error("Something in the address or the body cannot be read; `reason` says what."),
        "KeyMissing": error("There is no valid API key in the request."),
        "KeyRefused": error("The key belongs to another project, its role does not allow this, or the project is suspended (`project_suspended`)."),
        "Suspended": error("The project is suspended (`project_suspended`)."),
        "NoProject": error("There is no such project."),
        "HeadTooLong": { "description": "The address is longer than 64 KiB, alone (414) or with the headers (431)." },
        "Slow": error("The body did not come to its end in time."),
        "TooMany": later("The visitor's network began too many flows here, or had too many submissions refused."),
        "Fault": error("Something went wrong on the server. Its log knows more, by `X-Request-ID`."),
        "Unavailable": later("Too busy, without a database, or the project is being moved to a new version (`project_migrating`)."),
        "Overrun": error("The answer took too long. What was begun may still be carried out."),
    })
}

fn error_id() -> Value {
    json!({ "description": "`error.id`, or empty.", "schema": { "type": "string" } })
}

fn error_content() -> Value {
    json!({ "application/json": { "schema": { "$ref": "#/components/schemas/ErrorGeneric" } } })
}

/// Status and name of what any route may answer besides its own answers.
type Refusals = [(&'static str, &'static str)];

const OF_ANY: [(&str, &str); 5] = [
    ("414", "HeadTooLong"),
    ("431", "HeadTooLong"),
    ("500", "Fault"),
    ("503", "Unavailable"),
    ("504", "Overrun"),
];
const OF_A_PROJECT: [(&str, &str); 3] = [
    ("400", "Malformed"),
    ("403", "Suspended"),
    ("404", "NoProject"),
];
const OF_ADMINISTRATION: [(&str, &str); 2] = [("401", "KeyMissing"), ("403", "KeyRefused")];
const OF_SELFSERVICE: [(&str, &str); 1] = [("429", "TooMany")];
const WITH_A_BODY: [(&str, &str); 2] = [("400", "Malformed"), ("408", "Slow")];

/// What stands at no handler because it holds for all of them.
fn finish(path: &str, item: &mut Value, common: &Refusals) {
    for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if path.starts_with("/admin/") {
            operation["security"] = json!([{ "key": [] }]);
            add(operation, &OF_ADMINISTRATION);
        }
        if path.starts_with("/self-service/") {
            add(operation, &OF_SELFSERVICE);
        }
        if operation.get("requestBody").is_some() {
            add(operation, &WITH_A_BODY);
        }
        add(operation, common);
        add(operation, &OF_ANY);
        for (status, response) in fields(operation, "responses").into_iter().flatten() {
            let own = response.get("content").is_some() || response.get("$ref").is_some();
            if status.as_str() >= "400" && !own {
                response["headers"]["Ory-Error-Id"] = error_id();
                response["content"] = error_content();
            }
        }
        fields(operation, "responses")
            .into_iter()
            .for_each(Map::sort_keys);
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            // An address cannot say null.
            not_null(&mut parameter["schema"]);
        }
    }
}

fn fields<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Map<String, Value>> {
    value.get_mut(key)?.as_object_mut()
}

fn add(operation: &mut Value, common: &Refusals) {
    for (status, name) in common {
        let response = json!({ "$ref": format!("#/components/responses/{name}") });
        if let Some(responses) = fields(operation, "responses") {
            responses.entry(*status).or_insert(response);
        }
    }
}

fn not_null(schema: &mut Value) {
    for key in ["type", "enum"] {
        let Some(Value::Array(values)) = schema.get_mut(key) else {
            continue;
        };
        values.retain(|v| !v.is_null() && v != "null");
        if let ("type", [only]) = (key, &values[..]) {
            schema[key] = only.clone();
        }
    }
}
