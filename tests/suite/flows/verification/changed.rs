//! Verification that begins with a changed address, in the commit of the change (W8.7, W10.2).

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::Project;
use tests::{Answer, Client, Kind, PASSWORD, Site, mailbox, story, text};

use super::{address, announced::two_addresses, project};

/// After a change of traits.
fn hooks(list: &[&str]) -> Value {
    let hooks: Vec<Value> = list.iter().map(|hook| json!({"hook": hook})).collect();
    json!({"selfservice": {"flows": {"settings": {"after": {"profile": {"hooks": hooks}}}}}})
}

/// A client whose owner just signed up, and the owner's id.
async fn person(site: &Site, project: &Project, kind: Kind, email: &str) -> (Client, String) {
    let mut client = site.client(project, kind);
    let made = client.sign_up(email, PASSWORD).await;
    client.keep_token(&made);
    let who = client.whoami().await;
    let id = who.body["identity"]["id"].as_str().unwrap().to_owned();
    (client, id)
}

/// The form of a change, and what the change was answered with.
async fn change(client: &Client, query: &str, traits: Value) -> (Answer, Answer) {
    let begun = client.begin("settings", query).await;
    let fields = json!({"method": "profile", "traits": traits});
    let answer = client.submit(&begun, fields).await;
    (begun, answer)
}

fn actions(answer: &Answer) -> Vec<&str> {
    let items = answer.body["continue_with"].as_array();
    let items = items.map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .map(|item| item["action"].as_str().unwrap())
        .collect()
}

/// The verification that a mail belongs to, as that client reads it.
async fn verification(client: &Client, letter: &tests::mailbox::Mail) -> Answer {
    let link: url::Url = letter.link().parse().unwrap();
    let id = link.query_pairs().find(|(name, _)| name == "flow").unwrap();
    let read = client.flow("verification", &id.1).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    read
}

async fn bring(client: &Client, form: &Answer, code: &str) -> Answer {
    let fields = json!({"method": "code", "code": code});
    client.submit_and_follow(form, fields).await
}

/// W10.2, after a change: without the hook the mail is sent, but clients hear nothing of it.
#[story]
async fn a_changed_address_has_to_be_proven_and_old_codes_prove_nothing(site: Site) {
    let project = project(&site, json!({})).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let (old, new) = (format!("a{number}@x.org"), format!("b{number}@x.org"));
        let (client, id) = person(&site, &project, kind, &old).await;
        let first = mailbox::newest(&project).await;
        let (begun, saved) = change(&client, "", json!({"email": new})).await;
        let page = format!("{}/ui/settings?flow=", project.base_url());
        let page = page + begun.body["id"].as_str().unwrap();
        match kind {
            Kind::Html => assert_eq!(saved.location(), page),
            Kind::Spa => {
                assert_eq!(actions(&saved), ["redirect_browser_to"]);
                let next = &saved.body["continue_with"][0]["redirect_browser_to"];
                assert_eq!(*next, page);
            }
            Kind::Api => assert!(saved.body.get("continue_with").is_none()),
        }
        if kind != Kind::Html {
            assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
            assert_eq!(saved.body["state"], "success");
            let shown = &saved.body["identity"]["verifiable_addresses"];
            assert_eq!(shown.as_array().unwrap().len(), 1);
            assert_eq!(shown[0]["value"], new);
            assert_eq!(shown[0]["status"], "sent");
        }
        let second = mailbox::newest(&project).await;
        assert_eq!(
            (&*second.to, &*second.template),
            (&*new, "verification_code_valid")
        );
        assert_eq!(mailbox::count(&project).await, 2 * (number + 1));
        let form = verification(&client, &second).await;
        assert_eq!(form.body["state"], "sent_email");
        assert_eq!(form.messages(), [text::VERIFICATION_CODE_MAILED]);
        let asked = form.body["request_url"].as_str().unwrap();
        assert!(asked.contains("/self-service/settings/"), "{asked}");
        // The code that was sent for the old address: neither in its own flow nor in the new one.
        let before = verification(&client, &first).await;
        for wrong in [&before, &form] {
            let refused = bring(&client, wrong, first.code()).await;
            assert_eq!(
                refused.messages(),
                [text::WRONG_VERIFICATION_CODE],
                "{}",
                refused.text
            );
            let pending = (false, "sent".into());
            assert_eq!(address(&site, &project, &id).await, pending);
        }
        let passed = bring(&client, &form, second.code()).await;
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED], "{}", passed.text);
        let completed = (true, "completed".into());
        assert_eq!(address(&site, &project, &id).await, completed);
    }
}

/// An address that goes and comes back has to be proven anew; one that stays does not.
#[story]
async fn no_proof_outlives_its_address(site: Site) {
    let project = project(&site, json!({})).await;
    let (script, id) = person(&site, &project, Kind::Spa, "a@x.org").await;
    let completed = (true, "completed".into());
    let first = mailbox::newest(&project).await;
    let form = verification(&script, &first).await;
    bring(&script, &form, first.code()).await;
    assert_eq!(address(&site, &project, &id).await, completed);
    for email in ["b@x.org", "a@x.org"] {
        change(&script, "", json!({"email": email})).await;
        let pending = (false, "sent".into());
        assert_eq!(address(&site, &project, &id).await, pending, "{email}");
    }
    // What was used is used up.
    let refused = bring(&script, &form, first.code()).await;
    assert_ne!(
        refused.messages(),
        [text::EMAIL_VERIFIED],
        "{}",
        refused.text
    );
    // What is not changed sends nothing and stays as it is.
    let mails = mailbox::count(&project).await;
    change(&script, "", json!({"email": "a@x.org"})).await;
    assert_eq!(mailbox::count(&project).await, mails);
    let third = mailbox::newest(&project).await;
    let form = verification(&script, &third).await;
    bring(&script, &form, third.code()).await;
    change(&script, "", json!({"email": "A@x.org"})).await;
    assert_eq!(address(&site, &project, &id).await, completed);
    assert_eq!(mailbox::count(&project).await, mails);
}

/// W3.15, W10.4, after a change.
#[story]
async fn the_hook_leads_to_the_verification(site: Site) {
    let lists = json!({"selfservice": {"allowed_return_urls": ["https://app.example.org"]}});
    let patch = tenants::config::merged(&hooks(&["show_verification_ui"]), &lists);
    let project = project(&site, patch).await;
    let target = "https://app.example.org/a";
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let (old, new) = (format!("a{number}@x.org"), format!("b{number}@x.org"));
        let (client, id) = person(&site, &project, kind, &old).await;
        let query = "?return_to=https%3A%2F%2Fapp.example.org%2Fa";
        let (_, saved) = change(&client, query, json!({"email": new})).await;
        let form = if kind == Kind::Html {
            client.landed("verification", &saved).await
        } else {
            let expected = match kind {
                Kind::Spa => &["show_verification_ui", "redirect_browser_to"][..],
                _ => &["show_verification_ui"],
            };
            assert_eq!(actions(&saved), expected, "W3.15: {}", saved.text);
            let items = &saved.body["continue_with"];
            if kind == Kind::Spa {
                assert_eq!(items[1]["redirect_browser_to"], target);
            }
            let flow = &items[0]["flow"];
            let id = flow["id"].as_str().unwrap();
            assert_eq!(flow["verifiable_address"], new);
            let page = format!("{}/ui/verification?flow={id}", project.base_url());
            assert_eq!(flow["url"], page);
            client.flow("verification", id).await
        };
        assert_eq!(form.status, StatusCode::OK, "{}", form.text);
        assert_eq!(form.body["state"], "sent_email");
        // W10.4: what sends again is named after the channel.
        let fields = json!({"method": "code", "email": new});
        let again = client.submit_and_follow(&form, fields).await;
        let letter = mailbox::newest(&project).await;
        assert_eq!(letter.to, new);
        let passed = bring(&client, &again, letter.code()).await;
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED], "{}", passed.text);
        assert_eq!(passed.body["ui"]["action"], target);
        let completed = (true, "completed".into());
        assert_eq!(address(&site, &project, &id).await, completed);
        assert_eq!(mailbox::count(&project).await, 3 * (number + 1));
        // Nothing changed, nothing to show.
        let (_, saved) = change(&client, query, json!({"email": new})).await;
        assert!(!saved.text.contains("show_verification_ui"));
        assert!(!saved.location().contains("verification"));
    }
}

#[story]
async fn one_flow_or_with_the_old_flag_one_for_each_address(site: Site) {
    let flag = json!({"feature_flags": {"legacy_continue_with_verification_ui": true}});
    for (patch, expected) in [
        (json!({}), &["redirect_browser_to"][..]),
        (
            flag,
            &[
                "show_verification_ui",
                "show_verification_ui",
                "redirect_browser_to",
            ],
        ),
    ] {
        let patch = tenants::config::merged(&two_addresses(), &patch);
        let project = project(&site, patch).await;
        let (script, _) = person(&site, &project, Kind::Spa, "a@x.org").await;
        let before = mailbox::count(&project).await;
        let traits = json!({"email": "b@x.org", "second": "c@x.org"});
        let (_, saved) = change(&script, "", traits).await;
        assert_eq!(actions(&saved), expected, "{}", saved.text);
        let mails = mailbox::all(&project).await;
        assert_eq!(mails.len() - before, (expected.len() - 1).max(1));
    }
}

#[story]
async fn a_refused_change_sends_nothing(site: Site) {
    let project = project(&site, hooks(&["show_verification_ui"])).await;
    person(&site, &project, Kind::Spa, "taken@x.org").await;
    let (script, _) = person(&site, &project, Kind::Spa, "a@x.org").await;
    let before = mailbox::count(&project).await;
    let (_, taken) = change(&script, "", json!({"email": "taken@x.org"})).await;
    assert_eq!(taken.messages(), [text::IDENTIFIER_TAKEN], "{}", taken.text);
    site.world.clock.advance(chrono::TimeDelta::hours(2));
    let (_, refresh) = change(&script, "", json!({"email": "b@x.org"})).await;
    assert_eq!(refresh.error_id(), Some("session_refresh_required"));
    assert_eq!(mailbox::count(&project).await, before);
}
