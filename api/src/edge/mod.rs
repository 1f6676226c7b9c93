//! The outermost layer: every request gets an id, a span, permits, a task of its own and a time limit. Which
//! project it is for is decided in `dispatch`, what an address without a route answers in `fallback`.

pub(crate) mod dispatch;
pub(crate) mod fallback;

use std::{net::SocketAddr, time::Instant};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tenants::open_transactions;
use tracing::Instrument as _;

use crate::{
    App, admission::Permits, error::ApiError, limits::HEADERS_BYTES_MAX, request_id::RequestId,
};

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Around everything.
pub(crate) async fn around(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // Texts are quoted: what the client sends stands in no line as if the server had said it.
    let span = tracing::info_span!("request", id = id.text.as_str(), %method, path);
    let address = app.proxies().client(request.headers(), peer);
    let client = address.ip;
    request.extensions_mut().insert(address);
    let began = Instant::now();
    let mut response = id
        .clone()
        .scope(serve(app.clone(), request, next, id.clone()))
        .instrument(span.clone())
        .await;
    let status = response.status().as_u16();
    let seconds = began.elapsed().as_secs_f64();
    metrics::counter!("insula_requests_total", "method" => label(&method), "status" => class(status)).increment(1);
    metrics::histogram!("insula_request_seconds").record(seconds);
    span.in_scope(|| tracing::info!(%client, status, milliseconds = seconds * 1000.0, "answered"));
    harden(&mut response);
    if app.is_stopping() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    if let Ok(id) = HeaderValue::try_from(id.text) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

async fn serve(app: App, mut request: Request, next: Next, id: RequestId) -> Response {
    if head_bytes(&request) > HEADERS_BYTES_MAX {
        return StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response();
    }
    if !names_its_host(&request) {
        return ApiError::bad_request("The request has no Host header, or more than one.")
            .into_response();
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
        let answer = open_transactions::scope(next.run(request)).await;
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

/// Once, or a proxy before us could have gone by another than we do (RFC 9112, 3.2). HTTP/1.0 knew none.
fn names_its_host(request: &Request) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
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

/// Headers that make a stray answer harmless in a browser, where the route has not set its own.
fn harden(response: &mut Response) {
    let redirects = response.status().is_redirection();
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CACHE_CONTROL, "no-store");
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    // No page of another origin includes an answer as a script or an image; what it may read by CORS is not touched.
    // A script for pages elsewhere has to say `cross-origin` itself.
    set(CROSS_ORIGIN_RESOURCE_POLICY, "same-origin");
    // Pages that open ours, or are opened by them, have no hold on them. A redirect passes through the window of
    // another page, such as one that a sign-in was begun in, and has to leave it as it is.
    if !redirects {
        set(CROSS_ORIGIN_OPENER_POLICY, "same-origin");
    }
}
