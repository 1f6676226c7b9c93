//! API keys: of the installation, and of one project.
//!
//! A token is `ins_`, two digits for the cluster, the key's id in hex, `_`, and 43 characters of secret:
//! `ins_01<32 hex>_<43>`. Only the SHA-256 of the secret is stored; it has 256 bits, so no salt and no
//! slow hash are needed.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{Actor, events};
use crate::{
    Fault, Installation, Project, ProjectId, ids,
    invalidation::{Invalidations, Load},
    schema,
};

/// What a key may do (control-plane.md, Roles); each may all that the ones before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Read everything but secrets and credentials.
    Viewer,
    /// Also write identities, sessions, configuration.
    Admin,
    /// Also keys, suspension, deletion.
    Owner,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "VIEWER",
            Self::Admin => "ADMIN",
            Self::Owner => "OWNER",
        }
    }
}

/// A key as the holder of its token shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id; nil for the root key of the environment.
    pub id: Uuid,
    /// `None`: a key of the installation, which has its role in every project.
    pub project: Option<ProjectId>,
    /// What it may.
    pub role: Role,
    /// Its name.
    pub name: String,
}

impl Key {
    /// May the holder act as `role` on that project?
    pub fn may(&self, role: Role, project: ProjectId) -> bool {
        self.role >= role && self.project.is_none_or(|own| own == project)
    }

    /// May the holder act as `role` on the installation?
    pub fn may_on_installation(&self, role: Role) -> bool {
        self.role >= role && self.project.is_none()
    }

    /// How the audit trail names the holder.
    pub fn actor(&self) -> Actor {
        if self.id.is_nil() {
            Actor("root key".to_owned())
        } else {
            Actor(format!("key:{}", self.id))
        }
    }
}

/// A key just made: the only moment its token is known.
#[derive(Clone)]
pub struct NewKey {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// The token, shown once.
    pub token: String,
    /// How it begins, to recognise it by.
    pub prefix: String,
}

impl std::fmt::Debug for NewKey {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// What is asked for when a key is made.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// Whose key; `None` for the installation's.
    pub project: Option<ProjectId>,
    /// 1 to 100 characters.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key as a list shows it: everything but its secret.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it may.
    pub role: Role,
    /// How its token begins.
    pub prefix: String,
    /// Who made it, as the audit trail names them.
    pub author: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working, or did.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was ended.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Which part of a list of keys.
#[derive(Clone, Copy, Debug)]
pub struct KeyPage {
    /// At most so many.
    pub limit: i64,
    /// Begin behind the key of this id; of none, the list ends before it begins.
    pub after: Option<Uuid>,
    /// Also those that were ended?
    pub with_revoked: bool,
}

#[derive(Clone)]
struct Stored {
    key: Key,
    secret_hash: [u8; 32],
    expires_at: Option<DateTime<Utc>>,
}

pub(crate) struct KeyCache(moka::sync::Cache<Uuid, (Arc<Stored>, Load)>);

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self(
            moka::sync::Cache::builder()
                .max_capacity(10_000)
                .time_to_live(Duration::from_secs(30))
                .build(),
        )
    }
}

impl Installation {
    /// Whose token is this? `None` for anything that is no valid key, whatever the reason.
    pub async fn authenticate_key(&self, token: &str) -> Result<Option<Key>, Fault> {
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

    async fn stored_key(&self, id: Uuid) -> Result<Option<Arc<Stored>>, Fault> {
        if let Some((stored, load)) = self.key_cache().0.get(&id)
            && self
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
        let Some(row) = row.fetch_optional(&self.pools().control).await? else {
            return Ok(None);
        };
        let stored = Arc::new(Stored {
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
        self.key_cache().0.insert(id, (Arc::clone(&stored), load));
        Ok(Some(stored))
    }

    /// Make a key.
    pub async fn create_key(&self, actor: &Actor, request: &KeyRequest) -> Result<NewKey, Fault> {
        let mut tx = self.pools().control.begin().await?;
        let key = insert(self, &mut tx, actor, request).await?;
        tx.commit().await?;
        Ok(key)
    }

    /// The project a key belongs to: `None` when there is no such key, `Some(None)` for an installation key.
    pub async fn owner_of_key(&self, id: Uuid) -> Result<Option<Option<ProjectId>>, Fault> {
        let row = sqlx::query_scalar!(
            "select project from control.api_keys where id = $1 and revoked_at is null",
            id
        );
        Ok(row
            .fetch_optional(&self.pools().control)
            .await?
            .map(|p| p.map(ProjectId)))
    }

    /// End a key, here at once and elsewhere within half a second. False: there is none, or it was ended before.
    pub async fn revoke_key(&self, actor: &Actor, id: Uuid) -> Result<bool, Fault> {
        let mut tx = self.pools().control.begin().await?;
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

    /// A page of keys, newest first: of a project, or of the installation.
    pub async fn list_keys(
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
        let rows = rows.fetch_all(&self.pools().control).await?;
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

/// The part of a token that is no secret.
fn public(id: Uuid) -> String {
    format!("ins_01{}", id.simple())
}

/// How a token begins, to recognise it by.
fn prefix(id: Uuid) -> String {
    public(id)[..14].to_owned()
}

/// Insert a key in the caller's transaction.
pub(crate) async fn insert(
    installation: &Installation,
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
        installation.clock().now(),
        request.expires_at
    )
    .execute(&mut *connection)
    .await?;
    let details = json!({"key": id, "name": request.name, "role": request.role});
    events::record(
        installation,
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

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// `ins_01<32 hex>_<43>` -> id and secret.
fn parse(token: &str) -> Option<(Uuid, &str)> {
    let (public, secret) = token.strip_prefix("ins_01")?.split_once('_')?;
    let well_formed = public.len() == 32
        && secret.len() == 43
        && secret.bytes().all(|b| b.is_ascii_alphanumeric());
    well_formed.then_some((Uuid::try_parse(public).ok()?, secret))
}

fn read_role(text: &str) -> Result<Role, Fault> {
    serde_json::from_value(text.into()).map_err(|_| Fault::broken(format!("unknown role {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_parsed_strictly() {
        let id = Uuid::from_u128(7);
        let secret = "a".repeat(43);
        assert_eq!(
            parse(&format!("ins_01{}_{secret}", id.simple())),
            Some((id, secret.as_str()))
        );
        for bad in [
            "",
            "ins_",
            "ins_01",
            "ins_01_x",
            &format!("ins_02{}_{secret}", id.simple()),
            &format!("ins_01{}_short", id.simple()),
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_of_a_project_is_of_no_use_elsewhere() {
        let own = ProjectId(Uuid::from_u128(1));
        let other = ProjectId(Uuid::from_u128(2));
        let key = Key {
            id: Uuid::from_u128(3),
            project: Some(own),
            role: Role::Admin,
            name: String::new(),
        };
        assert!(key.may(Role::Viewer, own) && key.may(Role::Admin, own));
        assert!(!key.may(Role::Owner, own), "too small a role");
        assert!(!key.may(Role::Viewer, other));
        assert!(!key.may_on_installation(Role::Viewer));
        let installation = Key {
            project: None,
            ..key
        };
        assert!(
            installation.may(Role::Admin, other) && installation.may_on_installation(Role::Admin)
        );
    }
}
