//! What an API key is, of the installation or of one project, and the form of its token.
//!
//! A token is `ins_`, two digits for the cluster, the key's id in hex, `_`, and 43 characters of secret:
//! `ins_01<32 hex>_<43>`. Only the SHA-256 of the secret is stored; it has 256 bits, so no salt and no
//! slow hash are needed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Actor;
use crate::{Fault, ProjectId};

/// What a key may do; each may all that the ones before may.
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
    pub(super) fn as_str(self) -> &'static str {
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

/// A key as it is remembered between two requests.
#[derive(Clone)]
pub(crate) struct StoredKey {
    pub(super) key: Key,
    pub(super) secret_hash: [u8; 32],
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// The part of a token that is no secret.
pub(super) fn public(id: Uuid) -> String {
    format!("ins_01{}", id.simple())
}

/// How a token begins, to recognise it by.
pub(super) fn prefix(id: Uuid) -> String {
    public(id)[..14].to_owned()
}

pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// `ins_01<32 hex>_<43>` -> id and secret.
pub(super) fn parse(token: &str) -> Option<(Uuid, &str)> {
    let (public, secret) = token.strip_prefix("ins_01")?.split_once('_')?;
    let well_formed = public.len() == 32
        && secret.len() == 43
        && secret.bytes().all(|b| b.is_ascii_alphanumeric());
    well_formed.then_some((Uuid::try_parse(public).ok()?, secret))
}

pub(super) fn read_role(text: &str) -> Result<Role, Fault> {
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
