//! What browsers keep: names, attributes, secrets, and two projects beside each other.

use reqwest::StatusCode;
use serde_json::json;
use tenants::{Environment, Project};
use tests::{ADA, Kind, PASSWORD, Site, cheap, story};

use super::{WHOAMI, attributes, set_cookie, token};

/// W2.9.
#[story]
async fn attributes_of_cookies(site: Site) {
    let development = site.project().await;
    let hooks =
        json!({"after": {"password": {"hooks": [{"hook": "session"}]}}, "style": "unified"});
    let quiet = json!({"selfservice": {
        "methods": {"password": {"config": {"haveibeenpwned_enabled": false}}},
        "flows": {"registration": hooks},
    }});
    let (staging, _) = site.world.create(Environment::Staging, quiet).await;
    for (project, secure) in [(&development, false), (&staging, true)] {
        let script = site.client(project, Kind::Spa);
        let flow = script.begin("registration", "").await;
        let fields = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
        let done = script.submit(&flow, fields).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        let session = set_cookie(&done, &format!("ory_session_{}", project.slug()));
        let csrf = flow.set_cookies();
        let csrf = csrf.iter().find(|c| c.starts_with("csrf_token_")).unwrap();
        assert_eq!(csrf.len(), "csrf_token_".len() + 64);
        let csrf = set_cookie(&flow, csrf);
        for line in [&session, &csrf] {
            let shown = attributes(line);
            assert_eq!(shown.contains(&"Secure"), secure, "{line}");
            for needed in ["HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(shown.contains(&needed), "{needed}: {line}");
            }
            assert!(!line.contains("Domain"), "{line}");
        }
        assert!(csrf.contains("Max-Age=31536000"), "{csrf}");
    }
}

#[story]
async fn cookies_of_ones_own(site: Site) {
    let own = json!({
        "cookies": {"path": "/here", "same_site": "Strict"},
        "session": {"cookie": {"name": "who_is_it", "persistent": false, "same_site": "Lax"}},
    });
    let project = site.project_with(own).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("registration", "").await;
    let csrf = flow.set_cookies().remove(0);
    assert_eq!(
        attributes(&set_cookie(&flow, &csrf)),
        [
            "HttpOnly",
            "Max-Age=31536000",
            "Path=/here",
            "SameSite=Strict"
        ]
    );
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"email": ADA}});
    let done = script.submit(&flow, fields).await;
    assert_eq!(
        attributes(&set_cookie(&done, "who_is_it")),
        ["HttpOnly", "Path=/here", "SameSite=Lax"],
        "it goes when the browser is closed"
    );
    assert_eq!(script.whoami().await.status, StatusCode::OK);
    assert!(script.cookies().contains_key("who_is_it"));
}

/// W2.10: the first seals, all open.
#[story]
async fn secrets_of_cookies_rotate(site: Site) {
    let secrets = |list: &[&str]| json!({"secrets": {"cookie": list}});
    let project = site
        .project_with(secrets(&["the first secret of all"]))
        .await;
    let old = site.client(&project, Kind::Spa);
    old.sign_up(ADA, PASSWORD).await;
    assert_eq!(old.whoami().await.status, StatusCode::OK);

    let both = secrets(&["the second secret of all", "the first secret of all"]);
    site.world.configure(&project, both).await;
    assert_eq!(old.whoami().await.status, StatusCode::OK);
    let new = site.client(&project, Kind::Spa);
    new.sign_in(ADA, PASSWORD).await;

    let second = secrets(&["the second secret of all"]);
    site.world.configure(&project, second).await;
    assert_eq!(new.whoami().await.status, StatusCode::OK);
    assert_eq!(
        old.whoami().await.status,
        StatusCode::UNAUTHORIZED,
        "sealed with a secret that is no more"
    );
    // Back to the project's own key.
    site.world
        .configure(&project, json!({"secrets": null}))
        .await;
    assert_eq!(new.whoami().await.status, StatusCode::UNAUTHORIZED);
}

/// W2.1, W2.9: one browser, two projects of one host.
#[story]
async fn two_projects_in_one_browser(site: Site) {
    let (first, second) = (site.project().await, site.project().await);
    // A browser sends every cookie of the host to both.
    let browser = site.client(&first, Kind::Spa);
    let mut ids = Vec::new();
    for (project, email) in [(&first, ADA), (&second, "bob@example.org")] {
        let base = project.base_url();
        let flow = browser
            .get(&format!("{base}/self-service/registration/browser"))
            .await;
        assert_eq!(flow.status, StatusCode::OK, "{}", flow.text);
        let fields =
            json!({"method": "password", "password": PASSWORD, "traits": {"email": email}});
        let done = browser.submit(&flow, fields).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        ids.push(done.body["session"]["id"].clone());
    }
    assert_eq!(browser.cookies().len(), 6, "three of each project");
    for (project, id) in [(&first, &ids[0]), (&second, &ids[1])] {
        let who = browser
            .get(&format!("{}{WHOAMI}", project.base_url()))
            .await;
        assert_eq!(who.body["id"], *id);
    }

    // The cookie of one under the name of the other opens nothing.
    let name = |project: &Project| format!("ory_session_{}", project.slug());
    let sealed = browser.cookies()[&name(&first)].clone();
    let thief = site.client(&second, Kind::Spa);
    thief.set_cookie(&name(&second), &sealed);
    assert_eq!(thief.whoami().await.status, StatusCode::UNAUTHORIZED);
    // Nor does its token.
    let (token, _) = token(&site, &first, ADA).await;
    assert!(!thief.is_signed_in_by(&token).await);

    let out = browser
        .get(&format!(
            "{}/self-service/logout/browser",
            second.base_url()
        ))
        .await;
    browser.get(out.body["logout_url"].as_str().unwrap()).await;
    for (project, status) in [(&first, 200), (&second, 401)] {
        let who = browser
            .get(&format!("{}{WHOAMI}", project.base_url()))
            .await;
        assert_eq!(who.status.as_u16(), status);
    }
}

/// The same secret configured in two projects: a cookie is bound to its own all the same.
#[story]
async fn a_shared_secret_opens_nothing_elsewhere(site: Site) {
    let shared = json!({
        "secrets": {"default": ["a secret of two projects"]},
        "session": {"cookie": {"name": "one_name"}},
    });
    let (first, _) = site
        .world
        .create(Environment::Development, cheap(shared.clone()))
        .await;
    let second = site
        .project_with(json!({"secrets": {"default": ["a secret of two projects"]}}))
        .await;
    let script = site.client(&first, Kind::Spa);
    script.sign_up(ADA, PASSWORD).await;
    assert_eq!(script.whoami().await.status, StatusCode::OK);
    let thief = site.client(&second, Kind::Spa);
    let name = format!("ory_session_{}", second.slug());
    thief.set_cookie(&name, &script.cookies()["one_name"]);
    assert_eq!(thief.whoami().await.status, StatusCode::UNAUTHORIZED);
}
