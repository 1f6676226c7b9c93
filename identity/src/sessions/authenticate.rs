//! Token -> Session: the hot path. From memory while that is true, else one statement.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenants::{Fault, Project, Scoped};
use uuid::Uuid;

use super::{Aal, Session, token};
use crate::{identities::store::Row as IdentityRow, weight::held_bytes};

/// A session and its identity, without traits and lists, and its place in the cache.
const SESSION_BYTES: usize = 1_200;
/// An address, a method or a device.
const PART_BYTES: usize = 250;

/// Sessions in memory, keyed by project and hash of the token.
#[derive(Debug)]
pub struct SessionCache(Scoped<[u8; 32], Arc<Session>>);

impl SessionCache {
    /// Sessions of at most so many bytes together.
    pub fn new(bytes_max: u64) -> Self {
        Self(Scoped::weighing(bytes_max, |session| weigh(session)))
    }

    /// How many bytes the sessions in memory hold.
    pub fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    /// The active session of a token. `None` says nothing about why.
    ///
    /// A session in memory is served only while nothing was heard against it or its identity, so a
    /// revocation counts at once here and within half a second elsewhere.
    pub async fn authenticate(
        &self,
        project: &Project,
        session_token: &str,
    ) -> Result<Option<Arc<Session>>, Fault> {
        let hash = token::digest(session_token);
        let now = project.now();
        if let Some(session) = self.0.get(project, hash) {
            metrics::counter!("insula_session_checks_total", "from" => "memory").increment(1);
            return Ok(session.is_active(now).then_some(session));
        }
        metrics::counter!("insula_session_checks_total", "from" => "postgres").increment(1);
        let load = project.loading();
        let session = by_token_hash(project, &hash).await?;
        let Some(session) = session.filter(|session| session.is_active(now)) else {
            self.0.forget(project, hash);
            return Ok(None);
        };
        let session = Arc::new(session);
        let loaded = (Arc::clone(&session), load);
        let depends_on = [session.id, session.identity.id];
        self.0.put(project, hash, loaded, &depends_on);
        Ok(Some(session))
    }
}

/// What a session holds, in bytes: what every one does, and what its project and its person decide.
pub(super) fn weigh(session: &Session) -> usize {
    let identity = &session.identity;
    let metadata = [&identity.metadata_public, &identity.metadata_admin];
    let metadata: usize = metadata.into_iter().flatten().map(held_bytes).sum();
    let addresses = identity.verifiable_addresses.len() + identity.recovery_addresses.len();
    let methods = session.amr.len() + session.devices.len();
    SESSION_BYTES + held_bytes(&identity.traits) + metadata + PART_BYTES * (addresses + methods)
}

async fn by_token_hash(project: &Project, hash: &[u8; 32]) -> Result<Option<Session>, Fault> {
    let mut tx = project.begin().await?;
    let row = sqlx::query_as!(
        Row,
        r#"select s.id, s.active, s.aal, s.amr, s.devices, s.authenticated_at, s.issued_at, s.expires_at, s.created_at as session_created_at,
                  i.id as identity_id, i.schema_id, i.state, i.state_changed_at, i.traits, i.metadata_public, i.metadata_admin,
                  i.external_id, i.organization_id, i.factors, i.created_at, i.updated_at,
                  coalesce((select jsonb_agg(to_jsonb(a) order by a.id) from addresses a where a.identity_id = i.id), '[]') as "addresses!"
             from sessions s join identities i on i.id = s.identity_id
            where s.token_hash = $1"#,
        &hash[..]
    );
    row.fetch_optional(tx.conn())
        .await?
        .map(Row::read)
        .transpose()
}

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) active: bool,
    pub(super) aal: String,
    pub(super) amr: Value,
    pub(super) devices: Value,
    pub(super) authenticated_at: DateTime<Utc>,
    pub(super) issued_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) session_created_at: DateTime<Utc>,
    pub(super) identity_id: Uuid,
    pub(super) schema_id: String,
    pub(super) state: String,
    pub(super) state_changed_at: DateTime<Utc>,
    pub(super) traits: Value,
    pub(super) metadata_public: Option<Value>,
    pub(super) metadata_admin: Option<Value>,
    pub(super) external_id: Option<String>,
    pub(super) organization_id: Option<Uuid>,
    pub(super) factors: i32,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) addresses: Value,
}

impl Row {
    pub(super) fn read(self) -> Result<Session, Fault> {
        let unreadable = |e: serde_json::Error| Fault::broken(format!("unreadable session: {e}"));
        let identity = IdentityRow {
            id: self.identity_id,
            schema_id: self.schema_id,
            state: self.state,
            state_changed_at: self.state_changed_at,
            traits: self.traits,
            metadata_public: self.metadata_public,
            metadata_admin: self.metadata_admin,
            external_id: self.external_id,
            organization_id: self.organization_id,
            factors: self.factors,
            created_at: self.created_at,
            updated_at: self.updated_at,
            addresses: self.addresses,
        };
        Ok(Session {
            id: self.id,
            identity: Arc::new(identity.read()?),
            active: self.active,
            aal: Aal::read(&self.aal)?,
            amr: serde_json::from_value(self.amr).map_err(unreadable)?,
            devices: serde_json::from_value(self.devices).map_err(unreadable)?,
            authenticated_at: self.authenticated_at,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            created_at: self.session_created_at,
        })
    }
}
