//! An identity as an administrator or another system describes it: judged, its password hashed, and written in
//! one transaction. Unlike a registration it may bring a hash, metadata and the state of its addresses, and the
//! rules for the passwords of people who sign up are not applied.

use chrono::{DateTime, Datelike as _, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use tenants::{Fault, Project};
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    State,
    create::{AddressState, Conflict, Extras, InsertError, Prepared},
    records::Record,
};
use crate::{
    HashError, Hasher, People,
    credentials::{password_hash::is_supported, store as credential_store},
    normalize,
    schema::{Via, report},
    schemas::Schemas,
};

/// It stands in an index, which takes no more than 2,704 bytes.
const EXTERNAL_ID_BYTES_MAX: usize = 512;

/// The description. Unknown keys are refused by name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreateIdentity {
    /// One of the project's schemas; empty for the default.
    pub schema_id: String,
    /// As the schema says.
    pub traits: Option<Value>,
    /// By kind; so far passwords alone: a [`GivenPassword`].
    pub credentials: Map<String, Value>,
    /// What is known of addresses that stand in the traits; others are left out.
    pub verifiable_addresses: Vec<GivenAddress>,
    /// Accepted, and made anew from the traits.
    pub recovery_addresses: Vec<GivenAddress>,
    /// Readable by the person.
    pub metadata_public: Option<Value>,
    /// Readable by administrators only. An explicit null is something that was sent.
    #[serde(deserialize_with = "present")]
    pub metadata_admin: Option<Value>,
    /// `active`, which it is by default, or `inactive`.
    pub state: Option<String>,
    /// Stored for compatibility.
    pub organization_id: Option<Uuid>,
    /// Unique in the project; empty for none.
    pub external_id: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// What is known of an address. Its id and its times are given anew.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GivenAddress {
    /// Accepted and forgotten.
    pub id: Option<Uuid>,
    /// As in the traits, in any spelling.
    pub value: String,
    /// Without it the address is none of the schema's.
    pub via: Option<Via>,
    /// Did its owner prove to read it?
    pub verified: bool,
    /// `pending`, `sent` or `completed`; anything else is derived.
    pub status: Option<String>,
    /// When it was verified; now, if that is not known.
    pub verified_at: Option<DateTime<Utc>>,
    /// Accepted and forgotten.
    pub created_at: Option<DateTime<Utc>>,
    /// Accepted and forgotten.
    pub updated_at: Option<DateTime<Utc>>,
}

/// `credentials.password`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GivenPassword {
    config: PasswordImport,
    /// Made anew from the traits.
    identifiers: Vec<String>,
}

/// In clear or hashed; the one in clear counts when both are given, as in Kratos.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordImport {
    hashed_password: Option<String>,
    password: Option<String>,
    use_password_migration_hook: Option<bool>,
}

/// Why an identity was not imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The project has no schema of that id.
    #[error("There is no identity schema {0:?}.")]
    UnknownSchema(String),
    /// Neither `active` nor `inactive`.
    #[error("The state is active or inactive, not {0:?}.")]
    UnknownState(String),
    /// An index could not take it.
    #[error("The external_id is longer than {EXTERNAL_ID_BYTES_MAX} bytes.")]
    ExternalIdTooLong,
    /// Where and how the traits break their schema.
    #[error("{0}")]
    InvalidTraits(String),
    /// A kind of credential other than a password.
    #[error("Importing credentials of type {0:?} is not served yet.")]
    KindNotServed(String),
    /// `credentials.password` is not what it has to be.
    #[error("credentials.password: {0}.")]
    UnreadablePassword(serde_json::Error),
    /// Passwords cannot be fetched from elsewhere at the first sign-in.
    #[error("The password migration hook is not served yet.")]
    HookNotServed,
    /// Neither argon2 nor bcrypt, or with parameters over the ceilings.
    #[error("The hashed_password is of no format that is known here.")]
    UnknownHash,
    /// Bcrypt would cut it off.
    #[error("With bcrypt a password has at most 72 bytes.")]
    PasswordTooLong,
    /// The password could never be found.
    #[error("A password was given, but no trait is a password identifier.")]
    NoPasswordIdentifier,
    /// PostgreSQL and RFC 3339 part ways on years that do not have four digits.
    #[error("The verified_at lies outside the years 1 to 9999.")]
    MomentOutOfRange,
    /// Another identity was first.
    #[error("Another identity of this project has {} of this one already.", named(*.0))]
    Conflict(Conflict),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(HashError),
    /// Anything else.
    #[error(transparent)]
    Fault(#[from] Fault),
}

fn named(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::Identifier => "an identifier",
        Conflict::Address => "an address",
        Conflict::ExternalId => "the external_id",
    }
}

impl From<InsertError> for ImportError {
    fn from(error: InsertError) -> Self {
        match error {
            InsertError::Conflict(conflict) => Self::Conflict(conflict),
            InsertError::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// Judge, hash, write. `hasher`: how the project hashes a password that comes in clear.
pub async fn import(
    people: &People,
    project: &Project,
    hasher: Hasher,
    new: CreateIdentity,
) -> Result<Record, ImportError> {
    let schemas = Schemas::of(project);
    let unknown = || ImportError::UnknownSchema(new.schema_id.clone());
    let schema = schemas.find(&new.schema_id).ok_or_else(unknown)?;
    let extras = extras(&new)?;
    let traits = new.traits.filter(|traits| !traits.is_null());
    let traits = traits.unwrap_or_else(|| Value::Object(Map::new()));
    let judged = people.judging.derive(project, &schema.schema, &traits);
    let judged = judged.await.map_err(ImportError::Fault)?;
    let derived = judged.map_err(|violations| ImportError::InvalidTraits(report(&violations)))?;
    let hash = match password(new.credentials)? {
        None => None,
        Some(Password::Hashed(hash)) => Some(hash),
        Some(Password::Clear(clear)) => {
            let hashed = people.hashing.hash(project.id().uuid(), hasher, clear);
            Some(hashed.await.map_err(|error| match error {
                HashError::TooLong => ImportError::PasswordTooLong,
                other => ImportError::Hash(other),
            })?)
        }
    };
    let mut prepared = Prepared::new(project, &schema.id, derived, extras);
    if let Some(hash) = hash
        && !prepared.set_password(&hash)
    {
        return Err(ImportError::NoPasswordIdentifier);
    }
    for address in new.verifiable_addresses {
        take_over(&mut prepared, address)?;
    }
    write(project, prepared).await
}

fn extras(new: &CreateIdentity) -> Result<Extras, ImportError> {
    let state = match new.state.as_deref() {
        None | Some("" | "active") => State::Active,
        Some("inactive") => State::Inactive,
        Some(other) => return Err(ImportError::UnknownState(other.to_owned())),
    };
    let external_id = new.external_id.clone().filter(|id| !id.is_empty());
    let is_long = |id: &String| id.len() > EXTERNAL_ID_BYTES_MAX;
    if external_id.as_ref().is_some_and(is_long) {
        return Err(ImportError::ExternalIdTooLong);
    }
    Ok(Extras {
        state,
        metadata_public: new.metadata_public.clone(),
        metadata_admin: new.metadata_admin.clone().filter(|m| !m.is_null()),
        external_id,
        organization_id: new.organization_id,
    })
}

enum Password {
    Clear(Zeroizing<String>),
    Hashed(String),
}

fn password(mut credentials: Map<String, Value>) -> Result<Option<Password>, ImportError> {
    let password = credentials.shift_remove("password");
    if let Some(kind) = credentials.keys().next() {
        return Err(ImportError::KindNotServed(kind.clone()));
    }
    let Some(password) = password.filter(|given| !given.is_null()) else {
        return Ok(None);
    };
    let given: GivenPassword =
        serde_json::from_value(password).map_err(ImportError::UnreadablePassword)?;
    if given.config.use_password_migration_hook == Some(true) {
        return Err(ImportError::HookNotServed);
    }
    drop(given.identifiers);
    if let Some(clear) = given.config.password.filter(|text| !text.is_empty()) {
        return Ok(Some(Password::Clear(Zeroizing::new(clear))));
    }
    let hash = given.config.hashed_password.unwrap_or_default();
    if !is_supported(&hash) {
        return Err(ImportError::UnknownHash);
    }
    Ok(Some(Password::Hashed(hash)))
}

/// An address that is none of the schema's falls away.
fn take_over(prepared: &mut Prepared, address: GivenAddress) -> Result<(), ImportError> {
    let four_digits = |at: DateTime<Utc>| (1..=9999).contains(&at.year());
    if !address.verified_at.is_none_or(four_digits) {
        return Err(ImportError::MomentOutOfRange);
    }
    let state = AddressState {
        verified: address.verified,
        verified_at: address.verified_at,
        status: address.status,
    };
    if let Some(via) = address.via {
        prepared.import_address(via, &normalize::identifier(&address.value), state);
    }
    Ok(())
}

async fn write(project: &Project, prepared: Prepared) -> Result<Record, ImportError> {
    let mut tx = project.begin().await?;
    prepared.insert(&mut tx).await?;
    let ids = [prepared.identity.id];
    let credentials = credential_store::of_identities(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(Record {
        identity: prepared.identity,
        credentials: credentials.into_iter().map(|(_, own)| own).collect(),
    })
}
