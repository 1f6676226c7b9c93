//! The body of a new identity. `identity::identities::import` reads it, and refuses keys that are not here.

use chrono::{DateTime, Utc};
use identity::{identities::State, schema::Via};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A new identity. Unknown keys are refused by name.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"schema_id": "preset://email", "traits": {"email": "eve@example.com"}}))]
pub(crate) struct CreateIdentityBody {
    /// One of the project's identity schemas.
    #[schema(example = "preset://email")]
    schema_id: String,
    /// As the identity schema says.
    #[schema(value_type = Object)]
    traits: Value,
    #[schema(nullable = false)]
    credentials: Option<IdentityWithCredentials>,
    /// What is known of addresses that stand in the traits; others are left out.
    #[schema(nullable = false)]
    verifiable_addresses: Option<Vec<GivenAddress>>,
    /// Accepted, and made anew from the traits.
    #[schema(nullable = false)]
    recovery_addresses: Option<Vec<GivenAddress>>,
    /// Any JSON that the person may read.
    metadata_public: Option<Value>,
    /// Any JSON for administrators alone.
    metadata_admin: Option<Value>,
    /// May it sign in? By default it may.
    state: Option<State>,
    /// Stored and shown.
    organization_id: Option<Uuid>,
    /// An id of your own, unique within the project; at most 512 bytes.
    #[schema(max_length = 512)]
    external_id: Option<String>,
}

/// What the identity signs in with; so far passwords alone.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityWithCredentials {
    password: Option<IdentityWithCredentialsPassword>,
}

/// A password for the identifiers that stand in the traits.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityWithCredentialsPassword {
    #[schema(nullable = false)]
    config: Option<IdentityWithCredentialsPasswordConfig>,
    /// Accepted, and made anew from the traits.
    #[schema(nullable = false)]
    identifiers: Option<Vec<String>>,
}

/// In clear, or hashed.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityWithCredentialsPasswordConfig {
    /// As argon2 and bcrypt write it.
    hashed_password: Option<String>,
    /// In clear. It counts when both are given.
    #[schema(format = Password, write_only)]
    password: Option<String>,
    /// Not served yet: only `false`.
    use_password_migration_hook: Option<bool>,
}

/// What is known of an address.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenAddress {
    /// Accepted, and given anew.
    id: Option<Uuid>,
    /// As in the traits.
    #[schema(nullable = false)]
    value: Option<String>,
    via: Option<Via>,
    #[schema(nullable = false)]
    verified: Option<bool>,
    /// `pending`, `sent` or `completed`.
    status: Option<String>,
    verified_at: Option<DateTime<Utc>>,
    /// Accepted, and given anew.
    created_at: Option<DateTime<Utc>>,
    /// Accepted, and given anew.
    updated_at: Option<DateTime<Utc>>,
}
