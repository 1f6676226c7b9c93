//! Password credentials: a hash, found by an identifier.

use serde_json::json;
use tenants::{Fault, Tx};
use uuid::Uuid;

use crate::{
    factors::Factors,
    identities::{Identity, create::InsertError, store::Row},
};

/// A password found by its identifier, and its owner: what a sign-in needs to judge, and to check again before it
/// writes.
#[derive(Clone, Debug)]
pub struct FoundPassword {
    /// The owner.
    pub identity: Identity,
    /// Never empty.
    pub hash: String,
    /// Goes up with each change of the credential.
    pub revision: i32,
}

/// Find a password by normalised identifier. `None`: there is no such identifier, or no password.
pub async fn find(tx: &mut Tx, identifier: &str) -> Result<Option<FoundPassword>, Fault> {
    let row = sqlx::query!(
        r#"select c.revision, coalesce(c.config ->> 'hashed_password', '') as "hash!",
                  i.id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public, i.metadata_admin,
                  i.external_id, i.organization_id, i.factors, i.created_at, i.updated_at,
                  coalesce((select jsonb_agg(to_jsonb(a) order by a.id) from addresses a where a.identity_id = i.id), '[]') as "addresses!"
             from identifiers n
             join credentials c on c.identity_id = n.identity_id and c.kind = n.kind
             join identities i on i.id = n.identity_id
            where n.kind = 'password' and n.value = $1"#,
        identifier
    );
    let row = row.fetch_optional(tx.conn()).await?;
    let Some(row) = row.filter(|row| !row.hash.is_empty()) else {
        return Ok(None);
    };
    let identity = Row {
        id: row.id,
        schema_id: row.schema_id,
        state: row.state,
        state_changed_at: row.state_changed_at,
        traits: row.traits,
        metadata_public: row.metadata_public,
        metadata_admin: row.metadata_admin,
        external_id: row.external_id,
        organization_id: row.organization_id,
        factors: row.factors,
        created_at: row.created_at,
        updated_at: row.updated_at,
        addresses: row.addresses,
    };
    Ok(Some(FoundPassword {
        identity: identity.read()?,
        hash: row.hash,
        revision: row.revision,
    }))
}

/// The password of an identity: its hash, empty while none is set, and its revision. `None`: there is no
/// such credential.
pub async fn of_identity(tx: &mut Tx, identity_id: Uuid) -> Result<Option<(String, i32)>, Fault> {
    let row = sqlx::query!(
        r#"select coalesce(config ->> 'hashed_password', '') as "hash!", revision
             from credentials where identity_id = $1 and kind = 'password'"#,
        identity_id
    );
    let row = row.fetch_optional(tx.conn()).await?;
    Ok(row.map(|r| (r.hash, r.revision)))
}

/// Give an identity a password, already hashed, in the place of whatever it had. `new_identifiers` are
/// those it will be found under besides the stored ones.
pub async fn set(
    tx: &mut Tx,
    identity_id: Uuid,
    hash: &str,
    new_identifiers: &[String],
) -> Result<(), InsertError> {
    let now = tx.project().now();
    sqlx::query!(
        "insert into credentials (identity_id, kind, config, version, created_at, updated_at) values ($1, 'password', $2, 0, $3, $3)
         on conflict (identity_id, kind) do update
            set config = excluded.config, revision = credentials.revision + 1, updated_at = excluded.updated_at",
        identity_id,
        json!({"hashed_password": hash}),
        now
    )
    .execute(tx.conn())
    .await?;
    let mut new_identifiers = new_identifiers.to_vec();
    new_identifiers.sort_unstable();
    sqlx::query!(
        "insert into identifiers (identity_id, kind, value) select $1, 'password', v from unnest($2::text[]) as v",
        identity_id,
        &new_identifiers
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update identities set factors = (factors | $2) & ~$3::integer, updated_at = $4 where id = $1",
        identity_id,
        Factors::PASSWORD,
        Factors::PASSWORD_AWAITING_MIGRATION,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(tx.invalidate(identity_id).await?)
}
