//! Writes of a submission that no built-in method asks for yet: a counter that goes up with each use, a session
//! that becomes surer within a flow, and a new identity whose traits a hook changes.
//!
//! Looks inside: the tables, `identity`.

use identity::{
    credentials::{CredentialKind, CredentialWrite, password},
    identities::{
        AddressStatus,
        create::{AddressState, Extras, Prepared},
    },
    schema::Via,
    schemas::Schemas,
    sessions::{Aal, AuthMethod, SessionWrite, store as sessions},
    write::WriteError,
};
use serde_json::{Value, json};
use tenants::Project;
use tests::{Kind, Site, World, people::ADA, story};

async fn revision(project: &Project) -> i32 {
    let mut tx = project.begin().await.unwrap();
    let found = password::find(&mut tx, ADA).await.unwrap();
    found.unwrap().revision
}

#[story]
async fn a_counter_goes_up_once_for_each_revision(site: Site) {
    let project = site.project().await;
    let ada = site.signed_up(&project, Kind::Spa, ADA).await;
    let identity_id = ada.whoami().await.body["identity"]["id"].clone();
    let identity_id: uuid::Uuid = serde_json::from_value(identity_id).unwrap();
    let judged = revision(&project).await;
    let consume = |config: Value| CredentialWrite::Consume {
        identity_id,
        kind: CredentialKind::Password,
        revision: judged,
        config,
    };
    let mut tx = project.begin().await.unwrap();
    let config = json!({"hashed_password": "$argon2id$one"});
    consume(config).apply(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = project.begin().await.unwrap();
    let again = consume(json!({})).apply(&mut tx).await;
    assert!(matches!(again, Err(WriteError::Outdated)), "{again:?}");
    drop(tx);
    assert_eq!(revision(&project).await, judged + 1);
}

#[story]
async fn a_session_is_raised_where_it_is_and_not_when_it_is_revoked(site: Site) {
    let project = site.project().await;
    let ada = site.signed_up(&project, Kind::Spa, ADA).await;
    let checked = ada.whoami().await.body;
    assert_eq!(checked["authenticator_assurance_level"], "aal1");
    let id: uuid::Uuid = serde_json::from_value(checked["id"].clone()).unwrap();
    let mut tx = project.begin().await.unwrap();
    let session = sessions::get(&mut tx, id).await.unwrap().unwrap();
    let raise = SessionWrite::Raise(AuthMethod {
        method: "totp".to_owned(),
        aal: Aal::Aal2,
        completed_at: project.now(),
        provider: None,
    });
    raise.apply(&mut tx, Some(&session)).await.unwrap();
    tx.commit().await.unwrap();
    let raised = ada.whoami().await.body;
    assert_eq!(raised["authenticator_assurance_level"], "aal2");
    assert_eq!(raised["authentication_methods"][1]["method"], "totp");

    let mut tx = project.begin().await.unwrap();
    sessions::revoke(&mut tx, id).await.unwrap();
    let late = raise.apply(&mut tx, Some(&session)).await;
    assert!(matches!(late, Err(WriteError::Outdated)), "{late:?}");
}

#[story]
async fn other_traits_of_a_new_identity_lose_neither_secret_nor_verification(world: World) {
    let phones = json!({"identity": {"default_schema_id": "person", "schemas": [{
        "id": "person", "url": format!("base64://{}", schema()),
    }]}});
    let project = world.project_with(phones).await;
    let schemas = Schemas::of(&project);
    let schema = schemas.get("").unwrap();
    let derive = |traits: &Value| schema.schema.derive(traits).unwrap();
    let traits = json!({"email": ADA, "other": "old@example.org"});
    let mut prepared = Prepared::new(&project, &schema.id, derive(&traits), Extras::default());
    assert!(prepared.set_password("$argon2id$hash"));
    let verified = AddressState {
        verified: true,
        ..AddressState::default()
    };
    prepared.import_address(Via::Email, ADA, verified);
    let id = prepared.identity.id;

    let traits = json!({"email": ADA, "other": "new@example.org"});
    prepared.rederive(&project, derive(&traits));
    assert_eq!(prepared.identity.id, id);
    assert_eq!(prepared.identity.traits, traits);
    let addresses = &prepared.identity.verifiable_addresses;
    let seen = |at: usize| (addresses[at].value.as_str(), addresses[at].status);
    let kept = (0..2).map(seen).collect::<Vec<_>>();
    assert!(kept.contains(&(ADA, AddressStatus::Completed)), "{kept:?}");
    assert!(
        kept.contains(&("new@example.org", AddressStatus::Pending)),
        "{kept:?}"
    );

    let mut tx = project.begin().await.unwrap();
    prepared.insert(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = project.begin().await.unwrap();
    let found = password::find(&mut tx, ADA).await.unwrap().unwrap();
    assert_eq!(
        (found.identity.id, found.hash.as_str()),
        (id, "$argon2id$hash")
    );
}

/// Two addresses that are verified, one of them an identifier.
fn schema() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let address = |identifies: bool| {
        let mut rules = json!({"verification": {"via": "email"}});
        if identifies {
            rules["credentials"] = json!({"password": {"identifier": true}});
        }
        json!({"type": "string", "format": "email", "ory.sh/kratos": rules})
    };
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"traits": {
            "type": "object",
            "properties": {"email": address(true), "other": address(false)},
        }},
    });
    STANDARD.encode(schema.to_string())
}
