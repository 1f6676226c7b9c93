//! Codes and links that administrators hand over (W13.17).

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Kind, Site, mailbox, story, text};

use super::{by_link, is_back, project, transitions};

fn in_minutes(site: &Site, body: &Value) -> i64 {
    let until: DateTime<Utc> = serde_json::from_value(body["expires_at"].clone()).unwrap();
    let left = until - site.world.clock.now();
    (left + TimeDelta::seconds(30)).num_minutes()
}

#[story]
async fn a_code_is_handed_over_and_used(site: Site) {
    let project = project(&site, transitions()).await;
    let id = site.person(&project, ADA).await;
    let admin = site.admin(&project);
    for kind in [Kind::Html, Kind::Spa, Kind::Api] {
        let flow_type = if kind == Kind::Api { "api" } else { "browser" };
        let body = json!({"identity_id": id, "expires_in": "10m", "flow_type": flow_type});
        let made = admin.post("/admin/recovery/code", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let code = made.body["recovery_code"].as_str().unwrap();
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(in_minutes(&site, &made.body), 10);
        let link = made.body["recovery_link"].as_str().unwrap();
        let page = format!("{}/ui/recovery?flow=", project.base_url());
        let flow = link.strip_prefix(&page).unwrap();
        // No CSRF token is asked for, nor a cookie to read the form.
        let mut client = site.client(&project, kind);
        let form = client.flow("recovery", flow).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.text);
        assert_eq!(form.body["state"], "sent_email");
        assert_eq!(form.body["type"], flow_type);
        assert!(form.messages().is_empty());
        let outline = ["default/csrf_token", "code/code", "code/method=code"];
        assert_eq!(form.outline(), outline);
        let right = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        match kind {
            Kind::Html => assert!(right.location().contains("/ui/settings?flow=")),
            Kind::Spa => assert_eq!(right.body["state"], "passed_challenge", "{}", right.text),
            Kind::Api => {
                let token = &right.body["continue_with"][0]["ory_session_token"];
                client.set_token(token.as_str().unwrap());
            }
        }
        let who = client.whoami().await;
        assert_eq!(who.status, 200, "{}", who.text);
        assert_eq!(who.body["identity"]["id"], json!(id));
        // Who types a code that an administrator told them has not proved an address.
        assert_eq!(
            who.body["identity"]["verifiable_addresses"][0]["verified"],
            false
        );
        let again = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        assert_ne!(again.status, StatusCode::OK, "{}", again.text);
    }
    assert!(mailbox::all(&project).await.is_empty());
}

#[story]
async fn a_link_is_handed_over_and_used(site: Site) {
    let lists = json!({"selfservice": {"allowed_return_urls": ["https://app.example.org"]}});
    let project = project(&site, tenants::config::merged(&by_link(), &lists)).await;
    let id = site.person(&project, ADA).await;
    let admin = site.admin(&project);
    let path = "/admin/recovery/link?return_to=https%3A%2F%2Fapp.example.org%2Fx";
    let made = admin.post(path, json!({"identity_id": id})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(in_minutes(&site, &made.body), 60);
    let link = made.body["recovery_link"].as_str().unwrap();
    let start = format!("{}/self-service/recovery?flow=", project.base_url());
    assert!(link.starts_with(&start) && link.contains("&token="));
    let page = site.client(&project, Kind::Html);
    let opened = page.get(link).await;
    assert!(
        opened.location().contains("/ui/settings?flow="),
        "{}",
        opened.text
    );
    let who = page.whoami().await;
    assert_eq!(who.status, 200);
    assert_eq!(
        who.body["authentication_methods"][0]["method"],
        "link_recovery"
    );
    let other = site.client(&project, Kind::Html);
    let again = other.landed("recovery", &other.get(link).await).await;
    assert_eq!(again.messages(), [text::WRONG_RECOVERY_LINK]);
}

#[story]
async fn what_is_wrong_is_said(site: Site) {
    let project = project(&site, by_link()).await;
    let id = site.person(&project, ADA).await;
    let admin = site.admin(&project);
    let nobody = "00000000-0000-4000-8000-000000000000";
    let rows = [
        (json!({"identity_id": nobody}), 404, 400),
        (json!({}), 404, 400),
        (json!({"identity_id": "x"}), 400, 400),
        (json!({"identity_id": id, "expires_in": "-1h"}), 400, 400),
        (json!({"identity_id": id, "expires_in": "0s"}), 400, 400),
        (json!({"identity_id": id, "expires_in": "soon"}), 400, 400),
    ];
    for (body, code, link) in rows {
        for (route, status) in [("code", code), ("link", link)] {
            let path = format!("/admin/recovery/{route}");
            let answer = admin.post(&path, body.clone()).await;
            assert_eq!(
                answer.status.as_u16(),
                status,
                "{route} {body}: {}",
                answer.text
            );
            assert!(
                answer.body["error"]["reason"].is_string()
                    || answer.body["error"]["message"].is_string()
            );
        }
    }
    let odd = json!({"identity_id": id, "flow_type": "odd"});
    assert_eq!(
        admin.post("/admin/recovery/code", odd).await.status,
        StatusCode::BAD_REQUEST
    );
    for route in ["code", "link"] {
        // Judged before the identity is looked up.
        let path = format!("/admin/recovery/{route}?return_to=https%3A%2F%2Fevil.example");
        let answer = admin.post(&path, json!({"identity_id": nobody})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            answer.error_id(),
            Some("self_service_flow_return_to_forbidden")
        );
    }
}

#[story]
async fn each_method_has_to_be_enabled(site: Site) {
    let project = site.project().await;
    let id = site.person(&project, ADA).await;
    let admin = site.admin(&project);
    let wanted = json!({"identity_id": id});
    let link = admin.post("/admin/recovery/link", wanted.clone()).await;
    assert_eq!(link.status, StatusCode::NOT_FOUND, "off by default");
    // The flow itself may be off: that shows when it is used.
    let code = admin.post("/admin/recovery/code", wanted.clone()).await;
    assert_eq!(code.status, StatusCode::CREATED);
    let off = json!({"selfservice": {"methods": {"code": {"enabled": false}}}});
    site.world.configure(&project, off).await;
    let code = admin.post("/admin/recovery/code", wanted).await;
    assert_eq!(code.status, StatusCode::NOT_FOUND);
}

#[story]
async fn strangers_are_sent_to_the_administration(site: Site) {
    let project = project(&site, json!({})).await;
    for route in ["code", "link"] {
        let script = site.client(&project, Kind::Spa);
        let answer = script
            .post(&format!("/recovery/{route}?return_to=a"), json!({}))
            .await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
        let to = format!("{}/admin/recovery/{route}?return_to=a", project.base_url());
        assert_eq!(answer.location(), to);
        assert_eq!(
            script.post(&to, json!({})).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
}

#[story]
async fn a_code_that_was_mailed_proves_the_address(site: Site) {
    let project = project(&site, json!({})).await;
    let id = site.person(&project, ADA).await;
    let page = site.client(&project, Kind::Html);
    let (form, code) = super::sent(&project, &page, ADA).await;
    page.submit(&form, json!({"method": "code", "code": code}))
        .await;
    is_back(&page, &id, "code_recovery").await;
}
