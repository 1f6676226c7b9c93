//! What the crate can ask for and this release does not serve, each by name. The change that serves one
//! takes its line out here and calls it in the other files.

use std::fmt::Debug;

use ory_kratos_client::{
    apis::{Error, frontend_api as frontend, identity_api as identities},
    models::{
        JsonPatch, PatchIdentitiesBody, UpdateFedcmFlowBody, UpdateIdentityBody,
        update_identity_body::StateEnum,
    },
};
use serde_json::{Value, json};
use tests::{Site, story};

use super::{office, refused};

const ID: &str = "3f0b2f0e-8f5c-4d2a-9b57-0d6a3f6a1c11";

/// An answer of 404 or 405 in our envelope.
fn not_served<T: Debug, E: Debug>(name: &str, answer: Result<T, Error<E>>) {
    let refusal = refused(answer);
    let status = refusal.status.as_u16();
    assert!(matches!(status, 404 | 405), "{name}: {status}");
    let body: Value = serde_json::from_str(&refusal.content)
        .unwrap_or_else(|error| panic!("{name}: {error} in {}", refusal.content));
    assert_eq!(body["error"]["code"], status, "{name}");
    assert!(body["error"]["message"].is_string(), "{name}");
}

/// Call each and name it.
macro_rules! not_served {
    ($sdk:expr; $($module:ident :: $function:ident ( $($argument:expr),* );)*) => {
        $(not_served(stringify!($function), $module::$function($sdk, $($argument),*).await);)*
    };
}

#[story]
async fn flows(site: Site) {
    let project = site.project().await;
    let sdk = &office(&project);
    not_served! { sdk;
        frontend::create_fedcm_flow();
        frontend::update_fedcm_flow(UpdateFedcmFlowBody::default());
        frontend::exchange_session_token("a", "b");
        frontend::get_web_authn_java_script();
    }
}

#[story]
async fn administration(site: Site) {
    let project = site.project().await;
    let sdk = &office(&project);
    let schema = "preset://email".to_owned();
    let update = UpdateIdentityBody::new(schema, StateEnum::Active, json!({}));
    let patch = JsonPatch::new("remove".to_owned(), "/external_id".to_owned());
    not_served! { sdk;
        identities::batch_patch_identities(Some(PatchIdentitiesBody::new()));
        identities::update_identity(ID, Some(update));
        identities::patch_identity(ID, Some(vec![patch]));
        identities::get_identity_by_external_id("crm-1", None);
        identities::delete_identity_credentials(ID, "totp", None);
        identities::extend_session(ID);
    }
}
