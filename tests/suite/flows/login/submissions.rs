//! What a submission must carry, and how its answer is asked for.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::{ADA, Kind, PASSWORD, Site, story, text};

/// W3.16, W6.1.
#[story]
async fn missing_fields_and_missing_methods(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("login", "").await;
    let answer = native.submit(&flow, json!({"method": "password"})).await;
    assert_eq!(answer.node_messages("identifier"), [text::REQUIRED]);
    assert_eq!(answer.node_messages("password"), [text::REQUIRED]);
    let answer = native
        .submit(
            &flow,
            json!({"method": "password", "identifier": "x", "password": ""}),
        )
        .await;
    assert_eq!(
        (
            answer.node_messages("identifier"),
            answer.node_messages("password")
        ),
        (vec![], vec![text::REQUIRED])
    );
    for body in [
        json!({"identifier": "x"}),
        json!({"method": "carrier-pigeon"}),
        json!({"method": 1}),
    ] {
        let answer = native.submit(&flow, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.messages(), [text::NO_LOGIN_STRATEGY]);
    }
}

/// W2.1, W2.2, W2.3, W2.4, W2.5.
#[story]
async fn csrf(site: Site) {
    let project = site.project().await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let script = site.client(&project, Kind::Spa);
    let first = script.begin("login", "").await;
    let second = script.begin("login", "").await;
    let token = |flow: &tests::Answer| {
        flow.node("csrf_token")["attributes"]["value"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_ne!(token(&first), token(&second), "masked anew");
    let read = script
        .get(&format!(
            "/self-service/login/flows?id={}",
            first.body["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(token(&read), token(&first), "a read shows what was stored");
    let fields = |csrf: &str| json!({"method": "password", "identifier": ADA, "password": "wrong", "csrf_token": csrf});
    let crossed = script.submit(&first, fields(&token(&second))).await;
    assert_eq!(
        crossed.messages(),
        [text::WRONG_CREDENTIALS],
        "a token of another flow of the same visitor fits"
    );

    let refused = script.submit(&first, fields("AAAA")).await;
    assert_eq!(
        (refused.status, refused.error_id()),
        (StatusCode::FORBIDDEN, Some("security_csrf_violation"))
    );
    let stranger = site.client(&project, Kind::Spa);
    let read = stranger.reread(&first).await;
    assert_eq!(
        (read.status, read.error_id()),
        (StatusCode::FORBIDDEN, Some("security_csrf_violation"))
    );
    let sent = stranger
        .post(
            &format!("/self-service/login?flow={}", first.flow_id()),
            fields(&token(&first)),
        )
        .await;
    assert_eq!(sent.status, StatusCode::FORBIDDEN);
    let page = site.client(&project, Kind::Html);
    let sent = page
        .form(
            &format!("/self-service/login?flow={}", first.flow_id()),
            &[
                ("method", "password"),
                ("identifier", "a"),
                ("password", "b"),
            ],
        )
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let error = page
        .get(&format!(
            "/self-service/errors?id={}",
            sent.location_query("id").unwrap()
        ))
        .await;
    assert_eq!(error.body["error"]["id"], "security_csrf_violation");
}

/// W2.6.
#[story]
async fn an_api_client_must_not_look_like_a_browser(site: Site) {
    let project = site.project().await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let native = site.client(&project, Kind::Api);
    let flow = native.begin("login", "").await;
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let body = || {
        Some((
            "application/json",
            json!({"method": "password", "identifier": ADA, "password": PASSWORD})
                .to_string()
                .into_bytes(),
        ))
    };
    for header in [("cookie", "a=b"), ("origin", "https://evil.example")] {
        let answer = native.send(Method::POST, action, body(), &[header]).await;
        assert_eq!(
            (answer.status, answer.messages()),
            (StatusCode::BAD_REQUEST, vec![text::GENERIC]),
            "{header:?}"
        );
    }
    let answer = native
        .send(Method::POST, action, body(), &[("cookie", "__cf_bm=1")])
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

/// W1.2, W1.3.
#[story]
async fn how_json_is_asked_for(site: Site) {
    let project = site.project().await;
    let bare = site.client(&project, Kind::Api);
    let begun = bare
        .send(
            Method::GET,
            "/self-service/login/browser",
            None,
            &[("accept", "*/*")],
        )
        .await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    let begun = bare
        .send(
            Method::GET,
            "/self-service/login/browser",
            None,
            &[("content-type", "application/json")],
        )
        .await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("login", "").await;
    let action = flow.body["ui"]["action"].as_str().unwrap();
    let body = json!({"method": "password", "identifier": "a", "password": "b", "csrf_token": flow.node("csrf_token")["attributes"]["value"]});
    let cookies: Vec<String> = script
        .cookies()
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let cookies = cookies.join("; ");
    for (media, status) in [
        ("application/json", 400),
        ("application/json; charset=utf-8", 303),
    ] {
        let sent = bare
            .send(
                Method::POST,
                action,
                Some((media, body.to_string().into_bytes())),
                &[("cookie", &cookies)],
            )
            .await;
        assert_eq!(sent.status.as_u16(), status, "{media}");
    }
}

/// A visitor presses Enter in the address bar, where the form's address stands (W1.9).
#[story]
async fn the_address_of_a_form_leads_back_to_it(site: Site) {
    let first = json!({"selfservice": {"flows": {"login": {"style": "identifier_first"}}}});
    for project in [site.project().await, site.project_with(first).await] {
        for (kind, name) in [(Kind::Html, "login"), (Kind::Api, "registration")] {
            let client = site.client(&project, kind);
            let flow = client.begin(name, "").await;
            let id = flow.body["id"].as_str().unwrap();
            let opened = client.get(&format!("/self-service/{name}?flow={id}")).await;
            let form = if kind == Kind::Html {
                let page = format!("{}/ui/{name}?flow={id}", project.base_url());
                assert_eq!(opened.location(), page);
                client.reread(&flow).await
            } else {
                assert_eq!(opened.status, StatusCode::BAD_REQUEST);
                opened
            };
            assert_eq!(form.messages(), [text::GENERIC]);
            assert_eq!(form.reasons(), ["nothing_submitted"]);
            let nowhere = client.get(&format!("/self-service/{name}?flow=x")).await;
            assert!(matches!(nowhere.status.as_u16(), 303 | 400));
        }
    }
}
