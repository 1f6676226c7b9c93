//! Headers that browsers act on.

use reqwest::{Method, header::HeaderMap};
use serde_json::json;
use tenants::Project;
use tests::{Client, Kind, Site, story};

#[story]
async fn every_answer_is_harmless_in_a_browser_and_names_its_request(site: Site) {
    let project = site.project().await;
    let base = project.base_url();
    let page = site.client(&project, Kind::Html);
    let table = [
        (Method::GET, format!("{}/version", site.origin), 200),
        (Method::GET, format!("{}/nowhere", site.origin), 404),
        (Method::PUT, format!("{}/version", site.origin), 405),
        (Method::POST, format!("{}/graphql", site.origin), 400),
        (
            Method::GET,
            format!("{}/p/nobody/version", site.origin),
            404,
        ),
        (
            Method::GET,
            format!("{base}/self-service/login/browser"),
            303,
        ),
        (
            Method::GET,
            format!("{base}/self-service/login/flows?id=x"),
            404,
        ),
        (Method::POST, format!("{base}/self-service/login"), 303),
        (Method::GET, format!("{base}/sessions/whoami"), 401),
        (Method::GET, format!("{base}/admin/identities"), 401),
        (
            Method::PATCH,
            format!("{base}/self-service/login/browser"),
            405,
        ),
        (Method::GET, format!("{base}/no/such/path"), 404),
        (Method::GET, format!("{base}/schemas"), 200),
    ];
    for (method, url, status) in table {
        let headers = [("x-request-id", "from-the-client-7")];
        let answer = page.send(method, &url, None, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{url}: {}", answer.text);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("x-request-id", "from-the-client-7"),
        ] {
            assert_eq!(answer.headers[name], value, "{url}");
        }
        if status >= 400 {
            assert_eq!(
                answer.body["error"]["request"], "from-the-client-7",
                "{url}"
            );
        }
    }
    let own = page.get(&format!("{base}/sessions/whoami")).await;
    assert!(
        own.body["error"].get("request").is_none(),
        "an id of ours is in the header alone"
    );
    assert_eq!(own.headers["x-request-id"].len(), 36);
}

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
    let cors = json!({"enabled": true, "allowed_origins": ["https://app.example", "https://*.wild.example"]});
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
        preflight(&closed, "https://app.example").await,
        actual(&closed, "https://app.example").await,
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
        "https://app.example",
        "https://a.wild.example",
        "https://a.b.wild.example",
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
        "http://app.example",
        "https://app.example.evil.example",
        "https://wild.example",
        "https://evil-wild.example",
        "null",
        "*",
    ];
    for origin in foreign {
        for headers in [preflight(&open, origin).await, actual(&open, origin).await] {
            assert!(!headers.contains_key(ALLOWED), "{origin}: {headers:?}");
        }
    }
}

fn cors_for(origin: &str) -> serde_json::Value {
    json!({"enabled": true, "allowed_origins": [origin]})
}
