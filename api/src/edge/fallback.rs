//! Addresses without a route: not found, another method, or one that leads on.

use axum::{
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};

use crate::{accept, audience::Audience, error::ApiError, respond, visit::Tenant};

/// A known path, another method.
pub(crate) async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED)
}

/// Did a person type the address, or click it in a terminal?
pub(super) fn is_typed(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && accept::asks_for_page(headers)
}

/// A path that a project does not have; to the clean one if slashes are doubled, as where a client's base
/// ends in one; and from the places above its pages to the one that leads on. By path alone, because the
/// client may reach the server under another name than browsers do.
pub(crate) async fn fallback(
    tenant: Tenant,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let slug = tenant.project.slug();
    if matches!(uri.path(), "/" | "/ui" | "/ui/") && is_typed(&method, &headers) {
        return respond::redirect(StatusCode::SEE_OTHER, &format!("/p/{slug}/ui/session"));
    }
    if !is_doubled(uri.path()) {
        return ApiError::not_found().into_response();
    }
    let parts = uri.path().split('/').filter(|part| !part.is_empty());
    let end = uri.path().ends_with('/').then_some("/");
    let clean: String = parts.flat_map(|part| ["/", part]).chain(end).collect();
    let query = uri.query().map_or_else(String::new, |q| format!("?{q}"));
    let to = format!("/p/{slug}{clean}{query}");
    respond::redirect(StatusCode::TEMPORARY_REDIRECT, &to)
}

/// For whom an address answers that has no route: as its neighbours do, since the visitor mistyped one of
/// theirs.
pub(super) fn audience(path: &str) -> Audience {
    let below = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    if below(&["/health/", "/ui/"]) {
        Audience::Everyone
    } else if below(&["/sessions", "/schemas/", "/admin"])
        || path.ends_with("/api")
        || is_doubled(path)
    {
        Audience::Clients
    } else {
        Audience::Browsers
    }
}

fn is_doubled(path: &str) -> bool {
    path.contains("//")
}
