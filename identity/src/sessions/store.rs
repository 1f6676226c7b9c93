//! Rows of `sessions`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde_json::json;
use tenants::{Fault, Tx};
use uuid::Uuid;

use super::{
    Aal, Session,
    authenticate::{self, Row},
    token,
};
use crate::limits::known;

/// What the sessions of one page hold in memory.
const LIST_BYTES_MAX: usize = 8 << 20;

/// Write a new session under the hash of its token; the network where it begins is known to its identity from
/// then on, if no factor is missing.
pub async fn insert(tx: &mut Tx, session: &Session, session_token: &str) -> Result<(), Fault> {
    let project = tx.project();
    let networks: Vec<Vec<u8>> = known::shown_by(project, session).into_iter().collect();
    let project = project.clone();
    sqlx::query!(
        "with session as (
           insert into sessions (id, token_hash, identity_id, active, aal, amr, devices, authenticated_at, issued_at, expires_at, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $9))
         insert into known_networks as n (identity_id, network, seen_on) select $3, network, $12 from unnest($11::bytea[]) as d (network)
         on conflict (identity_id, network) do update set seen_on = excluded.seen_on where n.seen_on < excluded.seen_on",
        session.id,
        &token::digest(session_token)[..],
        session.identity.id,
        session.active,
        session.aal.as_str(),
        json!(session.amr),
        json!(session.devices),
        session.authenticated_at,
        session.issued_at,
        session.expires_at,
        &networks,
        project.now().date_naive()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Write what a refresh or a step-up changed. False: it was revoked meanwhile.
pub async fn renew(tx: &mut Tx, session: &Session) -> Result<bool, Fault> {
    let now = tx.project().now();
    let renewed = sqlx::query!(
        "update sessions set aal = $2, amr = $3, devices = $4, authenticated_at = $5, issued_at = $6, expires_at = $7, updated_at = $8
          where id = $1 and active",
        session.id,
        session.aal.as_str(),
        json!(session.amr),
        json!(session.devices),
        session.authenticated_at,
        session.issued_at,
        session.expires_at,
        now
    );
    let renewed = renewed.execute(tx.conn()).await?.rows_affected() == 1;
    if session.aal > Aal::Aal1 {
        known::note(tx, session).await?;
    }
    tx.invalidate(session.id).await?;
    Ok(renewed)
}

/// Is the session still good? Keeps it so until the transaction ends.
pub async fn is_still_good(tx: &mut Tx, id: Uuid) -> Result<bool, Fault> {
    let now = tx.project().now();
    let good = sqlx::query_scalar!(
        r#"select active and expires_at > $2 as "good!" from sessions where id = $1 for share"#,
        id,
        now
    );
    Ok(good.fetch_optional(tx.conn()).await? == Some(true))
}

/// Revoke one session. False: there is none of that id.
pub async fn revoke(tx: &mut Tx, id: Uuid) -> Result<bool, Fault> {
    let now = tx.project().now();
    let found = sqlx::query!(
        "update sessions set active = false, updated_at = $2 where id = $1",
        id,
        now
    )
    .execute(tx.conn())
    .await?;
    tx.invalidate(id).await?;
    Ok(found.rows_affected() == 1)
}

/// Revoke one session if it belongs to that identity. False: no active one of that id is theirs.
pub async fn revoke_own(tx: &mut Tx, identity_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    let now = tx.project().now();
    let found = sqlx::query!(
        "update sessions set active = false, updated_at = $3 where id = $1 and identity_id = $2 and active",
        id,
        identity_id,
        now
    );
    let found = found.execute(tx.conn()).await?.rows_affected() == 1;
    if found {
        tx.invalidate(id).await?;
    }
    Ok(found)
}

/// Revoke every other session of an identity. Answers how many.
pub async fn revoke_others(tx: &mut Tx, identity_id: Uuid, keep: Uuid) -> Result<u64, Fault> {
    let now = tx.project().now();
    let ended = sqlx::query!(
        "update sessions set active = false, updated_at = $3 where identity_id = $1 and id <> $2 and active and expires_at > $3",
        identity_id,
        keep,
        now
    );
    let ended = ended.execute(tx.conn()).await?.rows_affected();
    // One row however many they are; the one that stays is read again.
    if ended > 0 {
        tx.invalidate(identity_id).await?;
    }
    Ok(ended)
}

/// The id of a token's session, also when it was revoked before. `None`: unknown token.
pub async fn id_of_token(tx: &mut Tx, session_token: &str) -> Result<Option<Uuid>, Fault> {
    let id = sqlx::query_scalar!(
        "select id from sessions where token_hash = $1",
        &token::digest(session_token)[..]
    );
    Ok(id.fetch_optional(tx.conn()).await?)
}

/// Delete all sessions of an identity. Answers how many there were.
pub async fn delete_all(tx: &mut Tx, identity_id: Uuid) -> Result<u64, Fault> {
    let gone = sqlx::query!("delete from sessions where identity_id = $1", identity_id)
        .execute(tx.conn())
        .await?
        .rows_affected();
    tx.invalidate(identity_id).await?;
    Ok(gone)
}

/// Which sessions a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this identity.
    pub identity: Option<Uuid>,
    /// Not this one.
    pub except: Option<Uuid>,
    /// Stored active and not expired, or the rest.
    pub active: Option<bool>,
    /// After this one, in the order of the list.
    pub after: Option<(DateTime<Utc>, Uuid)>,
    /// They are shown without their identity, so what it holds does not count.
    pub without_identity: bool,
}

/// A part of a list.
#[derive(Debug)]
pub struct Listed {
    /// Newest first.
    pub sessions: Vec<Session>,
    /// There were more, which would have held too much memory.
    pub is_cut: bool,
}

/// A page of sessions, newest first; fewer, when their identities hold more than 8 MiB together.
pub async fn list(tx: &mut Tx, filter: &Filter, offset: i64, limit: i64) -> Result<Listed, Fault> {
    let now = tx.project().now();
    let (after_at, after_id) = filter.after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.active, s.aal, s.amr, s.devices, s.authenticated_at, s.issued_at, s.expires_at, s.created_at as session_created_at,
                  i.id as identity_id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public, i.metadata_admin,
                  i.external_id, i.organization_id, i.factors, i.created_at, i.updated_at,
                  coalesce((select jsonb_agg(to_jsonb(a) order by a.id) from addresses a where a.identity_id = i.id), '[]') as "addresses!"
             from sessions s join identities i on i.id = s.identity_id
            where ($1::uuid is null or s.identity_id = $1)
              and ($2::uuid is null or s.id <> $2)
              and ($3::bool is null or (s.active and s.expires_at > $4) = $3)
              and ($5::timestamptz is null or s.created_at <= $5)
              and ($5::timestamptz is null or s.created_at < $5 or s.id > $6)
            order by s.created_at desc, s.id offset $7 limit $8"#,
        filter.identity,
        filter.except,
        filter.active,
        now,
        after_at,
        after_id,
        offset,
        limit
    );
    let mut rows = rows.fetch(tx.conn());
    let (mut sessions, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        let mut session = row.read()?;
        if let Some(last) = sessions
            .last()
            .filter(|last: &&Session| last.identity.id == session.identity.id)
        {
            session.identity = Arc::clone(&last.identity);
        }
        if !filter.without_identity {
            bytes += authenticate::weigh(&session);
        }
        if bytes > LIST_BYTES_MAX && !sessions.is_empty() {
            let is_cut = true;
            return Ok(Listed { sessions, is_cut });
        }
        sessions.push(session);
    }
    let is_cut = false;
    Ok(Listed { sessions, is_cut })
}

/// How many sessions a list has in all.
pub async fn count(tx: &mut Tx, filter: &Filter) -> Result<i64, Fault> {
    let now = tx.project().now();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sessions s
            where ($1::uuid is null or s.identity_id = $1) and ($2::uuid is null or s.id <> $2)
              and ($3::bool is null or (s.active and s.expires_at > $4) = $3)"#,
        filter.identity,
        filter.except,
        filter.active,
        now
    );
    Ok(count.fetch_one(tx.conn()).await?)
}

/// One session, active or not.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Session>, Fault> {
    let row = sqlx::query_as!(
        Row,
        r#"select s.id, s.active, s.aal, s.amr, s.devices, s.authenticated_at, s.issued_at, s.expires_at, s.created_at as session_created_at,
                  i.id as identity_id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public, i.metadata_admin,
                  i.external_id, i.organization_id, i.factors, i.created_at, i.updated_at,
                  coalesce((select jsonb_agg(to_jsonb(a) order by a.id) from addresses a where a.identity_id = i.id), '[]') as "addresses!"
             from sessions s join identities i on i.id = s.identity_id where s.id = $1"#,
        id
    );
    row.fetch_optional(tx.conn())
        .await?
        .map(Row::read)
        .transpose()
}

/// One session as it is stored now, locked against change until the transaction ends: what was added to
/// it elsewhere since it was read into memory is not lost.
pub async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<Session>, Fault> {
    let found = sqlx::query_scalar!(
        "select id from sessions where id = $1 and active for no key update",
        id
    );
    match found.fetch_optional(tx.conn()).await? {
        Some(id) => get(tx, id).await,
        None => Ok(None),
    }
}

/// Delete up to `limit` sessions that expired before `before`. Answers how many went.
pub async fn sweep(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, Fault> {
    let gone = sqlx::query!(
        "delete from sessions where id in (select id from sessions where expires_at < $1 order by expires_at limit $2)",
        before,
        limit
    );
    Ok(gone.execute(tx.conn()).await?.rows_affected())
}
