//! Browser flows: a client with cookies that asks for JSON, and cookies handed over as an argument.

use ory_kratos_client::{
    apis::frontend_api::{self as frontend, CreateBrowserLogoutFlowError},
    models::{LoginFlow, RegistrationFlow, UiNode, UpdateLoginFlowBody},
};
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::{
    AGENT, begin, browser, flow, id, input, native::is_password_session, native::login,
    native::registration, native_app, refused, undecodable,
};

fn csrf_token(nodes: &[UiNode]) -> String {
    let value = input(nodes, "csrf_token").1.value.clone();
    value.flatten().unwrap().as_str().unwrap().to_owned()
}

#[story]
async fn signs_up_out_and_in(site: Site) {
    let project = site.project().await;
    let sdk = browser(&project);
    let created = frontend::create_browser_registration_flow(&sdk, None, None, None, None, None);
    undecodable(created.await, "node_type");
    let (begun, nodes) = begin::<RegistrationFlow>(&sdk, "registration/browser").await;
    assert_eq!(begun.r#type, "browser");
    let token = csrf_token(&nodes);
    let sent = registration(Some(token));
    let made = frontend::update_registration_flow(&sdk, &begun.id, sent, None).await;
    undecodable(made, "action");
    let session = frontend::to_session(&sdk, None, None, None).await.unwrap();
    is_password_session(&session);
    let already =
        frontend::create_browser_login_flow(&sdk, None, None, None, None, None, None, None, None);
    let already: Value = serde_json::from_str(&refused(already.await).content).unwrap();
    assert_eq!(already["error"]["id"], "session_already_available");

    let logout = frontend::create_browser_logout_flow(&sdk, None, None);
    let logout = logout.await.unwrap();
    let expected = format!(
        "{}/self-service/logout?token={}",
        project.base_url(),
        logout.logout_token
    );
    assert_eq!(logout.logout_url, expected);
    frontend::update_logout_flow(&sdk, Some(&logout.logout_token), None, None)
        .await
        .unwrap();
    let nobody = refused(frontend::create_browser_logout_flow(&sdk, None, None).await);
    let Some(CreateBrowserLogoutFlowError::Status400(envelope)) = nobody.entity else {
        panic!("{}", nobody.content)
    };
    assert_eq!(envelope.error.id.as_deref(), Some("session_inactive"));

    let welcome = format!("{}/ui/welcome", project.base_url());
    let path = format!("login/browser?return_to={welcome}");
    let (begun, nodes) = begin::<LoginFlow>(&sdk, &path).await;
    assert_eq!(begun.return_to.as_ref(), Some(&welcome));
    let with_token = |password| {
        let UpdateLoginFlowBody::Password(mut body) = login(password) else {
            unreachable!()
        };
        body.csrf_token = Some(csrf_token(&nodes));
        UpdateLoginFlowBody::Password(body)
    };
    let wrong =
        frontend::update_login_flow(&sdk, &begun.id, with_token("not-it"), None, None).await;
    let (shown, _) = flow::<LoginFlow>(&refused(wrong).content);
    assert_eq!(
        shown.ui.messages.unwrap()[0].id,
        id(text::WRONG_CREDENTIALS)
    );
    let done = frontend::update_login_flow(&sdk, &begun.id, with_token(PASSWORD), None, None).await;
    undecodable(done, "action");
    let again = frontend::to_session(&sdk, None, None, None).await.unwrap();
    is_password_session(&again);
    assert_ne!(again.id, session.id);
}

/// As a server does that renders pages: it keeps no cookies, and hands over those of its visitor.
#[story]
async fn visitors_cookies_are_handed_over(site: Site) {
    let project = site.project().await;
    let mut visitor = site.client(&project, Kind::Html);
    visitor.set_header("user-agent", AGENT);
    visitor.sign_up(ADA, PASSWORD).await;
    let jar = visitor.cookies();
    let cookies: Vec<String> = jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let cookie = cookies.join("; ");
    let cookie = Some(cookie.as_str());
    let sdk = native_app(&project);
    is_password_session(
        &frontend::to_session(&sdk, None, cookie, None)
            .await
            .unwrap(),
    );
    let elsewhere = site.client(&project, Kind::Spa);
    let other = elsewhere.sign_in(ADA, PASSWORD).await;
    let listed = frontend::list_my_sessions(&sdk, None, None, None, None, None, cookie)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(json!(listed[0].id), other.body["session"]["id"]);
    let ended = frontend::disable_my_other_sessions(&sdk, None, cookie).await;
    assert_eq!(ended.unwrap().count, Some(1));
    let begun = visitor.begin("login", "?refresh=true").await;
    let id = begun.body["id"].as_str().unwrap();
    undecodable(
        frontend::get_login_flow(&sdk, id, cookie).await,
        "node_type",
    );
    let foreign = refused(frontend::get_login_flow(&sdk, id, None).await);
    let envelope: Value = serde_json::from_str(&foreign.content).unwrap();
    assert_eq!(envelope["error"]["id"], "security_csrf_violation");

    // Without a JSON `Accept` this is a page that leaves: a redirect, which the crate takes for done.
    let logout = frontend::create_browser_logout_flow(&sdk, cookie, None);
    let token = logout.await.unwrap().logout_token;
    let left = frontend::update_logout_flow(&sdk, Some(&token), None, cookie);
    left.await.unwrap();
    let gone = frontend::to_session(&sdk, None, cookie, None).await;
    assert_eq!(refused(gone).status, 401);
}

#[story]
async fn reads_stored_errors(site: Site) {
    let project = site.project().await;
    let sdk = native_app(&project);
    let page = site.client(&project, Kind::Html);
    let begun = page.begin("login", "").await;
    let action = begun.body["ui"]["action"].as_str().unwrap();
    let forged = site.client(&project, Kind::Html);
    let fields = [
        ("method", "password"),
        ("identifier", "a"),
        ("password", "b"),
    ];
    let id = forged
        .form(action, &fields)
        .await
        .location_query("id")
        .unwrap();
    let stored = frontend::get_flow_error(&sdk, &id).await.unwrap();
    assert_eq!(stored.id, id);
    let error = stored.error.unwrap();
    assert_eq!(
        (&error["id"], &error["code"]),
        (&json!("security_csrf_violation"), &json!(403))
    );
    assert!(stored.created_at.is_some());
    let stub = frontend::get_flow_error(&sdk, "stub:500").await.unwrap();
    assert_eq!(stub.error.unwrap()["code"], 500);
    assert_eq!(
        refused(frontend::get_flow_error(&sdk, "x").await).status,
        404
    );
}
