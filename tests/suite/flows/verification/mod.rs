//! Proving an address (docs/wire.md, chapter 9).

mod announced;
mod changed;
mod codes;
mod ends;
mod hooks;
mod links;

use serde_json::{Value, json};
use tenants::Project;
use tests::Site;

/// Verification on, with that on top.
pub(crate) async fn project(site: &Site, patch: Value) -> Project {
    let on = json!({"selfservice": {"flows": {"verification": {"enabled": true}}}});
    site.project_with(tenants::config::merged(&on, &patch))
        .await
}

/// So many guesses are free that only the flow's own limit is met.
pub(crate) fn patient(max_submissions: u32) -> Value {
    json!({
        "selfservice": {"methods": {"code": {"config": {"max_submissions": max_submissions}}}},
        "insula": {"limits": {"guesses": {"per_identifier": 1000, "per_network": 1000}}},
    })
}

/// Verification by link.
pub(crate) fn by_link() -> Value {
    json!({"selfservice": {
        "methods": {"link": {"enabled": true}},
        "flows": {"verification": {"use": "link"}},
    }})
}

/// `verified` and `status` of an identity's first address.
pub(crate) async fn address(site: &Site, project: &Project, identity: &str) -> (bool, String) {
    let path = format!("/admin/identities/{identity}");
    let read = site.admin(project).get(&path).await;
    let address = &read.body["verifiable_addresses"][0];
    let status = address["status"].as_str().unwrap().to_owned();
    assert_eq!(address["verified"], address.get("verified_at").is_some());
    (address["verified"].as_bool().unwrap(), status)
}
