//! Codes, and identifiers first, by the SDK's own bodies.

use ory_kratos_client::{
    apis::{configuration::Configuration, frontend_api as frontend},
    models::{
        AuthenticatorAssuranceLevel::Aal2, LoginFlow, RegistrationFlow, Session, UiNode,
        UpdateLoginFlowBody, UpdateLoginFlowWithCodeMethod,
        UpdateLoginFlowWithIdentifierFirstMethod, UpdateRegistrationFlowBody,
        UpdateRegistrationFlowWithCodeMethod, session_authentication_method::MethodEnum,
        ui_node::GroupEnum, ui_node_input_attributes::AutocompleteEnum,
    },
};
use serde_json::json;
use tenants::{Project, config::merged};
use tests::{ADA, PASSWORD, Site, mailbox, story, text};

use super::{begin, flow, id, input, native_app, refused};
use crate::methods::code::passwordless;

fn code(code: Option<String>) -> UpdateLoginFlowBody {
    let mut body = UpdateLoginFlowWithCodeMethod::new(String::new(), "code".to_owned());
    body.identifier = Some(ADA.to_owned());
    body.code = code;
    // What Elements sends along with a code.
    body.resend = Some(String::new());
    UpdateLoginFlowBody::Code(Box::new(body))
}

/// The form that an answer of 400 holds.
async fn next(
    sdk: &Configuration,
    id: &str,
    body: UpdateLoginFlowBody,
) -> (LoginFlow, Vec<UiNode>) {
    let answer = frontend::update_login_flow(sdk, id, body, None, None).await;
    flow(&refused(answer).content)
}

async fn bring(project: &Project, sdk: &Configuration, id: &str) -> Session {
    let secret = mailbox::code_to(project, ADA).await;
    let body = code(Some(secret));
    let done = frontend::update_login_flow(sdk, id, body, None, None).await;
    *done.unwrap().session
}

#[story]
async fn signs_up_and_in(site: Site) {
    let style = json!({"selfservice": {"flows": {
        "login": {"style": "identifier_first"},
        "registration": {"after": {"code": {"hooks": []}}},
    }}});
    let config = merged(&passwordless(&json!({})), &style);
    let project = site.project_with(config).await;
    let sdk = native_app(&project);
    let (begun, _) = begin::<RegistrationFlow>(&sdk, "registration/api").await;
    let body = |code: Option<String>| {
        let traits = json!({"email": ADA});
        let mut body = UpdateRegistrationFlowWithCodeMethod::new("code".to_owned(), traits);
        body.code = code;
        UpdateRegistrationFlowBody::Code(Box::new(body))
    };
    let asked = frontend::update_registration_flow(&sdk, &begun.id, body(None), None).await;
    let (sent, nodes) = flow::<RegistrationFlow>(&refused(asked).content);
    assert_eq!(sent.state, Some(json!("sent_email")));
    let (node, field) = input(&nodes, "code");
    assert_eq!(node.group, GroupEnum::Code);
    assert_eq!(field.autocomplete, Some(AutocompleteEnum::OneTimeCode));
    let secret = mailbox::code_to(&project, ADA).await;
    let made = frontend::update_registration_flow(&sdk, &begun.id, body(Some(secret)), None);
    let person = made.await.unwrap().identity;
    let address = &person.verifiable_addresses.as_ref().unwrap()[0];
    assert_eq!((&*address.value, address.verified), (ADA, true));

    let (begun, nodes) = begin::<LoginFlow>(&sdk, "login/api").await;
    assert_eq!(
        input(&nodes, "identifier").0.group,
        GroupEnum::IdentifierFirst
    );
    let who = UpdateLoginFlowWithIdentifierFirstMethod::new(
        ADA.to_owned(),
        "identifier_first".to_owned(),
    );
    let who = UpdateLoginFlowBody::IdentifierFirst(Box::new(who));
    // Nothing but codes: it is on its way at once.
    let (sent, nodes) = next(&sdk, &begun.id, who).await;
    assert_eq!(sent.state, Some(json!("sent_email")));
    assert_eq!(sent.ui.messages.unwrap()[0].id, id(text::LOGIN_CODE_SENT));
    assert_eq!(input(&nodes, "code").0.group, GroupEnum::Code);
    let session = bring(&project, &sdk, &begun.id).await;
    let methods = session.authentication_methods.unwrap();
    assert_eq!(methods[0].method, Some(MethodEnum::Code));
    site.world.sweep().await;
}

#[story]
async fn adds_a_second_factor(site: Site) {
    let codes = json!({"selfservice": {"methods": {"code": {"mfa_enabled": true}}}});
    let project = site.project_with(codes).await;
    let other = site.client(&project, tests::Kind::Api);
    let signed_up = other.sign_up(ADA, PASSWORD).await;
    let token = signed_up.body["session_token"].as_str().unwrap();
    let sdk = native_app(&project);
    let url = format!(
        "{}/self-service/login/api?aal=aal2&via=email",
        sdk.base_path
    );
    let request = sdk.client.get(url).header("x-session-token", token);
    let text = request.send().await.unwrap().text().await.unwrap();
    let (sent, _) = flow::<LoginFlow>(&text);
    assert_eq!(sent.requested_aal, Some(Aal2));
    assert_eq!(
        sent.ui.messages.unwrap()[0].id,
        id(text::SECOND_FACTOR_CODE_SENT)
    );
    let secret = mailbox::code_to(&project, ADA).await;
    let body = code(Some(secret));
    let done = frontend::update_login_flow(&sdk, &sent.id, body, Some(token), None).await;
    let session = done.unwrap().session;
    assert_eq!(session.authenticator_assurance_level, Some(Aal2));
    let methods = session.authentication_methods.unwrap();
    assert_eq!(methods[1].aal, Some(Aal2));
    assert_eq!(methods[1].method, Some(MethodEnum::Code));
    site.world.sweep().await;
}
