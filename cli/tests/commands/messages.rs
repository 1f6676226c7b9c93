//! `insula messages`, of a project that signs people up by code.

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Place;

/// Somebody asks for a code.
#[expect(
    clippy::disallowed_methods,
    reason = "a test client on loopback; the ban is on calls that projects cause"
)]
async fn ask(base: &str, email: &str) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let begin = format!("{base}/self-service/registration/api");
    let flow = http.get(begin).send().await.unwrap().text().await.unwrap();
    let flow: Value = serde_json::from_str(&flow).unwrap();
    let body = json!({"method": "code", "traits": {"email": email}}).to_string();
    let asked = http
        .post(flow["ui"]["action"].as_str().unwrap())
        .header("content-type", "application/json");
    let answer = asked.body(body).send().await.unwrap();
    let answer = answer.text().await.unwrap();
    assert!(answer.contains("sent_email"), "{answer}");
}

pub(crate) fn messages_are_listed_and_shown(place: &Place) {
    place.out(&[
        "project",
        "config",
        "set",
        "shop",
        "selfservice.methods.code.passwordless_enabled=true",
        "selfservice.flows.registration.style=unified",
    ]);
    let base = format!("{}/p/shop", place.serving.origin);
    Runtime::new().unwrap().block_on(async {
        for email in ["cem@example.org", "dua@example.org"] {
            ask(&base, email).await;
        }
    });
    let all = place.json(&["messages", "list", "--project", "shop"]);
    assert_eq!(all["messages"].as_array().unwrap().len(), 2);
    assert_eq!(all["messages"][0]["recipient"], "dua@example.org");
    let to = [
        "messages",
        "list",
        "--project",
        "shop",
        "--recipient",
        "cem@example.org",
    ];
    let table = place.out(&to);
    assert!(
        table.contains("registration_code_valid") && !table.contains("dua@"),
        "{table}"
    );
    let first = place.json(&["messages", "list", "--project", "shop", "--first", "1"]);
    let next = first["next"].as_str().unwrap();
    let rest = place.json(&["messages", "list", "--project", "shop", "--after", next]);
    assert_eq!(rest["messages"][0]["recipient"], "cem@example.org");

    let id = rest["messages"][0]["id"].as_str().unwrap();
    let shown = place.out(&["messages", "show", "--project", "shop", id]);
    assert!(
        shown.contains("cem@example.org") && shown.contains("is your code to join"),
        "{shown}"
    );
    place
        .run(&[
            "messages",
            "show",
            "--project",
            "shop",
            "11111111-1111-4111-8111-111111111111",
        ])
        .with(4, &[]);
    place
        .run(&["messages", "list", "--project", "shop", "--status", "lost"])
        .with(2, &["abandoned"]);
}
