//! Settings, by token and by cookie.

use ory_kratos_client::{
    apis::{Error, configuration::Configuration, frontend_api as frontend},
    models::{
        RegistrationFlow, SettingsFlow, UiNode, UpdateSettingsFlowBody,
        UpdateSettingsFlowWithPasswordMethod, UpdateSettingsFlowWithProfileMethod,
        ui_node::GroupEnum, ui_node_input_attributes::AutocompleteEnum,
    },
};
use serde_json::{Value, json};
use tests::{ADA, Kind, OTHER_PASSWORD, PASSWORD, Site, story, text};

use super::{
    begin, browser, flow, id, input, native::registration, native_app, refused, undecodable,
};

fn profile(email: &str) -> UpdateSettingsFlowWithProfileMethod {
    UpdateSettingsFlowWithProfileMethod::new("profile".to_owned(), json!({ "email": email }))
}

fn password(password: &str) -> UpdateSettingsFlowWithPasswordMethod {
    UpdateSettingsFlowWithPasswordMethod::new("password".to_owned(), password.to_owned())
}

/// A flow as the server tells it to the holder of the token.
async fn of_token(sdk: &Configuration, token: &str, path: &str) -> (SettingsFlow, Vec<UiNode>) {
    let url = format!("{}/self-service/settings/{path}", sdk.base_path);
    let request = sdk.client.get(url).header("x-session-token", token);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    flow(&response.text().await.unwrap())
}

/// A redirect, which the crate takes for an answer without a type.
fn is_sent_to_a_page<E: std::fmt::Debug>(answer: Result<SettingsFlow, Error<E>>) {
    match answer {
        Err(Error::Serde(error)) => assert!(error.to_string().contains("octet-stream"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[story]
async fn changes_what_is_stored(site: Site) {
    let project = site.project().await;
    let made = site.client(&project, Kind::Api);
    let made = made.sign_up(ADA, PASSWORD).await;
    let token = made.body["session_token"].as_str().unwrap();
    let sdk = native_app(&project);
    let created = frontend::create_native_settings_flow(&sdk, Some(token)).await;
    undecodable(created, "node_type");
    let (begun, nodes) = of_token(&sdk, token, "api").await;
    assert_eq!(begun.r#type, "api");
    assert_eq!(begun.state, Some(json!("show_form")));
    assert_eq!(begun.identity.traits, Some(json!({"email": ADA})));
    assert_eq!(input(&nodes, "traits.email").0.group, GroupEnum::Profile);
    let (_, attributes) = input(&nodes, "password");
    assert_eq!(attributes.autocomplete, Some(AutocompleteEnum::NewPassword));
    let read = frontend::get_settings_flow(&sdk, &begun.id, Some(token), None).await;
    undecodable(read, "node_type");

    let submit =
        async |body| frontend::update_settings_flow(&sdk, &begun.id, body, Some(token), None).await;
    let wrong = submit(UpdateSettingsFlowBody::Profile(Box::new(profile("nope")))).await;
    let wrong = refused(wrong);
    assert_eq!(wrong.status, 400);
    let (_, nodes) = flow::<SettingsFlow>(&wrong.content);
    let (node, attributes) = input(&nodes, "traits.email");
    assert_eq!(node.messages[0].id, id(text::INVALID_EMAIL));
    assert_eq!(attributes.value, Some(Some(json!("nope"))));
    let saved = submit(UpdateSettingsFlowBody::Profile(Box::new(profile(
        "new@x.org",
    ))))
    .await;
    undecodable(saved, "node_type");
    let body = UpdateSettingsFlowBody::Password(Box::new(password(OTHER_PASSWORD)));
    undecodable(submit(body).await, "node_type");
    let query = format!("flows?id={}", begun.id);
    let (saved, _) = of_token(&sdk, token, &query).await;
    assert_eq!(saved.state, Some(json!("success")));
    assert_eq!(saved.ui.messages.unwrap()[0].id, id(text::SAVED));
    assert!(saved.continue_with.is_none());
    let session = frontend::to_session(&sdk, Some(token), None, None).await;
    let identity = session.unwrap().identity.unwrap();
    assert_eq!(identity.traits, Some(json!({"email": "new@x.org"})));
    assert_eq!(identity.verifiable_addresses.unwrap()[0].value, "new@x.org");
    let stranger = site.client(&project, Kind::Spa);
    let opened = stranger.sign_in("new@x.org", OTHER_PASSWORD).await;
    assert_eq!(opened.status, 200);

    // The crate asks for anything at all: a page to it (W1.4).
    is_sent_to_a_page(frontend::get_settings_flow(&sdk, &begun.id, None, None).await);
    let nobody = refused(frontend::create_native_settings_flow(&sdk, None).await);
    let envelope: Value = serde_json::from_str(&nobody.content).unwrap();
    assert_eq!(envelope["error"]["id"], "session_inactive");
}

#[story]
async fn changes_it_in_a_browser(site: Site) {
    let project = site.project().await;
    let sdk = browser(&project);
    let (begun, nodes) = begin::<RegistrationFlow>(&sdk, "registration/browser").await;
    let csrf = |nodes: &[UiNode]| {
        let value = input(nodes, "csrf_token").1.value.clone();
        value.flatten().unwrap().as_str().unwrap().to_owned()
    };
    let sent = registration(Some(csrf(&nodes)));
    let made = frontend::update_registration_flow(&sdk, &begun.id, sent, None).await;
    undecodable(made, "action");
    let created = frontend::create_browser_settings_flow(&sdk, None, None).await;
    undecodable(created, "node_type");
    let (begun, nodes) = begin::<SettingsFlow>(&sdk, "settings/browser").await;
    assert_eq!(begun.r#type, "browser");

    let forged = UpdateSettingsFlowBody::Password(Box::new(password(OTHER_PASSWORD)));
    let forged = frontend::update_settings_flow(&sdk, &begun.id, forged, None, None).await;
    assert_eq!(refused(forged).status, 403);
    let mut body = password(OTHER_PASSWORD);
    body.csrf_token = Some(csrf(&nodes));
    let body = UpdateSettingsFlowBody::Password(Box::new(body));
    let saved = frontend::update_settings_flow(&sdk, &begun.id, body, None, None).await;
    undecodable(saved, "node_type");
    let stranger = site.client(&project, Kind::Spa);
    assert_eq!(stranger.sign_in(ADA, OTHER_PASSWORD).await.status, 200);
    // Asked without the cookies of the browser, as a server would.
    let server = native_app(&project);
    let nobody = frontend::get_settings_flow(&server, &begun.id, None, Some("a=b")).await;
    is_sent_to_a_page(nobody);
}
