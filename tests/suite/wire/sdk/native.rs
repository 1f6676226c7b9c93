//! API flows and session tokens.

use ory_kratos_client::{
    apis::{
        configuration::Configuration,
        frontend_api::{self as frontend, GetLoginFlowError, ToSessionError},
        metadata_api as metadata,
    },
    models::{
        AuthenticatorAssuranceLevel::Aal1, ContinueWithSetOrySessionToken, LoginFlow,
        PerformNativeLogoutBody, RegistrationFlow, Session, SuccessfulNativeLogin,
        SuccessfulNativeRegistration, UpdateLoginFlowBody, UpdateLoginFlowWithPasswordMethod,
        UpdateRegistrationFlowBody, UpdateRegistrationFlowWithPasswordMethod, identity,
        session_authentication_method::MethodEnum, ui_node::GroupEnum, ui_node_input_attributes,
        ui_text, verifiable_identity_address::ViaEnum,
    },
};
use serde_json::{Value, json};
use tests::{ADA, Kind, PASSWORD, Site, story, text};

use super::{AGENT, begin, flow, id, input, native_app, refused, undecodable};

/// The crate writes `method` twice, as tag and as field.
pub(super) fn login(password: &str) -> UpdateLoginFlowBody {
    let body = UpdateLoginFlowWithPasswordMethod::new(
        ADA.to_owned(),
        "password".to_owned(),
        password.to_owned(),
    );
    UpdateLoginFlowBody::Password(Box::new(body))
}

pub(super) fn registration(csrf_token: Option<String>) -> UpdateRegistrationFlowBody {
    let mut body = UpdateRegistrationFlowWithPasswordMethod::new(
        "password".to_owned(),
        PASSWORD.to_owned(),
        json!({"email": ADA}),
    );
    body.csrf_token = csrf_token;
    UpdateRegistrationFlowBody::Password(Box::new(body))
}

async fn sign_in(sdk: &Configuration) -> SuccessfulNativeLogin {
    let (begun, _) = begin::<LoginFlow>(sdk, "login/api").await;
    frontend::update_login_flow(sdk, &begun.id, login(PASSWORD), None, None)
        .await
        .unwrap()
}

pub(super) fn is_password_session(session: &Session) {
    assert_eq!(session.active, Some(true));
    assert_eq!(session.authenticator_assurance_level, Some(Aal1));
    let methods = session.authentication_methods.as_ref().unwrap();
    assert_eq!(methods.len(), 1);
    assert_eq!(
        (methods[0].method, methods[0].aal),
        (Some(MethodEnum::Password), Some(Aal1))
    );
    let identity = session.identity.as_ref().unwrap();
    assert_eq!(identity.traits, Some(json!({"email": ADA})));
    assert_eq!(session.devices.as_ref().unwrap().len(), 1);
    let agent = session.devices.as_ref().unwrap()[0].user_agent.as_deref();
    assert_eq!(agent, Some(AGENT));
    assert!(session.expires_at > session.issued_at);
}

#[story]
async fn registers(site: Site) {
    let hooks =
        json!({"selfservice": {"flows": {"registration": {"after": {"password": {"hooks": []}}}}}});
    let project = site.project_with(hooks).await;
    let sdk = native_app(&project);
    let created = frontend::create_native_registration_flow(&sdk, None, None, None, None).await;
    undecodable(created, "node_type");
    let (begun, nodes) = begin::<RegistrationFlow>(&sdk, "registration/api").await;
    assert_eq!(
        (begun.r#type.as_str(), begun.state),
        ("api", Some(json!("choose_method")))
    );
    assert_eq!(begun.organization_id, Some(None));
    let (node, attributes) = input(&nodes, "traits.email");
    assert_eq!(node.group, GroupEnum::Default);
    assert_eq!(node.meta.label.as_ref().unwrap().id, id(text::FIELD_LABEL));
    assert_eq!(attributes.r#type, ui_node_input_attributes::TypeEnum::Email);
    assert_eq!(
        (attributes.required, attributes.disabled),
        (Some(true), false)
    );
    let (node, attributes) = input(&nodes, "password");
    assert_eq!(node.group, GroupEnum::Password);
    let new = Some(ui_node_input_attributes::AutocompleteEnum::NewPassword);
    assert_eq!(attributes.autocomplete, new);
    let read = frontend::get_registration_flow(&sdk, &begun.id, None).await;
    undecodable(read, "node_type");

    let answer =
        frontend::update_registration_flow(&sdk, &begun.id, registration(None), None).await;
    let made = answer.unwrap();
    assert!(made.session.is_none() && made.session_token.is_none());
    let person = made.identity;
    assert_eq!(person.traits, Some(json!({"email": ADA})));
    assert_eq!(person.schema_id, "preset://email");
    assert!(person.schema_url.starts_with(project.base_url()));
    assert_eq!(person.state, Some(identity::StateEnum::Active));
    assert_eq!(person.metadata_public, Some(None));
    assert!(person.credentials.is_none() && person.metadata_admin.is_none());
    let address = &person.verifiable_addresses.as_ref().unwrap()[0];
    assert_eq!((&*address.value, address.via), (ADA, ViaEnum::Email));
    assert_eq!((&*address.status, address.verified), ("pending", false));
    let address = &person.recovery_addresses.as_ref().unwrap()[0];
    assert_eq!((&*address.value, &*address.via), (ADA, "email"));
}

/// With the hook `session` the answer carries the token twice, once in a union.
#[story]
async fn registers_and_is_signed_in(site: Site) {
    let project = site.project().await;
    let sdk = native_app(&project);
    let (begun, _) = begin::<RegistrationFlow>(&sdk, "registration/api").await;
    let answer =
        frontend::update_registration_flow(&sdk, &begun.id, registration(None), None).await;
    undecodable(answer, "action");
    assert_eq!(sign_in(&sdk).await.session.active, Some(true));

    let other = site.client(&project, Kind::Api);
    let mut body = other.sign_up("bob@example.org", PASSWORD).await.body;
    let next = body["continue_with"].take();
    let made: SuccessfulNativeRegistration = serde_json::from_value(body).unwrap();
    let next: Vec<ContinueWithSetOrySessionToken> = serde_json::from_value(next).unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(
        made.session_token.as_ref(),
        Some(&next[0].ory_session_token)
    );
    assert_eq!(made.session.unwrap().identity, Some(made.identity));
}

#[story]
async fn signs_in_or_is_told_why_not(site: Site) {
    let project = site.project().await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let sdk = native_app(&project);
    let created =
        frontend::create_native_login_flow(&sdk, None, None, None, None, None, None, None, None)
            .await;
    undecodable(created, "node_type");
    let (begun, nodes) = begin::<LoginFlow>(&sdk, "login/api").await;
    assert_eq!(begun.requested_aal, Some(Aal1));
    assert_eq!((begun.refresh, &begun.active), (Some(false), &None));
    assert_eq!(input(&nodes, "csrf_token").1.value, Some(Some(json!(""))));
    let read = frontend::get_login_flow(&sdk, &begun.id, None).await;
    undecodable(read, "node_type");

    let wrong =
        frontend::update_login_flow(&sdk, &begun.id, login("not-the-password"), None, None).await;
    let wrong = refused(wrong);
    assert_eq!(wrong.status, 400);
    let (shown, nodes) = flow::<LoginFlow>(&wrong.content);
    assert_eq!(shown.id, begun.id);
    let complaints = shown.ui.messages.unwrap();
    assert_eq!(complaints.len(), 1);
    assert_eq!(
        (complaints[0].id, complaints[0].r#type),
        (id(text::WRONG_CREDENTIALS), ui_text::TypeEnum::Error)
    );
    let typed = &input(&nodes, "identifier").1.value;
    assert_eq!(*typed, Some(Some(json!(ADA))));
    assert_eq!(input(&nodes, "password").1.value, None);

    let done = frontend::update_login_flow(&sdk, &begun.id, login(PASSWORD), None, None)
        .await
        .unwrap();
    assert!(done.continue_with.is_none());
    is_password_session(&done.session);
    let token = done.session_token.unwrap();
    assert!(token.starts_with("ory_st_"), "{token}");
    let session = frontend::to_session(&sdk, Some(&token), None, None)
        .await
        .unwrap();
    is_password_session(&session);
    assert_eq!(session.id, done.session.id);

    let unknown = "3f0b2f0e-8f5c-4d2a-9b57-0d6a3f6a1c11";
    let nothing = refused(frontend::get_login_flow(&sdk, unknown, None).await);
    let Some(GetLoginFlowError::Status403(envelope)) = nothing.entity else {
        panic!("{}", nothing.content)
    };
    assert_eq!(envelope.error.code, Some(404));
    assert!(!envelope.error.message.is_empty());
}

#[story]
async fn sees_and_ends_its_sessions(site: Site) {
    let project = site.project().await;
    site.client(&project, Kind::Api)
        .sign_up(ADA, PASSWORD)
        .await;
    let sdk = native_app(&project);
    let mut signed_in = Vec::new();
    for _ in 0..4 {
        signed_in.push(sign_in(&sdk).await);
        site.world.clock.advance(chrono::TimeDelta::seconds(1));
    }
    let own = signed_in.pop().unwrap();
    let token = own.session_token.as_deref();
    let page = async |page: Option<i64>, size: Option<i64>| {
        let listed = frontend::list_my_sessions(&sdk, size, page, None, None, token, None).await;
        let ids = listed.unwrap().into_iter().map(|session| session.id);
        ids.collect::<Vec<_>>()
    };
    let all = page(None, None).await;
    // Signing up made one, which is the oldest.
    assert_eq!(all.len(), 4);
    let newest: Vec<_> = signed_in
        .iter()
        .rev()
        .map(|s| s.session.id.clone())
        .collect();
    assert_eq!(all[..3], newest[..]);
    assert_eq!(page(Some(1), Some(3)).await, all[..3]);
    assert_eq!(page(Some(2), Some(3)).await, all[3..]);

    frontend::disable_my_session(&sdk, &all[0], token, None)
        .await
        .unwrap();
    let stale = signed_in[2].session_token.as_deref();
    let nobody = refused(frontend::to_session(&sdk, stale, None, None).await);
    let Some(ToSessionError::Status401(envelope)) = nobody.entity else {
        panic!("{}", nobody.content)
    };
    assert_eq!((envelope.error.code, envelope.error.id), (Some(401), None));
    let mine = frontend::disable_my_session(&sdk, &own.session.id, token, None).await;
    assert_eq!(refused(mine).status, 400);
    let ended = frontend::disable_my_other_sessions(&sdk, token, None)
        .await
        .unwrap();
    assert!(ended.count >= Some(3), "{ended:?}");
    assert!(page(None, None).await.is_empty());

    let logout = || PerformNativeLogoutBody::new(token.unwrap().to_owned());
    frontend::perform_native_logout(&sdk, logout())
        .await
        .unwrap();
    let gone = frontend::to_session(&sdk, token, None, None).await;
    assert_eq!(refused(gone).status, 401);
    let unknown = PerformNativeLogoutBody::new("ory_st_nobody".to_owned());
    let refusal = refused(frontend::perform_native_logout(&sdk, unknown).await);
    let envelope: Value = serde_json::from_str(&refusal.content).unwrap();
    assert_eq!(envelope["error"]["code"], 403);
}

#[story]
async fn asks_about_health_and_version(site: Site) {
    let project = site.project().await;
    let sdk = native_app(&project);
    assert_eq!(metadata::is_alive(&sdk).await.unwrap().status, "ok");
    assert_eq!(metadata::is_ready(&sdk).await.unwrap().status, "ok");
    let version = metadata::get_version(&sdk).await.unwrap().version;
    assert!(version.starts_with('v'), "{version}");
}
