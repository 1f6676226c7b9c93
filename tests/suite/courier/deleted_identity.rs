//! What becomes of messages about an identity that is deleted.
//!
//! Looks inside: the tables, `courier`.

use serde_json::{Value, json};
use tenants::{Project, config::merged};
use tests::{
    ADA, Kind, Site, mail,
    relay::{Offer, Relay},
    story,
};
use uuid::Uuid;

use super::{through, work_off};
use crate::flows::settings::basic;

/// A message about one identity, to the address of another.
async fn about(project: &Project, identity: &Value, to: &str) -> Uuid {
    let mut message = mail::login_code(project, to);
    message.identity_id = identity.as_str().map(|id| id.parse().unwrap());
    let mut tx = project.begin().await.unwrap();
    courier::enqueue(&mut tx, &message).await.unwrap();
    tx.commit().await.unwrap();
    message.id
}

/// By an administrator (W13.14) and by themselves: who deletes an account that is not theirs cannot silence
/// what its owner is told.
#[story]
async fn what_is_on_its_way_goes_out(site: Site) {
    for by_themselves in [false, true] {
        let relay = Relay::start(Offer::Clear).await;
        let on = merged(&basic(), &json!({"insula": {"account": {"delete": true}}}));
        let config = merged(&on, &through(&relay.uri("?disable_starttls=true")));
        let project = site.project_with(config).await;
        let client = site.signed_up(&project, Kind::Api, ADA).await;
        let id = client.whoami().await.body["identity"]["id"].clone();
        let sent = about(&project, &id, "sent@example.org").await;
        work_off(&site, &project).await;
        about(&project, &id, "queued@example.org").await;
        let admin = site.admin(&project);
        if by_themselves {
            let flow = client.begin("settings", "").await;
            let fields = json!({"method": "account", "account_confirmation": ADA});
            let gone = client.submit(&flow, fields).await;
            assert_eq!(gone.status, 200, "{}", gone.text);
        } else {
            let path = format!("/admin/identities/{}", id.as_str().unwrap());
            assert_eq!(admin.delete(&path).await.status, 204);
        }
        work_off(&site, &project).await;
        let taken = relay.taken().into_iter().map(|mail| mail.to);
        let taken: Vec<String> = taken.collect();
        assert_eq!(taken, ["sent@example.org", "queued@example.org"]);
        let kept = admin.get(&format!("/admin/courier/messages/{sent}")).await;
        let status = if by_themselves { 404 } else { 200 };
        assert_eq!(kept.status, status, "{}", kept.text);
    }
}
