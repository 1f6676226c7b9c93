//! From the address to the project: its routes, with the prefix taken off; and what holds for all of its
//! answers.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse as _, Response},
};
use flows::cx::CookieState;
use tenants::Lookup;

use super::fallback::{self, is_typed};
use crate::{
    App,
    audience::{Audience, Audiences},
    client_address::ClientAddress,
    cookies::{self, NewCsrf},
    cors,
    error::ApiError,
    respond,
    visit::Tenant,
};

/// Migrating one project takes moments; a client that asks again this soon waits little and asks little.
const MIGRATED_SECONDS: u64 = 5;

/// The application and the routes below each project's base. The routes know the application, not the other
/// way round.
#[derive(Clone)]
pub(crate) struct Projects {
    pub(crate) app: App,
    pub(crate) routes: Router,
    pub(crate) audiences: Arc<Audiences>,
}

/// `/p/{slug}/…` -> the project's routes, with the prefix taken off.
pub(crate) async fn dispatch(
    State(projects): State<Projects>,
    Extension(address): Extension<ClientAddress>,
    mut request: Request,
) -> Response {
    let Projects {
        app,
        routes,
        audiences,
    } = projects;
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().is_some_and(|q| q.contains("%00")) {
        return ApiError::bad_request("The address holds the character U+0000.").into_response();
    }
    if uri.path() == "/" && is_typed(request.method(), request.headers()) {
        return respond::redirect(StatusCode::SEE_OTHER, "/docs");
    }
    let Some((slug, rest)) = split(uri) else {
        return ApiError::not_found().into_response();
    };
    let project = match app.installation().project(&slug).await {
        Ok(Lookup::Open(project)) => project,
        Ok(Lookup::Absent) => return ApiError::not_found().into_response(),
        Ok(Lookup::Suspended(_)) => return suspended().into_response(),
        Ok(Lookup::Migrating) => return migrating().into_response(),
        Err(fault) => return ApiError::from(fault).into_response(),
    };
    let tenant = Tenant::of(project, request.headers(), &address);
    let audience = audiences
        .of(rest.path())
        .unwrap_or_else(|| fallback::audience(rest.path()));
    *request.uri_mut() = rest;
    request.extensions_mut().insert(tenant.clone());
    let method = request.method().clone();
    let mut response = cors::serve(&tenant.project, routes, request).await;
    finish(&tenant, &method, audience, &mut response);
    response
}

fn split(uri: &Uri) -> Option<(String, Uri)> {
    let below = uri.path().strip_prefix("/p/")?;
    let (slug, rest) = below.split_once('/').unwrap_or((below, ""));
    let query = uri.query().map_or_else(String::new, |q| format!("?{q}"));
    let path = PathAndQuery::try_from(format!("/{rest}{query}")).ok()?;
    Some((slug.to_owned(), Uri::from(path)))
}

fn suspended() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN)
        .id("project_suspended")
        .because("This project is suspended.")
}

fn migrating() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE)
        .id("project_migrating")
        .because("This project is being moved to a new version; please try again soon.")
        .retry_after(MIGRATED_SECONDS)
}

/// CSRF cookie and caching, as the route's audience wants them. What a handler says itself of caching stays.
fn finish(tenant: &Tenant, method: &Method, audience: Audience, response: &mut Response) {
    let renewed = response.extensions_mut().remove::<NewCsrf>();
    let has_cookie = tenant.client.cookies == CookieState::Csrf;
    let secret = match renewed {
        Some(NewCsrf(secret)) => Some(secret),
        None if has_cookie || !audience.gets_csrf_cookie(method) => None,
        None => Some(tenant.client.csrf_secret),
    };
    let headers = response.headers_mut();
    if let Some(secret) = secret {
        let cookie = cookies::set_csrf(&tenant.project, &secret);
        headers.append(header::SET_COOKIE, cookie);
    }
    if audience.varies_by_cookie() {
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        let value = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");
        headers.entry(header::CACHE_CONTROL).or_insert(value);
    }
}
