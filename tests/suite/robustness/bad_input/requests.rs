//! Queries, paths and headers that are not sent by accident, and connections that break off.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{ADA, Kind, PASSWORD, Site, story, text};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{action, begun, is_an_answer};

const QUERIES: [&str; 18] = [
    "%00",
    "id=%00",
    "id=%ff%fe",
    "%ff=%fe",
    "id=%zz",
    "id=1&id=2&flow=1&flow=2",
    "page=1&page=2&page_size=1&page_size=2",
    "&&==&=",
    "[]=&id[]=1",
    "page=-1&per_page=-1",
    "page=99999999999999999999&per_page=99999999999999999999",
    "page=9223372036854775807&per_page=1000",
    "page_size=-9223372036854775808",
    "page_token=%F0%9F&page_size=1",
    "page_token=aWQ9L2NyZWF0ZWRfYXQ9&page_size=0",
    "ids=1&ids=&include_credential=nothing&expand=everything&active=perhaps",
    "return_to=%5C%5C&aal=aal9&refresh=maybe&identity_schema=none&organization=x&via=x",
    "token=%E2%80%AE&error=stub:500&tokenize_as=x&credentials_identifier=%25",
];

const SEGMENTS: [&str; 7] = [
    "%00",
    "%ff",
    "not-a-uuid",
    "..%2f..%2fadmin",
    "%E2%80%AE",
    "00000000-0000-0000-0000-000000000000",
    "%25%30%30",
];

/// Every route of the server, as `(method, path)` with a `{id}` where one belongs.
fn routes(site: &Site, project: &tenants::Project) -> Vec<(Method, String)> {
    let (of_project, of_installation) = api::routes();
    let split = |base: &str, route: &str| {
        let (method, path) = route.split_once(' ').unwrap();
        (method.parse().unwrap(), format!("{base}{path}"))
    };
    let projects = of_project.iter().map(|r| split(project.base_url(), r));
    projects
        .chain(of_installation.iter().map(|r| split(&site.origin, r)))
        .collect()
}

#[story]
async fn every_route_answers_any_query_and_any_path(site: Site) {
    let project = site.project().await;
    let (admin, script) = (site.admin(&project), site.client(&project, Kind::Spa));
    let page = site.client(&project, Kind::Html);
    script.sign_up(ADA, PASSWORD).await;
    let long = format!("return_to={}&id={}", "a".repeat(9_000), "b".repeat(9_000));
    let all = routes(&site, &project);
    assert!(all.len() > 30, "{all:?}");
    for (method, path) in &all {
        for query in QUERIES.iter().copied().chain([long.as_str()]) {
            let url = format!("{}?{query}", path.replace("{id}", "x"));
            for client in [&admin, &page] {
                let answer = client.send(method.clone(), &url, None, &[]).await;
                is_an_answer(&format!("{method} {url:.200}"), &answer);
            }
        }
        for segment in SEGMENTS.iter().filter(|_| path.contains("{id}")) {
            let url = path.replace("{id}", segment);
            for client in [&admin, &script] {
                let answer = client.send(method.clone(), &url, None, &[]).await;
                is_an_answer(&format!("{method} {url}"), &answer);
            }
        }
    }
}

/// W1.8.
#[story]
async fn of_repeated_parameters_the_first_counts(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("login", "").await;
    let id = flow.body["id"].as_str().unwrap();
    let first = native
        .get(&format!("/self-service/login/flows?id={id}&id=other"))
        .await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let other = native
        .get(&format!("/self-service/login/flows?id=other&id={id}"))
        .await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let admin = site.admin(&project);
    let listed = admin.get("/admin/identities?page_size=1&page_size=x").await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.text);
}

#[story]
async fn any_header_is_answered(site: Site) {
    let project = site.project().await;
    let session = format!("ory_session_{}", project.slug());
    let huge = format!("{session}={}", "A".repeat(32_000));
    let many = vec!["a=b"; 3_000].join("; ");
    let torn = format!("{session}=%%%; ;;=; =; {session}; {session}={session}");
    let short = format!("{session}=AAAA");
    let long = "x".repeat(10_000);
    let table = [
        ("cookie", huge.as_str()),
        ("cookie", &many),
        ("cookie", &torn),
        ("cookie", &short),
        ("cookie", "==;;=="),
        ("authorization", ""),
        ("authorization", "Bearer"),
        ("authorization", "Bearer "),
        ("authorization", "Basic Og=="),
        ("authorization", "ins_"),
        ("authorization", "bearer x y z"),
        ("authorization", &long),
        ("x-session-token", ""),
        ("x-session-token", "ory_st_"),
        ("x-session-token", &long),
        ("accept", ";;;q=,"),
        ("accept", "*/*;q=99999999999999999999"),
        ("content-type", ";"),
        ("origin", "null"),
        ("origin", "not an origin"),
        ("referer", "not a url"),
        ("x-forwarded-for", ", 1.2.3.4, ::1, "),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-host", "evil.example"),
        ("range", "bytes=0-0,0-0,0-0"),
        ("if-none-match", "*"),
    ];
    let client = site.client(&project, Kind::Spa);
    for (name, value) in table {
        let what = format!("{name}: {value:.80}");
        for path in [
            "/sessions/whoami",
            "/self-service/login/browser",
            "/admin/identities",
        ] {
            let answer = client.send(Method::GET, path, None, &[(name, value)]).await;
            is_an_answer(&format!("{what} {path}"), &answer);
            if path != "/self-service/login/browser" {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what} {path}");
            }
        }
    }
}

#[story]
async fn ids_of_requests_that_are_none_are_replaced(site: Site) {
    let project = site.project().await;
    let client = site.client(&project, Kind::Spa);
    for id in ["has space", &"x".repeat(129)] {
        let answer = client
            .send(Method::GET, "/version", None, &[("x-request-id", id)])
            .await;
        assert_ne!(answer.headers["x-request-id"], *id, "{id:.20}");
        let ours = answer.headers["x-request-id"].to_str().unwrap();
        assert_eq!(ours.len(), 36, "{ours}");
    }
}

#[story]
async fn headers_beyond_ascii_are_answered(site: Site) {
    let project = site.project().await;
    let path = project.base_url().strip_prefix(&site.origin).unwrap();
    for name in [
        "cookie",
        "authorization",
        "x-session-token",
        "accept",
        "origin",
        "user-agent",
        "x-request-id",
    ] {
        let request = format!(
            "GET {path}/sessions/whoami HTTP/1.1\r\nhost: x\r\n{name}: \u{202e}\u{e9}=\u{e9}\r\nconnection: close\r\n\r\n"
        );
        let answer = raw(&site, &request, false).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{name}: {answer}");
    }
}

/// Sends `request` as it is, then `ends` or keeps the connection, and reads until the server closes.
async fn raw(site: &Site, request: &str, ends: bool) -> String {
    let address = site.origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    if ends {
        stream.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), reading).await;
    assert!(
        read.is_ok() || !ends,
        "the connection hangs: {request:.200}"
    );
    String::from_utf8_lossy(&answer).into_owned()
}

#[story]
async fn a_body_that_ends_early_changes_nothing(site: Site) {
    let project = site.project().await;
    let (client, flow) = begun(&site, &project, Kind::Api, "registration").await;
    let target = action(&flow).strip_prefix(&site.origin).unwrap().to_owned();
    let body =
        json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}}).to_string();
    let head = format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
    );
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n",
        body.len()
    );
    let short = format!("{head}content-length: {}\r\n\r\n{body}", body.len() + 1);
    let garbage = format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n");
    for request in [&chunked, &short, &garbage] {
        let answer = raw(&site, request, true).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400");
        assert!(refused, "{answer}");
        let read = client.sign_in(ADA, PASSWORD).await;
        assert_eq!(
            read.messages(),
            [text::WRONG_CREDENTIALS],
            "nobody is registered by half a body"
        );
    }
    let whole = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let answer = raw(&site, &whole, false).await;
    assert!(
        answer.starts_with("HTTP/1.1 200"),
        "the same, whole: {answer}"
    );
}

#[story]
async fn what_is_no_http_is_told_so(site: Site) {
    let many = "x-more: y\r\n".repeat(200);
    for (request, want) in [
        ("GARBAGE\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "HTTP/1.1 4"),
        (
            // 414 or 431, as it comes in.
            format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000)),
            "HTTP/1.1 4",
        ),
        (
            format!("GET /version HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
            "HTTP/1.1 431",
        ),
    ] {
        let answer = raw(&site, &request, true).await;
        assert!(answer.starts_with(want), "{request:.40}: {answer}");
    }
    let fine = raw(
        &site,
        "GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        false,
    )
    .await;
    assert!(fine.starts_with("HTTP/1.1 200"), "{fine}");
}

/// A proxy before the server could go by another `Host` than the server.
#[story]
async fn a_request_names_its_host_once(site: Site) {
    let close = "connection: close\r\n\r\n";
    for (version, hosts, want) in [
        ("1.1", "host: x\r\n", "200"),
        ("1.1", "", "400"),
        ("1.1", "host: x\r\nhost: x\r\n", "400"),
        ("1.1", "host: x\r\nhost: y\r\n", "400"),
        // Older clients know no `Host`.
        ("1.0", "", "200"),
        ("1.0", "host: x\r\n", "200"),
        ("1.0", "host: x\r\nhost: y\r\n", "400"),
    ] {
        for path in ["/version", "/health/alive"] {
            let request = format!("GET {path} HTTP/{version}\r\n{hosts}{close}");
            let answer = raw(&site, &request, false).await;
            let status = answer.split(' ').nth(1);
            assert_eq!(status, Some(want), "{request}: {answer}");
        }
    }
}
