//! Passwords (W8.8), and the hook that ends other sessions.
//!
//! Looks inside: the tables, `identity`.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, OTHER_PASSWORD, PASSWORD, Site, story, text};

#[story]
async fn a_new_password_takes_the_place_of_the_old_one(site: Site) {
    let project = site.project().await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let elsewhere = site.signed_in(&project, Kind::Spa, &email).await;
        let flow = client.begin("settings", "").await;
        let fields = json!({"method": "password", "password": OTHER_PASSWORD});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.body["state"], "success", "{kind:?}: {}", form.text);
        assert_eq!(form.messages(), [text::SAVED]);
        let node = form.node("password");
        assert!(node["attributes"].get("value").is_none(), "W4.9");
        assert!(!site.opens(&project, &email, PASSWORD).await);
        assert!(site.opens(&project, &email, OTHER_PASSWORD).await);
        // Sessions live on unless a hook says otherwise.
        assert_eq!(elsewhere.whoami().await.status, 200);
    }
}

#[story]
async fn passwords_that_will_not_do(site: Site) {
    let project = site.project().await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}-somebody@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client.begin("settings", "").await;
        for (password, message) in [
            (Value::Null, text::REQUIRED),
            (json!("short"), text::PASSWORD_TOO_SHORT),
            (json!(email), text::PASSWORD_TOO_SIMILAR),
            (json!(PASSWORD), text::PASSWORD_UNCHANGED),
        ] {
            let fields = json!({"method": "password", "password": password});
            let form = client.submit_and_stay(&flow, fields).await;
            assert_eq!(form.node_messages("password"), [message], "{kind:?}");
            assert!(form.node("password")["attributes"].get("value").is_none());
            assert_eq!(form.body["state"], "show_form");
        }
        assert!(site.opens(&project, &email, PASSWORD).await);
    }
}

#[story]
async fn an_identity_without_a_password_sets_one(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let made = admin
        .post(
            "/admin/identities",
            json!({"schema_id": "preset://email", "traits": {"email": ADA}}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id: uuid::Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
    let mut client = site.client(&project, Kind::Api);
    client.set_token(&session_of(&project, id).await);
    let flow = client.begin("settings", "").await;
    let fields = json!({"method": "password", "password": PASSWORD});
    let saved = client.submit(&flow, fields).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    assert!(site.opens(&project, ADA, PASSWORD).await);
}

/// As another way to sign in would make one.
async fn session_of(project: &tenants::Project, id: uuid::Uuid) -> String {
    use identity::sessions::{Aal, AuthMethod, Device, store, token};
    let mut tx = project.begin().await.unwrap();
    let identity = identity::identities::store::get(&mut tx, id)
        .await
        .unwrap()
        .unwrap();
    let method = AuthMethod {
        method: "code".to_owned(),
        aal: Aal::Aal1,
        completed_at: project.now(),
        provider: None,
    };
    let device = Device {
        id: tenants::ids::v4(),
        ip_address: String::new(),
        user_agent: String::new(),
        location: String::new(),
    };
    let lifespan = std::time::Duration::from_hours(1);
    let session = identity::Session::begin(std::sync::Arc::new(identity), method, device, lifespan);
    let minted = token::mint();
    store::insert(&mut tx, &session, &minted).await.unwrap();
    tx.commit().await.unwrap();
    minted
}

/// A schema without any identifier for passwords.
fn nameless() -> Value {
    use base64::Engine as _;
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "note": {"type": "string"},
    }}}});
    let text = base64::engine::general_purpose::STANDARD.encode(schema.to_string());
    json!({"identity": {"default_schema_id": "nameless", "schemas": [
        {"id": "nameless", "url": format!("base64://{text}")},
    ]}})
}

#[story]
async fn a_password_without_an_identifier_would_open_nothing(site: Site) {
    let project = site.project_with(nameless()).await;
    let admin = site.admin(&project);
    let made = admin
        .post(
            "/admin/identities",
            json!({"schema_id": "nameless", "traits": {"note": "n"}}),
        )
        .await;
    let id: uuid::Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
    let mut client = site.client(&project, Kind::Api);
    client.set_token(&session_of(&project, id).await);
    let flow = client.begin("settings", "").await;
    let fields = json!({"method": "password", "password": PASSWORD});
    let refused = client.submit(&flow, fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.messages(), [text::NO_IDENTIFIER]);
    // Their note they may change.
    let fields = json!({"method": "profile", "traits": {"note": "m"}});
    assert_eq!(client.submit(&flow, fields).await.status, 200);
}

/// W10.7.
#[story]
async fn a_hook_signs_out_everywhere_else(site: Site) {
    let hook = json!({"selfservice": {"flows": {"settings": {"after": {
        "password": {"hooks": [{"hook": "revoke_active_sessions"}]},
    }}}}});
    let project = site.project_with(hook).await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let elsewhere = site.signed_in(&project, Kind::Spa, &email).await;
        let flow = client.begin("settings", "").await;
        let fields = json!({"method": "profile", "traits": {"email": email}});
        client.submit_and_stay(&flow, fields).await;
        assert_eq!(elsewhere.whoami().await.status, 200, "not by the profile");
        let fields = json!({"method": "password", "password": OTHER_PASSWORD});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.body["state"], "success");
        assert_eq!(elsewhere.whoami().await.status, 401, "{kind:?}");
        assert_eq!(client.whoami().await.status, 200, "{kind:?}");
    }
}
