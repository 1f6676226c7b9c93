//! The published description: served as it is kept, readable as a page, and of what the routers serve.
//! That answers are as described is seen wherever the suite gets one (`tests/src/openapi.rs`).

use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use tests::{Answer, Client, Kind, Site, story};

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer
        .headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[story]
async fn the_document_and_its_page_are_served(site: Site) {
    let client = Client::new(&site.origin, Kind::Html);
    let document = client.get("/openapi.json").await;
    assert_eq!(document.status, StatusCode::OK);
    let kept: Value = serde_json::from_str(include_str!("../../../schemas/openapi.json")).unwrap();
    assert!(document.body == kept, "not as in schemas/openapi.json");
    assert_eq!(header(&document, "access-control-allow-origin"), "*");
    let page = client.get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = header(&page, "content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    for (path, first) in [("/openapi.json", &document), ("/docs", &page)] {
        assert_eq!(header(first, "cache-control"), "no-cache");
        let etag = header(first, "etag");
        assert!(etag.len() > 20, "{etag}");
        for (sent, status) in [
            (format!("\"other\", W/{etag}"), StatusCode::NOT_MODIFIED),
            ("\"other\"".to_owned(), StatusCode::OK),
        ] {
            let headers = [(header::IF_NONE_MATCH.as_str(), &*sent)];
            let again = client.send(Method::GET, path, None, &headers).await;
            assert_eq!(again.status, status);
            assert_eq!(header(&again, "etag"), etag);
            assert_eq!(again.text.is_empty(), status == StatusCode::NOT_MODIFIED);
        }
    }
}

/// The routers know every address of the document, and for each of them no other method.
#[story]
async fn the_routers_serve_what_is_described_and_nothing_else(site: Site) {
    let project = site.project().await;
    let client = Client::new(&site.origin, Kind::Spa);
    let document = api::openapi();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 20);
    for (template, item) in paths {
        let path = template
            .replace("{slug}", project.slug())
            .replace("{id}", "11111111-1111-4111-8111-111111111111")
            .replace("{page}", "login")
            .replace("{file}", "none.js");
        let unknown = client.send(Method::TRACE, &path, None, &[]).await;
        assert_eq!(unknown.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            // Proxies pass the method of the request that they authenticate.
            if template.ends_with("/sessions/whoami") {
                continue;
            }
            let sent = method.parse().unwrap();
            let answer = client.send(sent, &path, None, &[]).await;
            let served = answer.status != StatusCode::METHOD_NOT_ALLOWED;
            let described = item.get(method.to_lowercase()).is_some();
            assert_eq!(served, described, "{method} {path}: {}", answer.status);
        }
    }
}
