//! Reading and deleting identities.

use serde_json::Value;
use tenants::{Fault, Tx};
use uuid::Uuid;

use super::{Identity, RecoveryAddress, State, VerifiableAddress};
use crate::{factors::Factors, normalize};

/// One row with its addresses, as every query here selects it.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) schema_id: String,
    pub(crate) state: String,
    pub(crate) state_changed_at: chrono::DateTime<chrono::Utc>,
    pub(crate) traits: Value,
    pub(crate) metadata_public: Option<Value>,
    pub(crate) metadata_admin: Option<Value>,
    pub(crate) external_id: Option<String>,
    pub(crate) organization_id: Option<Uuid>,
    pub(crate) factors: i32,
    pub(crate) created_at: chrono::DateTime<chrono::Utc>,
    pub(crate) updated_at: chrono::DateTime<chrono::Utc>,
    /// An array of address rows, as JSON.
    pub(crate) addresses: Value,
}

impl Row {
    pub(crate) fn read(self) -> Result<Identity, Fault> {
        let (verifiable_addresses, recovery_addresses) = read_addresses(self.addresses)?;
        Ok(Identity {
            id: self.id,
            schema_id: self.schema_id,
            state: State::read(&self.state)?,
            state_changed_at: self.state_changed_at,
            traits: self.traits,
            metadata_public: self.metadata_public,
            metadata_admin: self.metadata_admin,
            external_id: self.external_id,
            organization_id: self.organization_id,
            verifiable_addresses,
            recovery_addresses,
            factors: Factors(self.factors),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

fn read_addresses(rows: Value) -> Result<(Vec<VerifiableAddress>, Vec<RecoveryAddress>), Fault> {
    let (mut verifiable, mut recovery) = (Vec::new(), Vec::new());
    let unreadable = |e: serde_json::Error| Fault::broken(format!("unreadable address: {e}"));
    for row in rows.as_array().into_iter().flatten() {
        if row["purpose"] == "verifiable" {
            verifiable.push(serde_json::from_value(row.clone()).map_err(unreadable)?);
        } else {
            recovery.push(serde_json::from_value(row.clone()).map_err(unreadable)?);
        }
    }
    Ok((verifiable, recovery))
}

/// One identity with its addresses.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Identity>, Fault> {
    Ok(get_many(tx, &[id]).await?.pop())
}

/// Several, by id ascending; ids that do not exist are left out.
pub async fn get_many(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Identity>, Fault> {
    let rows = sqlx::query_as!(
        Row,
        r#"select i.id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public, i.metadata_admin, i.external_id,
                  i.organization_id, i.factors, i.created_at, i.updated_at,
                  coalesce((select jsonb_agg(to_jsonb(a) order by a.id) from addresses a where a.identity_id = i.id), '[]') as "addresses!"
             from identities i where i.id = any ($1) order by i.id"#,
        ids
    );
    rows.fetch_all(tx.conn())
        .await?
        .into_iter()
        .map(Row::read)
        .collect()
}

/// The identity's state and version of facts, locked against change until the transaction ends: the last
/// look before a sign-in is written.
pub async fn is_still_active(tx: &mut Tx, id: Uuid) -> Result<Option<bool>, Fault> {
    let state = sqlx::query_scalar!("select state from identities where id = $1 for share", id);
    Ok(state
        .fetch_optional(tx.conn())
        .await?
        .map(|s| s == "active"))
}

/// Which identities a list shows.
#[derive(Clone, Debug, Default)]
pub enum Filter {
    /// All of the project.
    #[default]
    All,
    /// Only these.
    Ids(Vec<Uuid>),
    /// Exact identifier: normalised for password, webauthn and code, as sent for oidc and saml.
    Identifier(String),
    /// Prefix of an identifier, over the same types.
    IdentifierPrefix(String),
    /// Only of this organization.
    Organization(Uuid),
}

impl Filter {
    /// Is it found by what it signs in with?
    pub fn is_by_identifier(&self) -> bool {
        matches!(self, Self::Identifier(_) | Self::IdentifierPrefix(_))
    }
}

/// Ids of a page of identities, ascending, after `after`.
pub async fn list(
    tx: &mut Tx,
    filter: &Filter,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, Fault> {
    let (ids, organization) = match filter {
        Filter::All => (None, None),
        Filter::Ids(ids) => (Some(&ids[..]), None),
        Filter::Organization(id) => (None, Some(*id)),
        Filter::Identifier(identifier) => {
            let normal = Span::exactly(normalize::identifier(identifier));
            let as_sent = Span::exactly(identifier.clone());
            return by_identifier(tx, normal, as_sent, after, limit).await;
        }
        Filter::IdentifierPrefix(prefix) => {
            let normal = Span::beginning(normalize::identifier(prefix));
            let as_sent = Span::beginning(prefix.clone());
            return by_identifier(tx, normal, as_sent, after, limit).await;
        }
    };
    let rows = sqlx::query_scalar!(
        r#"select i.id from identities i
            where i.id > $1
              and ($3::uuid[] is null or i.id = any ($3))
              and ($4::uuid is null or i.organization_id = $4)
            order by i.id limit $2"#,
        after,
        limit,
        ids,
        organization
    );
    Ok(rows.fetch_all(tx.conn()).await?)
}

/// A range of texts, both ends in it.
struct Span {
    first: String,
    last: String,
}

impl Span {
    fn exactly(text: String) -> Self {
        Self {
            first: text.clone(),
            last: text,
        }
    }

    /// In the order of bytes nothing that begins with the prefix lies behind it with the last character.
    fn beginning(prefix: String) -> Self {
        Self {
            last: format!("{prefix}\u{10FFFF}"),
            first: prefix,
        }
    }
}

/// Identities with an identifier in a span: normalised for most types, as sent for others. From the index of
/// identifiers to the identities; the other way round every identity of the project would be looked at.
async fn by_identifier(
    tx: &mut Tx,
    normal: Span,
    as_sent: Span,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, Fault> {
    let rows = sqlx::query_scalar!(
        "with found as materialized (
            select identity_id from identifiers
             where (kind in ('password', 'webauthn', 'code') and value between $3 and $4)
                or (kind in ('oidc', 'saml') and value between $5 and $6))
         select distinct identity_id from found where identity_id > $1 order by identity_id limit $2",
        after,
        limit,
        normal.first,
        normal.last,
        as_sent.first,
        as_sent.last
    );
    Ok(rows.fetch_all(tx.conn()).await?)
}

/// How many of these identities, in order, hold so many bytes together in traits and metadata at most.
pub async fn how_many_fit(tx: &mut Tx, ids: &[Uuid], bytes_max: i64) -> Result<usize, Fault> {
    let fit = sqlx::query_scalar!(
        r#"select count(*) as "fit!" from (
             select sum(octet_length(traits::text) + coalesce(octet_length(metadata_public::text), 0)
                        + coalesce(octet_length(metadata_admin::text), 0)) over (order by id) as bytes
               from identities where id = any($1)) as weighed
            where bytes <= $2"#,
        ids,
        bytes_max
    );
    Ok(usize::try_from(fit.fetch_one(tx.conn()).await?).unwrap_or(0))
}

/// A page by number. Whatever comes before it is read too.
pub async fn list_by_page(
    tx: &mut Tx,
    filter: &Filter,
    offset: i64,
    limit: i64,
) -> Result<Vec<Uuid>, Fault> {
    let mut all = list(tx, filter, Uuid::nil(), offset + limit).await?;
    Ok(all.split_off(usize::try_from(offset).unwrap_or(0).min(all.len())))
}

/// All identities of the project.
pub async fn count(tx: &mut Tx) -> Result<i64, Fault> {
    Ok(
        sqlx::query_scalar!(r#"select count(*) as "count!" from identities"#)
            .fetch_one(tx.conn())
            .await?,
    )
}

/// Delete an identity and, by cascade, everything of it. Its sessions stop working everywhere.
/// False: there is none.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, Fault> {
    let gone = sqlx::query!("delete from identities where id = $1", id)
        .execute(tx.conn())
        .await?
        .rows_affected()
        == 1;
    if gone {
        tx.invalidate(id).await?;
    }
    Ok(gone)
}
