//! W10.1: hooks of a method replace the general ones; they are not added to them.

use super::*;
use tests::story;

fn after(flow: &str, lists: &Value) -> Value {
    passwordless(&json!({"selfservice": {"flows": {flow: {"after": lists}}}}))
}

#[story]
async fn hooks_of_a_method_replace_those_of_a_login(site: Site) {
    let lists = json!({
        "hooks": [{"hook": "revoke_active_sessions"}],
        "password": {"hooks": [{"hook": "show_verification_ui"}]},
    });
    let project = site.project_with(after("login", &lists)).await;
    make(&site, &project, json!({"email": ADA}), true).await;
    for kind in Kind::ALL {
        let first = site.client(&project, kind);
        let begun = first.sign_in(ADA, PASSWORD).await;
        assert!(!begun.status.is_client_error(), "{}", begun.text);
        let by_password = site.client(&project, kind);
        by_password.sign_in(ADA, PASSWORD).await;
        let who = first.whoami_after(&begun).await;
        assert_eq!(who.status, StatusCode::OK, "its own list ends no session");
        // No list of its own.
        sign_in(&project, &site.client(&project, kind), ADA).await;
        let who = first.whoami_after(&begun).await;
        assert_eq!(who.status, StatusCode::UNAUTHORIZED, "{kind:?}");
    }
    // An empty list is none.
    let empty =
        json!({"selfservice": {"flows": {"login": {"after": {"password": {"hooks": []}}}}}});
    let project = site.world.configure(&project, empty).await;
    let first = site.client(&project, Kind::Spa);
    let begun = first.sign_in(ADA, PASSWORD).await;
    site.client(&project, Kind::Spa)
        .sign_in(ADA, PASSWORD)
        .await;
    let who = first.whoami_after(&begun).await;
    assert_eq!(who.status, StatusCode::UNAUTHORIZED);
    site.world.sweep().await;
}

#[story]
async fn hooks_of_a_method_replace_those_of_a_registration(site: Site) {
    let lists = json!({
        "hooks": [{"hook": "session"}],
        "password": {"hooks": [{"hook": "show_verification_ui"}]},
        "code": {"hooks": []},
    });
    let project = site.project_with(after("registration", &lists)).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let client = site.client(&project, kind);
        let email = format!("p{number}@example.org");
        let made = client.sign_up(&email, PASSWORD).await;
        assert!(!made.status.is_client_error(), "{}", made.text);
        let who = client.whoami_after(&made).await;
        assert_eq!(who.status, StatusCode::UNAUTHORIZED, "{kind:?}");

        let client = site.client(&project, kind);
        let email = format!("c{number}@example.org");
        let traits = json!({"email": email});
        let flow = client.begin("registration", "").await;
        let asked = json!({"method": "code", "traits": traits});
        let sent = client.submit_and_go_on(&flow, asked).await;
        let code = mailbox::code_to(&project, &email).await;
        let bring = json!({"method": "code", "traits": traits, "code": code});
        let made = client.submit(&sent, bring).await;
        let who = client.whoami_after(&made).await;
        assert_eq!(who.status, StatusCode::OK, "{kind:?}: {}", made.text);
    }
    site.world.sweep().await;
}
