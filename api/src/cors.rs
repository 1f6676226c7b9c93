//! CORS as each project's configuration says (docs/wire.md, W1.15): off unless switched on, and nobody's cookies
//! for everybody.

use std::{str::FromStr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, Method},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use tenants::{Environment, Project, Section, config::Place};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

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
            allowed_origins: Vec::new(),
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
    let compiled: Arc<Compiled> = project.memo(|project| {
        Compiled(layer(
            &project.config::<CorsConfig>(),
            project.environment(),
        ))
    });
    let answer = match &compiled.0 {
        Some(layer) => layer.layer(routes).oneshot(request).await,
        None => routes.oneshot(request).await,
    };
    match answer {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

fn layer(config: &CorsConfig, environment: Environment) -> Option<CorsLayer> {
    if !config.enabled {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_methods(named::<Method>(&config.allowed_methods))
        .allow_headers(if config.allowed_headers.iter().any(|name| name == "*") {
            AllowHeaders::mirror_request()
        } else {
            AllowHeaders::list(named(&config.allowed_headers))
        })
        .expose_headers(named::<HeaderName>(&config.exposed_headers))
        .max_age(Duration::from_secs(config.max_age));
    // As it stands, so that browsers refuse cookies; also where a configuration was written when it was accepted
    // together with credentials.
    if config.allowed_origins.iter().any(|origin| origin == "*") {
        return Some(layer.allow_origin(AllowOrigin::any()));
    }
    let places = places(&config.allowed_origins, environment);
    let listed = move |origin: &HeaderValue, _: &axum::http::request::Parts| {
        let origin = origin.to_str();
        origin.is_ok_and(|origin| places.iter().any(|place| place.covers_origin(origin)))
    };
    Some(
        layer
            .allow_origin(AllowOrigin::predicate(listed))
            .allow_credentials(config.allow_credentials),
    )
}

/// Names of a list. A star is none: the layer panics at one beside credentials, and browsers take it for a name.
fn named<T: FromStr>(listed: &[String]) -> Vec<T> {
    let listed = listed.iter().filter(|name| *name != "*");
    listed.filter_map(|name| name.parse().ok()).collect()
}

/// What is listed and may be. The rest is refused when it is written, and was written before that.
fn places(listed: &[String], environment: Environment) -> Vec<Place> {
    let places = listed.iter().filter_map(|text| Place::of_origin(text));
    places
        .filter(|place| environment == Environment::Development || !place.is_clear())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_star_allows_what_is_asked_for_and_shows_nothing() {
        let stars = vec!["*".to_owned()];
        let config = CorsConfig {
            enabled: true,
            allowed_origins: vec!["https://app.example.org".to_owned()],
            allowed_methods: stars.clone(),
            allowed_headers: stars.clone(),
            exposed_headers: stars,
            ..CorsConfig::default()
        };
        let layer = layer(&config, Environment::Production).unwrap();
        let routes = layer.layer(Router::<()>::new());
        let request = Request::options("/")
            .header("origin", "https://app.example.org")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-own, content-type");
        let request = request.body(axum::body::Body::empty()).unwrap();
        let answer = routes.oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["access-control-allow-credentials"], "true");
        let allowed = &answer.headers()["access-control-allow-headers"];
        assert_eq!(allowed, "x-own, content-type");
        assert!(
            !answer
                .headers()
                .contains_key("access-control-expose-headers")
        );
    }

    /// What a configuration of former days says is read by the rules of today.
    #[test]
    fn what_would_be_refused_today_allows_nobody() {
        let listed = [
            "http://app.example.org",
            "https://*.com",
            "https://*foo.com",
            "https://app.example.com*",
            "https://app.example.org",
        ];
        let listed = listed.map(str::to_owned);
        let allowed = |environment, origin: &str| {
            let places = places(&listed, environment);
            places.iter().any(|place| place.covers_origin(origin))
        };
        for environment in [Environment::Staging, Environment::Production] {
            assert!(allowed(environment, "https://app.example.org"));
            assert!(!allowed(environment, "http://app.example.org"));
        }
        assert!(allowed(Environment::Development, "http://app.example.org"));
        for evil in [
            "https://evil.com",
            "https://evilfoo.com",
            "https://app.example.com.evil.net",
        ] {
            assert!(!allowed(Environment::Development, evil), "{evil}");
        }
    }
}
