//! What surrounds the flows: stored errors, schemas, health, unknown addresses, headers, and when the CSRF
//! cookie is set (docs/wire.md, chapters 1 and 2; docs/differences.md for unknown addresses).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, Kind, Site, story};

const NEVER: &str = "private, no-cache, no-store, must-revalidate";

fn sets_csrf(answer: &Answer) -> bool {
    answer
        .set_cookies()
        .iter()
        .any(|c| c.starts_with("csrf_token_"))
}

/// W1.13.
#[story]
async fn stored_errors(site: Site) {
    let project = site.project().await;
    let page = site.client(&project, Kind::Html);
    let sent = page
        .get("/self-service/login/browser?return_to=https://evil.example/")
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let id = sent.location_query("id").unwrap();
    let path = format!("/self-service/errors?id={id}");
    // A visitor who knows the id may read it, any number of times, by either name.
    let stranger = site.client(&project, Kind::Api);
    for path in [&path, &path, &format!("/self-service/errors?error={id}")] {
        let error = stranger.get(path).await;
        assert_eq!(error.status, StatusCode::OK, "{}", error.text);
        assert_eq!(error.body["id"], id);
        assert!(error.body["created_at"].is_string() && error.body["updated_at"].is_string());
        let inner = &error.body["error"];
        assert_eq!(inner["id"], "self_service_flow_return_to_forbidden");
        assert_eq!(
            (&inner["code"], &inner["status"]),
            (&json!(400), &json!("Bad Request"))
        );
        assert!(inner["reason"].is_string() && inner["message"].is_string());
    }
    let stub = stranger.get("/self-service/errors?id=stub:500").await;
    assert_eq!(stub.status, StatusCode::OK);
    assert_eq!(stub.body["error"]["code"], 500);
    for unknown in [
        "",
        "?id=",
        "?id=abc",
        "?id=11111111-1111-4111-8111-111111111111",
    ] {
        let error = stranger
            .get(&format!("/self-service/errors{unknown}"))
            .await;
        assert_eq!(
            (error.status, error.error_id()),
            (StatusCode::NOT_FOUND, None),
            "{unknown}"
        );
    }
    // Of this project, of no other.
    let other = site.project().await;
    let error = site.client(&other, Kind::Api).get(&path).await;
    assert_eq!(error.status, StatusCode::NOT_FOUND);
}

/// W1.16.
#[story]
async fn schemas(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Api);
    let all = client.get("/schemas").await;
    assert_eq!(all.status, StatusCode::OK);
    let listed = all.body.as_array().unwrap();
    let total = listed.len().to_string();
    assert_eq!(all.headers["x-total-count"], total.as_str());
    let email = listed.iter().find(|s| s["id"] == "preset://email").unwrap();
    assert_eq!(
        email["schema"]["properties"]["traits"]["properties"]["email"]["format"],
        "email"
    );
    for item in listed {
        let id = item["id"].as_str().unwrap();
        let encoded = URL_SAFE_NO_PAD.encode(id);
        let plain: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        for id in [encoded, plain] {
            let one = client.get(&format!("/schemas/{id}")).await;
            assert_eq!(one.status, StatusCode::OK, "{id}");
            assert_eq!(one.body, item["schema"]);
        }
    }
    let first = client.get("/schemas?page_size=1").await;
    assert_eq!(first.body.as_array().unwrap().len(), 1);
    let links = first.headers["link"].to_str().unwrap();
    assert!(links.contains("rel=\"next\"") && links.contains("rel=\"last\""));
    // Counted from 0, and a client that follows the links sees each once.
    let (mut path, mut seen) = ("/schemas?page=0&per_page=2".to_owned(), 0);
    loop {
        let page = client.get(&path).await;
        seen += page.body.as_array().unwrap().len();
        let links = page.headers["link"].to_str().unwrap().to_owned();
        let next = links.split(',').find(|link| link.contains("rel=\"next\""));
        let Some(next) = next else { break };
        let number = next
            .split("page=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        path = format!("/schemas?page={number}&per_page=2");
    }
    assert_eq!(seen, listed.len());
    for unknown in ["zzz", "enp6", "preset"] {
        let none = client.get(&format!("/schemas/{unknown}")).await;
        assert_eq!(
            (none.status, none.error_id()),
            (StatusCode::NOT_FOUND, None)
        );
    }
}

/// W1.16.
#[story]
async fn health_and_version(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Spa);
    for base in [project.base_url(), &site.origin] {
        for path in ["/health/alive", "/health/ready"] {
            let answer = client.get(&format!("{base}{path}")).await;
            assert_eq!(
                (answer.status, &answer.body),
                (StatusCode::OK, &json!({"status": "ok"})),
                "{base}{path}: {}",
                answer.text
            );
            assert_eq!(
                answer.headers["content-type"],
                "application/json; charset=utf-8"
            );
            assert!(!sets_csrf(&answer) && !answer.headers.contains_key("vary"));
        }
        let version = client.get(&format!("{base}/version")).await;
        assert_eq!(version.status, StatusCode::OK);
        let text = version.body["version"].as_str().unwrap();
        assert!(text.starts_with('v') && text.len() > 1, "{text}");
    }
}

/// docs/differences.md: one shape of error everywhere. W1.12, W17.1.
#[story]
async fn unknown_addresses_and_methods(site: Site) {
    let project = site.project().await;
    for kind in [Kind::Html, Kind::Spa, Kind::Api] {
        let client = site.client(&project, kind);
        for path in [
            "/nope",
            "/self-service/login/browser/",
            "/identities",
            "/admin/nope",
        ] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let answer = client.send(method.clone(), path, None, &[]).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
                assert_eq!(answer.body["error"]["code"], 404, "{}", answer.text);
                assert_eq!(answer.headers["content-type"], "application/json");
            }
        }
        for (method, path, allowed) in [
            (Method::POST, "/sessions", "DELETE"),
            (Method::POST, "/self-service/login/browser", "GET"),
            (Method::DELETE, "/self-service/login/flows", "GET"),
            (Method::POST, "/health/alive", "GET"),
            (Method::PUT, "/admin/identities", "POST"),
            (Method::DELETE, "/admin/identities", "POST"),
        ] {
            let answer = client.send(method.clone(), path, None, &[]).await;
            assert_eq!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_eq!(answer.body["error"]["code"], 405);
            let allow = answer.headers["allow"].to_str().unwrap();
            assert!(allow.contains(allowed), "{method} {path}: {allow}");
        }
    }
    let outside = site.client(&project, Kind::Api);
    for path in [
        "/nope",
        "/p/nobody-has-this/sessions/whoami",
        "/p/",
        "/p/UPPER/version",
        "/sessions/whoami",
    ] {
        let answer = outside.get(&format!("{}{path}", site.origin)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.body["error"]["code"], 404, "{path}");
    }
}

/// Where the address of the SDK ends in a slash, as in the examples of Ory's reference UI for Node, which
/// went round in circles otherwise.
#[story]
async fn doubled_slashes_lead_to_the_clean_address(site: Site) {
    let cors = json!({"enabled": true, "allowed_origins": ["https://app.example"]});
    let cors = json!({"serve": {"public": {"cors": cors}}});
    let project = site.project_with(cors).await;
    let prefix = format!("/p/{}", project.slug());
    let doubled = [
        (
            "//self-service/login/flows?id=a%2F%2Fb",
            "/self-service/login/flows?id=a%2F%2Fb",
        ),
        (
            "/self-service///login/browser",
            "/self-service/login/browser",
        ),
        ("//sessions/whoami", "/sessions/whoami"),
        ("//admin/identities//", "/admin/identities/"),
        ("//example.org//nope", "/example.org/nope"),
        ("//", "/"),
    ];
    for kind in [Kind::Html, Kind::Spa, Kind::Api] {
        let client = site.client(&project, kind);
        for (path, clean) in doubled {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                let origin = [("origin", "https://app.example")];
                let answer = client.send(method.clone(), path, None, &origin).await;
                assert_eq!(
                    answer.status,
                    StatusCode::TEMPORARY_REDIRECT,
                    "{method} {path}"
                );
                assert_eq!(answer.location(), format!("{prefix}{clean}"));
                assert!(answer.headers.contains_key("access-control-allow-origin"));
                assert_eq!(answer.set_cookies(), [""; 0], "{method} {path}");
            }
        }
    }
    let client = site.client(&project, Kind::Html);
    let flow = client.begin("login", "").await;
    let id = flow.body["id"].as_str().unwrap();
    let sent_on = client
        .get(&format!("//self-service/login/flows?id={id}"))
        .await;
    let read = client
        .get(&format!("{}{}", site.origin, sent_on.location()))
        .await;
    assert_eq!((read.status, &read.body), (StatusCode::OK, &flow.body));
}

#[story]
async fn typed_addresses_lead_to_a_page_and_programs_hear_that_nothing_is_there(site: Site) {
    let project = site.project().await;
    let base = format!("{}/p/{}", site.origin, project.slug());
    let page = format!("/p/{}/ui/session", project.slug());
    let entrances = [
        (format!("{}/", site.origin), "/docs"),
        (base.clone(), &*page),
        (format!("{base}/"), &*page),
        (format!("{base}/ui"), &*page),
        (format!("{base}/ui/"), &*page),
    ];
    let (typing, program) = (
        site.client(&project, Kind::Html),
        site.client(&project, Kind::Api),
    );
    for (entrance, leads_to) in &entrances {
        let sent_on = typing.get(entrance).await;
        assert_eq!(
            (sent_on.status, sent_on.location()),
            (StatusCode::SEE_OTHER, *leads_to),
            "{entrance}"
        );
        let posted = typing.send(Method::POST, entrance, None, &[]).await;
        assert_eq!(posted.status, StatusCode::NOT_FOUND, "{entrance}");
        for accept in ["*/*", "application/json"] {
            let headers = [("accept", accept)];
            let answer = program.send(Method::GET, entrance, None, &headers).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{entrance} {accept}");
        }
    }
    let absent = typing.get(&format!("{}/p/nobody", site.origin)).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
}

/// W1.11.
#[story]
async fn caching_headers(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Spa);
    let vary = |answer: &Answer| {
        let mut lines = answer.headers.get_all("vary").iter();
        lines.any(|v| v.to_str().unwrap() == "Cookie")
    };
    for path in [
        "/self-service/login/browser",
        "/self-service/login/api",
        "/self-service/registration/browser",
        "/self-service/errors?id=abc",
        "/sessions/whoami",
        "/sessions",
        "/schemas",
        "/admin/identities",
        "/nope",
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.headers["cache-control"], NEVER, "{path}");
        assert!(vary(&answer), "{path}");
        let posted = client.post(path, json!({})).await;
        assert!(vary(&posted), "{path}");
        assert_eq!(posted.headers["cache-control"], "no-store", "{path}");
    }
}

/// W1.12: HEAD is GET without a body.
#[story]
async fn head(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Api);
    for (path, status) in [
        ("/self-service/login/api", 200),
        ("/self-service/login/browser", 303),
        ("/sessions/whoami", 401),
        ("/schemas", 200),
        ("/health/alive", 200),
        ("/admin/identities", 401),
        ("/nope", 404),
    ] {
        let answer = client.send(Method::HEAD, path, None, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.text.is_empty(), "{path}");
    }
}

/// W2.1, W2.2.
#[story]
async fn when_the_csrf_cookie_is_set(site: Site) {
    let project = site.project().await;
    for (method, path, sets) in [
        (Method::GET, "/self-service/login/browser", true),
        (Method::GET, "/self-service/registration/browser", true),
        (Method::GET, "/self-service/login/flows?id=abc", true),
        (Method::GET, "/self-service/errors?id=abc", true),
        (Method::GET, "/self-service/logout/browser", true),
        (Method::GET, "/schemas", true),
        (Method::GET, "/nope", true),
        (Method::GET, "/self-service/login/api", false),
        (Method::GET, "/self-service/registration/api", false),
        (Method::POST, "/self-service/login?flow=abc", false),
        (Method::POST, "/self-service/registration?flow=abc", false),
        (Method::GET, "/sessions/whoami", false),
        (Method::GET, "/sessions", false),
        (Method::GET, "/schemas/preset", false),
        (Method::GET, "/health/alive", false),
        (Method::GET, "/version", false),
        (Method::GET, "/admin/identities", false),
    ] {
        let client = site.client(&project, Kind::Spa);
        let answer = client.send(method.clone(), path, None, &[]).await;
        assert_eq!(sets_csrf(&answer), sets, "{method} {path}");
    }
    // A browser that has one keeps it; one that is no secret is replaced.
    let client = site.client(&project, Kind::Spa);
    let first = client.begin("login", "").await;
    assert!(sets_csrf(&first));
    assert!(!sets_csrf(&client.get("/schemas").await));
    let name = first
        .set_cookies()
        .into_iter()
        .find(|c| c.starts_with("csrf_token_"))
        .unwrap();
    for wrong in ["", "AAAA", "not base64 at all"] {
        client.set_cookie(&name, wrong);
        assert!(sets_csrf(&client.get("/schemas").await), "{wrong:?}");
    }
    // Another project, another name.
    let other = site.project().await;
    let second = site.client(&other, Kind::Spa).begin("login", "").await;
    assert!(sets_csrf(&second));
    assert!(!second.set_cookies().contains(&name));
}

/// W5.3: an id that the client sent is shown in errors.
#[story]
async fn request_ids(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Api);
    let header = [("x-request-id", "call-17")];
    let error = client
        .send(
            Method::GET,
            "/self-service/login/flows?id=abc",
            None,
            &header,
        )
        .await;
    assert_eq!(error.body["error"]["request"], "call-17");
    assert_eq!(error.headers["x-request-id"], "call-17");
    let error = client.get("/self-service/login/flows?id=abc").await;
    assert_eq!(error.body["error"].get("request"), None::<&Value>);
}
