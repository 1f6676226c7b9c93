//! Headers that browsers act on.

use reqwest::Method;
use tests::{Kind, Site, story};

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
