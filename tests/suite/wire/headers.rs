//! Headers that browsers act on.

use reqwest::{Method, StatusCode};
use tests::{ADA, Kind, PASSWORD, Site, story};

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
                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-request-id", "from-the-client-7"),
        ] {
            assert_eq!(answer.headers[name], value, "{url}");
        }
        // A redirect leaves the window that it passes through alone.
        let opener = answer.headers.get("cross-origin-opener-policy");
        let alone = (status != 303).then_some("same-origin");
        assert_eq!(opener.map(|it| it.to_str().unwrap()), alone, "{url}");
        let cache = answer.headers["cache-control"].to_str().unwrap();
        assert!(cache.contains("no-store"), "{url}: {cache}");
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

/// What the caches and the pages kept of a person is gone with the session; what else lies on the host is not ours.
#[story]
async fn a_sign_out_empties_the_caches_and_nothing_else(site: Site) {
    let project = site.project().await;
    for kind in [Kind::Spa, Kind::Html] {
        let visitor = site.client(&project, Kind::Spa);
        if kind == Kind::Spa {
            visitor.sign_up(ADA, PASSWORD).await;
        } else {
            visitor.sign_in(ADA, PASSWORD).await;
        }
        let asked = visitor.get("/self-service/logout/browser").await;
        assert!(!asked.headers.contains_key("clear-site-data"));
        let url = asked.body["logout_url"].as_str().unwrap().to_owned();
        let wrong = visitor.get(&format!("{url}x")).await;
        assert!(!wrong.headers.contains_key("clear-site-data"));
        let accept = [("accept", "text/html")];
        let headers = if kind == Kind::Html { &accept[..] } else { &[] };
        let done = visitor.send(Method::GET, &url, None, headers).await;
        assert!(
            matches!(done.status, StatusCode::NO_CONTENT | StatusCode::SEE_OTHER),
            "{}",
            done.text
        );
        assert_eq!(done.headers["clear-site-data"], "\"cache\"", "{kind:?}");
    }
}
