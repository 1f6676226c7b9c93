//! Bodies that cannot be read, and such as are too large.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{Kind, Site, story, text};

use super::{FORM, JSON, action, begun, is_an_answer};

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
pub(super) fn unreadable() -> Vec<(&'static str, &'static str, Vec<u8>)> {
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

/// W1.5.
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
                is_an_answer(&what, &answer);
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
            is_an_answer("afterwards", &again);
        }
    }
}

/// W1.5.
#[story]
async fn a_body_over_the_limit_is_refused(site: Site) {
    let project = site.project().await;
    let six = format!("{{\"method\":\"{}\"}}", "x".repeat(6 << 20)).into_bytes();
    for kind in Kind::ALL {
        let (client, flow) = begun(&site, &project, kind, "registration").await;
        let body = Some((JSON, six.clone()));
        let answer = client.send(Method::POST, action(&flow), body, &[]).await;
        is_an_answer("6 MiB", &answer);
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
            is_an_answer(&path, &answer);
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        }
    }
}
