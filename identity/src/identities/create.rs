//! Making an identity: traits are judged and identifiers derived first, without a connection; then
//! everything is written in the caller's transaction, and the database settles who was first.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tenants::{Fault, Project, Tx, broken_constraint, ids};
use uuid::Uuid;

use super::{AddressStatus, Identity, RecoveryAddress, State, VerifiableAddress};
use crate::{
    credentials::CredentialKind,
    factors::Factors,
    schema::{Address, Derived, Via},
};

/// An identity that could be written as it is: valid traits, ids and times already chosen, so that
/// hooks see the final ones.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What will be stored.
    pub identity: Identity,
    credentials: Vec<NewCredential>,
}

/// A credential that is not written yet.
#[derive(Clone, Debug)]
pub(super) struct NewCredential {
    pub(super) kind: CredentialKind,
    pub(super) config: Value,
    pub(super) identifiers: Vec<String>,
    /// Of the configuration's shape.
    pub(super) version: i32,
}

/// What administrators may choose beyond traits.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Active unless said otherwise.
    pub state: State,
    /// Readable by the person.
    pub metadata_public: Option<Value>,
    /// Readable by administrators only.
    pub metadata_admin: Option<Value>,
    /// Unique in the project.
    pub external_id: Option<String>,
    /// Stored for compatibility.
    pub organization_id: Option<Uuid>,
}

/// What is known of an address that comes from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct AddressState {
    /// Was it verified?
    pub verified: bool,
    /// When; now, if that is not known.
    pub verified_at: Option<chrono::DateTime<chrono::Utc>>,
    /// `pending`, `sent` or `completed`; anything else is derived.
    pub status: Option<String>,
}

/// Another identity has this already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// An identifier of a credential.
    Identifier,
    /// A verifiable or recovery address.
    Address,
    /// The external id.
    ExternalId,
}

/// Why an identity was not written.
#[derive(Debug)]
pub enum InsertError {
    /// Unique things collided; the transaction is of no further use.
    Conflict(Conflict),
    /// Anything else.
    Fault(Fault),
}

impl From<Fault> for InsertError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<sqlx::Error> for InsertError {
    fn from(error: sqlx::Error) -> Self {
        match broken_constraint(&error) {
            Some("identifiers_value_key") => Self::Conflict(Conflict::Identifier),
            Some("addresses_value_key") => Self::Conflict(Conflict::Address),
            Some("identities_external_id_key") => Self::Conflict(Conflict::ExternalId),
            _ => Self::Fault(error.into()),
        }
    }
}

impl Prepared {
    /// From what a schema derived of the traits, without any password.
    pub fn new(project: &Project, schema_id: &str, derived: Derived, extras: Extras) -> Self {
        let now = project.now();
        let identity = Identity {
            id: ids::v4(),
            schema_id: schema_id.to_owned(),
            state: extras.state,
            state_changed_at: now,
            verifiable_addresses: fresh(&derived.verifiable, |a| verifiable(a, now)),
            recovery_addresses: fresh(&derived.recovery, |a| recovery(a, now)),
            metadata_public: extras.metadata_public,
            metadata_admin: extras.metadata_admin,
            external_id: extras.external_id,
            organization_id: extras.organization_id,
            factors: Factors(code_address(&derived)),
            created_at: now,
            updated_at: now,
            traits: derived.traits.clone(),
        };
        Self {
            identity,
            credentials: credentials_of(&derived),
        }
    }

    /// Other traits, while nothing is written: identifiers and addresses are derived anew. The ids, the secrets of
    /// credentials that stay, and what is known of addresses that stay are kept.
    pub fn rederive(&mut self, project: &Project, derived: Derived) {
        let now = project.now();
        let identity = &mut self.identity;
        let known = std::mem::take(&mut identity.verifiable_addresses);
        identity.verifiable_addresses = fresh(&derived.verifiable, |a| {
            let mut known = known.iter();
            let kept = known.find(|old| old.via == a.via && old.value == a.value);
            kept.cloned().unwrap_or_else(|| verifiable(a, now))
        });
        let known = std::mem::take(&mut identity.recovery_addresses);
        identity.recovery_addresses = fresh(&derived.recovery, |a| {
            let mut known = known.iter();
            let kept = known.find(|old| old.via == a.via && old.value == a.value);
            kept.cloned().unwrap_or_else(|| recovery(a, now))
        });
        let mut credentials = credentials_of(&derived);
        for former in std::mem::take(&mut self.credentials) {
            let mut same = credentials.iter_mut();
            match same.find(|credential| credential.kind == former.kind) {
                // What codes go to is derived; everything else is a secret that was made.
                Some(_) if former.kind == CredentialKind::Code => {}
                Some(credential) => credential.config = former.config,
                None => identity.factors.0 &= !former.kind.factor(),
            }
        }
        identity.factors.0 |= code_address(&derived);
        identity.traits = derived.traits;
        self.credentials = credentials;
    }

    /// The first of the addresses that codes go to, in its stored form.
    pub fn first_code_address(&self) -> Option<String> {
        let mut credentials = self.credentials.iter();
        let code = credentials.find(|credential| credential.kind == CredentialKind::Code)?;
        code.identifiers.first().cloned()
    }

    /// Give it a password, already hashed. False: the traits hold no password identifier.
    pub fn set_password(&mut self, hash: &str) -> bool {
        let mut credentials = self.credentials.iter_mut();
        let password = credentials.find(|credential| credential.kind == CredentialKind::Password);
        let Some(password) = password else {
            return false;
        };
        password.config = json!({"hashed_password": hash});
        self.identity.factors.0 |= Factors::PASSWORD;
        true
    }

    /// Take over the state of an address, if the traits have that address. Others vanish.
    pub fn import_address(&mut self, via: Via, value: &str, state: AddressState) {
        let now = self.identity.created_at;
        let addresses = &mut self.identity.verifiable_addresses;
        let Some(address) = addresses
            .iter_mut()
            .find(|a| a.via == via && a.value == value)
        else {
            return;
        };
        address.verified = state.verified;
        address.verified_at = state.verified.then(|| state.verified_at.unwrap_or(now));
        let known = state.status.and_then(|status| AddressStatus::read(&status));
        address.status = known.unwrap_or(if state.verified {
            AddressStatus::Completed
        } else {
            AddressStatus::Pending
        });
    }

    /// Write identity, credentials, identifiers and addresses.
    pub async fn insert(&self, tx: &mut Tx) -> Result<(), InsertError> {
        let i = &self.identity;
        sqlx::query!(
            "insert into identities (id, schema_id, state, state_changed_at, traits, metadata_public, metadata_admin, external_id,
                                     organization_id, factors, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
            i.id,
            i.schema_id,
            i.state.as_str(),
            i.state_changed_at,
            i.traits,
            i.metadata_public,
            i.metadata_admin,
            i.external_id,
            i.organization_id,
            i.factors.0,
            i.created_at
        )
        .execute(tx.conn())
        .await?;
        self.insert_identifiers(tx).await?;
        self.insert_credentials(tx).await?;
        self.insert_addresses(tx).await
    }

    async fn insert_credentials(&self, tx: &mut Tx) -> Result<(), InsertError> {
        let (kinds, configs, versions) = columns(&self.credentials);
        sqlx::query!(
            "insert into credentials (identity_id, kind, config, version, created_at, updated_at)
             select $1, c.kind, c.config, c.version, $5, $5 from unnest($2::text[], $3::jsonb[], $4::int[]) as c (kind, config, version)",
            self.identity.id,
            &kinds,
            &configs,
            &versions,
            self.identity.created_at
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// In one order for everybody, so that two registrations of the same addresses cannot deadlock.
    async fn insert_identifiers(&self, tx: &mut Tx) -> Result<(), InsertError> {
        let (kinds, values): (Vec<String>, Vec<String>) =
            identifiers(&self.credentials).into_iter().unzip();
        sqlx::query!(
            "insert into identifiers (identity_id, kind, value) select $1, i.kind, i.value from unnest($2::text[], $3::text[]) as i (kind, value)",
            self.identity.id,
            &kinds,
            &values
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    async fn insert_addresses(&self, tx: &mut Tx) -> Result<(), InsertError> {
        let at = self.identity.created_at;
        let mut verifiable: Vec<&VerifiableAddress> =
            self.identity.verifiable_addresses.iter().collect();
        verifiable.sort_unstable_by_key(|a| (a.via.as_str(), &a.value));
        for a in verifiable {
            sqlx::query!(
                "insert into addresses (id, identity_id, purpose, via, value, verified, verified_at, status, created_at, updated_at)
                 values ($1, $2, 'verifiable', $3, $4, $5, $6, $7, $8, $8)",
                a.id,
                self.identity.id,
                a.via.as_str(),
                a.value,
                a.verified,
                a.verified_at,
                a.status.as_str(),
                at
            )
            .execute(tx.conn())
            .await?;
        }
        let mut recovery: Vec<&RecoveryAddress> = self.identity.recovery_addresses.iter().collect();
        recovery.sort_unstable_by_key(|a| (a.via.as_str(), &a.value));
        for a in recovery {
            sqlx::query!(
                "insert into addresses (id, identity_id, purpose, via, value, created_at, updated_at)
                 values ($1, $2, 'recovery', $3, $4, $5, $5)",
                a.id,
                self.identity.id,
                a.via.as_str(),
                a.value,
                at
            )
            .execute(tx.conn())
            .await?;
        }
        Ok(())
    }
}

/// Addresses that stand in traits, each once as the schema has them.
fn fresh<A>(addresses: &[Address], make: impl FnMut(&Address) -> A) -> Vec<A> {
    addresses.iter().map(make).collect()
}

/// A verifiable address that is new.
pub(super) fn verifiable(address: &Address, now: DateTime<Utc>) -> VerifiableAddress {
    VerifiableAddress {
        id: ids::v4(),
        value: address.value.clone(),
        verified: false,
        via: address.via,
        status: AddressStatus::Pending,
        verified_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// A recovery address that is new.
pub(super) fn recovery(address: &Address, now: DateTime<Utc>) -> RecoveryAddress {
    RecoveryAddress {
        id: ids::v4(),
        value: address.value.clone(),
        via: address.via,
        created_at: now,
        updated_at: now,
    }
}

/// The fact that there is an address for codes, if there is.
pub(super) fn code_address(derived: &Derived) -> i32 {
    if derived.code.is_empty() {
        0
    } else {
        Factors::CODE_ADDRESS
    }
}

/// Kinds, configurations and versions, in one order.
pub(super) fn columns(credentials: &[NewCredential]) -> (Vec<String>, Vec<Value>, Vec<i32>) {
    let kinds = credentials.iter().map(|c| c.kind.as_str().to_owned());
    let configs = credentials.iter().map(|c| c.config.clone());
    let versions = credentials.iter().map(|c| c.version);
    (kinds.collect(), configs.collect(), versions.collect())
}

/// Kind and value of each identifier, in the order in which everyone writes them: two that write the same ones
/// cannot wait for each other.
pub(super) fn identifiers(credentials: &[NewCredential]) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = credentials
        .iter()
        .flat_map(|credential| {
            let kind = credential.kind.as_str();
            let values = credential.identifiers.iter();
            values.map(move |value| (kind.to_owned(), value.clone()))
        })
        .collect();
    rows.sort_unstable();
    rows
}

/// One credential for each kind that some trait feeds, also without a secret: the identifier is taken.
pub(super) fn credentials_of(derived: &Derived) -> Vec<NewCredential> {
    let mut credentials = Vec::new();
    if !derived.password.is_empty() {
        credentials.push(NewCredential {
            kind: CredentialKind::Password,
            config: json!({}),
            identifiers: derived.password.clone(),
            version: 0,
        });
    }
    if !derived.webauthn.is_empty() {
        credentials.push(NewCredential {
            kind: CredentialKind::Webauthn,
            config: json!({}),
            identifiers: derived.webauthn.clone(),
            version: 1,
        });
    }
    if !derived.code.is_empty() {
        let address = |a: &Address| json!({"channel": a.via, "address": a.value});
        let addresses: Vec<Value> = derived.code.iter().map(address).collect();
        credentials.push(NewCredential {
            kind: CredentialKind::Code,
            config: json!({"addresses": addresses}),
            identifiers: derived.code.iter().map(|a| a.value.clone()).collect(),
            version: 1,
        });
    }
    credentials
}
