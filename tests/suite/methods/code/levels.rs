//! Which level a session has, and when it is enough (W12.3, W12.4, W12.5).

use super::{
    second_factor::{first_factor, second_factor},
    *,
};
use tests::{ADA, mailbox, story};

fn is_locked(who: &Answer) {
    assert_eq!(who.status, StatusCode::FORBIDDEN, "{}", who.text);
    assert_eq!(who.error_id(), Some("session_aal2_required"));
}

/// W6.6: without the cookie the second step could not begin.
#[story]
async fn the_cookie_comes_with_the_way_to_the_second_factor(site: Site) {
    let project = site.project_with(second_factor()).await;
    make(&site, &project, json!({"user": "ada", "email": ADA}), true).await;
    let name = format!("ory_session_{}", project.slug());
    for (kind, status) in [(Kind::Html, 303), (Kind::Spa, 422)] {
        let (client, answer) = first_factor(&site, &project, kind, "ada").await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert!(answer.set_cookies().contains(&name), "{kind:?}");
        is_locked(&client.whoami().await);
        let sent = client.begin("login", "?aal=aal2").await;
        assert_eq!(sent.body["requested_aal"], "aal2", "{}", sent.text);
    }
    // An API client has its token instead.
    let (_, answer) = first_factor(&site, &project, Kind::Api, "ada").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body["session_token"].is_string() && answer.set_cookies().is_empty());
    site.world.sweep().await;
}

/// W12.4: the level that is asked for follows the factors that the identity has now, not those at the sign-in.
#[story]
async fn a_new_factor_locks_the_sessions_that_did_not_prove_it(site: Site) {
    let project = site.project_with(second_factor()).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let (user, email) = (format!("user{number}"), format!("p{number}@example.org"));
        make(&site, &project, json!({ "user": user }), true).await;
        let (one, _) = first_factor(&site, &project, kind, &user).await;
        let (two, _) = first_factor(&site, &project, kind, &user).await;
        for client in [&one, &two] {
            let who = client.whoami().await;
            assert_eq!(who.body["authenticator_assurance_level"], "aal1");
        }
        // An address that gets codes is a factor.
        let form = one.begin("settings", "").await;
        let traits = json!({"user": user, "email": email});
        let change = json!({"method": "profile", "traits": traits});
        let saved = one.submit(&form, change).await;
        assert!(!saved.status.is_client_error(), "{}", saved.text);
        is_locked(&two.whoami().await);
        is_locked(&one.whoami().await);
        let sent = one.begin("login", "?aal=aal2").await;
        let code = mailbox::code_to(&project, &email).await;
        let done = one.submit(&sent, fields(&email, &code)).await;
        assert!(!done.status.is_client_error(), "{}", done.text);
        let who = one.whoami().await;
        assert_eq!(who.status, StatusCode::OK, "{}", who.text);
        assert_eq!(who.body["authenticator_assurance_level"], "aal2");
        is_locked(&two.whoami().await);
    }
    site.world.sweep().await;
}

/// W12.5: where codes are the first factor, they are not the second as well, and their sessions say aal1
/// throughout.
#[story]
async fn codes_are_one_factor_or_the_other(site: Site) {
    let project = site.project_with(passwordless(&json!({}))).await;
    let update = tenants::ConfigUpdate {
        config: json!({"selfservice": {"methods": {"code": {"mfa_enabled": true}}}}),
        mode: tenants::UpdateMode::Merge,
        expected_revision: None,
        dry_run: false,
    };
    let actor = tenants::Actor("test".to_owned());
    let installation = site.world.installation();
    let updated = installation.update_config(&actor, &project, &update).await;
    let refused = format!("{:?}", updated.unwrap_err());
    let pointer = "/selfservice/methods/code/mfa_enabled";
    assert!(refused.contains(pointer), "{refused}");
    make(&site, &project, json!({"email": ADA}), true).await;
    let client = site.client(&project, Kind::Spa);
    let done = sign_in(&project, &client, ADA).await;
    let who = client.whoami_after(&done).await;
    let method = &who.body["authentication_methods"][0];
    assert_eq!(
        (&method["method"], &method["aal"]),
        (&json!("code"), &json!("aal1"))
    );
    assert_eq!(who.body["authenticator_assurance_level"], "aal1");
    site.world.sweep().await;
}
