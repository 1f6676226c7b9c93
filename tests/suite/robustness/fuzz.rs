//! Whole requests, as bytes, through the real server: routes with ids, tokens and cookies that are good among others
//! that are none. Whatever comes, the answer is no fault, and the server goes on serving.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use ::fuzz::{fuzz, hostile};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{TestCaseError, TestCaseResult},
};
use reqwest::StatusCode;
use serde_json::json;
use tenants::Project;
use tests::{ADA, BOB, Kind, PASSWORD, ROOT_KEY, Site, story};

/// For the server to answer; nothing is measured.
const WITHIN: Duration = Duration::from_mins(1);
const METHODS: &[&str] = &[
    "GET", "GET", "GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
    "TRACE", "get", "M-SEARCH", "",
];
const NAMES: &[&str] = &[
    "method",
    "identifier",
    "password",
    "traits",
    "traits.email",
    "csrf_token",
    "transient_payload",
    "code",
    "email",
    "schema_id",
    "credentials",
    "config",
    "metadata_public",
    "metadata_admin",
    "verifiable_addresses",
    "recovery_addresses",
    "state",
    "external_id",
    "identities",
    "create",
    "op",
    "path",
    "value",
    "query",
    "variables",
    "operationName",
    "resend",
    "screen",
    "session_token",
    "logout_token",
    "expires_in",
    "identity_id",
    "flow_type",
    "id",
];
const PARAMETERS: &[&str] = &[
    "flow",
    "flow",
    "flow",
    "id",
    "return_to",
    "refresh",
    "aal",
    "via",
    "login_challenge",
    "identity_schema",
    "code",
    "token",
    "page",
    "per_page",
    "page_size",
    "page_token",
    "ids",
    "credentials_identifier",
    "include_credential",
    "active",
    "expand",
    "error",
    "organization",
    "token",
    "x",
];
const HEADERS: &[&str] = &[
    "accept",
    "authorization",
    "cookie",
    "cookie",
    "x-session-token",
    "origin",
    "referer",
    "user-agent",
    "accept-language",
    "content-encoding",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-request-id",
    "sec-fetch-mode",
    "range",
    "if-none-match",
    "access-control-request-method",
    "access-control-request-headers",
    "expect",
    "te",
    "upgrade",
    "connection",
    "host",
    "transfer-encoding",
    "content-length",
    "true-client-ip",
    "ory-tracing",
    "traceparent",
];
const MEDIA: &[&str] = &[
    "application/json",
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/plain",
    "application/json-patch+json",
    "",
    "application/graphql",
];
const TEXTS: &[&str] = &[
    "password",
    "code",
    "link",
    "profile",
    ADA,
    BOB,
    PASSWORD,
    "preset://email",
    "true",
    "0",
    "-1",
    "9223372036854775807",
    "aal2",
    "application/json",
    "text/html",
    "https://evil.example/",
    "/",
    "../../etc",
    "%00",
    "%ff",
    "%2e%2e%2f",
    "null",
    "bytes=0-0,-1",
    "100-continue",
    "chunked",
    "gzip",
    "websocket",
    "Bearer ",
    "Basic Og==",
    "add",
    "/traits/email",
    "active",
    "*",
    "{ projects { edges { node { slug } } } }",
    "mutation { x }",
    "query a($b: C) { d(e: $b) { ...f } }",
    "{a{a{a{a{a{a",
    "123456",
];

/// What a request can be made of.
struct Known {
    routes: Vec<(String, String)>,
    /// Ids, tokens, cookies and keys that are good, and other texts.
    words: &'static [&'static str],
}

/// For as long as the tests run: strategies want it so.
fn leaked(texts: Vec<String>) -> &'static [&'static str] {
    let texts = texts
        .into_iter()
        .map(|text| -> &'static str { text.leak() });
    texts.collect::<Vec<_>>().leak()
}

impl Known {
    async fn of(site: &Site, project: &Project) -> Self {
        let native = site.client(project, Kind::Api);
        let script = site.client(project, Kind::Spa);
        let made = native.sign_up(ADA, PASSWORD).await;
        script.sign_in(ADA, PASSWORD).await;
        let mut words: Vec<String> = TEXTS.iter().map(|it| (*it).to_owned()).collect();
        let token = made.body["session_token"].as_str().unwrap();
        words.push(token.to_owned());
        words.push(format!("Bearer {token}"));
        words.push(format!("Bearer {ROOT_KEY}"));
        words.extend(made.body["identity"]["id"].as_str().map(str::to_owned));
        words.extend(made.body["session"]["id"].as_str().map(str::to_owned));
        let cookies = script.cookies();
        words.extend(
            cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        for kind in ["login", "registration", "recovery", "verification"] {
            for client in [&native, &site.client(project, Kind::Spa)] {
                let flow = client.begin(kind, "?refresh=true").await;
                words.extend(flow.body["id"].as_str().map(str::to_owned));
                words.extend(
                    flow.node("csrf_token")["attributes"]["value"]
                        .as_str()
                        .map(str::to_owned),
                );
            }
        }
        let settings = script.begin("settings", "").await;
        words.extend(settings.body["id"].as_str().map(str::to_owned));
        let (of_project, of_installation) = api::routes();
        let below = |base: &str, route: &str| {
            let (method, path) = route.split_once(' ').unwrap();
            (method.to_owned(), format!("{base}{path}"))
        };
        let base = format!("/p/{}", project.slug());
        let routes = of_project.iter().map(|route| below(&base, route));
        let routes = routes.chain(of_installation.iter().map(|route| below("", route)));
        Self {
            routes: routes.collect(),
            words: leaked(words),
        }
    }

    /// The head's first line.
    fn line(&self) -> impl Strategy<Value = String> + use<> {
        let words = self.words;
        let method = prop_oneof![5 => Just(None), 1 => select(METHODS).prop_map(Some)];
        let segment =
            prop_oneof![3 => select(words).prop_map(str::to_owned), 1 => hostile::text_of(words)];
        let value =
            prop_oneof![4 => select(words).prop_map(str::to_owned), 1 => hostile::text_of(words)];
        let parameter = (select(PARAMETERS), value)
            .prop_map(|(name, value)| format!("{name}={}", escaped(&value)));
        let query = vec(parameter, 0..5);
        (select(self.routes.clone()), method, segment, query).prop_map(
            |((own, path), method, segment, query)| {
                let path = path.replace("{id}", &escaped(&segment));
                let query = if query.is_empty() {
                    String::new()
                } else {
                    format!("?{}", query.join("&"))
                };
                format!("{} {path}{query} HTTP/1.1", method.unwrap_or(&own))
            },
        )
    }

    fn header(&self) -> impl Strategy<Value = String> + use<> {
        let words = self.words;
        let value =
            prop_oneof![4 => select(words).prop_map(str::to_owned), 1 => hostile::text_of(words)];
        (select(HEADERS), value).prop_map(|(name, value)| {
            let value: String = value
                .chars()
                .filter(|it| !matches!(it, '\r' | '\n'))
                .collect();
            format!("{name}: {value}")
        })
    }

    fn body(&self) -> impl Strategy<Value = (&'static str, Vec<u8>)> + use<> {
        let words = self.words;
        let named = select(NAMES).prop_map(|name| format!("\"{name}\""));
        let json = hostile::object(named, hostile::json(NAMES, words));
        let json = prop_oneof![3 => json.boxed(), 1 => hostile::json(NAMES, words)];
        let form = vec((select(NAMES), hostile::text_of(words)), 0..9).prop_map(|pairs| {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(name, it)| format!("{name}={}", escaped(it)))
                .collect();
            pairs.join("&")
        });
        let of = |media| move |text: String| (media, text.into_bytes());
        prop_oneof![
            1 => Just(("", Vec::new())),
            4 => json.prop_map(of("application/json")),
            2 => form.prop_map(of("application/x-www-form-urlencoded")),
            1 => (select(MEDIA), hostile::text_of(words)).prop_map(|(media, text)| (media, text.into_bytes())),
        ]
    }

    fn request(&self) -> impl Strategy<Value = Vec<u8>> + use<> {
        let parts = (self.line(), vec(self.header(), 0..6), self.body());
        let whole = parts.prop_map(|(line, headers, (media, body))| {
            let mut head = format!(
                "{line}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n",
                body.len()
            );
            if !media.is_empty() {
                head.extend(["content-type: ", media, "\r\n"]);
            }
            for header in headers {
                head.extend([&*header, "\r\n"]);
            }
            [head.as_bytes(), b"\r\n", &body].concat()
        });
        let whole = whole.boxed();
        prop_oneof![3 => whole.clone(), 1 => hostile::mutated(whole)]
    }
}

/// What has a meaning in the line of a request, as `%..`; now and then what should be is not, by mutation.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"#?&\"<>\\^`{|}".contains(&byte);
    let escape = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02x}")
        }
    };
    text.bytes().take(4_000).map(escape).collect()
}

/// Sends the bytes and nothing more; the answers until the server closes.
fn answered(address: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(WITHIN))?;
    // The server may have closed already.
    drop(
        stream
            .write_all(request)
            .and_then(|()| stream.shutdown(Shutdown::Write)),
    );
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(answer),
        read => read.map(|_| answer),
    }
}

fn check(address: &str, request: &[u8]) -> TestCaseResult {
    let answer = answered(address, request);
    let answer = answer.map_err(|error| TestCaseError::fail(format!("no answer: {error}")))?;
    let text = String::from_utf8_lossy(&answer);
    if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
        let status: u16 = rest.get(..3).unwrap_or_default().parse().unwrap_or(0);
        prop_assert!((100..500).contains(&status), "{}", text);
    } else {
        prop_assert!(text.is_empty(), "{}", text);
    }
    Ok(())
}

#[story]
async fn requests(site: Site) {
    let config = json!({
        "selfservice": {
            "methods": {"code": {"passwordless_enabled": true}, "link": {"enabled": true}},
            "flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}},
        },
        // No request has to wait.
        "insula": {"limits": {"guesses": {"per_network": 1_000_000, "per_identifier": 1_000}, "mails": {
            "per_network": 1_000_000, "per_address": 1_000, "per_project": 1_000_000,
        }}},
    });
    let (project, neighbour) = (site.project_with(config).await, site.project().await);
    let script = site.client(&neighbour, Kind::Spa);
    script.sign_up(ADA, PASSWORD).await;
    let known = Known::of(&site, &project).await;
    let address = site.origin.trim_start_matches("http://").to_owned();
    // The story waits on a thread that serves nothing.
    fuzz("requests", &known.request(), |request| {
        check(&address, &request)
    });

    let (status, whoami) = (
        site.admin(&neighbour).get("/health/ready").await.status,
        script.whoami().await,
    );
    assert_eq!(
        (status, whoami.status),
        (StatusCode::OK, StatusCode::OK),
        "{}",
        whoami.text
    );
    let admin = site.admin(&project);
    for list in [
        "/admin/identities",
        "/admin/sessions",
        "/admin/courier/messages",
    ] {
        let listed = admin.get(list).await;
        assert_eq!(listed.status, StatusCode::OK, "{list}: {}", listed.text);
    }
    site.world.sweep().await;
}
