//! CORS as each project's configuration says (docs/wire.md, W1.15): off unless switched on.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, Method},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use tenants::{Project, Section};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// `serve.public.cors`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct CorsConfig {
    enabled: bool,
    allowed_origins: Vec<String>,
    allowed_methods: Vec<String>,
    allowed_headers: Vec<String>,
    exposed_headers: Vec<String>,
    allow_credentials: bool,
    max_age: u64,
}

impl Section for CorsConfig {
    const POINTER: &'static str = "/serve/public/cors";
}

impl Default for CorsConfig {
    fn default() -> Self {
        let list = |items: &[&str]| items.iter().map(|i| (*i).to_owned()).collect();
        Self {
            enabled: false,
            allowed_origins: list(&["*"]),
            allowed_methods: list(&["POST", "GET", "PUT", "PATCH", "DELETE"]),
            allowed_headers: list(&[
                "Authorization",
                "Content-Type",
                "Max-Age",
                "X-Session-Token",
                "X-XSRF-TOKEN",
                "X-CSRF-TOKEN",
            ]),
            exposed_headers: list(&["Content-Type"]),
            allow_credentials: true,
            max_age: 0,
        }
    }
}

/// The layer of one configuration revision; `None` when CORS is off.
struct Compiled(Option<CorsLayer>);

/// Serve a request of a project, under its CORS rules.
pub(crate) async fn serve(project: &Project, routes: Router, request: Request) -> Response {
    let compiled: Arc<Compiled> =
        project.memo(|project| Compiled(layer(&project.config::<CorsConfig>())));
    let answer = match &compiled.0 {
        Some(layer) => layer.layer(routes).oneshot(request).await,
        None => routes.oneshot(request).await,
    };
    match answer {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

fn layer(config: &CorsConfig) -> Option<CorsLayer> {
    if !config.enabled {
        return None;
    }
    let headers = |names: &[String]| {
        names
            .iter()
            .filter_map(|n| n.parse::<HeaderName>().ok())
            .collect::<Vec<_>>()
    };
    let methods: Vec<Method> = config
        .allowed_methods
        .iter()
        .filter_map(|m| m.parse().ok())
        .collect();
    let allowed = config.allowed_origins.clone();
    let origin = move |origin: &HeaderValue, _: &axum::http::request::Parts| {
        origin
            .to_str()
            .is_ok_and(|origin| allowed.iter().any(|pattern| matches(pattern, origin)))
    };
    Some(
        CorsLayer::new()
            // With credentials a star would be refused by browsers: the concrete origin is echoed.
            .allow_origin(AllowOrigin::predicate(origin))
            .allow_methods(methods)
            .allow_headers(headers(&config.allowed_headers))
            .expose_headers(headers(&config.exposed_headers))
            .allow_credentials(config.allow_credentials)
            .max_age(Duration::from_secs(config.max_age)),
    )
}

/// `*`, an origin, or one with a single `*` that stands for at least one character.
fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        _ if pattern == "*" => true,
        Some((before, after)) => {
            origin.len() > before.len() + after.len()
                && origin.starts_with(before)
                && origin.ends_with(after)
        }
        None => pattern.trim_end_matches('/').eq_ignore_ascii_case(origin),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn origins() {
        assert!(super::matches("*", "https://a.example"));
        assert!(super::matches("https://a.example", "https://a.example"));
        assert!(super::matches(
            "https://*.example.com",
            "https://a.example.com"
        ));
        assert!(!super::matches(
            "https://*.example.com",
            "https://.example.com"
        ));
        assert!(!super::matches("https://*.example.com", "https://evil.com"));
        assert!(!super::matches(
            "https://*.example.com",
            "https://a.example.com.evil.com"
        ));
        assert!(!super::matches(
            "https://a.example",
            "https://a.example.evil"
        ));
    }
}
