//! The account as a whole: delete it, download what is stored (`insula.account`).
//!
//! Looks inside: the tables.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::basic;

fn switched_on() -> Value {
    tenants::config::merged(
        &basic(),
        &json!({
            "insula": {"account": {"delete": true, "download": true}},
            "selfservice": {"flows": {"logout": {"after": {"default_browser_return_url": "https://app.example/bye"}}}},
        }),
    )
}

fn delete(typed: &str) -> Value {
    json!({"method": "account", "account_confirmation": typed})
}

#[story]
async fn off_unless_switched_on(site: Site) {
    let project = site.project().await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    assert!(
        !flow
            .outline()
            .contains(&"profile/method=account".to_owned())
    );
    let sent = script.submit(&flow, delete(ADA)).await;
    assert_eq!(sent.status, StatusCode::NOT_FOUND);
    let data = script.get("/self-service/insula/account/data").await;
    assert_eq!(data.status, StatusCode::NOT_FOUND);
    assert_eq!(script.whoami().await.status, 200);
}

#[story]
async fn an_account_is_deleted_when_its_owner_confirms_it(site: Site) {
    let project = site.project_with(switched_on()).await;
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        let elsewhere = site.signed_in(&project, Kind::Spa, &email).await;
        let flow = client.begin("settings", "").await;
        // After the profile's own button: that is the one that Enter presses.
        let outline = flow.outline();
        let at = |line: &str| outline.iter().position(|l| l == line).unwrap();
        assert_eq!(
            at("profile/account_confirmation"),
            at("profile/method=profile") + 1
        );
        assert_eq!(
            at("profile/method=account"),
            at("profile/method=profile") + 2
        );
        let node = flow.node("account_confirmation");
        assert_eq!(node["meta"]["label"]["context"]["expected"], email);
        assert!(node["attributes"].get("required").is_none());
        for typed in ["", "yes", "somebody@else.org"] {
            let form = client.submit_and_stay(&flow, delete(typed)).await;
            assert_eq!(
                form.node_messages("account_confirmation"),
                [text::ACCOUNT_NOT_CONFIRMED]
            );
        }
        assert!(site.opens(&project, &email, PASSWORD).await);

        let sent = client
            .submit(&flow, delete(&format!(" {} ", email.to_uppercase())))
            .await;
        if kind == Kind::Html {
            assert_eq!(sent.location(), "https://app.example/bye");
        } else {
            assert_eq!(sent.status, 200, "{}", sent.text);
            assert_eq!(sent.body["state"], "success");
            assert_eq!(sent.messages(), [text::ACCOUNT_DELETED]);
            let to = &sent.body["continue_with"][0]["redirect_browser_to"];
            let expected = (kind == Kind::Spa).then_some("https://app.example/bye");
            assert_eq!(to.as_str(), expected);
        }
        let session = format!("ory_session_{}", project.slug());
        assert!(!client.cookies().contains_key(&session), "{kind:?}");
        assert_eq!(client.whoami().await.status, 401);
        assert_eq!(elsewhere.whoami().await.status, 401);
        assert!(!site.opens(&project, &email, PASSWORD).await);
        assert!(!is_anywhere(&project, &email).await, "{kind:?}");
        // The address is free.
        let again = site
            .client(&project, Kind::Spa)
            .sign_up(&email, PASSWORD)
            .await;
        assert_eq!(again.status, 200);
    }
}

/// In any row of what is about people, or in a flow of theirs.
async fn is_anywhere(project: &tenants::Project, email: &str) -> bool {
    let mut tx = project.begin().await.unwrap();
    let found: bool = sqlx::query_scalar(
        "select exists (select 1 from identities t where t::text ilike $1)
             or exists (select 1 from identifiers t where t::text ilike $1)
             or exists (select 1 from addresses t where t::text ilike $1)
             or exists (select 1 from messages t where t::text ilike $1)
             or exists (select 1 from flows t where kind = 'settings' and t::text ilike $1)",
    )
    .bind(format!("%{email}%"))
    .fetch_one(tx.conn())
    .await
    .unwrap();
    found
}

#[story]
async fn where_no_other_page_is_named_ours_says_so(site: Site) {
    let mut config = switched_on();
    config.as_object_mut().unwrap().remove("selfservice");
    let project = site.project_with(config).await;
    let page = site.signed_up(&project, Kind::Html, ADA).await;
    let flow = page.begin("settings", "").await;
    let done = page.submit(&flow, delete(ADA)).await;
    let says_so = format!("{}/ui/session?deleted=true", project.base_url());
    assert_eq!(done.location(), says_so);
}

#[story]
async fn an_old_session_authenticates_first(site: Site) {
    let project = site.project_with(switched_on()).await;
    let page = site.signed_up(&project, Kind::Html, ADA).await;
    site.world.clock.advance(TimeDelta::minutes(61));
    let flow = page.begin("settings", "").await;
    let sent = page.submit(&flow, delete(ADA)).await;
    assert!(
        sent.location().contains("refresh=true"),
        "{}",
        sent.location()
    );
    assert!(site.opens(&project, ADA, PASSWORD).await);
    page.refresh(ADA, PASSWORD).await;
    let done = page.get(flow.body["ui"]["action"].as_str().unwrap()).await;
    assert_eq!(done.location(), "https://app.example/bye");
    assert!(!site.opens(&project, ADA, PASSWORD).await);
    assert_eq!(page.reread(&flow).await.status, StatusCode::FOUND);
}

#[story]
async fn a_forged_deletion_deletes_nothing(site: Site) {
    let project = site.project_with(switched_on()).await;
    let script = site.signed_up(&project, Kind::Spa, ADA).await;
    let flow = script.begin("settings", "").await;
    let mut fields = delete(ADA);
    fields["csrf_token"] = json!("x");
    let sent = script.submit(&flow, fields).await;
    assert_eq!(sent.error_id(), Some("security_csrf_violation"));
    assert_eq!(script.whoami().await.status, 200);
}

/// Without an address there is a word to type.
#[story]
async fn an_owner_without_an_address_types_a_word(site: Site) {
    let name = json!({
        "identity": {"default_schema_id": "preset://username"},
        "insula": {"account": {"delete": true}},
    });
    let project = site.project_with(name).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"username": "ada"}});
    assert_eq!(script.submit(&flow, fields).await.status, 200);
    let flow = script.begin("settings", "").await;
    let refused = script.submit(&flow, delete("ada")).await;
    assert_eq!(
        refused.node_messages("account_confirmation"),
        [text::ACCOUNT_NOT_CONFIRMED]
    );
    let gone = script.submit(&flow, delete("DELETE")).await;
    assert_eq!(gone.messages(), [text::ACCOUNT_DELETED], "{}", gone.text);
}

#[story]
async fn everything_that_is_stored_and_no_secret(site: Site) {
    let project = site.project_with(switched_on()).await;
    let path = "/self-service/insula/account/data";
    for kind in Kind::ALL {
        let email = format!("{kind:?}@example.org").to_lowercase();
        let client = site.signed_up(&project, kind, &email).await;
        site.signed_in(&project, Kind::Spa, &email).await;
        write_to(&project, &email).await;
        let data = client.get(path).await;
        assert_eq!(data.status, 200, "{kind:?}: {}", data.text);
        let disposition = data.headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment"), "{disposition}");
        let mut identity = client.whoami().await.body["identity"].clone();
        assert_eq!(data.body["identity"], identity.take());
        let credentials = data.body["credentials"].as_array().unwrap();
        let kinds: Vec<&Value> = credentials.iter().map(|c| &c["type"]).collect();
        assert_eq!(kinds, ["code", "password", "webauthn"]);
        assert_eq!(credentials[1]["identifiers"], json!([email]));
        assert_eq!(data.body["sessions"].as_array().unwrap().len(), 2);
        assert_eq!(data.body["messages"][0]["recipient"], email);
        assert_eq!(data.body["messages"].as_array().unwrap().len(), 1);
        for secret in [
            "$argon2",
            "hashed_password",
            "ory_st_",
            "metadata_admin",
            "a secret text",
        ] {
            assert!(!data.text.contains(secret), "{secret}");
        }
    }
    let page = site.client(&project, Kind::Html);
    let begun = page.get(path).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER);
    let back = format!("{}{path}", project.base_url());
    assert_eq!(begun.location_query("return_to"), Some(back));
    let script = site.client(&project, Kind::Spa);
    assert_eq!(script.get(path).await.error_id(), Some("session_inactive"));
}

/// A message that was sent long ago.
async fn write_to(project: &tenants::Project, email: &str) {
    let mut tx = project.begin().await.unwrap();
    sqlx::query(
        "insert into messages (id, status, channel, recipient, template_type, identity_id, content, created_at, updated_at)
         select $1, 'sent', 'email', $2, 'recovery_code_valid', id, convert_to('a secret text', 'UTF8'), $3, $3
           from identities where traits ->> 'email' = $2",
    )
    .bind(tenants::ids::v4())
    .bind(email)
    .bind(project.now())
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
