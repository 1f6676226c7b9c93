//! People: what is known of one, and how it is shown to them and to administrators.

pub mod change;
pub mod create;
pub mod import;
pub mod records;
pub mod store;
mod view;
mod write;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenants::Fault;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    factors::Factors,
    schema::{Address, Via},
};
pub use view::schema_url;
pub use write::IdentityWrite;

/// Active, or shut out: sessions of an inactive identity do not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = IdentityState)]
pub enum State {
    /// May sign in.
    #[default]
    Active,
    /// May not; nothing is lost.
    Inactive,
}

impl State {
    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        match text {
            "active" => Ok(Self::Active),
            "inactive" => Ok(Self::Inactive),
            other => Err(Fault::broken(format!("unknown identity state {other:?}"))),
        }
    }
}

/// An identity without its credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// UUIDv4, assigned here.
    pub id: Uuid,
    /// Which of the project's schemas its traits follow.
    pub schema_id: String,
    /// Active or not.
    pub state: State,
    /// When that last changed.
    pub state_changed_at: DateTime<Utc>,
    /// An object, valid against the schema when it was written.
    pub traits: Value,
    /// Readable by the person; `None` when unset.
    pub metadata_public: Option<Value>,
    /// Readable by administrators only.
    pub metadata_admin: Option<Value>,
    /// An id of the caller's, unique in the project.
    pub external_id: Option<String>,
    /// Stored for compatibility.
    pub organization_id: Option<Uuid>,
    /// Derived from the traits: what can be, or was, verified.
    pub verifiable_addresses: Vec<VerifiableAddress>,
    /// Derived from the traits: where a recovery can go.
    pub recovery_addresses: Vec<RecoveryAddress>,
    /// What it can sign in with.
    pub factors: Factors,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Identity {
    /// The verifiable address, if it has that one.
    pub fn verifiable(&self, address: &Address) -> Option<&VerifiableAddress> {
        let has = |own: &&VerifiableAddress| own.via == address.via && own.value == address.value;
        self.verifiable_addresses.iter().find(has)
    }

    /// Note that its owner proved to read an address, as `addresses::mark_verified` stores it.
    pub fn note_verified(&mut self, address: &Address, now: DateTime<Utc>) {
        let has =
            |own: &&mut VerifiableAddress| own.via == address.via && own.value == address.value;
        if let Some(own) = self.verifiable_addresses.iter_mut().find(has) {
            own.verified = true;
            own.verified_at = Some(now);
            own.updated_at = now;
            own.status = AddressStatus::Completed;
        }
    }

    /// May it sign in?
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }
}

/// An address with the state of its verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = VerifiableIdentityAddress)]
pub struct VerifiableAddress {
    /// UUIDv4.
    pub id: Uuid,
    /// Normalised.
    pub value: String,
    /// Did somebody prove to read it?
    pub verified: bool,
    /// E-mail or SMS.
    pub via: Via,
    /// `pending`, `sent` or `completed`.
    #[schema(value_type = String)]
    pub status: AddressStatus,
    /// When it was verified.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub verified_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// How far the verification of an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressStatus {
    /// Nothing was sent.
    Pending,
    /// A message is on its way, or was.
    Sent,
    /// It is verified.
    Completed,
}

impl AddressStatus {
    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Completed => "completed",
        }
    }

    /// `None` for any other name.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Sent, Self::Completed];
        all.into_iter().find(|status| status.as_str() == name)
    }
}

/// Where a recovery code can go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecoveryIdentityAddress)]
pub struct RecoveryAddress {
    /// UUIDv4.
    pub id: Uuid,
    /// Normalised.
    pub value: String,
    /// E-mail or SMS.
    pub via: Via,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}
