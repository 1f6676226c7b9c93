//! Verification that begins with a registration, in its commit.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, mailbox, story, text};

use super::{address, by_link, project};

/// Two addresses.
const SCHEMA: &str = r#"{
    "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
    "properties": {"traits": {"type": "object", "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}}},
        "second": {"type": "string", "format": "email", "ory.sh/kratos": {"verification": {"via": "email"}}}
    }, "required": ["email"]}}
}"#;

pub(super) fn two_addresses() -> Value {
    use base64::Engine as _;
    let url = format!(
        "base64://{}",
        base64::engine::general_purpose::STANDARD.encode(SCHEMA)
    );
    json!({"identity": {"default_schema_id": "two", "schemas": [{"id": "two", "url": url}]}})
}

pub(super) fn hooks(list: &[&str]) -> Value {
    let hooks: Vec<Value> = list.iter().map(|hook| json!({"hook": hook})).collect();
    json!({"selfservice": {"flows": {"registration": {"after": {"password": {"hooks": hooks}}}}}})
}

fn actions(answer: &tests::Answer) -> Vec<&str> {
    let items = answer.body["continue_with"].as_array();
    let items = items.map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .map(|item| item["action"].as_str().unwrap())
        .collect()
}

/// W10.2: without the hook the mail is sent, but clients hear nothing of it.
#[story]
async fn a_mail_goes_out_with_every_registration(site: Site) {
    let project = project(&site, json!({})).await;
    for (number, kind) in [Kind::Html, Kind::Spa, Kind::Api].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let client = site.client(&project, kind);
        let made = client.sign_up(&email, PASSWORD).await;
        let letter = mailbox::newest(&project).await;
        assert_eq!(
            (&*letter.to, &*letter.template),
            (&*email, "verification_code_valid")
        );
        let id = client_identity(&site, &project, &email).await;
        assert_eq!(address(&site, &project, &id).await, (false, "sent".into()));
        match kind {
            Kind::Html => assert_eq!(
                made.location(),
                format!("{}/ui/session", project.base_url())
            ),
            Kind::Spa => assert_eq!(actions(&made), ["redirect_browser_to"]),
            Kind::Api => assert_eq!(actions(&made), ["set_ory_session_token"]),
        }
        if kind != Kind::Html {
            let shown = &made.body["identity"]["verifiable_addresses"][0];
            assert_eq!(shown["status"], "sent");
        }
    }
    assert_eq!(mailbox::count(&project).await, 3);
}

async fn client_identity(site: &Site, project: &tenants::Project, email: &str) -> String {
    let path = format!("/admin/identities?credentials_identifier={email}");
    let found = site.admin(project).get(&path).await;
    found.body[0]["id"].as_str().unwrap().to_owned()
}

/// W3.14, W3.15, W10.3, W10.4.
#[story]
async fn the_hook_leads_to_the_verification(site: Site) {
    let project = project(&site, hooks(&["show_verification_ui", "session"])).await;
    for (number, kind) in [Kind::Html, Kind::Spa, Kind::Api].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let client = site.client(&project, kind);
        let made = client.sign_up(&email, PASSWORD).await;
        let form = if kind == Kind::Html {
            client.landed("verification", &made).await
        } else {
            assert_eq!(made.status, StatusCode::OK, "{}", made.text);
            let expected = match kind {
                Kind::Spa => ["redirect_browser_to", "show_verification_ui"],
                _ => ["show_verification_ui", "set_ory_session_token"],
            };
            assert_eq!(actions(&made), expected);
            let items = made.body["continue_with"].as_array().unwrap();
            let flow = &items
                .iter()
                .find(|i| i["action"] == "show_verification_ui")
                .unwrap()["flow"];
            assert_eq!(flow["verifiable_address"], json!(email));
            let id = flow["id"].as_str().unwrap();
            let page = format!("{}/ui/verification?flow={id}", project.base_url());
            assert_eq!(flow["url"], page);
            client.flow("verification", id).await
        };
        assert_eq!(
            form.status,
            StatusCode::OK,
            "its CSRF cookie is the new one: {}",
            form.text
        );
        assert_eq!(form.body["state"], "sent_email");
        assert_eq!(form.messages(), [text::VERIFICATION_CODE_MAILED]);
        let begun_by = form.body["request_url"].as_str().unwrap();
        assert!(begun_by.contains("/registration/"), "{begun_by}");
        // The button that sends again is named after the channel, and works.
        let again = client
            .submit_and_follow(&form, json!({"method": "code", "email": email}))
            .await;
        assert_eq!(
            again.messages(),
            [text::VERIFICATION_CODE_MAILED],
            "{}",
            again.text
        );
        let code = mailbox::code(&project).await;
        let passed = client
            .submit_and_follow(&again, json!({"method": "code", "code": code}))
            .await;
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED]);
    }
    assert_eq!(mailbox::count(&project).await, 6);
}

#[story]
async fn without_a_session_the_hook_leads_there_all_the_same(site: Site) {
    let project = project(&site, hooks(&["show_verification_ui"])).await;
    let script = site.client(&project, Kind::Spa);
    let made = script.sign_up(ADA, PASSWORD).await;
    assert_eq!(
        actions(&made),
        ["redirect_browser_to", "show_verification_ui"]
    );
    let id = made.body["continue_with"][1]["flow"]["id"]
        .as_str()
        .unwrap();
    let form = script.flow("verification", id).await;
    assert_eq!(
        form.status,
        StatusCode::OK,
        "the old CSRF cookie stays: {}",
        form.text
    );
}

#[story]
async fn one_flow_or_with_the_old_flag_one_for_each_address(site: Site) {
    let flag = json!({"feature_flags": {"legacy_continue_with_verification_ui": true}});
    for (patch, shown) in [(json!({}), 0), (flag, 2)] {
        let patch = tenants::config::merged(&two_addresses(), &patch);
        let project = project(&site, patch).await;
        let script = site.client(&project, Kind::Spa);
        let begun = script.begin("registration", "").await;
        let traits = json!({"email": ADA, "second": "second@example.org"});
        let made = script
            .submit(
                &begun,
                json!({"method": "password", "password": PASSWORD, "traits": traits}),
            )
            .await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.text);
        let items = actions(&made);
        assert_eq!(
            items
                .iter()
                .filter(|a| **a == "show_verification_ui")
                .count(),
            shown
        );
        let mails = mailbox::all(&project).await;
        assert_eq!(mails.len(), shown.max(1), "{mails:?}");
    }
}

#[story]
async fn a_refused_registration_sends_nothing(site: Site) {
    let project = project(&site, json!({})).await;
    let script = site.client(&project, Kind::Spa);
    script.sign_up(ADA, PASSWORD).await;
    let other = site.client(&project, Kind::Spa);
    let taken = other.sign_up(ADA, PASSWORD).await;
    assert_eq!(taken.messages(), [text::IDENTIFIER_TAKEN]);
    let weak = other.sign_up("bob@example.org", "short").await;
    assert_eq!(weak.status, StatusCode::BAD_REQUEST);
    assert_eq!(mailbox::count(&project).await, 1);
}

#[story]
async fn people_go_on_where_the_registration_asked_to(site: Site) {
    let lists = json!({"selfservice": {"allowed_return_urls": ["https://app.example.org"]}});
    let patch = tenants::config::merged(&hooks(&["show_verification_ui", "session"]), &lists);
    let project = project(&site, tenants::config::merged(&by_link(), &patch)).await;
    let queries = [
        (
            "?return_to=https%3A%2F%2Fapp.example.org%2Fa",
            "https://app.example.org/a",
        ),
        (
            "?return_to=https%3A%2F%2Fapp.example.org%2Fa&after_verification_return_to=https%3A%2F%2Fapp.example.org%2Fb",
            "https://app.example.org/b",
        ),
        (
            "?after_verification_return_to=https%3A%2F%2Fevil.example",
            "",
        ),
    ];
    for (number, (query, target)) in queries.into_iter().enumerate() {
        let page = site.client(&project, Kind::Html);
        let begun = page.begin("registration", query).await;
        let email = format!("p{number}@example.org");
        let fields =
            json!({"method": "password", "password": PASSWORD, "traits": {"email": email}});
        let made = page.submit(&begun, fields).await;
        let form = page.landed("verification", &made).await;
        assert_eq!(form.body["active"], "link");
        assert_eq!(form.messages(), [text::VERIFICATION_LINK_SENT]);
        let link = mailbox::link(&project).await;
        let passed = page.landed("verification", &page.get(&link).await).await;
        let own = format!("{}/ui/session", project.base_url());
        let expected = if target.is_empty() { &own } else { target };
        assert_eq!(passed.body["ui"]["action"], expected);
    }
}
