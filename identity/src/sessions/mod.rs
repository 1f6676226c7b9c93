//! Sessions: who is signed in, how sure we are of it, and on which device.

pub mod authenticate;
mod config;
mod level;
pub mod store;
pub mod token;
mod write;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::aal::Aal;
pub use authenticate::SessionCache;
pub use config::{Cookies, RequiredAal, SameSite, SessionConfig};
pub use level::level_of;
pub use write::SessionWrite;

use crate::identities::Identity;

/// What the project's configuration makes of one-time codes.
pub fn code_as_factor(project: &tenants::Project) -> crate::factors::CodeAsFactor {
    *project.config()
}

/// One completed authentication (an entry of `authentication_methods`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SessionAuthenticationMethod)]
pub struct AuthMethod {
    /// `password`, `oidc`, `totp` …
    pub method: String,
    /// What it counts for.
    pub aal: Aal,
    /// When.
    pub completed_at: DateTime<Utc>,
    /// The provider, for social sign-in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub provider: Option<String>,
}

/// Where a session was used from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = SessionDevice)]
pub struct Device {
    /// UUIDv4.
    pub id: Uuid,
    /// As the trusted proxies say, else the peer.
    pub ip_address: String,
    /// At most 512 bytes.
    pub user_agent: String,
    /// `city, country` when the proxy says so.
    pub location: String,
}

/// A session with its identity. The token is never in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// UUIDv4.
    pub id: Uuid,
    /// Whose it is.
    pub identity: Arc<Identity>,
    /// False when it was revoked. See [`Session::is_active`].
    pub active: bool,
    /// Computed from `amr`.
    pub aal: Aal,
    /// In the order in which they were completed.
    pub amr: Vec<AuthMethod>,
    /// Newest first.
    pub devices: Vec<Device>,
    /// The last time somebody proved who they are.
    pub authenticated_at: DateTime<Utc>,
    /// When it began.
    pub issued_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When its row was made: what lists are sorted by.
    pub created_at: DateTime<Utc>,
}

impl Session {
    /// Not revoked, not expired, and of an active identity.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.active && self.expires_at > now && self.identity.is_active()
    }

    /// The session as clients see it (docs/wire.md, W12.8). `identity` is left null where the session does not
    /// reach the level the project asks for.
    pub fn view(&self, now: DateTime<Utc>, identity: Option<Value>) -> Value {
        json!({
            "id": self.id,
            "active": self.is_active(now),
            "expires_at": self.expires_at,
            "authenticated_at": self.authenticated_at,
            "authenticator_assurance_level": self.aal,
            "authentication_methods": self.amr,
            "issued_at": self.issued_at,
            "identity": identity,
            "devices": self.devices,
        })
    }
}

impl Session {
    /// A session that begins now with one completed authentication.
    pub fn begin(
        identity: Arc<Identity>,
        method: AuthMethod,
        device: Device,
        lifespan: std::time::Duration,
    ) -> Self {
        let now = method.completed_at;
        let amr = vec![method];
        Self {
            id: tenants::ids::v4(),
            identity,
            active: true,
            aal: level_of(&amr),
            amr,
            devices: vec![device],
            authenticated_at: now,
            issued_at: now,
            expires_at: now + lifespan,
            created_at: now,
        }
    }

    /// The same session after its identity authenticated once more.
    #[must_use]
    pub fn authenticated_again(
        &self,
        identity: Arc<Identity>,
        method: AuthMethod,
        lifespan: std::time::Duration,
    ) -> Self {
        let now = method.completed_at;
        let mut amr = self.amr.clone();
        amr.push(method);
        Self {
            identity,
            aal: level_of(&amr),
            amr,
            authenticated_at: now,
            expires_at: now + lifespan,
            ..self.clone()
        }
    }
}
