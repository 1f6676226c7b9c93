//! CORS: which pages of other origins may read answers, and with whose cookies.

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use tenants::{ChangeError, Environment, Project, config::ConfigViolation};
use tests::{Client, Kind, Site, story};

async fn preflight(client: &Client, origin: &str) -> HeaderMap {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let answer = client
        .send(Method::OPTIONS, "/self-service/login", None, &headers)
        .await;
    answer.headers
}

async fn actual(client: &Client, origin: &str) -> HeaderMap {
    let headers = [("origin", origin)];
    client
        .send(Method::GET, "/self-service/login/browser", None, &headers)
        .await
        .headers
}

const ALLOWED: &str = "access-control-allow-origin";

/// Open to one origin, and to all below another.
async fn with_cors(site: &Site) -> Project {
    let cors = json!({"enabled": true, "allowed_origins": ["https://app.example.org", "https://*.wild.example.org"]});
    site.project_with(json!({"serve": {"public": {"cors": cors}}}))
        .await
}

/// W1.15.
#[story]
async fn cors_is_off_until_a_project_switches_it_on(site: Site) {
    let off = site.project().await;
    let on = with_cors(&site).await;
    let closed = site.client(&off, Kind::Spa);
    for headers in [
        preflight(&closed, "https://app.example.org").await,
        actual(&closed, "https://app.example.org").await,
    ] {
        assert!(
            !headers
                .keys()
                .any(|n| n.as_str().starts_with("access-control-")),
            "{headers:?}"
        );
    }
    let open = site.client(&on, Kind::Spa);
    for origin in [
        "https://app.example.org",
        "https://a.wild.example.org",
        "https://a.b.wild.example.org",
    ] {
        let headers = preflight(&open, origin).await;
        assert_eq!(headers[ALLOWED], origin);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        let methods = headers["access-control-allow-methods"].to_str().unwrap();
        assert!(methods.split(',').any(|m| m == "POST"), "{methods}");
        let names = headers["access-control-allow-headers"]
            .to_str()
            .unwrap()
            .to_lowercase();
        assert!(
            names.contains("content-type") && names.contains("x-session-token"),
            "{names}"
        );
        let headers = actual(&open, origin).await;
        assert_eq!(headers[ALLOWED], origin);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        let vary: Vec<String> = headers
            .get_all("vary")
            .iter()
            .map(|v| v.to_str().unwrap().to_lowercase())
            .collect();
        assert!(
            vary.join(",").contains("origin") && vary.join(",").contains("cookie"),
            "{vary:?}"
        );
    }
    // In force from the next request on.
    site.world
        .configure(
            &off,
            json!({"serve": {"public": {"cors": cors_for("https://late.example")}}}),
        )
        .await;
    assert_eq!(
        actual(&closed, "https://late.example").await[ALLOWED],
        "https://late.example"
    );
}

#[story]
async fn cors_is_closed_to_other_origins(site: Site) {
    let on = with_cors(&site).await;
    let open = site.client(&on, Kind::Spa);
    let foreign = [
        "https://evil.example",
        "http://app.example.org",
        "https://app.example.org.evil.example",
        "https://app.example.org:8443",
        "https://wild.example.org",
        "https://.wild.example.org",
        "https://evil-wild.example.org",
        "https://evil.example/.wild.example.org",
        "https://evil.example?.wild.example.org",
        "https://evil.example#.wild.example.org",
        "https://evil.example:1@a.wild.example.org",
        "https://a.wild.example.org/",
        "null",
        "file://",
        "*",
        "https://*.wild.example.org",
    ];
    for origin in foreign {
        for headers in [preflight(&open, origin).await, actual(&open, origin).await] {
            assert!(!headers.contains_key(ALLOWED), "{origin}: {headers:?}");
        }
    }
}

fn cors_for(origin: &str) -> Value {
    json!({"enabled": true, "allowed_origins": [origin]})
}

fn document(cors: &Value) -> Value {
    json!({"serve": {"public": {"cors": cors}}})
}

/// Browsers refuse cookies where the answer says `*`: it opens what anybody may read, and nobody's session.
#[story]
async fn a_star_is_a_star_and_takes_no_credentials(site: Site) {
    for cors in [
        json!({"enabled": true, "allowed_origins": ["*"]}),
        json!({"enabled": true, "allowed_origins": ["https://app.example.org", "*"], "allow_credentials": true}),
        json!({"enabled": true, "allowed_origins": ["*"], "allow_credentials": false}),
    ] {
        let project = site.project_with(document(&cors)).await;
        let open = site.client(&project, Kind::Spa);
        for origin in ["https://evil.example", "https://app.example.org", "null"] {
            for headers in [preflight(&open, origin).await, actual(&open, origin).await] {
                assert_eq!(headers[ALLOWED], "*", "{cors}");
                let credentials = headers.get("access-control-allow-credentials");
                assert_eq!(credentials, None, "{cors}");
            }
        }
    }
}

#[story]
async fn nobody_is_allowed_who_is_not_listed(site: Site) {
    for cors in [
        json!({"enabled": true}),
        json!({"enabled": true, "allowed_origins": []}),
    ] {
        let project = site.project_with(document(&cors)).await;
        let open = site.client(&project, Kind::Spa);
        for origin in ["https://evil.example", "null"] {
            for headers in [preflight(&open, origin).await, actual(&open, origin).await] {
                assert!(!headers.contains_key(ALLOWED), "{cors}");
            }
        }
    }
}

/// What is refused when it is written outside DEVELOPMENT, and what the author is told to do.
#[story]
async fn origins_are_judged_when_they_are_written(site: Site) {
    let (project, _) = site.world.create(Environment::Staging, json!({})).await;
    let refused = async |cors: Value| -> Vec<ConfigViolation> {
        match site.world.try_configure(&project, document(&cors)).await {
            Err(ChangeError::Violations(found)) => found,
            other => panic!("{cors}: {other:?}"),
        }
    };
    // As a kratos.yml has it that leaves credentials at their default.
    let found = refused(json!({"enabled": true, "allowed_origins": ["*"]})).await;
    assert_eq!(found[0].pointer, "/serve/public/cors/allowed_origins/0");
    for told in [
        "serve.public.cors.allowed_origins",
        "serve.public.cors.allow_credentials",
        "false",
    ] {
        assert!(found[0].message.contains(told), "{}", found[0].message);
    }
    for origin in ["http://app.example.org", "http://localhost:3000"] {
        let found = refused(cors_for(origin)).await;
        assert_eq!(found[0].pointer, "/serve/public/cors/allowed_origins/0");
        assert!(found[0].message.contains("https"), "{}", found[0].message);
    }
    for fine in [
        json!({"enabled": true, "allowed_origins": ["*"], "allow_credentials": false}),
        json!({"enabled": false, "allowed_origins": ["*"], "allow_credentials": true}),
        json!({"enabled": true, "allowed_origins": ["https://app.example.org", "capacitor://localhost"], "allow_credentials": true}),
    ] {
        let written = site.world.try_configure(&project, document(&fine)).await;
        assert!(written.is_ok(), "{fine}: {written:?}");
    }
    // What DEVELOPMENT allowed does not move on.
    let careless = document(&cors_for("http://localhost:3000"));
    let tried = site.project_with(careless).await;
    let author = tenants::Actor("author".to_owned());
    let moved = site
        .world
        .installation()
        .update_project(&author, &tried, None, Some(Environment::Staging))
        .await;
    assert!(matches!(moved, Err(ChangeError::Violations(_))));
}
