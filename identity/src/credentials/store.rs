//! Rows of `credentials` and `identifiers`.

use serde_json::{Value, json};
use tenants::{Fault, Tx};
use uuid::Uuid;

use super::Credential;
use crate::{factors::Factors, identities::create::InsertError};

/// A password found by its identifier: what a sign-in needs to judge, and to check again before it writes.
#[derive(Clone, Debug)]
pub struct FoundPassword {
    /// Whose it is.
    pub identity_id: Uuid,
    /// Empty when the identity has the identifier but no password.
    pub hash: String,
    /// Goes up with each change of the credential.
    pub revision: i32,
}

/// Find a password by normalised identifier.
pub async fn find_password(tx: &mut Tx, identifier: &str) -> Result<Option<FoundPassword>, Fault> {
    let row = sqlx::query!(
        r#"select c.identity_id, c.revision, coalesce(c.config ->> 'hashed_password', '') as "hash!"
             from identifiers i join credentials c on c.identity_id = i.identity_id and c.kind = i.kind
            where i.kind = 'password' and i.value = $1"#,
        identifier
    );
    let row = row.fetch_optional(tx.conn()).await?;
    Ok(row.map(|r| FoundPassword {
        identity_id: r.identity_id,
        hash: r.hash,
        revision: r.revision,
    }))
}

/// The password of an identity: its hash, empty while none is set, and its revision. `None`: there is no
/// such credential.
pub async fn password_of(tx: &mut Tx, identity_id: Uuid) -> Result<Option<(String, i32)>, Fault> {
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
pub async fn set_password(
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

/// The identifiers under which an identity signs in with `kind`, sorted.
pub async fn identifiers_of(
    tx: &mut Tx,
    identity_id: Uuid,
    kind: &str,
) -> Result<Vec<String>, Fault> {
    let rows = sqlx::query_scalar!(
        "select value from identifiers where identity_id = $1 and kind = $2 order by value",
        identity_id,
        kind
    );
    Ok(rows.fetch_all(tx.conn()).await?)
}

/// Is the credential (of an identity, of that kind) still the one that was judged? Locks it against change
/// until the transaction ends; `will_change` says that this transaction changes it itself. Two that share
/// a lock and then both want to write would wait for each other.
pub async fn is_unchanged(
    tx: &mut Tx,
    (identity_id, kind): (Uuid, &str),
    revision: i32,
    will_change: bool,
) -> Result<bool, Fault> {
    let now = if will_change {
        sqlx::query_scalar!(
            "select revision from credentials where identity_id = $1 and kind = $2 for no key update",
            identity_id,
            kind
        )
        .fetch_optional(tx.conn())
        .await?
    } else {
        sqlx::query_scalar!(
            "select revision from credentials where identity_id = $1 and kind = $2 for share",
            identity_id,
            kind
        )
        .fetch_optional(tx.conn())
        .await?
    };
    Ok(now == Some(revision))
}

/// Replace the stored configuration of a credential that exists.
pub async fn replace_config(
    tx: &mut Tx,
    identity_id: Uuid,
    kind: &str,
    config: &Value,
) -> Result<(), Fault> {
    let now = tx.project().now();
    sqlx::query!(
        "update credentials set config = $3, revision = revision + 1, updated_at = $4 where identity_id = $1 and kind = $2",
        identity_id,
        kind,
        config,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The credentials of several identities at once, by identity and kind.
pub async fn of_identities(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<(Uuid, Credential)>, Fault> {
    let rows = sqlx::query!(
        r#"select c.identity_id, c.kind, c.config, c.version, c.created_at, c.updated_at,
                  array(select i.value from identifiers i where i.identity_id = c.identity_id and i.kind = c.kind order by i.value) as "identifiers!"
             from credentials c where c.identity_id = any ($1) order by c.identity_id, c.kind"#,
        ids
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let credential = Credential {
                kind: r.kind,
                identifiers: r.identifiers,
                config: r.config,
                version: r.version,
                created_at: r.created_at,
                updated_at: r.updated_at,
            };
            (r.identity_id, credential)
        })
        .collect())
}
