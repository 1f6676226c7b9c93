//! Making an identity: traits are judged and identifiers derived first, without a connection; then
//! everything is written in the caller's transaction, and the database settles who was first.

use serde_json::{Map, Value, json};
use tenants::{Fault, Project, Tx, broken_constraint, ids};
use uuid::Uuid;

use super::{Identity, RecoveryAddress, State, VerifiableAddress};
use crate::{
    factors::Factors,
    schema::{Address, Derived, Via},
};

/// An identity that could be written as it is: valid traits, ids and times already chosen, so that
/// hooks see the final ones.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What will be stored.
    pub identity: Identity,
    credentials: Vec<(String, Value, Vec<String>, i32)>,
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

/// Somebody has this already.
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
        let verifiable = |a: &Address| VerifiableAddress {
            id: ids::v4(),
            value: a.value.clone(),
            verified: false,
            via: a.via,
            status: "pending".to_owned(),
            verified_at: None,
            created_at: now,
            updated_at: now,
        };
        let recovery = |a: &Address| RecoveryAddress {
            id: ids::v4(),
            value: a.value.clone(),
            via: a.via,
            created_at: now,
            updated_at: now,
        };
        let identity = Identity {
            id: ids::v4(),
            schema_id: schema_id.to_owned(),
            state: extras.state,
            state_changed_at: now,
            verifiable_addresses: derived.verifiable.iter().map(verifiable).collect(),
            recovery_addresses: derived.recovery.iter().map(recovery).collect(),
            metadata_public: extras.metadata_public,
            metadata_admin: extras.metadata_admin,
            external_id: extras.external_id,
            organization_id: extras.organization_id,
            factors: Factors(if derived.code.is_empty() {
                0
            } else {
                Factors::CODE_ADDRESS
            }),
            created_at: now,
            updated_at: now,
            traits: derived.traits.clone(),
        };
        Self {
            identity,
            credentials: credentials_of(&derived),
        }
    }

    /// Give it a password, already hashed. False: the traits hold no password identifier.
    pub fn set_password(&mut self, hash: &str) -> bool {
        let Some(password) = self
            .credentials
            .iter_mut()
            .find(|(kind, ..)| kind == "password")
        else {
            return false;
        };
        password.1 = json!({"hashed_password": hash});
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
        let known = state
            .status
            .filter(|s| matches!(s.as_str(), "pending" | "sent" | "completed"));
        let derived = if state.verified {
            "completed"
        } else {
            "pending"
        };
        address.status = known.unwrap_or_else(|| derived.to_owned());
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
        let kinds: Vec<String> = self.credentials.iter().map(|c| c.0.clone()).collect();
        let configs: Vec<Value> = self.credentials.iter().map(|c| c.1.clone()).collect();
        let versions: Vec<i32> = self.credentials.iter().map(|c| c.3).collect();
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
        let mut rows: Vec<(&str, &str)> = self
            .credentials
            .iter()
            .flat_map(|(kind, _, values, _)| {
                values.iter().map(move |v| (kind.as_str(), v.as_str()))
            })
            .collect();
        rows.sort_unstable();
        let (kinds, values): (Vec<String>, Vec<String>) = rows
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .unzip();
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
                a.status,
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

/// One credential for each kind that some trait feeds, also without a secret: the identifier is taken.
/// Kind, configuration, identifiers, version.
pub(super) fn credentials_of(derived: &Derived) -> Vec<(String, Value, Vec<String>, i32)> {
    let mut credentials = Vec::new();
    if !derived.password.is_empty() {
        credentials.push((
            "password".to_owned(),
            json!({}),
            derived.password.clone(),
            0,
        ));
    }
    if !derived.webauthn.is_empty() {
        credentials.push((
            "webauthn".to_owned(),
            json!({}),
            derived.webauthn.clone(),
            1,
        ));
    }
    if !derived.code.is_empty() {
        let addresses: Vec<Value> = derived
            .code
            .iter()
            .map(|a| {
                Value::Object(Map::from_iter([
                    ("channel".into(), json!(a.via)),
                    ("address".into(), json!(a.value)),
                ]))
            })
            .collect();
        let identifiers = derived.code.iter().map(|a| a.value.clone()).collect();
        credentials.push((
            "code".to_owned(),
            json!({"addresses": addresses}),
            identifiers,
            1,
        ));
    }
    credentials
}
