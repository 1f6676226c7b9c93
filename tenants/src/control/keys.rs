//! Making, finding and ending API keys.

use std::sync::Arc;

use serde_json::json;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{
    Actor,
    directory::Directory,
    events,
    key::{
        Key, KeyEntry, KeyPage, KeyRequest, NewKey, Role, StoredKey, digest, parse, prefix, public,
        read_role,
    },
};
use crate::{Fault, Project, ProjectId, ids, invalidation::Invalidations, schema};

impl Directory {
    pub(crate) async fn authenticate_key(&self, token: &str) -> Result<Option<Key>, Fault> {
        if let Some(root) = &self.settings().root_key
            && bool::from(digest(root).ct_eq(&digest(token)))
        {
            return Ok(Some(Key {
                id: Uuid::nil(),
                project: None,
                role: Role::Owner,
                name: "root key".to_owned(),
            }));
        }
        let Some((id, secret)) = parse(token) else {
            return Ok(None);
        };
        let Some(stored) = self.stored_key(id).await? else {
            return Ok(None);
        };
        let matches = bool::from(stored.secret_hash.ct_eq(&digest(secret)));
        let alive = stored.expires_at.is_none_or(|at| at > self.clock().now());
        Ok((matches && alive).then(|| stored.key.clone()))
    }

    async fn stored_key(&self, id: Uuid) -> Result<Option<Arc<StoredKey>>, Fault> {
        if let Some((stored, load)) = self.known_keys().get(&id)
            && self
                .home()
                .invalidations()
                .holds(load, schema::REFERENCE_SLOT, &[id])
        {
            return Ok(Some(stored));
        }
        let load = Invalidations::loading();
        let row = sqlx::query!(
            "select project, name, role, secret_hash, expires_at from control.api_keys where id = $1 and revoked_at is null",
            id
        );
        let Some(row) = row
            .fetch_optional(&mut *self.home().pools().control.take().await?)
            .await?
        else {
            self.known_keys().invalidate(&id);
            return Ok(None);
        };
        let stored = Arc::new(StoredKey {
            key: Key {
                id,
                project: row.project.map(ProjectId),
                role: read_role(&row.role)?,
                name: row.name,
            },
            secret_hash: row
                .secret_hash
                .try_into()
                .map_err(|_| Fault::broken("a key's hash has a wrong length"))?,
            expires_at: row.expires_at,
        });
        self.known_keys().insert(id, (Arc::clone(&stored), load));
        Ok(Some(stored))
    }

    pub(crate) async fn create_key(
        &self,
        actor: &Actor,
        request: &KeyRequest,
    ) -> Result<NewKey, Fault> {
        let mut tx = self.home().pools().control.begin().await?;
        let key = insert(self, &mut tx, actor, request).await?;
        tx.commit().await?;
        Ok(key)
    }

    pub(crate) async fn owner_of_key(&self, id: Uuid) -> Result<Option<Option<ProjectId>>, Fault> {
        let row = sqlx::query_scalar!(
            "select project from control.api_keys where id = $1 and revoked_at is null",
            id
        );
        Ok(row
            .fetch_optional(&mut *self.home().pools().control.take().await?)
            .await?
            .map(|p| p.map(ProjectId)))
    }

    pub(crate) async fn revoke_key(&self, actor: &Actor, id: Uuid) -> Result<bool, Fault> {
        let mut tx = self.home().pools().control.begin().await?;
        let row = sqlx::query!(
            "update control.api_keys set revoked_at = $2 where id = $1 and revoked_at is null returning project",
            id,
            self.clock().now()
        );
        let Some(row) = row.fetch_optional(&mut *tx).await? else {
            return Ok(false);
        };
        sqlx::query!(
            "insert into control.invalidation (db_role, key) values ($1, $2)",
            self.own_role(),
            id
        )
        .execute(&mut *tx)
        .await?;
        events::record(
            self,
            &mut tx,
            actor,
            "api_key.revoke",
            (row.project.map(ProjectId), json!({"key": id})),
        )
        .await?;
        tx.commit().await?;
        self.forget_own(id);
        Ok(true)
    }

    pub(crate) async fn list_keys(
        &self,
        project: Option<&Project>,
        page: KeyPage,
    ) -> Result<Vec<KeyEntry>, Fault> {
        let rows = sqlx::query!(
            "select id, name, role, author, created_at, expires_at, revoked_at from control.api_keys
              where project is not distinct from $1 and ($2 or revoked_at is null)
                and ($3::uuid is null or (created_at, id) < (select created_at, id from control.api_keys
                       where id = $3 and project is not distinct from $1))
              order by created_at desc, id desc limit $4",
            project.map(|p| p.id().uuid()),
            page.with_revoked,
            page.after,
            page.limit
        );
        let rows = rows
            .fetch_all(&mut *self.home().pools().control.take().await?)
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(KeyEntry {
                    id: row.id,
                    name: row.name,
                    role: read_role(&row.role)?,
                    prefix: prefix(row.id),
                    author: row.author,
                    created_at: row.created_at,
                    expires_at: row.expires_at,
                    revoked_at: row.revoked_at,
                })
            })
            .collect()
    }
}

/// Insert a key in the caller's transaction.
pub(crate) async fn insert(
    directory: &Directory,
    connection: &mut sqlx::PgConnection,
    actor: &Actor,
    request: &KeyRequest,
) -> Result<NewKey, Fault> {
    let (id, secret) = (ids::v4(), ids::alphanumeric(43));
    sqlx::query!(
        "insert into control.api_keys (id, project, name, role, secret_hash, author, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        request.project.map(ProjectId::uuid),
        request.name,
        request.role.as_str(),
        &digest(&secret)[..],
        actor.0,
        directory.clock().now(),
        request.expires_at
    )
    .execute(&mut *connection)
    .await?;
    let details = json!({"key": id, "name": request.name, "role": request.role});
    events::record(
        directory,
        connection,
        actor,
        "api_key.create",
        (request.project, details),
    )
    .await?;
    Ok(NewKey {
        id,
        name: request.name.clone(),
        role: request.role,
        token: format!("{}_{secret}", public(id)),
        prefix: prefix(id),
    })
}
