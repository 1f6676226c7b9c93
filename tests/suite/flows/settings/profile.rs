//! Traits (W8.7).
//!
//! Looks inside: the tables.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::basic;

#[story]
async fn traits_are_replaced_as_a_whole(site: Site) {
    let project = site.project_with(basic()).await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client.begin("settings", "").await;
        let traits =
            json!({"email": email, "name": {"first": "Ada", "last": "L"}, "newsletter": true});
        let fields =
            json!({"method": "profile", "traits": traits, "transient_payload": {"a": "1"}});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.status, 200, "{kind:?}: {}", form.text);
        assert_eq!(form.body["state"], "success");
        assert_eq!(form.messages(), [text::SAVED]);
        assert_eq!(form.body["identity"]["traits"], traits);
        assert_eq!(form.body["transient_payload"], json!({"a": "1"}));
        assert_eq!(form.node("traits.name.first")["attributes"]["value"], "Ada");
        let next = form.body.get("continue_with");
        let page = format!(
            "{}/ui/settings?flow={}",
            project.base_url(),
            flow.body["id"].as_str().unwrap()
        );
        let redirect = json!([{"action": "redirect_browser_to", "redirect_browser_to": page}]);
        assert_eq!(next, (kind == Kind::Spa).then_some(&redirect), "{kind:?}");
        // At once in a session check, and in the next reading without what only answers say.
        assert_eq!(client.whoami().await.body["identity"]["traits"], traits);
        let seen = client.reread(&flow).await;
        assert_eq!(seen.messages(), [text::SAVED]);
        assert!(seen.body.get("continue_with").is_none());
        // What is not sent is gone, and the same flow goes on.
        let fields = json!({"method": "profile", "traits": {"email": email}});
        let form = client.submit_and_stay(&flow, fields.clone()).await;
        assert_eq!(form.body["identity"]["traits"], json!({"email": email}));
        assert!(
            form.node("traits.name.first")["attributes"]
                .get("value")
                .is_none()
        );
        // Identical ones succeed.
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.messages(), [text::SAVED]);
    }
}

/// W4.9, W4.10, W4.11, W5.2.
#[story]
async fn what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(site: Site) {
    let project = site.project_with(basic()).await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client.begin("settings", "").await;
        let fields =
            json!({"method": "profile", "traits": {"email": "nope", "name": {"first": "Eve"}}});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(
            form.node_messages("traits.email"),
            [text::INVALID_EMAIL],
            "{kind:?}"
        );
        assert_eq!(form.node("traits.email")["attributes"]["value"], "nope");
        assert_eq!(form.node("traits.name.first")["attributes"]["value"], "Eve");
        assert_eq!(form.body["identity"]["traits"], json!({"email": email}));
        assert_eq!(form.body["state"], "show_form");
        let form = client
            .submit_and_stay(&flow, json!({"method": "profile"}))
            .await;
        assert_eq!(
            form.node_messages("traits.email"),
            [text::REQUIRED],
            "{kind:?}"
        );
        let fields =
            json!({"method": "profile", "traits": {"email": email, "newsletter": "perhaps"}});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.node_messages("traits.newsletter"), [text::WRONG_TYPE]);
        assert!(form.node_messages("traits.email").is_empty(), "W4.10");
        let fields = json!({"method": "profile", "traits": {"email": email}});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.body["state"], "success");
        // Once it is saved, the flow begins anew with the next mistake.
        let form = client.submit_and_stay(&flow, json!({})).await;
        assert_eq!(form.messages(), [text::NO_SETTINGS_STRATEGY]);
        assert_eq!(form.body["state"], "show_form");
    }
    let script = site.signed_in(&project, Kind::Spa, "spa@example.org").await;
    let flow = script.begin("settings", "").await;
    for (traits, node, message) in [
        (json!("x"), "traits", text::WRONG_TYPE),
        (
            json!({"email": "spa@example.org", "surprise": 1}),
            "traits",
            text::GENERIC,
        ),
        (Value::Null, "traits.email", text::REQUIRED),
    ] {
        let fields = json!({"method": "profile", "traits": traits});
        let form = script.submit(&flow, fields).await;
        assert_eq!(form.status, StatusCode::BAD_REQUEST);
        assert_eq!(form.node_messages(node), [message], "{}", form.text);
    }
}

#[story]
async fn a_new_address_takes_the_place_of_the_old_one(site: Site) {
    let project = site.project_with(basic()).await;
    for kind in Kind::ALL {
        let (old, new) = (format!("old{kind:?}@x.org"), format!("New{kind:?}@X.org"));
        let client = site.signed_up(&project, kind, &old).await;
        let before = client.whoami().await.body["identity"].clone();
        verify(&project, &old.to_lowercase()).await;
        let flow = client.begin("settings", "").await;
        let fields = json!({"method": "profile", "traits": {"email": new}});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.body["state"], "success", "{}", form.text);
        let identity = client.whoami().await.body["identity"].clone();
        assert_eq!(identity["id"], before["id"]);
        let address = &identity["verifiable_addresses"];
        assert_eq!(address.as_array().unwrap().len(), 1);
        assert_eq!(address[0]["value"], new.to_lowercase());
        assert_eq!(address[0]["verified"], false);
        assert_eq!(address[0]["status"], "pending");
        assert_eq!(
            identity["recovery_addresses"][0]["value"],
            new.to_lowercase()
        );
        assert_eq!(form.body["identity"]["verifiable_addresses"], *address);
        assert!(!site.opens(&project, &old, PASSWORD).await);
        assert!(site.opens(&project, &new, PASSWORD).await);
        // The old one is free again, and the new one is not.
        let again = site
            .client(&project, Kind::Spa)
            .sign_up(&new, PASSWORD)
            .await;
        assert_eq!(again.messages(), [text::IDENTIFIER_TAKEN]);
        let again = site
            .client(&project, Kind::Spa)
            .sign_up(&old, PASSWORD)
            .await;
        assert_eq!(again.status, 200);
    }
}

/// As if its owner had proved to read it.
async fn verify(project: &tenants::Project, address: &str) {
    let mut tx = project.begin().await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar(
        "update addresses set verified = true, status = 'completed', verified_at = created_at
          where value = $1 and purpose = 'verifiable' returning identity_id",
    )
    .bind(address)
    .fetch_one(tx.conn())
    .await
    .unwrap();
    tx.invalidate(id).await.unwrap();
    tx.commit().await.unwrap();
}

#[story]
async fn an_address_that_stays_keeps_its_state(site: Site) {
    let project = site.project_with(basic()).await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    verify(&project, ADA).await;
    let before = script.whoami().await.body["identity"].clone();
    let flow = script.begin("settings", "").await;
    // The same address in another spelling.
    let traits = json!({"email": "ADA@example.org", "name": {"first": "Ada"}});
    let saved = script
        .submit(&flow, json!({"method": "profile", "traits": traits}))
        .await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    let identity = &saved.body["identity"];
    assert_eq!(identity["traits"], traits);
    assert_eq!(
        identity["verifiable_addresses"],
        before["verifiable_addresses"]
    );
    assert_eq!(identity["verifiable_addresses"][0]["verified"], true);
    assert_eq!(identity["recovery_addresses"], before["recovery_addresses"]);
}

#[story]
async fn another_persons_address_is_refused(site: Site) {
    let project = site.project_with(basic()).await;
    site.signed_up(&project, Kind::Spa, ADA).await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let flow = client.begin("settings", "").await;
        let fields = json!({"method": "profile", "traits": {"email": "Ada@Example.org", "name": {"first": "Eve"}}});
        let form = client.submit_and_stay(&flow, fields).await;
        assert_eq!(form.messages(), [text::IDENTIFIER_TAKEN], "{kind:?}");
        assert_eq!(
            form.node("traits.email")["attributes"]["value"],
            "Ada@Example.org"
        );
        assert_eq!(form.body["identity"]["traits"], json!({"email": email}));
        assert_eq!(form.body["state"], "show_form");
        assert_eq!(
            client.whoami().await.body["identity"]["traits"],
            json!({"email": email})
        );
        assert!(site.opens(&project, &email, PASSWORD).await);
    }
    assert!(site.opens(&project, ADA, PASSWORD).await);
}

/// A schema of several identifiers, none of which is required.
fn optional() -> Value {
    use base64::Engine as _;
    let identifier = |via: &str| {
        json!({"type": "string", "format": via, "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"},
        }})
    };
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "one": identifier("email"), "two": identifier("email"), "note": {"type": "string"},
    }}}});
    let text = base64::engine::general_purpose::STANDARD.encode(schema.to_string());
    json!({"identity": {"default_schema_id": "optional", "schemas": [
        {"id": "optional", "url": format!("base64://{text}")},
    ]}})
}

#[story]
async fn the_last_identifier_cannot_be_given_up(site: Site) {
    let project = site.project_with(optional()).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let traits = json!({"one": "one@x.org", "two": "two@x.org"});
    let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
    script.submit(&flow, fields).await;
    let flow = script.begin("settings", "").await;
    let save = async |traits: Value| {
        let fields = json!({"method": "profile", "traits": traits});
        script.submit(&flow, fields).await
    };
    let saved = save(json!({"two": "two@x.org", "note": "n"})).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    assert!(!site.opens(&project, "one@x.org", PASSWORD).await);
    assert!(site.opens(&project, "two@x.org", PASSWORD).await);
    let refused = save(json!({"note": "n"})).await;
    assert_eq!(refused.messages(), [text::NO_IDENTIFIER]);
    assert!(site.opens(&project, "two@x.org", PASSWORD).await);
    let addresses = &script.whoami().await.body["identity"]["verifiable_addresses"];
    assert_eq!(addresses.as_array().unwrap().len(), 1, "{addresses}");
}

#[story]
async fn a_profile_that_is_switched_off_is_not_there(site: Site) {
    let off = json!({"selfservice": {"methods": {"profile": {"enabled": false}}}});
    let project = site.project_with(off).await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let mut outline = flow.outline();
    outline.sort_unstable();
    assert_eq!(
        outline,
        [
            "default/csrf_token",
            "password/method=password",
            "password/password"
        ]
    );
    let fields = json!({"method": "profile", "traits": {"email": ADA}});
    let sent = script.submit(&flow, fields).await;
    assert_eq!(sent.status, StatusCode::NOT_FOUND);
}

/// A form is drawn with a field for the list and one for each of its items, and posts them back.
#[story]
async fn a_list_is_kept_item_by_item(site: Site) {
    let email = json!({"type": "string", "format": "email", "ory.sh/kratos": {
        "credentials": {"password": {"identifier": true}}}});
    let tags = json!({"type": "array", "title": "Tags", "items": {"type": "string"}});
    let schema = json!({"type": "object", "properties": {"traits": {"type": "object",
        "properties": {"email": email, "tags": tags}, "required": ["email"]}}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    let config = json!({"identity": {
        "default_schema_id": "person", "schemas": [{"id": "person", "url": url}]}});
    let project = site.project_with(config).await;
    let page = site.signed_up(&project, Kind::Html, ADA).await;
    let flow = page.begin("settings", "").await;
    assert_eq!(
        flow.node("traits.tags")["meta"]["label"]["id"],
        text::FIELD_LABEL
    );
    let action = flow.body["ui"]["action"].as_str().unwrap().to_owned();
    let csrf = flow.node("csrf_token")["attributes"]["value"].clone();
    let post = async |items: &[(&str, &str)]| {
        let fixed = [
            ("csrf_token", csrf.as_str().unwrap()),
            ("method", "profile"),
            ("traits.email", ADA),
        ];
        let sent = page.form(&action, &[&fixed[..], items].concat()).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        page.whoami().await.body["identity"]["traits"]["tags"].clone()
    };
    assert_eq!(post(&[("traits.tags", "red")]).await, json!(["red"]));
    let seen = page.reread(&flow).await;
    let item = seen.node("traits.tags.0");
    assert_eq!(item["attributes"]["value"], "red");
    assert_eq!(item["meta"]["label"]["text"], "Tags");
    let more = [("traits.tags", "blue"), ("traits.tags.0", "red")];
    assert_eq!(post(&more).await, json!(["red", "blue"]));
    let fewer = [("traits.tags.0", ""), ("traits.tags.1", "blue")];
    assert_eq!(post(&fewer).await, json!(["blue"]));
    assert_eq!(post(&[("traits.tags", "")]).await, Value::Null);
}
