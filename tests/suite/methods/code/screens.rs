//! What holds for the code screens of all flows (W4.8, W9.3).

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{ADA, Answer, Client, Kind, Site, mailbox, story, text};

use super::passwordless;

/// Codes everywhere.
async fn project(site: &Site) -> Project {
    let on = json!({"enabled": true});
    let flows = json!({"selfservice": {"flows": {"recovery": on, "verification": on}}});
    site.project_with(merged(&passwordless(&json!({})), &flows))
        .await
}

/// The screen on which a code is typed.
async fn screen(client: &Client, flow: &str, address: &str) -> Answer {
    let begun = client.begin(flow, "").await;
    let fields = match flow {
        "login" => json!({"method": "code", "identifier": address}),
        "registration" => json!({"method": "code", "traits": {"email": address}}),
        _ => json!({"method": "code", "email": address}),
    };
    let answer = client.submit(&begun, fields).await;
    let sent = client.shown(flow, answer).await;
    assert_eq!(sent.body["state"], "sent_email", "{flow}: {}", sent.text);
    sent
}

/// W4.8: clients that tell nodes apart by their names alone would lose the button.
#[story]
async fn the_method_is_there_twice(site: Site) {
    let project = project(&site).await;
    site.person(&project, ADA).await;
    for kind in Kind::ALL {
        for flow in ["login", "registration", "recovery", "verification"] {
            let client = site.client(&project, kind);
            let address = if flow == "registration" {
                "new@example.org"
            } else {
                ADA
            };
            let sent = screen(&client, flow, address).await;
            let nodes = sent.body["ui"]["nodes"].as_array().unwrap();
            let methods = nodes.iter().map(|node| &node["attributes"]);
            let mut methods: Vec<(&Value, &Value)> = methods
                .filter(|attributes| attributes["name"] == "method")
                .map(|attributes| (&attributes["type"], &attributes["value"]))
                .collect();
            methods.sort_by_key(|(kind, _)| kind.as_str());
            let code = json!("code");
            let expected = [(&json!("hidden"), &code), (&json!("submit"), &code)];
            assert_eq!(methods, expected, "{kind:?}, {flow}: {}", sent.text);
        }
    }
    site.world.sweep().await;
}

/// W9.3: some clients send the button's field empty with every code. Logins: `code/login.rs`.
#[story]
async fn an_empty_resend_asks_for_nothing(site: Site) {
    let project = project(&site).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        site.person(&project, &email).await;
        for (flow, passed) in [("verification", text::EMAIL_VERIFIED), ("recovery", 0)] {
            let client = site.client(&project, kind);
            let sent = screen(&client, flow, &email).await;
            let mails = mailbox::count(&project).await;
            let code = mailbox::code(&project).await;
            let fields = json!({"method": "code", "code": code, "resend": ""});
            if flow == "verification" {
                let form = client.submit_and_follow(&sent, fields).await;
                assert_eq!(form.messages(), [passed], "{kind:?}: {}", form.text);
            } else {
                let right = client.submit(&sent, fields).await;
                let to = match kind {
                    Kind::Html => right.location().to_owned(),
                    _ => right.body["redirect_browser_to"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                };
                assert!(
                    to.contains("/ui/settings?flow="),
                    "{kind:?}: {}",
                    right.text
                );
            }
            assert_eq!(mailbox::count(&project).await, mails, "{kind:?}, {flow}");
        }
        let email = format!("new{number}@example.org");
        let client = site.client(&project, kind);
        let sent = screen(&client, "registration", &email).await;
        let code = mailbox::code_to(&project, &email).await;
        let fields =
            json!({"method": "code", "traits": {"email": email}, "code": code, "resend": ""});
        let made = client.submit(&sent, fields).await;
        assert_ne!(made.status, StatusCode::BAD_REQUEST, "{}", made.text);
        let found = format!("/admin/identities?credentials_identifier={email}");
        let found = site.admin(&project).get(&found).await;
        assert_eq!(found.body.as_array().unwrap().len(), 1, "{kind:?}");
    }
    site.world.sweep().await;
}
