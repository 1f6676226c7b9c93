//! Sessions and identities.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use identity::{
    identities::{RecoveryAddress, State, VerifiableAddress},
    schema::Via,
    sessions::{Aal, AuthMethod, Device},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody is signed in: who, how sure that is, and until when. The token is never part of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    id: Uuid,
    /// Not ended, not expired, and of an identity that may sign in.
    active: bool,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// The last time somebody proved who they are.
    authenticated_at: DateTime<Utc>,
    authenticator_assurance_level: Aal,
    /// In the order in which they were completed.
    authentication_methods: Vec<AuthMethod>,
    /// When it began.
    issued_at: DateTime<Utc>,
    /// Null where it was not asked for, and while a second factor is missing.
    #[schema(required)]
    identity: Option<Identity>,
    /// Where it was used from, newest first; null or empty where that was not asked for.
    #[schema(required)]
    devices: Option<Vec<Device>>,
}

/// A person, or whatever else signs in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Identity {
    id: Uuid,
    /// An id of the caller's own, unique within the project.
    #[schema(nullable = false, max_length = 512)]
    external_id: Option<String>,
    /// The identity schema that the traits follow.
    #[schema(example = "preset://email")]
    schema_id: String,
    /// Where that schema can be read.
    #[schema(format = Uri)]
    schema_url: String,
    state: State,
    /// When the state last changed.
    state_changed_at: DateTime<Utc>,
    /// What is known of the person, as the identity schema says.
    #[schema(value_type = Object)]
    traits: Value,
    /// Addresses that can be, or were, verified. Absent when there are none.
    #[schema(nullable = false)]
    verifiable_addresses: Option<Vec<VerifiableAddress>>,
    /// Addresses that a recovery can go to. Absent when there are none.
    #[schema(nullable = false)]
    recovery_addresses: Option<Vec<RecoveryAddress>>,
    /// Any JSON that the person may read and only administrators write; null when unset.
    #[schema(required)]
    metadata_public: Option<Value>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// The organization, if any.
    #[schema(required)]
    organization_id: Option<Uuid>,
    /// Any JSON for administrators alone. Only in answers of administration.
    metadata_admin: Option<Value>,
    /// By type. Only in answers of administration.
    #[schema(nullable = false)]
    credentials: Option<HashMap<String, IdentityCredentials>>,
}

/// What an identity signs in with.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityCredentials {
    /// `password`, `code`, `webauthn` and so on.
    #[schema(rename = "type", example = "password")]
    kind: String,
    /// What the identity is found by, sorted.
    identifiers: Vec<String>,
    /// Hashes and the like. Only where `include_credential` names the type.
    #[schema(nullable = false, value_type = Option<Object>)]
    config: Option<Value>,
    /// Of the shape of `config`.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// An identity schema with its id.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentitySchemaContainer {
    #[schema(example = "preset://email")]
    id: String,
    /// A JSON Schema whose `properties.traits` describes the traits.
    #[schema(value_type = Object)]
    schema: Value,
}

/// Everything stored about a person: no secrets, nothing of administrators.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonalData {
    exported_at: DateTime<Utc>,
    identity: Identity,
    /// Without what is in them.
    credentials: Vec<IdentityCredentials>,
    /// The newest 1,000.
    sessions: Vec<PersonalSession>,
    /// The newest 1,000, without their texts.
    messages: Vec<PersonalMessage>,
}

/// A session of the person's own.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonalSession {
    id: Uuid,
    active: bool,
    expires_at: DateTime<Utc>,
    authenticated_at: DateTime<Utc>,
    authenticator_assurance_level: Aal,
    authentication_methods: Vec<AuthMethod>,
    issued_at: DateTime<Utc>,
    devices: Vec<Device>,
}

/// A message that was sent, or is to be.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonalMessage {
    id: Uuid,
    status: String,
    channel: String,
    /// Where it went.
    recipient: String,
    template_type: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A mail or text message, with the attempts to send it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message {
    id: Uuid,
    status: MessageStatus,
    #[schema(rename = "type")]
    kind: Via,
    recipient: String,
    /// As plain text. Replaced by a note outside DEVELOPMENT.
    body: String,
    /// Empty for text messages. Replaced by a note outside DEVELOPMENT.
    subject: String,
    #[schema(example = "verification_code_valid")]
    template_type: String,
    channel: Via,
    /// Attempts begun.
    send_count: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// Newest first; in answers about one message alone.
    #[schema(nullable = false)]
    dispatches: Option<Vec<MessageDispatch>>,
}

/// One attempt to send a message.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageDispatch {
    id: Uuid,
    message_id: Uuid,
    /// `failed` or `success`.
    status: String,
    /// Why it failed; or a note.
    #[schema(nullable = false, value_type = Option<Object>)]
    error: Option<Value>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Where a message stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageStatus {
    Queued,
    Processing,
    Sent,
    Abandoned,
}
