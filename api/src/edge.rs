//! The outermost layer: every request gets an id, a span, permits, a task of its own and a time limit; and
//! is sent to the installation's routes or to those of a project.

use std::{net::SocketAddr, time::Instant};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, uri::PathAndQuery,
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tenants::{Lookup, hold};
use tracing::Instrument as _;

use crate::{
    App, accept,
    admission::Permits,
    cookies::{self, NewCsrf},
    cors,
    error::ApiError,
    limits::HEADERS_BYTES_MAX,
    request_id::RequestId,
    respond,
    visit::Tenant,
};

/// One project takes moments; whoever asks again this soon waits little and asks little.
const MIGRATED_SECONDS: u64 = 5;

/// Around everything.
pub(crate) async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", id = %id.text, %method, path);
    let began = Instant::now();
    let mut response = id
        .clone()
        .scope(serve(app, request, next, id.clone()))
        .instrument(span.clone())
        .await;
    let status = response.status().as_u16();
    let seconds = began.elapsed().as_secs_f64();
    metrics::counter!("insula_requests_total", "method" => label(&method), "status" => class(status)).increment(1);
    metrics::histogram!("insula_request_seconds").record(seconds);
    span.in_scope(|| tracing::info!(status, milliseconds = seconds * 1000.0, "answered"));
    harden(&mut response);
    if let Ok(id) = HeaderValue::try_from(id.text) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn serve(app: App, mut request: Request, next: Next, id: RequestId) -> Response {
    if head_bytes(&request) > HEADERS_BYTES_MAX {
        return StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
    }
    let permits = match permits_for(&request, &app) {
        Ok(permits) => permits,
        Err(full) => return full.into_response(),
    };
    if let Some(permits) = &permits {
        request.extensions_mut().insert(permits.clone());
    }
    // A task of its own: a client that leaves, or a timeout, stops the waiting and cancels nothing.
    let work = async move {
        let answer = hold::scope(next.run(request)).await;
        drop(permits);
        answer
    };
    let task = tokio::spawn(id.scope(work).in_current_span());
    match tokio::time::timeout(app.settings().limits.answer_within, task).await {
        Ok(Ok(response)) => response,
        Ok(Err(failed)) => {
            tracing::error!(panicked = failed.is_panic(), "a request ended badly");
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        Err(_) => ApiError::new(StatusCode::GATEWAY_TIMEOUT).into_response(),
    }
}

/// The server's buffer holds more than it is told to when a head comes in one piece.
fn head_bytes(request: &Request) -> usize {
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len());
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |it| it.as_str().len());
    target + fields.sum::<usize>()
}

/// Health checks need none: a full server is alive, and says itself whether it is ready.
fn permits_for(request: &Request, app: &App) -> Result<Option<Permits>, ApiError> {
    if matches!(request.uri().path(), "/health/alive" | "/health/ready") {
        return Ok(None);
    }
    Permits::take(app.admission()).map(Some)
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// Headers that make a stray answer harmless in a browser.
fn harden(response: &mut Response) {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
}

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

/// A known path, another method.
pub(crate) async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED)
}

/// An address that somebody typed, or clicked in a terminal.
fn is_typed(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && accept::asks_for_page(headers)
}

/// A path that a project does not have; to the clean one if slashes are doubled, as where a client's base
/// ends in one; and from the places above its pages to the one that leads on. By path alone, because the
/// client may reach the server under another name than browsers do.
pub(crate) async fn nowhere(
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

fn is_doubled(path: &str) -> bool {
    path.contains("//")
}
