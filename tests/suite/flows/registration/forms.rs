//! How a submission is read: forms, JSON, other bodies, and what is passed along.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{ADA, Client, Kind, PASSWORD, Site, story, text};

use super::{every_type, password_fields};

async fn traits_of(client: &Client) -> Value {
    client.whoami().await.body["identity"]["traits"].clone()
}

/// W1.6.
#[story]
async fn forms_are_typed_by_the_schema(site: Site) {
    let project = site.project_with(every_type()).await;
    let page = site.client(&project, Kind::Html);
    let flow = page.begin("registration", "").await;
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let csrf = flow.node("csrf_token")["attributes"]["value"]
        .as_str()
        .unwrap();
    let fixed = [("csrf_token", csrf), ("method", "password")];

    // What cannot be read as its type stays a text, and is said to be one.
    let wrong = [
        ("traits.email", ADA),
        ("traits.terms", "on"),
        ("traits.age", "old"),
        ("traits.children", ""),
    ];
    let sent = page.form(action, &[&fixed[..], &wrong].concat()).await;
    assert_eq!(sent.status, StatusCode::FOUND);
    let shown = page.reread(&flow).await;
    assert_eq!(shown.node_messages("traits.terms"), [text::WRONG_TYPE]);
    assert_eq!(shown.node_messages("traits.age"), [text::WRONG_TYPE]);
    assert_eq!(shown.node_messages("password"), [text::REQUIRED]);
    assert!(shown.node_messages("traits.children").is_empty());
    assert_eq!(shown.node("traits.terms")["attributes"]["value"], "on");

    let right = [
        ("password", PASSWORD),
        ("traits.email", ADA),
        ("traits.email", "second@example.org"),
        ("traits.terms", "false"),
        ("traits.terms", "true"),
        ("traits.newsletter", "false"),
        ("traits.age", "42"),
        ("traits.height", "1.75"),
        ("traits.children", ""),
        ("traits.name.first", "Ada"),
        ("traits.name.last", ""),
        ("traits.backup", ""),
        ("traits.tags", "red"),
        ("traits.tags", ""),
        ("traits.tags", "blue"),
        ("traits.sizes", "42"),
        ("traits.unheard", "of"),
    ];
    let sent = page.form(action, &[&fixed[..], &right].concat()).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    assert_eq!(
        traits_of(&page).await,
        json!({
            "email": ADA, "terms": true, "newsletter": false, "age": 42, "height": 1.75, "children": 0,
            "name": {"first": "Ada"}, "tags": ["red", "blue"], "sizes": [42],
        })
    );
}

/// A required boolean that is sent empty is false; one that is not sent is missing.
#[story]
async fn empty_and_absent_booleans(site: Site) {
    let project = site.project_with(every_type()).await;
    let page = site.client(&project, Kind::Html);
    let flow = page.begin("registration", "").await;
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let csrf = flow.node("csrf_token")["attributes"]["value"]
        .as_str()
        .unwrap();
    let form = [
        ("csrf_token", csrf),
        ("method", "password"),
        ("password", PASSWORD),
        ("traits.email", ADA),
        ("traits.children", "2"),
    ];
    let sent = page.form(action, &form).await;
    assert_eq!(sent.status, StatusCode::FOUND);
    let shown = page.reread(&flow).await;
    assert_eq!(shown.node_messages("traits.terms"), [text::REQUIRED]);
    let form = [&form[..], &[("traits.terms", "")]].concat();
    assert_eq!(page.form(action, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(traits_of(&page).await["terms"], false);
}

/// W1.7: JSON is a form of its top-level keys.
#[story]
async fn json_is_typed_at_the_top_alone(site: Site) {
    let project = site.project_with(every_type()).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let nested = json!({"email": ADA, "terms": "true", "children": 1, "backup": ""});
    let refused = script
        .submit(
            &flow,
            json!({"method": "password", "password": PASSWORD, "traits": nested}),
        )
        .await;
    assert_eq!(refused.node_messages("traits.terms"), [text::WRONG_TYPE]);
    assert_eq!(
        refused.node_messages("traits.backup"),
        [text::INVALID_EMAIL]
    );

    let unknown = json!({"email": ADA, "terms": true, "children": 1, "shoe": 43});
    let refused = script
        .submit(
            &flow,
            json!({"method": "password", "password": PASSWORD, "traits": unknown}),
        )
        .await;
    // W4.12: a violation that no node stands for gets one.
    assert_eq!(refused.node_messages("traits"), [text::GENERIC]);
    let young = json!({"email": ADA, "terms": true, "children": 1, "age": 17});
    let refused = script
        .submit(
            &flow,
            json!({"method": "password", "password": PASSWORD, "traits": young}),
        )
        .await;
    assert_eq!(refused.node_messages("traits.age"), [text::BELOW_MINIMUM]);

    let dotted = json!({
        "method": "password", "password": PASSWORD, "traits.email": ADA, "traits.terms": "true",
        "traits.children": "3", "traits.backup": "", "traits.name.first": "Ada", "of no use": true,
    });
    let done = script.submit(&flow, dotted).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(
        done.body["identity"]["traits"],
        json!({"email": ADA, "terms": true, "children": 3, "name": {"first": "Ada"}})
    );
}

/// W1.5.
#[story]
async fn bodies_of_other_kinds(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let csrf = flow.node("csrf_token")["attributes"]["value"]
        .as_str()
        .unwrap();
    for (media, body) in [
        ("text/plain", "method=password"),
        ("application/json", ""),
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", "{\"method\": \"pass\\u0000word\"}"),
        ("multipart/form-data", "no boundary"),
    ] {
        let refused = script
            .send(
                Method::POST,
                action,
                Some((media, body.as_bytes().to_vec())),
                &[],
            )
            .await;
        assert_eq!(
            (refused.status, refused.messages()),
            (StatusCode::BAD_REQUEST, vec![text::GENERIC]),
            "{media} {body}"
        );
    }
    for traits in [json!("text"), json!([])] {
        let odd = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let refused = script.submit(&flow, odd).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.node_messages("traits"), [text::WRONG_TYPE]);
    }
    let part = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        part("csrf_token", csrf),
        part("method", "password"),
        part("password", PASSWORD),
        part("traits.email", ADA),
        "--edge--\r\n".to_owned(),
    ]
    .concat();
    let done = script
        .send(
            Method::POST,
            action,
            Some(("multipart/form-data; boundary=edge", body.into_bytes())),
            &[],
        )
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

/// W3.17: an object, kept until the next submission.
#[story]
async fn a_transient_payload(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    assert!(flow.body.get("transient_payload").is_none());
    let with = |payload: Value| {
        let mut fields = password_fields(ADA, "short");
        fields["transient_payload"] = payload;
        fields
    };
    let shown = script
        .submit(&flow, with(json!({"ref": {"campaign": 7}})))
        .await;
    assert_eq!(
        shown.body["transient_payload"],
        json!({"ref": {"campaign": 7}})
    );
    assert_eq!(
        script.reread(&flow).await.body["transient_payload"],
        json!({"ref": {"campaign": 7}})
    );
    let shown = script.submit(&flow, password_fields(ADA, "short")).await;
    assert!(shown.body.get("transient_payload").is_none());
    for wrong in [json!([1]), json!(5), json!("text")] {
        let refused = script.submit(&flow, with(wrong.clone())).await;
        assert_eq!(
            refused.node_messages("transient_payload"),
            [text::WRONG_TYPE],
            "{wrong}"
        );
    }
}
