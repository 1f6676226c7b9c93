//! By code, one address.
//!
//! Looks inside: the tables.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{ADA, Answer, Kind, PASSWORD, Site, mailbox, story, text};

use super::{is_back, project, sent, transitions};

#[story]
async fn forms_are_drawn_as_clients_expect(site: Site) {
    let project = project(&site, json!({})).await;
    for kind in Kind::ALL {
        let client = site.client(&project, kind);
        let begun = client.begin("recovery", "").await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
        let outline = ["default/csrf_token", "code/email", "code/method=code"];
        assert_eq!(begun.outline(), outline);
        assert_eq!(begun.body["active"], "code");
        assert_eq!(begun.body["state"], "choose_method");
        assert!(begun.body.get("organization_id").is_none());
        let address = json!({"method": "code", "email": "nobody@example.org"});
        let sent = client.submit_and_follow(&begun, address).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        assert_eq!(sent.body["state"], "sent_email");
        assert_eq!(sent.messages(), [text::RECOVERY_CODE_SENT]);
        let outline = [
            "default/csrf_token",
            "code/code",
            "code/method",
            "code/method=code",
            "code/email=nobody@example.org",
        ];
        assert_eq!(sent.outline(), outline);
        let code = &sent.node("code")["attributes"];
        assert_eq!(
            (&code["pattern"], &code["maxlength"]),
            (&json!("[0-9]+"), &json!(6))
        );
        assert_eq!(code["autocomplete"], "one-time-code");
    }
    assert!(mailbox::all(&project).await.is_empty());
}

/// W3.5, W9.5.
#[story]
async fn three_kinds_of_client_get_back_in(site: Site) {
    let project = project(&site, json!({})).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let (form, code) = sent(&project, &client, &email).await;
        assert_eq!(
            mailbox::newest(&project).await.template,
            "recovery_code_valid"
        );
        let wrong = client
            .submit_and_follow(&form, json!({"method": "code", "code": "1"}))
            .await;
        assert_eq!(wrong.status, StatusCode::OK, "{}", wrong.text);
        assert_eq!(wrong.messages(), [text::WRONG_RECOVERY_CODE]);
        let right = client
            .submit(&wrong, json!({"method": "code", "code": code}))
            .await;
        let settings = format!("{}/ui/settings?flow=", project.base_url());
        match kind {
            Kind::Html => {
                assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text);
                assert!(right.location().starts_with(&settings));
                is_back(&client, &id, "code_recovery").await;
            }
            Kind::Spa | Kind::Api => {
                assert_eq!(
                    right.status,
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "{}",
                    right.text
                );
                assert_eq!(right.error_id(), Some("browser_location_change_required"));
                let to = right.body["redirect_browser_to"].as_str().unwrap();
                assert!(to.starts_with(&settings), "W3.13: {to}");
            }
        }
        if kind == Kind::Spa {
            is_back(&client, &id, "code_recovery").await;
        }
        if kind == Kind::Api {
            assert!(right.set_cookies().is_empty());
        }
    }
}

/// W9.6.
#[story]
async fn newer_clients_are_told_what_comes_next(site: Site) {
    let project = project(&site, transitions()).await;
    for (number, kind) in [Kind::Spa, Kind::Api].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let mut client = site.client(&project, kind);
        let (form, code) = sent(&project, &client, &email).await;
        let right = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        assert_eq!(right.status, StatusCode::OK, "{}", right.text);
        assert_eq!(right.body["state"], "passed_challenge");
        let items = right.body["continue_with"].as_array().unwrap();
        let actions: Vec<_> = items
            .iter()
            .map(|i| i["action"].as_str().unwrap())
            .collect();
        if kind == Kind::Spa {
            assert_eq!(actions, ["show_settings_ui"]);
        } else {
            assert_eq!(actions, ["set_ory_session_token", "show_settings_ui"]);
            let token = items[0]["ory_session_token"].as_str().unwrap();
            client.set_token(token);
        }
        let flow = &items.last().unwrap()["flow"];
        let url = format!(
            "{}/ui/settings?flow={}",
            project.base_url(),
            flow["id"].as_str().unwrap()
        );
        assert_eq!(flow["url"], url);
        is_back(&client, &id, "code_recovery").await;
    }
}

/// The account, its address, its old password and its other sessions.
#[story]
async fn nothing_but_the_session_changes(site: Site) {
    let project = project(&site, json!({})).await;
    site.person(&project, ADA).await;
    let before = site.client(&project, Kind::Spa);
    before.sign_in(ADA, PASSWORD).await;
    let page = site.client(&project, Kind::Html);
    let (form, code) = sent(&project, &page, ADA).await;
    page.submit(&form, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(page.whoami().await.status, 200);
    assert_eq!(before.whoami().await.status, 200, "other sessions stay");
    let again = site
        .client(&project, Kind::Spa)
        .sign_in(ADA, PASSWORD)
        .await;
    assert_eq!(again.status, StatusCode::OK, "so does the password");
}

/// W10.7.
#[story]
async fn other_sessions_end_where_that_is_configured(site: Site) {
    let hook = json!({"selfservice": {"flows": {"recovery": {"after": {"hooks": [{"hook": "revoke_active_sessions"}]}}}}});
    let project = project(&site, hook).await;
    site.person(&project, ADA).await;
    let before = site.client(&project, Kind::Spa);
    before.sign_in(ADA, PASSWORD).await;
    let page = site.client(&project, Kind::Html);
    let (form, code) = sent(&project, &page, ADA).await;
    page.submit(&form, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(page.whoami().await.status, 200);
    assert_eq!(before.whoami().await.status, 401);
}

#[story]
async fn settings_can_be_skipped(site: Site) {
    let lists = json!({"selfservice": {"allowed_return_urls": ["https://app.example.org"]}});
    let project = project(&site, lists).await;
    for (number, kind) in [Kind::Html, Kind::Spa].into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let query = "?skip_settings=true&return_to=https%3A%2F%2Fapp.example.org%2Fback";
        let begun = client.begin("recovery", query).await;
        let form = client
            .submit_and_follow(&begun, json!({"method": "code", "email": email}))
            .await;
        let code = mailbox::code(&project).await;
        let right = client
            .submit(&form, json!({"method": "code", "code": code}))
            .await;
        if kind == Kind::Html {
            assert_eq!(right.location(), "https://app.example.org/back");
        } else {
            assert_eq!(right.status, StatusCode::OK, "{}", right.text);
            assert_eq!(right.body["state"], "passed_challenge");
        }
        assert_eq!(client.whoami().await.status, 200);
    }
}

/// W9.4: equal down to the last byte that is not a name of its own.
#[story]
async fn an_unknown_address_looks_like_any_other(site: Site) {
    let project = project(&site, json!({})).await;
    let (known, nobody) = ("known@example.org", "wrong@example.org");
    site.person(&project, known).await;
    for kind in [Kind::Spa, Kind::Api] {
        let mut seen = Vec::new();
        for email in [known, nobody] {
            let client = site.client(&project, kind);
            let begun = client.begin("recovery", "").await;
            let sent = client
                .submit(&begun, json!({"method": "code", "email": email}))
                .await;
            let wrong = client
                .submit(&sent, json!({"method": "code", "code": "1"}))
                .await;
            let again = client
                .submit(&sent, json!({"method": "code", "email": email}))
                .await;
            let masked = |answer: &Answer| {
                let body = tests::golden::masked(&project, &answer.body);
                (answer.status, body.to_string().replace(email, "<address>"))
            };
            seen.push([masked(&sent), masked(&wrong), masked(&again)]);
        }
        assert_eq!(seen[0], seen[1]);
    }
    let mails = mailbox::all(&project).await;
    assert!(
        mails.len() == 4 && mails.iter().all(|mail| mail.to == known),
        "{mails:?}"
    );
}

#[story]
async fn who_is_unknown_is_told_so_where_that_is_wanted(site: Site) {
    let tell = json!({"selfservice": {"flows": {"recovery": {"notify_unknown_recipients": true}}}});
    let project = project(&site, tell).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("recovery", "").await;
    script
        .submit(
            &begun,
            json!({"method": "code", "email": "nobody@example.org"}),
        )
        .await;
    let mails = mailbox::all(&project).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].template, "recovery_code_invalid");
}

#[story]
async fn what_is_wrong_with_a_submission_is_said(site: Site) {
    let project = project(&site, json!({})).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("recovery", "").await;
    for (fields, node, message) in [
        (json!({"method": "code"}), "email", text::REQUIRED),
        (
            json!({"method": "code", "email": "odd"}),
            "email",
            text::INVALID_EMAIL,
        ),
        (
            json!({"method": "code", "email": "+491701234567"}),
            "email",
            text::INVALID_EMAIL,
        ),
    ] {
        let refused = script.submit(&begun, fields).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
        assert_eq!(refused.node_messages(node), [message]);
    }
    for fields in [json!({}), json!({"method": "x"})] {
        let nobody = script.submit(&begun, fields).await;
        assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
        assert_eq!(nobody.messages(), [text::NO_RECOVERY_STRATEGY]);
    }
    // Named, and switched off.
    let off = json!({"method": "link", "email": ADA});
    assert_eq!(
        script.submit(&begun, off).await.status,
        StatusCode::NOT_FOUND
    );
    for fields in [
        json!({"method": "code", "email": ADA, "csrf_token": "x"}),
        json!({"method": "code", "code": "1", "csrf_token": "x"}),
    ] {
        let forged = script.submit(&begun, fields).await;
        assert_eq!(forged.error_id(), Some("security_csrf_violation"));
    }
    let native = site.client(&project, Kind::Api);
    let begun = native.begin("recovery", "").await;
    let path = begun.body["ui"]["action"].as_str().unwrap();
    let body = json!({"method": "code", "email": ADA})
        .to_string()
        .into_bytes();
    let traced = native
        .send(
            reqwest::Method::POST,
            path,
            Some(("application/json", body)),
            &[("cookie", "a=b")],
        )
        .await;
    assert_eq!(traced.status, StatusCode::BAD_REQUEST, "{}", traced.text);
    assert_eq!(traced.messages(), [text::GENERIC]);
    assert!(mailbox::all(&project).await.is_empty());
}

/// W9.13.
#[story]
async fn off_unless_it_is_switched_on(site: Site) {
    let project = site.project().await;
    for path in ["browser", "api", "flows?id=x"] {
        let path = format!("/self-service/recovery/{path}");
        let answer = site.client(&project, Kind::Spa).get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.error_id(), None);
    }
}

/// W1.10, W3.12.
#[story]
async fn who_is_signed_in_has_nothing_to_recover(site: Site) {
    let project = project(&site, json!({})).await;
    site.person(&project, ADA).await;
    for kind in [Kind::Html, Kind::Spa] {
        let client = site.client(&project, kind);
        let form = client.begin("recovery", "").await;
        let (sent, code) = sent(&project, &client, ADA).await;
        // The CSRF cookie is another one after a sign-in; a form of then is not what is refused here.
        let csrf = client.cookies();
        client.sign_in(ADA, PASSWORD).await;
        for (name, value) in csrf.iter().filter(|(name, _)| name.starts_with("csrf_")) {
            client.set_cookie(name, value);
        }
        let begun = client.get("/self-service/recovery/browser").await;
        let address = client
            .submit(&form, json!({"method": "code", "email": ADA}))
            .await;
        for answer in [begun, address] {
            if kind == Kind::Html {
                assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text);
                assert_eq!(
                    answer.location(),
                    format!("{}/ui/session", project.base_url())
                );
            } else {
                assert_eq!(answer.status, StatusCode::BAD_REQUEST);
                assert_eq!(answer.error_id(), Some("session_already_available"));
            }
        }
        // A code may come late, from a mail that was asked for before.
        let late = client
            .submit(&sent, json!({"method": "code", "code": code}))
            .await;
        assert_ne!(late.status, StatusCode::BAD_REQUEST, "{}", late.text);
    }
}

#[story]
async fn the_settings_that_follow_can_be_used(site: Site) {
    let project = project(&site, json!({})).await;
    site.person(&project, ADA).await;
    let script = site.client(&project, Kind::Spa);
    let (form, code) = sent(&project, &script, ADA).await;
    script
        .submit(&form, json!({"method": "code", "code": code}))
        .await;
    let mut tx = project.begin().await.unwrap();
    let state: Value = sqlx::query_scalar("select state from flows where kind = 'settings'")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    drop(tx);
    let message = &state["ui"]["messages"][0];
    assert_eq!(message["id"], text::RECOVERED);
    let keys: Vec<_> = message["context"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "privilegedSessionExpiresAt",
            "privileged_session_expires_at",
            "privileged_session_expires_at_unix"
        ]
    );
}

/// W1.4, W3.8: clients that send no `Accept` follow redirects, and would read a page.
#[story]
async fn a_flow_that_is_not_there_is_said_in_json(site: Site) {
    let on = json!({"selfservice": {"flows": {"verification": {"enabled": true}}}});
    let project = project(&site, on).await;
    for flow in ["recovery", "verification"] {
        for id in ["13722137-4ef4-4e46-8797-d05b98791989", "zzz", ""] {
            for kind in Kind::ALL {
                let none = site.client(&project, kind).flow(flow, id).await;
                assert_eq!(none.status, StatusCode::NOT_FOUND, "{flow} {id} {kind:?}");
                assert_eq!(none.body["error"]["code"], 404);
            }
        }
    }
}

#[story]
async fn api_clients_say_where_to_go_as_well(site: Site) {
    let lists = json!({"selfservice": {"allowed_return_urls": ["https://app.example.org"]}});
    let project = project(&site, lists).await;
    let native = site.client(&project, Kind::Api);
    let allowed = native
        .begin(
            "recovery",
            "?return_to=https%3A%2F%2Fapp.example.org%2Fback",
        )
        .await;
    assert_eq!(allowed.body["return_to"], "https://app.example.org/back");
    let refused = native
        .begin("recovery", "?return_to=https%3A%2F%2Fevil.example")
        .await;
    assert_eq!(
        refused.error_id(),
        Some("self_service_flow_return_to_forbidden")
    );
}
