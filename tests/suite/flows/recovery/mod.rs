//! Getting back into an account (docs/wire.md, chapter 9).

mod administration;
mod choice;
mod codes;
mod ends;
mod links;
mod unknown_flows;

use serde_json::{Value, json};
use tenants::Project;
use tests::{Answer, Client, Site, mailbox, text};

pub(crate) use crate::flows::verification::patient;

/// Recovery on, with that on top.
pub(crate) async fn project(site: &Site, patch: Value) -> Project {
    let on = json!({"selfservice": {"flows": {"recovery": {"enabled": true}}}});
    site.project_with(tenants::config::merged(&on, &patch))
        .await
}

/// Answers as newer clients expect them.
pub(crate) fn transitions() -> Value {
    json!({"feature_flags": {"use_continue_with_transitions": true}})
}

/// Recovery by link.
pub(crate) fn by_link() -> Value {
    json!({"selfservice": {
        "methods": {"link": {"enabled": true}},
        "flows": {"recovery": {"use": "link"}},
    }})
}

/// A flow in which a code was sent to that address, and the code.
pub(crate) async fn sent(project: &Project, client: &Client, email: &str) -> (Answer, String) {
    let begun = client.begin("recovery", "").await;
    let sent = client
        .submit_and_follow(&begun, json!({"method": "code", "email": email}))
        .await;
    assert_eq!(sent.messages(), [text::RECOVERY_CODE_SENT], "{}", sent.text);
    (sent, mailbox::code(project).await)
}

/// The owner is signed in by recovery, privileged, with a verified address.
pub(crate) async fn is_back(client: &Client, identity: &str, method: &str) {
    let who = client.whoami().await;
    assert_eq!(who.status, 200, "{}", who.text);
    let who = who.body;
    assert_eq!(who["identity"]["id"], identity);
    assert_eq!(who["authentication_methods"][0]["method"], method);
    assert_eq!(who["authenticator_assurance_level"], "aal1");
    assert_eq!(who["identity"]["verifiable_addresses"][0]["verified"], true);
}
