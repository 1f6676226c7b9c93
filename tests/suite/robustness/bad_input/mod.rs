//! Whatever is sent, the answer is the contract's: an error envelope, or the form again with a message.
//! Never a fault, never a dropped connection. [`Answer`] itself refuses a 500.

mod random;
mod requests;
mod sizes;
mod texts;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, Answer, Client, Kind, PASSWORD, Site, story, text};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A success, a redirect with a target, the form again, or the error envelope: nothing else is an answer.
fn contracted(what: &str, answer: &Answer) {
    let (status, code) = (answer.status, answer.status.as_u16());
    assert!(code < 500, "{what}: {status} {}", answer.text);
    assert!(answer.headers.contains_key("x-request-id"), "{what}");
    if status.is_redirection() {
        assert!(!answer.location().is_empty(), "{what}: nowhere to go");
    } else if status.is_client_error() {
        let media = answer.headers["content-type"].to_str().unwrap();
        let form = code == 400 && answer.body["ui"]["nodes"].is_array();
        let envelope = answer.body["error"]["code"] == code
            && answer.body["error"]["status"].is_string()
            && answer.body["error"]["message"].is_string();
        let fits = (form && media == "application/json; charset=utf-8")
            || (envelope && media == "application/json");
        assert!(fits, "{what}: {status} {media} {}", answer.text);
    }
}

/// A flow of that kind, begun by a visitor of that kind.
async fn begun(
    site: &Site,
    project: &tenants::Project,
    kind: Kind,
    flow: &str,
) -> (Client, Answer) {
    let client = site.client(project, kind);
    let flow = client.begin(flow, "").await;
    assert_eq!(flow.status, StatusCode::OK, "{}", flow.text);
    (client, flow)
}

fn action(flow: &Answer) -> &str {
    flow.body["ui"]["action"].as_str().unwrap()
}

fn nested(levels: usize) -> String {
    format!(
        r#"{{"traits":{}"x"{}}}"#,
        r#"{"a":"#.repeat(levels),
        "}".repeat(levels)
    )
}

/// A little longer than what is called small, and a hundred times as large once it is decoded.
fn crowded() -> Vec<u8> {
    format!("{{\"traits\":[{}0]}}", "0,".repeat(100_000)).into_bytes()
}

/// Bodies that no form can be read from, and whether a page would have been a form of JSON.
fn unreadable() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let bytes = |text: &str| text.as_bytes().to_vec();
    vec![
        ("empty JSON", JSON, bytes("")),
        ("empty form", FORM, bytes("")),
        ("an open brace", JSON, bytes("{")),
        ("a list", JSON, bytes("[]")),
        ("a text", JSON, bytes("\"x\"")),
        ("null", JSON, bytes("null")),
        ("a number", JSON, bytes("1e999")),
        ("no value", JSON, bytes("{\"method\":}")),
        ("half a surrogate", JSON, bytes(r#"{"method":"\ud800"}"#)),
        ("a bare NUL", JSON, bytes("{\"method\":\"\0\"}")),
        (
            "an escaped NUL",
            JSON,
            bytes(r#"{"identifier":"a\u0000b"}"#),
        ),
        ("NUL in a key", JSON, bytes(r#"{"a\u0000b":1}"#)),
        ("NUL in a form", FORM, bytes("identifier=a%00b")),
        ("100 levels", JSON, bytes(&nested(100))),
        ("1,000 levels", JSON, bytes(&nested(1_000))),
        ("100,000 levels", JSON, bytes(&nested(100_000))),
        ("100,000 brackets", JSON, "[".repeat(100_000).into_bytes()),
        ("100,000 numbers", JSON, crowded()),
        ("100,000 fields", FORM, "a=&".repeat(100_000).into_bytes()),
        (
            "names of 60 levels",
            FORM,
            (0..1_000)
                .map(|n| format!("transient_payload.{n}{}=x&", ".a".repeat(60)))
                .collect::<Vec<_>>()
                .concat()
                .into_bytes(),
        ),
        ("plain text", "text/plain", bytes("method=password")),
        ("XML", "application/xml", bytes("<method/>")),
        ("no such type", "///;;=", bytes("x")),
        (
            "a form in parts without a boundary",
            "multipart/form-data",
            bytes("x"),
        ),
        (
            "garbage in parts",
            "multipart/form-data; boundary=b",
            vec![0xff, 0, b'-', b'-', b'b'],
        ),
        (
            "NUL in parts",
            "multipart/form-data; boundary=b",
            bytes(
                "--b\r\ncontent-disposition: form-data; name=\"identifier\"\r\n\r\na\0b\r\n--b--\r\n",
            ),
        ),
    ]
}

#[story]
async fn a_body_that_cannot_be_read_is_a_message_on_the_form(site: Site) {
    let project = site.project().await;
    for kind in Kind::ALL {
        for flow_name in ["login", "registration"] {
            let (client, flow) = begun(&site, &project, kind, flow_name).await;
            for (what, media, body) in unreadable() {
                let what = format!("{what}, {flow_name}, {kind:?}");
                let answer = client
                    .send(Method::POST, action(&flow), Some((media, body)), &[])
                    .await;
                contracted(&what, &answer);
                if kind == Kind::Html && media != JSON {
                    assert!(answer.status.is_redirection(), "{what}: {}", answer.status);
                    let page = answer.location();
                    assert!(
                        page.contains(&format!("/ui/{flow_name}?flow=")),
                        "{what}: {page}"
                    );
                } else {
                    let got = (answer.status.as_u16(), answer.messages());
                    // A type that is not JSON, sent by an API client, is answered by a page's redirect.
                    if kind == Kind::Api || kind == Kind::Spa || media == JSON {
                        assert_eq!(got, (400, vec![text::GENERIC]), "{what}: {}", answer.text);
                    }
                }
            }
            // The flow lives on.
            let again = client.submit(&flow, json!({"method": "password"})).await;
            contracted("afterwards", &again);
        }
    }
}

#[story]
async fn a_body_over_the_limit_is_refused(site: Site) {
    let project = site.project().await;
    let six = format!("{{\"method\":\"{}\"}}", "x".repeat(6 << 20)).into_bytes();
    for kind in Kind::ALL {
        let (client, flow) = begun(&site, &project, kind, "registration").await;
        let body = Some((JSON, six.clone()));
        let answer = client.send(Method::POST, action(&flow), body, &[]).await;
        contracted("6 MiB", &answer);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let admin = site.admin(&project);
    for path in [
        "/admin/identities".to_owned(),
        format!("{}/graphql", site.origin),
    ] {
        for body in [six.clone(), crowded()] {
            let body = Some((JSON, body));
            let answer = admin.send(Method::POST, &path, body, &[]).await;
            contracted(&path, &answer);
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        }
    }
}

/// One value of each type, and the awkward ones of each.
fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1.5e300),
        json!(u64::MAX),
        json!(""),
        json!("\u{202e}x\u{200b}"),
        json!("x".repeat(100_000)),
        json!([]),
        json!([1, "a", null]),
        json!([[["deep"]]]),
        json!({}),
        json!({"a": {"b": [{}]}}),
        json!({"": "", "a.b": 1, "\\": "\"", "email": {"email": 1}}),
    ]
}

#[story]
async fn wrong_types_at_every_key_of_a_submission(site: Site) {
    let project = site.project().await;
    let two_steps = site
        .project_with(
            json!({"selfservice": {"flows": {"registration": {"style": "profile_first"}}}}),
        )
        .await;
    let keys = [
        "method",
        "csrf_token",
        "identifier",
        "password",
        "password_identifier",
        "traits",
        "traits.email",
        "traits.email.x",
        "traits.",
        "traits",
        "transient_payload",
        "transient_payload.x",
        "screen",
        "provider",
        "no_such_key",
    ];
    let forms = [
        (&project, "login", Kind::Spa),
        (&project, "registration", Kind::Api),
        (&two_steps, "registration", Kind::Spa),
    ];
    for (project, flow_name, kind) in forms {
        let (client, flow) = begun(&site, project, kind, flow_name).await;
        for key in keys {
            for value in values() {
                let what = format!("{flow_name} {kind:?} {key} {:.60}", value.to_string());
                let mut body =
                    json!({"method": "password", "identifier": ADA, "password": "short"});
                if flow_name == "registration" {
                    body["traits"] = json!({"email": ADA});
                }
                body[key] = value;
                if key == "password" {
                    // Some of them would do: scalars are taken as their text.
                    body["traits"] = json!({});
                }
                let answer = client.submit(&flow, body).await;
                contracted(&what, &answer);
                assert!(!answer.status.is_success(), "{what}");
            }
        }
        let read = client.reread(&flow).await;
        assert_eq!(
            read.status,
            StatusCode::OK,
            "the flow can still be read: {}",
            read.text
        );
    }
}

#[story]
async fn wrong_types_are_told_by_their_messages(site: Site) {
    let project = site.project().await;
    let (client, flow) = begun(&site, &project, Kind::Api, "registration").await;
    let submit = async |key: &str, value: Value| {
        let mut body =
            json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
        body[key] = value;
        client.submit(&flow, body).await
    };
    for traits in [json!("x"), json!([1]), json!(true)] {
        let answer = submit("traits", traits.clone()).await;
        assert!(answer.text.contains("4000026"), "{traits}: {}", answer.text);
    }
    let answer = submit("traits", json!({"email": 7})).await;
    assert_eq!(
        answer.node_messages("traits.email"),
        [text::WRONG_TYPE],
        "{}",
        answer.text
    );
    for method in [json!(1), json!(null), json!({}), json!("no-such-method")] {
        assert_eq!(
            submit("method", method).await.messages(),
            [text::NO_REGISTRATION_STRATEGY]
        );
    }
    for payload in [json!("x"), json!([]), json!(1)] {
        let answer = submit("transient_payload", payload).await;
        assert_eq!(
            answer.node_messages("transient_payload"),
            [text::WRONG_TYPE]
        );
    }
    // What only looks like U+0000 is a password like any other.
    let answer = submit("password", json!(r"100%00 C:\u0000")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let back = client.sign_in(ADA, r"100%00 C:\u0000").await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text);
}

#[story]
async fn wrong_types_at_every_key_of_a_new_identity(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let keys = [
        "schema_id",
        "traits",
        "credentials",
        "credentials.password",
        "verifiable_addresses",
        "recovery_addresses",
        "metadata_public",
        "metadata_admin",
        "state",
        "organization_id",
        "external_id",
        "id",
        "no_such_key",
    ];
    for (at, key) in keys.into_iter().enumerate() {
        for (n, value) in values().into_iter().enumerate() {
            let what = format!("{key} {:.60}", value.to_string());
            let mut body = json!({"schema_id": "preset://email", "traits": {"email": format!("p{at}-{n}@example.org")}});
            if key == "credentials.password" {
                body["credentials"] = json!({"password": {"config": value}});
            } else {
                body[key] = value;
            }
            let answer = admin.post("/admin/identities", body).await;
            contracted(&what, &answer);
            let unknown = matches!(key, "id" | "no_such_key");
            if answer.status.is_success() {
                assert!(!unknown, "{what}");
                let path = format!("/admin/identities/{}", answer.body["id"].as_str().unwrap());
                assert_eq!(admin.get(&path).await.status, StatusCode::OK, "{what}");
            } else {
                assert!(
                    matches!(answer.status.as_u16(), 400 | 409),
                    "{what}: {}",
                    answer.text
                );
            }
        }
    }
    for (what, media, body) in unreadable()
        .into_iter()
        .filter(|(_, media, _)| *media == JSON)
    {
        let answer = admin
            .send(Method::POST, "/admin/identities", Some((media, body)), &[])
            .await;
        contracted(what, &answer);
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
    }
    let listed = admin.get("/admin/identities?page_size=500").await;
    assert_eq!(
        listed.status,
        StatusCode::OK,
        "whatever was stored can be read"
    );
}

/// As deep as a body may nest, at the places from which it is read back.
#[story]
async fn what_may_be_stored_can_be_read_back(site: Site) {
    let project = site.project().await;
    let deep = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!({ "a": inner }));
    let (client, flow) = begun(&site, &project, Kind::Api, "registration").await;
    for levels in [
        10, 40, 45, 46, 47, 48, 60, 100, 120, 124, 125, 126, 127, 128,
    ] {
        let dotted = format!("traits{}", ".b".repeat(levels));
        for body in [
            json!({"method": "password", "traits": deep(levels)}),
            json!({"method": "password", "transient_payload": deep(levels)}),
            json!({"method": "password", dotted: deep(levels.min(46))}),
        ] {
            let answer = client.submit(&flow, body).await;
            contracted(&format!("{levels}"), &answer);
            let again = client.submit(&flow, json!({"method": "password"})).await;
            contracted(&format!("after {levels}"), &again);
        }
        let identity = json!({"schema_id": "preset://email", "traits": {"email": format!("d{levels}@example.org")},
            "metadata_public": deep(levels), "metadata_admin": deep(levels)});
        let made = site
            .admin(&project)
            .post("/admin/identities", identity)
            .await;
        contracted(&format!("metadata {levels}"), &made);
        assert_eq!(made.status.is_success(), levels < 48, "{levels}");
    }
    let listed = site.admin(&project).get("/admin/identities").await;
    assert_eq!(listed.status, StatusCode::OK);
    assert_eq!(listed.body.as_array().unwrap().len(), 5);
}

#[story]
async fn flows_that_are_not_theirs_and_forms_that_may_be_forged(site: Site) {
    let (project, other) = (site.project().await, site.project().await);
    let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD, "traits": {"email": ADA}});
    for flow_name in ["login", "registration"] {
        let (script, flow) = begun(&site, &project, Kind::Spa, flow_name).await;
        let (_, elsewhere) = begun(&site, &other, Kind::Spa, flow_name).await;
        let (_, stranger) = begun(&site, &project, Kind::Spa, flow_name).await;
        let path = |id: &str| format!("/self-service/{flow_name}?flow={id}");
        let own = flow.body["id"].as_str().unwrap();
        let nowhere = uuid::Uuid::nil().to_string();
        let foreign = elsewhere.body["id"].as_str().unwrap();
        for (id, status) in [
            (nowhere.as_str(), 404),
            (foreign, 404),
            ("", 400),
            ("x", 400),
            ("%00", 400),
        ] {
            let answer = script.post(&path(id), body.clone()).await;
            contracted(id, &answer);
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{flow_name} {id}: {}",
                answer.text
            );
        }
        let token = stranger.node("csrf_token")["attributes"]["value"].clone();
        for token in [
            Value::Null,
            json!(""),
            json!("AAAA"),
            json!({}),
            json!("\u{e9}"),
            token,
        ] {
            let mut forged = body.clone();
            forged["csrf_token"] = token;
            let answer = script.post(&path(own), forged).await;
            contracted("forged", &answer);
            assert_eq!(
                answer.error_id(),
                Some("security_csrf_violation"),
                "{}",
                answer.text
            );
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
        }
        site.world.clock.advance(chrono::TimeDelta::hours(2));
        let late = script.submit(&flow, body.clone()).await;
        contracted("late", &late);
        assert_eq!(
            (late.status, late.error_id()),
            (StatusCode::GONE, Some("self_service_flow_expired"))
        );
    }
    let listed = site.admin(&project).get("/admin/identities").await;
    assert_eq!(listed.body, json!([]), "nobody got in by any of it");
    site.world.sweep().await;
}
