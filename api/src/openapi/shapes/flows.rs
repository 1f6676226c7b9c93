//! Flows, what is filled into their forms, and what a refused submission is answered with.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use flows::{flow::Transport, ui::Ui};
use identity::sessions::Aal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ErrorGeneric, Identity, answers::ContinueWith};

/// The fields of the form's nodes, by name. The same in JSON: `traits.email` may as well be nested.
#[derive(Serialize, ToSchema)]
pub(crate) struct FormFields(HashMap<String, String>);

/// One person's errand to sign in: a form, and where to send it.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginFlow {
    id: Uuid,
    /// Always null so far.
    #[schema(required)]
    organization_id: Option<Uuid>,
    #[schema(rename = "type")]
    kind: Transport,
    /// From then on it cannot be submitted any more.
    expires_at: DateTime<Utc>,
    issued_at: DateTime<Utc>,
    /// The address that began it, as it was sent.
    request_url: String,
    /// Where the browser goes at the end, if that was asked for.
    #[schema(nullable = false)]
    return_to: Option<String>,
    /// The method last used.
    #[schema(nullable = false)]
    active: Option<String>,
    /// The identity schema, if another than the default was asked for.
    #[schema(nullable = false)]
    identity_schema: Option<String>,
    /// What the client sent along with the last submission.
    #[schema(nullable = false, value_type = Option<Object>)]
    transient_payload: Option<Value>,
    ui: Ui,
    state: FlowState,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Does it ask for credentials although somebody is signed in?
    refresh: bool,
    requested_aal: Aal,
}

/// One person's errand to sign up.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegistrationFlow {
    id: Uuid,
    /// Always null so far.
    #[schema(required)]
    organization_id: Option<Uuid>,
    #[schema(rename = "type")]
    kind: Transport,
    /// From then on it cannot be submitted any more.
    expires_at: DateTime<Utc>,
    issued_at: DateTime<Utc>,
    /// The address that began it, as it was sent.
    request_url: String,
    /// Where the browser goes at the end, if that was asked for.
    #[schema(nullable = false)]
    return_to: Option<String>,
    /// The method last used.
    #[schema(nullable = false)]
    active: Option<String>,
    /// The identity schema, if another than the default was asked for.
    #[schema(nullable = false)]
    identity_schema: Option<String>,
    /// What the client sent along with the last submission.
    #[schema(nullable = false, value_type = Option<Object>)]
    transient_payload: Option<Value>,
    ui: Ui,
    state: FlowState,
}

/// One person's errand to change what is known of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsFlow {
    id: Uuid,
    /// Always null so far.
    #[schema(required)]
    organization_id: Option<Uuid>,
    #[schema(rename = "type")]
    kind: Transport,
    /// From then on it cannot be submitted any more.
    expires_at: DateTime<Utc>,
    issued_at: DateTime<Utc>,
    /// The address that began it, as it was sent.
    request_url: String,
    /// Where the browser goes at the end, if that was asked for.
    #[schema(nullable = false)]
    return_to: Option<String>,
    /// The method last used.
    #[schema(nullable = false)]
    active: Option<String>,
    /// What the client sent along with the last submission.
    #[schema(nullable = false, value_type = Option<Object>)]
    transient_payload: Option<Value>,
    ui: Ui,
    state: FlowState,
    /// As it is now; after a change, as it has become.
    identity: Identity,
    /// What to do next, in this order. Only in the answer to a change that was saved.
    #[schema(nullable = false)]
    continue_with: Option<Vec<ContinueWith>>,
}

/// One person's errand to prove that they read an address.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerificationFlow {
    id: Uuid,
    #[schema(rename = "type")]
    kind: Transport,
    /// From then on it cannot be submitted any more.
    expires_at: DateTime<Utc>,
    issued_at: DateTime<Utc>,
    /// The address that began it, as it was sent.
    request_url: String,
    /// Where the browser goes at the end, if that was asked for.
    #[schema(nullable = false)]
    return_to: Option<String>,
    /// The method in use.
    #[schema(nullable = false)]
    active: Option<String>,
    /// What the client sent along with the last submission.
    #[schema(nullable = false, value_type = Option<Object>)]
    transient_payload: Option<Value>,
    ui: Ui,
    state: FlowState,
}

/// One person's errand to get back into their account.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryFlow {
    id: Uuid,
    #[schema(rename = "type")]
    kind: Transport,
    /// From then on it cannot be submitted any more.
    expires_at: DateTime<Utc>,
    issued_at: DateTime<Utc>,
    /// The address that began it, as it was sent.
    request_url: String,
    /// Where the browser goes at the end, if that was asked for.
    #[schema(nullable = false)]
    return_to: Option<String>,
    /// The method in use.
    #[schema(nullable = false)]
    active: Option<String>,
    /// What the client sent along with the last submission.
    #[schema(nullable = false, value_type = Option<Object>)]
    transient_payload: Option<Value>,
    ui: Ui,
    state: RecoveryState,
    /// What to do next, in this order. Only in the answer to the right code.
    #[schema(nullable = false)]
    continue_with: Option<Vec<ContinueWith>>,
}

/// How far a recovery has come; the longer names where people choose among their addresses.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RecoveryState {
    ChooseMethod,
    SentEmail,
    RecoveryAwaitingAddress,
    RecoveryAwaitingAddressChoice,
    RecoveryConfirmingAddress,
    RecoveryAwaitingCode,
    PassedChallenge,
}

/// How far a flow has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlowState {
    ChooseMethod,
    ShowForm,
    Success,
    SentEmail,
    PassedChallenge,
}

/// What can be asked for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AskedAal {
    Aal1,
    Aal2,
}

/// The form again, with what is wrong; or an error that no form can show.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RefusedLogin {
    Flow(LoginFlow),
    Error(ErrorGeneric),
}

/// The form again, with what is wrong or what comes next; or an error that no form can show.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RefusedRegistration {
    Flow(RegistrationFlow),
    Error(ErrorGeneric),
}

/// The form again, with what is wrong; or an error that no form can show.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RefusedSettings {
    Flow(Box<SettingsFlow>),
    Error(ErrorGeneric),
}

/// The form again, with what is wrong; or an error that no form can show.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RefusedVerification {
    Flow(VerificationFlow),
    Error(ErrorGeneric),
}

/// The form again, with what is wrong; or an error that no form can show.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RefusedRecovery {
    Flow(RecoveryFlow),
    Error(ErrorGeneric),
}
