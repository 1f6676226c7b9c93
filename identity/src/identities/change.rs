//! Other traits for an identity that is there already: identifiers, addresses and facts are derived anew, and
//! only what differs is written, in the caller's transaction. Addresses that stay keep their state.

use tenants::{Fault, Project, Tx};
use uuid::Uuid;

use super::{
    Identity,
    create::{
        InsertError, NewCredential, code_address, columns, credentials_of, identifiers, recovery,
        verifiable,
    },
};
use crate::{
    credentials::CredentialKind,
    factors::Factors,
    schema::{Address, Derived},
};

/// The kinds of credentials whose identifiers come from traits; others are left alone.
const DERIVED_KINDS: [CredentialKind; 3] = [
    CredentialKind::Code,
    CredentialKind::Password,
    CredentialKind::Webauthn,
];

/// Traits that could be written as they are, and what follows from them.
#[derive(Clone, Debug)]
pub struct NewTraits {
    /// The identity as it will be.
    pub identity: Identity,
    credentials: Vec<NewCredential>,
}

impl NewTraits {
    /// From what a schema derived of the new traits.
    pub fn new(project: &Project, before: &Identity, derived: &Derived) -> Self {
        let now = project.now();
        let kept_verifiable = |a: &Address| {
            let mut kept = before.verifiable_addresses.iter();
            let kept = kept.find(|old| old.via == a.via && old.value == a.value);
            kept.cloned().unwrap_or_else(|| verifiable(a, now))
        };
        let kept_recovery = |a: &Address| {
            let mut kept = before.recovery_addresses.iter();
            let kept = kept.find(|old| old.via == a.via && old.value == a.value);
            kept.cloned().unwrap_or_else(|| recovery(a, now))
        };
        let other_facts = before.factors.0 & !Factors::CODE_ADDRESS;
        let identity = Identity {
            traits: derived.traits.clone(),
            verifiable_addresses: derived.verifiable.iter().map(kept_verifiable).collect(),
            recovery_addresses: derived.recovery.iter().map(kept_recovery).collect(),
            factors: Factors(other_facts | code_address(derived)),
            updated_at: now,
            ..before.clone()
        };
        Self {
            identity,
            credentials: credentials_of(derived),
        }
    }

    /// Do they change what the identity signs in with, or where it is reached? `identifiers` are those
    /// stored ([`identifiers_of`]).
    pub fn is_sensitive(&self, before: &Identity, identifiers: &[(String, String)]) -> bool {
        let sorted = |mut addresses: Vec<(&'static str, String)>| {
            addresses.sort_unstable();
            addresses
        };
        let reached = |identity: &Identity| {
            let verifiable = identity.verifiable_addresses.iter();
            let recovery = identity.recovery_addresses.iter();
            (
                sorted(
                    verifiable
                        .map(|a| (a.via.as_str(), a.value.clone()))
                        .collect(),
                ),
                sorted(
                    recovery
                        .map(|a| (a.via.as_str(), a.value.clone()))
                        .collect(),
                ),
            )
        };
        self.identifiers() != identifiers || reached(&self.identity) != reached(before)
    }

    /// Kind and value, in the order in which everyone writes them.
    fn identifiers(&self) -> Vec<(String, String)> {
        let mut rows = identifiers(&self.credentials);
        rows.dedup();
        rows
    }

    /// Would nothing be left to sign in with that was there before?
    pub fn locks_out(&self, identifiers: &[(String, String)]) -> bool {
        let others = Factors::OIDC | Factors::PASSKEY;
        !identifiers.is_empty()
            && self.identifiers().is_empty()
            && !self.identity.factors.any(others)
    }

    /// Write what differs. The identity's row must be locked ([`is_as_judged`]).
    pub async fn write(&self, tx: &mut Tx) -> Result<(), InsertError> {
        let i = &self.identity;
        sqlx::query!(
            "update identities set traits = $2, factors = (factors & ~$3::integer) | ($4 & $3), updated_at = $5 where id = $1",
            i.id,
            i.traits,
            Factors::CODE_ADDRESS,
            i.factors.0,
            i.updated_at
        )
        .execute(tx.conn())
        .await?;
        self.write_identifiers(tx).await?;
        self.write_credentials(tx).await?;
        let verifiable = i.verifiable_addresses.iter();
        let verifiable = verifiable.map(|a| (a.via.as_str(), a.value.as_str(), a.id));
        write_addresses(tx, i, "verifiable", verifiable.collect()).await?;
        let recovery = i.recovery_addresses.iter();
        let recovery = recovery.map(|a| (a.via.as_str(), a.value.as_str(), a.id));
        write_addresses(tx, i, "recovery", recovery.collect()).await?;
        Ok(tx.invalidate(i.id).await?)
    }

    async fn write_identifiers(&self, tx: &mut Tx) -> Result<(), InsertError> {
        let (kinds, values): (Vec<String>, Vec<String>) = self.identifiers().into_iter().unzip();
        sqlx::query!(
            "delete from identifiers where identity_id = $1 and kind = any ($2)
                and (kind, value) not in (select n.kind, n.value from unnest($3::text[], $4::text[]) as n (kind, value))",
            self.identity.id,
            &derived_kinds(),
            &kinds,
            &values
        )
        .execute(tx.conn())
        .await?;
        sqlx::query!(
            "insert into identifiers (identity_id, kind, value)
             select $1, n.kind, n.value from unnest($2::text[], $3::text[]) as n (kind, value)
              where not exists (select 1 from identifiers i where i.identity_id = $1 and i.kind = n.kind and i.value = n.value)",
            self.identity.id,
            &kinds,
            &values
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// A credential of a kind that the traits feed is there, as after a registration; one that they feed
    /// no more goes, unless it holds a secret.
    async fn write_credentials(&self, tx: &mut Tx) -> Result<(), InsertError> {
        let (kinds, configs, versions) = columns(&self.credentials);
        sqlx::query!(
            "delete from credentials where identity_id = $1 and kind = any ($2) and kind <> all ($3)
                and (kind = 'code' or config = '{}')",
            self.identity.id,
            &derived_kinds(),
            &kinds
        )
        .execute(tx.conn())
        .await?;
        sqlx::query!(
            "insert into credentials (identity_id, kind, config, version, created_at, updated_at)
             select $1, n.kind, n.config, n.version, $5, $5 from unnest($2::text[], $3::jsonb[], $4::int[]) as n (kind, config, version)
             on conflict (identity_id, kind) do update
                set config = excluded.config, revision = credentials.revision + 1, updated_at = excluded.updated_at
              where credentials.kind = 'code' and credentials.config <> excluded.config",
            self.identity.id,
            &kinds,
            &configs,
            &versions,
            self.identity.updated_at
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

fn derived_kinds() -> Vec<String> {
    DERIVED_KINDS.map(|kind| kind.as_str().to_owned()).to_vec()
}

/// Channel, value and id, in one order for everyone.
async fn write_addresses(
    tx: &mut Tx,
    identity: &Identity,
    purpose: &str,
    mut rows: Vec<(&str, &str, Uuid)>,
) -> Result<(), InsertError> {
    rows.sort_unstable();
    let vias: Vec<String> = rows.iter().map(|r| r.0.to_owned()).collect();
    let values: Vec<String> = rows.iter().map(|r| r.1.to_owned()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|r| r.2).collect();
    sqlx::query!(
        "delete from addresses where identity_id = $1 and purpose = $2
            and (via, value) not in (select n.via, n.value from unnest($3::text[], $4::text[]) as n (via, value))",
        identity.id,
        purpose,
        &vias,
        &values
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into addresses (id, identity_id, purpose, via, value, created_at, updated_at)
         select n.id, $1, $2, n.via, n.value, $6, $6 from unnest($3::uuid[], $4::text[], $5::text[]) as n (id, via, value)
          where not exists (select 1 from addresses a
                             where a.identity_id = $1 and a.purpose = $2 and a.via = n.via and a.value = n.value)",
        identity.id,
        purpose,
        &ids,
        &vias,
        &values,
        identity.updated_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The identifiers that come from traits, kind and value, sorted.
pub async fn identifiers_of(
    tx: &mut Tx,
    identity_id: Uuid,
) -> Result<Vec<(String, String)>, Fault> {
    let rows = sqlx::query!(
        "select kind, value from identifiers where identity_id = $1 and kind = any ($2) order by kind collate \"C\", value",
        identity_id,
        &derived_kinds()
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// Is the identity as it was when its change was judged: there, active, with the same traits?
/// Locks the row against other changes until the transaction ends.
pub async fn is_as_judged(tx: &mut Tx, judged: &Identity) -> Result<bool, Fault> {
    let row = sqlx::query!(
        "select schema_id, state, traits from identities where id = $1 for no key update",
        judged.id
    );
    let row = row.fetch_optional(tx.conn()).await?;
    Ok(row.is_some_and(|row| {
        row.schema_id == judged.schema_id
            && row.state == judged.state.as_str()
            && row.traits == judged.traits
    }))
}
