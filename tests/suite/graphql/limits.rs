//! `POST /graphql` at its edges: what is no request of ours, what is too big, what the schema tells whom.
//!
//! A body that cannot be read as a GraphQL request answers 400 with the error envelope of REST. One that
//! can answers 200, whatever the document is worth: by GraphQL over HTTP, `application/json` keeps 4xx for
//! what was no request, and clients that see another status never look for `extensions.code`.

use api::ApiSettings;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::{Answer, Client, Database, Kind, ROOT_KEY, Site, story};

use super::Console;

async fn raw(site: &Site, method: Method, media: &str, body: impl Into<Vec<u8>>) -> Answer {
    let mut client = Client::new(&site.origin, Kind::Api);
    client.set_header("authorization", &format!("Bearer {ROOT_KEY}"));
    client
        .send(method, "/graphql", Some((media, body.into())), &[])
        .await
}

/// W17.8.
#[story]
async fn what_is_no_request_is_not_carried_out(site: Site) {
    let json = "application/json";
    let good = json!({"query": "{ viewer { id } }"}).to_string();
    for media in [json, "application/json; charset=utf-8", "Application/JSON"] {
        let answer = raw(&site, Method::POST, media, good.clone()).await;
        assert!(
            answer.body["data"]["viewer"].is_object(),
            "{media}: {}",
            answer.text
        );
    }
    for media in [
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "application/jsonp",
        "",
    ] {
        let answer = raw(&site, Method::POST, media, good.clone()).await;
        refused(media, &answer, 400);
    }
    for body in [
        "",
        "{",
        "null",
        "1",
        "\"text\"",
        "{}x",
        "{\"query\": 1}",
        "{\"query\": \"{ viewer { id } }\\u0000\"}",
        "{\"query\": \"{ viewer { id } }\", \"variables\": {\"a\": \"\\u0000\"}}",
        "{\"query\": \"{ viewer { id } }\u{0}\"}",
    ] {
        refused(body, &raw(&site, Method::POST, json, body).await, 400);
    }
    refused(
        "no text",
        &raw(&site, Method::POST, json, vec![0xff, 0xfe]).await,
        400,
    );
    let nested = format!(
        "{{\"query\": \"{{a}}\", \"variables\": {}}}",
        "[".repeat(100_000)
    );
    refused("nested", &raw(&site, Method::POST, json, nested).await, 400);
    let huge = format!(
        "{{\"query\": \"{{a}}\", \"operationName\": \"{}\"}}",
        "a".repeat(6 << 20)
    );
    refused("huge", &raw(&site, Method::POST, json, huge).await, 400);
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = raw(&site, method.clone(), json, good.clone()).await;
        refused(method.as_str(), &answer, 405);
    }
    let mut client = Client::new(&site.origin, Kind::Api);
    client.set_header("authorization", &format!("Bearer {ROOT_KEY}"));
    let answer = client.get("/graphql?query=%7Bviewer%7Bid%7D%7D").await;
    refused("a query in the address", &answer, 405);
}

fn refused(what: &str, answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{what:.80}: {}", answer.text);
    assert_eq!(
        answer.body["error"]["code"], status,
        "{what:.80}: {}",
        answer.text
    );
    assert!(answer.body.get("data").is_none());
}

/// W17.8.
#[story]
async fn several_operations_in_one_body_are_refused(site: Site) {
    let one = json!({"query": "{ viewer { id } }"});
    for batch in [json!([one, one]), json!([one])] {
        let answer = raw(&site, Method::POST, "application/json", batch.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(codes(&answer), ["INVALID_INPUT"], "{}", answer.text);
    }
}

fn codes(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    errors
        .iter()
        .map(|error| error["extensions"]["code"].as_str().unwrap())
        .collect()
}

/// W17.7.
#[story]
async fn every_error_has_a_code(site: Site) {
    let console = Console::at(&site.origin);
    for (query, variables) in [
        ("{", json!({})),
        ("", json!({})),
        ("{ nothing }", json!({})),
        ("{ viewer }", json!({})),
        ("{ project { id } }", json!({})),
        ("{ project(slug: 1) { id } }", json!({})),
        (
            "query($slug: String!) { project(slug: $slug) { id } }",
            json!({}),
        ),
        (
            "query($slug: String!) { project(slug: $slug) { id } }",
            json!({"slug": 1}),
        ),
        (
            "mutation { createApiKey(input: {name: \"n\", role: KING}) { apiKey { id } } }",
            json!({}),
        ),
        ("subscription { viewer { id } }", json!({})),
        (
            "query A { viewer { id } } query B { viewer { id } }",
            json!({}),
        ),
    ] {
        let answer = console.ask(Some(ROOT_KEY), query, variables).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        let codes = codes(&answer);
        assert!(
            !codes.is_empty() && codes.iter().all(|code| *code == "INVALID_INPUT"),
            "{query}: {}",
            answer.text
        );
    }
    // One field's error leaves the others their answers.
    let query = "{ viewer { id } project(slug: \"console\") { id } projects(first: 0) { edges { cursor } } }";
    let answer = console.ask(Some(ROOT_KEY), query, json!({})).await;
    assert_eq!(codes(&answer), ["INVALID_INPUT"], "{}", answer.text);
    assert_eq!(answer.body["errors"][0]["path"][0], "projects");
    let unknown = "{ project(slug: \"never-given-out\") { id } }";
    let answer = console.ask(Some(ROOT_KEY), unknown, json!({})).await;
    assert_eq!(answer.body, json!({"data": {"project": null}}));
}

/// `a0: field a1: field …`
fn aliases(n: usize, field: &str) -> String {
    let all: Vec<String> = (0..n).map(|i| format!("a{i}: {field}")).collect();
    all.join(" ")
}

const VIEWER: &str = "viewer { id }";

/// What each is, and a document that is it.
fn excesses() -> Vec<(&'static str, String)> {
    let twice = |i: usize| format!("fragment f{i} on Query {{ ...f{0} ...f{0} }}", i + 1);
    let doubling: Vec<String> = (0..60).map(twice).collect();
    let doubling = doubling.join(" ");
    let nest = |open: &str, n: usize, close: &str| format!("{}{}", open.repeat(n), close.repeat(n));
    let people =
        "identities(first: 100) { edges { node { id traits verifiableAddresses { value } } } }";
    let delete = "deleteProject(input: {slug: \"x\"}) { slug }";
    vec![
        (
            "10,000 aliases",
            format!("{{ {} }}", aliases(10_000, VIEWER)),
        ),
        (
            "aliases in few bytes",
            format!("{{ {} }}", aliases(201, VIEWER)),
        ),
        ("deep fields", nest("{a", 10_000, "}")),
        (
            "fields less deep",
            format!("{{ {}id{} }}", "a { ".repeat(12), " }".repeat(12)),
        ),
        (
            "deep values",
            format!("{{ project(slug: {}) {{ id }} }}", nest("[", 5_000, "]")),
        ),
        (
            "a huge document",
            format!("{{ {VIEWER} }} #{}", "a".repeat(3 << 20)),
        ),
        (
            "fragments that double",
            format!("{{ ...f0 }} {doubling} fragment f60 on Query {{ {VIEWER} }}"),
        ),
        (
            "a fragment in a circle",
            "{ ...f } fragment f on Query { ...f }".to_owned(),
        ),
        (
            "directives",
            format!("{{ viewer {{ id {} }} }}", "@skip(if: false) ".repeat(600)),
        ),
        (
            "a list of lists",
            format!("{{ projects(first: 100) {{ edges {{ node {{ config {people} }} }} }} }}"),
        ),
        (
            "many mutations",
            format!("mutation {{ {} }}", aliases(30, delete)),
        ),
    ]
}

#[story]
async fn what_is_too_big_is_refused_before_it_costs_anything(site: Site) {
    let console = Console::at(&site.origin);
    for (what, document) in excesses() {
        let answer = console.ask(Some(ROOT_KEY), &document, json!({})).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}");
        assert_eq!(
            codes(&answer),
            ["QUERY_TOO_COMPLEX"],
            "{what}: {:.300}",
            answer.text
        );
        assert!(answer.body["data"].is_null(), "{what}: nothing runs");
        let stranger = console.ask(None, &document, json!({})).await;
        if document.len() > 64 << 10 {
            assert_eq!(stranger.status, StatusCode::BAD_REQUEST, "{what}");
            continue;
        }
        let code = codes(&stranger)[0].to_owned();
        assert!(
            ["QUERY_TOO_COMPLEX", "UNAUTHENTICATED"].contains(&&*code),
            "{what}: {code}"
        );
    }
    // What a console asks for is let through.
    let list = "projects(first: 20) { edges { node { slug name state } } }";
    let usual = format!("{{ {} {list} }}", aliases(20, VIEWER));
    let answer = console.ask(Some(ROOT_KEY), &usual, json!({})).await;
    assert!(codes(&answer).is_empty(), "{}", answer.text);
}

const SCHEMA: &str = "{ __schema { queryType { name } types { name fields { name } } } }";

#[story]
async fn the_schema_is_shown_to_keys(site: Site) {
    let console = Console::at(&site.origin);
    let (_, own) = site.project_with_key().await;
    for query in [
        SCHEMA,
        "{ __type(name: \"Project\") { name } }",
        "{ __typename }",
    ] {
        for key in [None, Some("ins_01no_key")] {
            let answer = console.ask(key, query, json!({})).await;
            assert_eq!(codes(&answer), ["UNAUTHENTICATED"], "{query}");
        }
        let shown = console.ask(Some(&own.token), query, json!({})).await;
        assert!(codes(&shown).is_empty(), "{query}: {}", shown.text);
    }
}

async fn in_development() -> Site {
    let dev = ApiSettings {
        dev: true,
        ..ApiSettings::default()
    };
    Site::on(Database::shared().await, |_| {}, dev).await
}

#[story(in_development())]
async fn the_schema_is_shown_to_everyone_in_development(site: Site) {
    let console = Console::at(&site.origin);
    let shown = console.ask(None, SCHEMA, json!({})).await;
    assert_eq!(
        shown.body["data"]["__schema"]["queryType"]["name"], "Query",
        "{}",
        shown.text
    );
    for query in [
        "{ viewer { id } }",
        "{ project(slug: \"demo\") { id } }",
        "mutation { deleteProject(input: {slug: \"demo\"}) { slug } }",
    ] {
        let answer = console.ask(None, query, json!({})).await;
        assert_eq!(
            codes(&answer),
            ["UNAUTHENTICATED"],
            "the schema alone is open: {query}"
        );
        assert!(answer.body.get("data").is_none_or(Value::is_null));
    }
}
