//! By code.

use reqwest::StatusCode;
use serde_json::json;
use tests::{ADA, Kind, Site, mailbox, story, text};

use super::{address, project};

/// W4.3.
#[story]
async fn a_new_flow_is_drawn_as_clients_expect(site: Site) {
    let project = project(&site, json!({})).await;
    let script = site.client(&project, Kind::Spa);
    let flow = script.begin("verification", "?return_to=").await;
    assert_eq!(flow.status, StatusCode::OK, "{}", flow.text);
    let outline = ["code/email", "code/method=code", "default/csrf_token"];
    assert_eq!(flow.outline(), outline);
    assert_eq!(flow.body["state"], "choose_method");
    assert_eq!(flow.body["active"], "code");
    assert!(flow.body.get("organization_id").is_none());
    assert_eq!(flow.node("email")["attributes"]["type"], "email");
    let native = site.client(&project, Kind::Api);
    let begun = native.begin("verification", "").await;
    assert_eq!(begun.body["type"], "api");
    assert_eq!(
        begun.outline(),
        outline[..2],
        "no CSRF field, not even an empty one"
    );
}

/// W9.10.
#[story]
async fn three_kinds_of_client_prove_an_address(site: Site) {
    let project = project(&site, json!({})).await;
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let email = format!("p{number}@example.org");
        let id = site.person(&project, &email).await;
        let client = site.client(&project, kind);
        let begun = client.begin("verification", "").await;
        let sent = client
            .submit_and_follow(&begun, json!({"method": "code", "email": email}))
            .await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        assert_eq!(sent.messages(), [text::VERIFICATION_CODE_MAILED]);
        assert_eq!(sent.body["state"], "sent_email");
        let again = format!("code/email={email}");
        let mut outline = vec!["code/method", "code/code", "code/method=code", &again];
        if kind != Kind::Api {
            outline.insert(3, "default/csrf_token");
        }
        assert_eq!(sent.outline(), outline);
        assert_eq!(address(&site, &project, &id).await, (false, "sent".into()));

        let wrong = client
            .submit_and_follow(&sent, json!({"method": "code", "code": "x"}))
            .await;
        assert_eq!(wrong.status, StatusCode::OK, "W3.5: {}", wrong.text);
        assert_eq!(wrong.messages(), [text::WRONG_VERIFICATION_CODE]);

        let letter = mailbox::newest(&project).await;
        assert_eq!(
            (&*letter.to, &*letter.template),
            (&*email, "verification_code_valid")
        );
        // Codes need no CSRF token.
        let code = json!({"method": "code", "code": letter.code(), "csrf_token": ""});
        let passed = client.submit_and_follow(&wrong, code).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
        assert_eq!(passed.messages(), [text::EMAIL_VERIFIED]);
        assert_eq!(passed.body["state"], "passed_challenge");
        let (ui, anchor) = (&passed.body["ui"], &passed.body["ui"]["nodes"]);
        let anchor = anchor.as_array().unwrap().last().unwrap();
        assert_eq!(ui["method"], "GET");
        assert_eq!(ui["action"], anchor["attributes"]["href"]);
        assert_eq!(ui["action"], format!("{}/ui/session", project.base_url()));
        assert_eq!(anchor["group"], "code");
        assert_eq!(
            address(&site, &project, &id).await,
            (true, "completed".into())
        );
        let who = client.whoami().await;
        assert_eq!(who.status, StatusCode::UNAUTHORIZED, "nobody is signed in");
    }
}

/// W9.4: the answers are equal, down to the last byte that is not a name of its own.
#[story]
async fn an_unknown_address_looks_like_any_other(site: Site) {
    let project = project(&site, json!({})).await;
    let (known, nobody) = ("known@example.org", "wrong@example.org");
    site.person(&project, known).await;
    for kind in [Kind::Spa, Kind::Api] {
        let mut seen = Vec::new();
        for email in [known, nobody] {
            let client = site.client(&project, kind);
            let begun = client.begin("verification", "").await;
            let sent = client
                .submit(&begun, json!({"method": "code", "email": email}))
                .await;
            let wrong = client
                .submit(&sent, json!({"method": "code", "code": "000000"}))
                .await;
            let masked = |answer: &tests::Answer| {
                let text = serde_json::to_string(&tests::golden::masked(&project, &answer.body));
                (answer.status, text.unwrap().replace(email, "<address>"))
            };
            seen.push((masked(&sent), masked(&wrong)));
        }
        assert_eq!(seen[0], seen[1]);
    }
    let mails = mailbox::all(&project).await;
    assert_eq!(mails.len(), 2, "one for each client: {mails:?}");
    assert!(mails.iter().all(|mail| mail.to == known), "{mails:?}");
}

#[story]
async fn who_is_unknown_is_told_so_where_that_is_wanted(site: Site) {
    let tell =
        json!({"selfservice": {"flows": {"verification": {"notify_unknown_recipients": true}}}});
    let project = project(&site, tell).await;
    let script = site.client(&project, Kind::Spa);
    for (typed, mails) in [("nobody@example.org", 1), ("+491701234567", 1)] {
        let begun = script.begin("verification", "").await;
        let sent = script
            .submit(&begun, json!({"method": "code", "email": typed}))
            .await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text);
        assert_eq!(mailbox::count(&project).await, mails, "{typed}");
    }
    let letter = mailbox::newest(&project).await;
    assert_eq!(letter.template, "verification_code_invalid");
    assert_eq!(letter.to, "nobody@example.org");
}

#[story]
async fn what_is_wrong_with_a_submission_is_said_on_its_form(site: Site) {
    let project = project(&site, json!({})).await;
    let script = site.client(&project, Kind::Spa);
    let begun = script.begin("verification", "").await;
    let missing = script.submit(&begun, json!({"method": "code"})).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    assert_eq!(missing.node_messages("email"), [text::REQUIRED]);
    let odd = script
        .submit(&begun, json!({"method": "code", "email": "odd"}))
        .await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    assert_eq!(odd.node_messages("email"), [text::INVALID_EMAIL]);
    for other in [json!({}), json!({"method": "x"})] {
        let nobody = script.submit(&begun, other).await;
        assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
        assert_eq!(nobody.messages(), [text::NO_VERIFICATION_STRATEGY]);
        assert_eq!(nobody.body["active"], "code");
    }
    // Named, and switched off.
    let off = json!({"method": "link", "email": ADA});
    assert_eq!(
        script.submit(&begun, off).await.status,
        StatusCode::NOT_FOUND
    );
    let forged = script
        .submit(
            &begun,
            json!({"method": "code", "email": ADA, "csrf_token": "x"}),
        )
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(forged.error_id(), Some("security_csrf_violation"));
    let sent = script
        .submit(&begun, json!({"method": "code", "email": ADA}))
        .await;
    let empty = script.submit(&sent, json!({"method": "code"})).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert_eq!(empty.node_messages("code"), [text::REQUIRED]);
    assert_eq!(empty.body["state"], "sent_email");
    assert!(mailbox::all(&project).await.is_empty());
}

/// W9.13.
#[story]
async fn off_unless_it_is_switched_on(site: Site) {
    let project = site.project().await;
    let id = "00000000-0000-4000-8000-000000000000";
    for path in ["browser", "api", "flows?id=x"] {
        let path = format!("/self-service/verification/{path}");
        let answer = site.client(&project, Kind::Spa).get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.error_id(), None);
        let page = site.client(&project, Kind::Html).get(&path).await;
        let expected = if path.ends_with("/api") { 400 } else { 303 };
        assert_eq!(page.status.as_u16(), expected, "{path}");
    }
    let script = site.client(&project, Kind::Spa);
    let path = format!("/self-service/verification?flow={id}");
    let answer = script
        .post(&path, json!({"method": "code", "code": "1"}))
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[story]
async fn unknown_flows_are_answered_for_each_kind_of_client(site: Site) {
    let project = project(&site, json!({})).await;
    for (id, status) in [
        ("00000000-0000-4000-8000-000000000000", 404),
        ("zzz", 400),
        ("", 400),
    ] {
        let path = format!("/self-service/verification?flow={id}");
        for kind in [Kind::Spa, Kind::Api] {
            let client = site.client(&project, kind);
            let answer = client
                .post(&path, json!({"method": "code", "code": "1"}))
                .await;
            assert_eq!(answer.status.as_u16(), status, "{path}");
        }
        let page = site.client(&project, Kind::Html);
        let answer = page.form(&path, &[("method", "code"), ("code", "1")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "W3.8");
        assert!(answer.location().contains("/ui/error?id="));
    }
}

/// The link beside the code fills it in, in whatever browser it is opened (W9.11).
#[story]
async fn the_link_of_the_mail_fills_the_code_in_and_uses_nothing_up(site: Site) {
    let project = project(&site, json!({})).await;
    let id = site.person(&project, ADA).await;
    let page = site.client(&project, Kind::Html);
    let begun = page.begin("verification", "").await;
    page.submit_and_follow(&begun, json!({"method": "code", "email": ADA}))
        .await;
    let letter = mailbox::newest(&project).await;
    let (code, link) = (letter.code().to_owned(), letter.link().to_owned());
    assert!(link.starts_with(&format!(
        "{}/self-service/verification?",
        project.base_url()
    )));
    let phone = site.client(&project, Kind::Html);
    for _ in 0..3 {
        let opened = phone.get(&link).await;
        let form = phone.landed("verification", &opened).await;
        assert_eq!(form.status, StatusCode::OK, "{}", form.text);
        assert_eq!(form.node("code")["attributes"]["value"], json!(code));
        assert_eq!(form.messages(), [text::VERIFICATION_CODE_MAILED]);
    }
    assert!(!address(&site, &project, &id).await.0);
    let odd = link.replace(&code, "%3Cscript%3E");
    let form = phone.landed("verification", &phone.get(&odd).await).await;
    assert_eq!(
        form.node("code")["attributes"]["value"],
        json!(code),
        "no such code is shown"
    );
    let passed = phone
        .submit_and_follow(&form, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(passed.messages(), [text::EMAIL_VERIFIED]);
    assert!(address(&site, &project, &id).await.0);
    let nothing = phone.get("/self-service/verification?code=1").await;
    assert!(nothing.location().contains("/ui/error?id="));
}

#[story]
async fn people_go_where_they_asked_to_while_that_is_allowed(site: Site) {
    let lists = json!({"selfservice": {
        "allowed_return_urls": ["https://app.example.org"],
        "flows": {"verification": {"after": {"default_browser_return_url": "https://app.example.org/verified"}}},
    }});
    let project = project(&site, lists).await;
    let script = site.client(&project, Kind::Spa);
    let go = async |query: &str| {
        let email = format!("p{}@example.org", tests::fresh_slug());
        site.person(&project, &email).await;
        let begun = script.begin("verification", query).await;
        let sent = script
            .submit(&begun, json!({"method": "code", "email": email}))
            .await;
        (sent, mailbox::code(&project).await)
    };
    let (sent, code) = go("").await;
    let done = script
        .submit(&sent, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(
        done.body["ui"]["action"],
        "https://app.example.org/verified"
    );
    let (sent, code) = go("?return_to=https%3A%2F%2Fapp.example.org%2Fa").await;
    let done = script
        .submit(&sent, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(done.body["ui"]["action"], "https://app.example.org/a");
    let (sent, code) = go("?return_to=https%3A%2F%2Fapp.example.org%2Fb").await;
    let none = json!({"selfservice": {"allowed_return_urls": null}});
    let project = site.world.configure(&project, none).await;
    let refused = script
        .submit(&sent, json!({"method": "code", "code": code}))
        .await;
    assert_eq!(
        refused.status,
        StatusCode::BAD_REQUEST,
        "W3.10: {}",
        refused.text
    );
    assert_eq!(refused.messages(), [text::GENERIC]);
    let evil = script
        .begin("verification", "?return_to=https%3A%2F%2Fevil.example")
        .await;
    assert_eq!(
        evil.error_id(),
        Some("self_service_flow_return_to_forbidden")
    );
    drop(project);
}
