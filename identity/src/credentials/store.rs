//! Rows of `credentials` and `identifiers`, whatever the kind.

use serde_json::Value;
use tenants::{Fault, Tx};
use uuid::Uuid;

use super::{Credential, CredentialKind};

/// The identifiers under which an identity signs in with `kind`, sorted.
pub async fn identifiers_of(
    tx: &mut Tx,
    identity_id: Uuid,
    kind: CredentialKind,
) -> Result<Vec<String>, Fault> {
    let rows = sqlx::query_scalar!(
        "select value from identifiers where identity_id = $1 and kind = $2 order by value",
        identity_id,
        kind.as_str()
    );
    Ok(rows.fetch_all(tx.conn()).await?)
}

/// Is the credential (of an identity, of that kind) still the one that was judged? Locks it against change
/// until the transaction ends; `will_change` says that this transaction changes it itself. Two that share
/// a lock and then both want to write would wait for each other.
pub async fn is_unchanged(
    tx: &mut Tx,
    (identity_id, kind): (Uuid, CredentialKind),
    revision: i32,
    will_change: bool,
) -> Result<bool, Fault> {
    let now = if will_change {
        sqlx::query_scalar!(
            "select revision from credentials where identity_id = $1 and kind = $2 for no key update",
            identity_id,
            kind.as_str()
        )
        .fetch_optional(tx.conn())
        .await?
    } else {
        sqlx::query_scalar!(
            "select revision from credentials where identity_id = $1 and kind = $2 for share",
            identity_id,
            kind.as_str()
        )
        .fetch_optional(tx.conn())
        .await?
    };
    Ok(now == Some(revision))
}

/// Is the identity active, and the credential of that kind still the one that was judged? The last look before a
/// sign-in is written. Locks both, the identity first, as [`is_unchanged`] does.
pub async fn is_as_judged(
    tx: &mut Tx,
    (identity_id, kind): (Uuid, CredentialKind),
    revision: i32,
    will_change: bool,
) -> Result<bool, Fault> {
    let now = if will_change {
        sqlx::query_scalar!(
            "select c.revision from identities i join credentials c on c.identity_id = i.id
              where i.id = $1 and c.kind = $2 and i.state = 'active' for share of i for no key update of c",
            identity_id,
            kind.as_str()
        )
        .fetch_optional(tx.conn())
        .await?
    } else {
        sqlx::query_scalar!(
            "select c.revision from identities i join credentials c on c.identity_id = i.id
              where i.id = $1 and c.kind = $2 and i.state = 'active' for share",
            identity_id,
            kind.as_str()
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
    kind: CredentialKind,
    config: &Value,
) -> Result<(), Fault> {
    let now = tx.project().now();
    sqlx::query!(
        "update credentials set config = $3, revision = revision + 1, updated_at = $4 where identity_id = $1 and kind = $2",
        identity_id,
        kind.as_str(),
        config,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The same, if it is still at that revision. False: it is not, and nothing is written.
pub async fn consume(
    tx: &mut Tx,
    (identity_id, kind): (Uuid, CredentialKind),
    revision: i32,
    config: &Value,
) -> Result<bool, Fault> {
    let now = tx.project().now();
    let consumed = sqlx::query!(
        "update credentials set config = $4, revision = revision + 1, updated_at = $5
          where identity_id = $1 and kind = $2 and revision = $3",
        identity_id,
        kind.as_str(),
        revision,
        config,
        now
    );
    Ok(consumed.execute(tx.conn()).await?.rows_affected() == 1)
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
