//! Whole answers, compared with `tests/golden/` (`tests::golden`). Each was read against the rules that its
//! test names; a difference is one that clients notice.

use serde_json::json;
use tests::{Kind, PASSWORD, Site, golden, mailbox, story};

const EMAIL: &str = "Ada@Example.org";

/// W3.2, W4.1 and, for the form again, W4.11 and W6.1.
#[story]
async fn login(site: Site) {
    let project = site.project().await;
    let native = site.client(&project, Kind::Api);
    native.sign_up(EMAIL, PASSWORD).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("login", "").await;
    golden::check("login_browser", &project, &begun);
    let begun = native.begin("login", "").await;
    golden::check("login_api", &project, &begun);
    let refused = script.sign_in(EMAIL, "not the password").await;
    golden::check("login_wrong_password", &project, &refused);
    let signed_in = script.sign_in(EMAIL, PASSWORD).await;
    golden::check("login_done_browser", &project, &signed_in);
    let signed_in = native.sign_in(EMAIL, PASSWORD).await;
    golden::check("login_done_api", &project, &signed_in);
}

/// W3.2, W8.10.
#[story]
async fn settings(site: Site) {
    let basic = json!({"identity": {"default_schema_id": "preset://basic"}});
    let project = site.project_with(basic).await;
    let script = site.client(&project, Kind::Spa);
    script.sign_up(EMAIL, PASSWORD).await;
    let begun = script.begin("settings", "").await;
    golden::check("settings_browser", &project, &begun);
    let wrong = json!({"method": "profile", "traits": {"email": "nobody"}});
    let refused = script.submit(&begun, wrong).await;
    golden::check("settings_refused", &project, &refused);
    let traits = json!({"email": EMAIL, "name": {"first": "Ada"}});
    let fields = json!({"method": "profile", "traits": traits});
    let done = script.submit(&begun, fields).await;
    golden::check("settings_done_browser", &project, &done);
    let mut native = site.client(&project, Kind::Api);
    let signed_in = native.sign_in(EMAIL, PASSWORD).await;
    native.set_header(
        "x-session-token",
        signed_in.body["session_token"].as_str().unwrap(),
    );
    let begun = native.begin("settings", "").await;
    let fields = json!({"method": "password", "password": "a-better-staple-now"});
    let done = native.submit(&begun, fields).await;
    golden::check("settings_done_api", &project, &done);
}

/// W4.4, W5.2, W7.6.
#[story]
async fn registration_in_one_step(site: Site) {
    let basic = json!({"identity": {"default_schema_id": "preset://basic"}});
    let project = site.project_with(basic).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("registration", "").await;
    golden::check("registration_browser", &project, &begun);
    let wrong =
        json!({"method": "password", "traits": {"email": "nobody", "newsletter": "perhaps"}});
    let refused = script.submit(&begun, wrong).await;
    golden::check("registration_refused", &project, &refused);
    let traits = json!({"email": EMAIL, "name": {"first": "Ada"}, "newsletter": true});
    let fields = json!({"method": "password", "password": PASSWORD, "traits": traits});
    let done = script.submit(&begun, fields).await;
    golden::check("registration_done_browser", &project, &done);
    let native = site.client(&project, Kind::Api);
    let done = native.sign_up("bob@example.org", PASSWORD).await;
    golden::check("registration_done_api", &project, &done);
}

/// W7.2.
#[story]
async fn registration_in_two_steps(site: Site) {
    let two_steps = json!({
        "identity": {"default_schema_id": "preset://basic"},
        "selfservice": {"flows": {"registration": {"style": "profile_first"}}},
    });
    let project = site.project_with(two_steps).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("registration", "").await;
    golden::check("registration_profile_screen", &project, &begun);
    let traits = json!({"email": EMAIL, "name": {"first": "Ada"}});
    let next = script
        .submit(&begun, json!({"method": "profile", "traits": traits}))
        .await;
    golden::check("registration_credentials_screen", &project, &next);
}

/// W6.9, W6.11, W7.10.
#[story]
async fn codes(site: Site) {
    let codes = json!({"selfservice": {
        "methods": {"code": {"passwordless_enabled": true}},
        "flows": {"login": {"style": "identifier_first"}},
    }});
    let project = site.project_with(codes).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("registration", "").await;
    golden::check("registration_with_codes", &project, &begun);
    let traits = json!({"email": EMAIL});
    let sent = script
        .submit(&begun, json!({"method": "code", "traits": traits}))
        .await;
    golden::check("registration_code_sent", &project, &sent);
    script.sign_up(EMAIL, PASSWORD).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("login", "").await;
    golden::check("login_identifier", &project, &begun);
    let who = json!({"method": "identifier_first", "identifier": EMAIL});
    let methods = script.submit(&begun, who).await;
    golden::check("login_methods", &project, &methods);
    let code = json!({"method": "code", "identifier": EMAIL});
    let sent = script.submit(&methods, code).await;
    golden::check("login_code_sent", &project, &sent);
    let wrong = json!({"method": "code", "identifier": EMAIL, "code": "none"});
    let wrong = script.submit(&sent, wrong).await;
    golden::check("login_wrong_code", &project, &wrong);
    let native = site.client(&project, Kind::Api);
    let begun = native.begin("login", "").await;
    let code = json!({"method": "code", "identifier": EMAIL});
    let sent = native.submit(&begun, code).await;
    golden::check("login_code_sent_api", &project, &sent);
    site.world.sweep().await;
}

/// W6.8.
#[story]
async fn a_second_factor(site: Site) {
    let codes = json!({"selfservice": {"methods": {"code": {"mfa_enabled": true}}}});
    let project = site.project_with(codes).await;
    let script = site.client(&project, Kind::Spa);
    script.sign_up(EMAIL, PASSWORD).await;
    let below = script.whoami().await;
    golden::check("whoami_below_aal2", &project, &below);
    let sent = script.begin("login", "?aal=aal2").await;
    golden::check("login_second_factor", &project, &sent);
    site.world.sweep().await;
}

/// W9.9, W9.12.
#[story]
async fn verification(site: Site) {
    let on = json!({"selfservice": {"flows": {"verification": {"enabled": true}}}});
    let project = site.project_with(on).await;
    let native = site.client(&project, Kind::Api);
    let made = native.sign_up(EMAIL, PASSWORD).await;
    golden::check("registration_done_and_mail_sent", &project, &made);
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("verification", "").await;
    golden::check("verification_browser", &project, &begun);
    let address = json!({"method": "code", "email": EMAIL});
    let sent = script.submit(&begun, address).await;
    golden::check("verification_sent", &project, &sent);
    let code = mailbox::code(&project).await;
    let wrong = script
        .submit(&sent, json!({"method": "code", "code": "x"}))
        .await;
    golden::check("verification_wrong_code", &project, &wrong);
    let right = json!({"method": "code", "code": code});
    let passed = script.submit(&sent, right.clone()).await;
    golden::check("verification_passed", &project, &passed);
    let again = script.submit(&sent, right).await;
    golden::check("verification_replaced", &project, &again);
}

/// W9.5, W9.6, W13.17.
#[story]
async fn recovery(site: Site) {
    let on = json!({
        "selfservice": {"flows": {"recovery": {"enabled": true}}},
        "feature_flags": {"use_continue_with_transitions": true},
    });
    let project = site.project_with(on).await;
    let native = site.client(&project, Kind::Api);
    let made = native.sign_up(EMAIL, PASSWORD).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("recovery", "").await;
    golden::check("recovery_browser", &project, &begun);
    let address = json!({"method": "code", "email": EMAIL});
    let sent = script.submit(&begun, address).await;
    golden::check("recovery_sent", &project, &sent);
    let right = json!({"method": "code", "code": mailbox::code(&project).await});
    let passed = script.submit(&sent, right).await;
    golden::check("recovery_passed", &project, &passed);
    let body = json!({"identity_id": made.body["identity"]["id"]});
    let handed = site
        .admin(&project)
        .post("/admin/recovery/code", body)
        .await;
    let mut quiet = handed;
    quiet.body["recovery_code"] = json!("<six digits>");
    golden::check("recovery_code_handed_over", &project, &quiet);
}

/// W5.3, W12.1, W12.8.
#[story]
async fn whoami(site: Site) {
    let project = site.project().await;
    let script = site.client(&project, Kind::Spa);
    let nobody = script.whoami().await;
    golden::check("whoami_nobody", &project, &nobody);
    script.sign_up(EMAIL, PASSWORD).await;
    let somebody = script.whoami().await;
    golden::check("whoami", &project, &somebody);
}

/// W13.4, W13.8, W13.18.
#[story]
async fn an_identity_of_administrators(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let body = json!({
        "traits": {"email": EMAIL},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
        "metadata_public": {"plan": "free"},
        "external_id": "crm-4711",
    });
    let made = admin.post("/admin/identities", body).await;
    golden::check("identity_created", &project, &made);
    let id = made.body["id"].as_str().unwrap();
    let read = admin.get(&format!("/admin/identities/{id}")).await;
    golden::check("identity", &project, &read);
    let listed = admin.get("/admin/identities").await;
    golden::check("identities", &project, &listed);
}
