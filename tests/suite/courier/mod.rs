//! Outgoing messages: how they are shown, and what becomes of them.
//!
//! Looks inside: `worker`.

mod administration;
mod certificates;
mod connections;
mod deleted_identity;
mod fairness;
mod jsonnet;
mod languages;
mod mailbox;
mod relay_faults;
mod sending;
pub(crate) mod services;
mod template_fallback;
mod unprotected;

use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::Site;
use uuid::Uuid;

/// A configuration with that relay.
fn through(uri: &str) -> Value {
    json!({"courier": {"smtp": {"connection_uri": uri, "from_address": "no-reply@mail.example.com"}}})
}

/// A DEVELOPMENT project with that relay.
async fn relayed(site: &Site, uri: &str, more: Value) -> Project {
    site.project_with(merged(&through(uri), &more)).await
}

/// Everything that is due of this project.
pub(crate) async fn work_off(site: &Site, project: &Project) {
    let worker = worker::Worker::new(site.world.installation().clone());
    worker
        .work_off(std::slice::from_ref(project))
        .await
        .unwrap();
}

/// As administrators see it.
async fn message(site: &Site, project: &Project, id: Uuid) -> Value {
    let answer = site
        .admin(project)
        .get(&format!("/admin/courier/messages/{id}"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body
}
