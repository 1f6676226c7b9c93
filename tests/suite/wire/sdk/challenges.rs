//! Verification and recovery.

use ory_kratos_client::{
    apis::{frontend_api as frontend, identity_api as identities},
    models::{
        ContinueWithSettingsUi, CreateRecoveryCodeForIdentityBody,
        CreateRecoveryLinkForIdentityBody, RecoveryFlow, UpdateRecoveryFlowBody,
        UpdateRecoveryFlowWithCodeMethod, UpdateRecoveryFlowWithLinkMethod,
        UpdateVerificationFlowBody, UpdateVerificationFlowWithCodeMethod, VerificationFlow,
        ui_node::GroupEnum, update_recovery_flow_with_code_method,
        update_recovery_flow_with_link_method, update_verification_flow_with_code_method,
    },
};
use serde_json::{Value, json};
use tenants::Project;
use tests::{ADA, Kind, PASSWORD, Site, mailbox, story};

use super::{begin, browser, flow, input, native_app, office, refused, undecodable};

async fn project(site: &Site) -> Project {
    site.project_with(json!({
        "selfservice": {
            "methods": {"link": {"enabled": true}},
            "flows": {"verification": {"enabled": true}, "recovery": {"enabled": true}},
        },
        "feature_flags": {"use_continue_with_transitions": true},
    }))
    .await
}

fn verification(code: Option<&str>, email: Option<&str>) -> UpdateVerificationFlowBody {
    let method = update_verification_flow_with_code_method::MethodEnum::Code;
    let mut body = UpdateVerificationFlowWithCodeMethod::new(method);
    body.code = code.map(str::to_owned);
    body.email = email.map(str::to_owned);
    UpdateVerificationFlowBody::Code(Box::new(body))
}

fn recovery(
    code: Option<&str>,
    email: Option<&str>,
    token: Option<&str>,
) -> UpdateRecoveryFlowBody {
    let method = update_recovery_flow_with_code_method::MethodEnum::Code;
    let mut body = UpdateRecoveryFlowWithCodeMethod::new(method);
    body.code = code.map(str::to_owned);
    body.email = email.map(str::to_owned);
    body.csrf_token = token.map(str::to_owned);
    UpdateRecoveryFlowBody::Code(Box::new(body))
}

#[story]
async fn proves_an_address(site: Site) {
    let project = project(&site).await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let sdk = native_app(&project);
    undecodable(
        frontend::create_native_verification_flow(&sdk, None).await,
        "node_type",
    );
    undecodable(
        frontend::create_browser_verification_flow(&browser(&project), None).await,
        "node_type",
    );
    let (begun, nodes) = begin::<VerificationFlow>(&sdk, "verification/api").await;
    assert_eq!(
        (begun.active.as_deref(), &*begun.r#type),
        (Some("code"), "api")
    );
    assert_eq!(begun.state, Some(json!("choose_method")));
    assert_eq!(input(&nodes, "email").0.group, GroupEnum::Code);
    let sent = verification(None, Some(ADA));
    let sent = frontend::update_verification_flow(&sdk, &begun.id, sent, None, None).await;
    undecodable(sent, "node_type");
    undecodable(
        frontend::get_verification_flow(&sdk, &begun.id, None).await,
        "node_type",
    );
    let code = mailbox::code(&project).await;
    let right = verification(Some(&code), None);
    let passed = frontend::update_verification_flow(&sdk, &begun.id, right.clone(), None, None);
    undecodable(passed.await, "node_type");
    let again = frontend::update_verification_flow(&sdk, &begun.id, right, None, None).await;
    let again = refused(again);
    assert_eq!(again.status.as_u16(), 410);
    let body: Value = serde_json::from_str(&again.content).unwrap();
    assert_eq!(body["error"]["id"], "self_service_flow_replaced");
    assert!(body["use_flow_id"].is_string());
}

#[story]
async fn gets_back_in(site: Site) {
    let project = project(&site).await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let sdk = native_app(&project);
    undecodable(
        frontend::create_native_recovery_flow(&sdk).await,
        "node_type",
    );
    let (begun, nodes) = begin::<RecoveryFlow>(&sdk, "recovery/api").await;
    assert_eq!(
        (begun.active.as_deref(), &*begun.r#type),
        (Some("code"), "api")
    );
    assert_eq!(input(&nodes, "email").1.required, Some(true));
    let sent = recovery(None, Some(ADA), None);
    let sent = frontend::update_recovery_flow(&sdk, &begun.id, sent, None, None).await;
    undecodable(sent, "node_type");
    undecodable(
        frontend::get_recovery_flow(&sdk, &begun.id, None).await,
        "node_type",
    );
    let code = mailbox::code(&project).await;
    let right = recovery(Some(&code), None, None);
    let passed = frontend::update_recovery_flow(&sdk, &begun.id, right, None, None).await;
    // Of the two unions in it, the nodes or what comes next: whichever the crate meets first.
    undecodable(passed, "node_type");
}

/// A script, whose answer is read in the crate's types one part at a time.
#[story]
async fn gets_back_in_from_a_browser(site: Site) {
    let project = project(&site).await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let sdk = browser(&project);
    undecodable(
        frontend::create_browser_recovery_flow(&sdk, None).await,
        "node_type",
    );
    let (begun, nodes) = begin::<RecoveryFlow>(&sdk, "recovery/browser").await;
    let token = input(&nodes, "csrf_token")
        .1
        .value
        .clone()
        .flatten()
        .unwrap();
    let token = token.as_str().unwrap();
    let sent = recovery(None, Some(ADA), Some(token));
    let sent = frontend::update_recovery_flow(&sdk, &begun.id, sent, None, None).await;
    undecodable(sent, "node_type");
    let code = mailbox::code(&project).await;
    let url = format!("{}/self-service/recovery?flow={}", sdk.base_path, begun.id);
    let body = json!({"method": "code", "code": code, "csrf_token": token}).to_string();
    let answer = sdk
        .client
        .post(url)
        .header("content-type", "application/json")
        .body(body);
    let text = answer.send().await.unwrap().text().await.unwrap();
    let mut passed: Value = serde_json::from_str(&text).unwrap();
    let next = passed["continue_with"][0].take();
    let next: ContinueWithSettingsUi = serde_json::from_value(next).unwrap();
    let page = format!("{}/ui/settings?flow={}", project.base_url(), next.flow.id);
    assert_eq!(next.flow.url.as_deref(), Some(&*page));
    passed["continue_with"] = json!([]);
    let (passed, _) = flow::<RecoveryFlow>(&passed.to_string());
    assert_eq!(passed.state, Some(json!("passed_challenge")));
    let who = frontend::to_session(&sdk, None, None, None).await.unwrap();
    assert_eq!(who.identity.unwrap().traits, Some(json!({"email": ADA})));
}

#[story]
async fn hands_over_codes_and_links(site: Site) {
    let project = project(&site).await;
    let made = site
        .client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let id = made.body["identity"]["id"].as_str().unwrap().to_owned();
    let sdk = office(&project);
    let mut body = CreateRecoveryCodeForIdentityBody::new(id.clone());
    body.expires_in = Some("12h".to_owned());
    let code = identities::create_recovery_code_for_identity(&sdk, Some(body))
        .await
        .unwrap();
    assert_eq!(code.recovery_code.len(), 6);
    assert!(code.recovery_link.contains("/ui/recovery?flow="));
    assert!(code.expires_at.is_some());
    let body = CreateRecoveryLinkForIdentityBody::new(id);
    let link = identities::create_recovery_link_for_identity(&sdk, None, Some(body))
        .await
        .unwrap();
    let url: url::Url = link.recovery_link.parse().unwrap();
    let part = |name: &str| {
        url.query_pairs()
            .find(|(n, _)| n == name)
            .unwrap()
            .1
            .into_owned()
    };
    // The crate sends tokens with a submission as well.
    let method = update_recovery_flow_with_link_method::MethodEnum::Link;
    let body = UpdateRecoveryFlowWithLinkMethod::new(ADA.to_owned(), method);
    let body = UpdateRecoveryFlowBody::Link(Box::new(body));
    let (id, token) = (part("flow"), part("token"));
    let sdk = browser(&project);
    let used = frontend::update_recovery_flow(&sdk, &id, body, Some(&token), None).await;
    assert!(used.is_err(), "a redirect to the settings page is no flow");
    let who = frontend::to_session(&sdk, None, None, None).await.unwrap();
    assert_eq!(who.identity.unwrap().traits, Some(json!({"email": ADA})));
}
