//! From the address to the project: its routes, with the prefix taken off; and what holds for all of its
//! answers.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse as _, Response},
};
use tenants::Lookup;

use super::fallback::{is_doubled, is_typed};
use crate::{
    App,
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
}

/// `/p/{slug}/…` -> the project's routes, with the prefix taken off.
pub(crate) async fn dispatch(
    State(Projects { app, routes }): State<Projects>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
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
    let tenant = Tenant::of(project, request.headers(), peer, &app);
    *request.uri_mut() = rest;
    request.extensions_mut().insert(tenant.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = cors::serve(&tenant.project, routes, request).await;
    finish(&tenant, &method, &path, &mut response);
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

/// CSRF cookie and caching, which hold for every answer of a project.
fn finish(tenant: &Tenant, method: &Method, path: &str, response: &mut Response) {
    if let Some(NewCsrf(secret)) = response.extensions_mut().remove::<NewCsrf>() {
        response.headers_mut().append(
            header::SET_COOKIE,
            cookies::set_csrf(&tenant.project, &secret),
        );
    } else if tenant.client.cookies != flows::cx::CookieState::Csrf && sets_csrf(method, path) {
        let cookie = cookies::set_csrf(&tenant.project, &tenant.client.csrf_secret);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if !path.starts_with("/health/") && !path.starts_with("/ui/") && path != "/version" {
        response
            .headers_mut()
            .append(header::VARY, HeaderValue::from_static("Cookie"));
    }
    if method == Method::GET {
        let value = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");
        response
            .headers_mut()
            .entry(header::CACHE_CONTROL)
            .or_insert(value);
    }
}

/// Any page but API inits, submissions, session checks, single schemas, administration, health
/// (contract, self-service 1.7), the account pages, which are the same for everybody, and what is sent on to
/// the clean path.
fn sets_csrf(method: &Method, path: &str) -> bool {
    let ignored = path.ends_with("/api")
        || path.starts_with("/sessions")
        || path.starts_with("/schemas/")
        || path.starts_with("/admin")
        || path.starts_with("/health/")
        || path.starts_with("/ui/")
        || path == "/version"
        || is_doubled(path);
    let submission = *method != Method::GET && *method != Method::HEAD;
    !ignored && !submission
}
