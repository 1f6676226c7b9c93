//! What a flow and its methods may see of a request. There is no connection in it, and no header.

use std::sync::Arc;

use identity::{
    People, Session,
    limits::KnownBrowser,
    sessions::{Aal, AuthMethod, Device},
};
use tenants::{Project, ids};
use uuid::Uuid;

use super::csrf;

/// One request, as far as flows are concerned.
#[derive(Clone, Copy)]
pub struct Cx<'r> {
    /// Whose request this is.
    pub project: &'r Project,
    /// Sessions in memory and the hashing pool.
    pub people: &'r People,
    /// Who is signed in.
    pub session: Option<&'r Arc<Session>>,
    /// The token of that session, when the request carried it in the clear.
    pub session_token: Option<&'r str>,
    /// Where it comes from.
    pub client: &'r ClientInfo,
}

/// Facts about the client.
#[derive(Clone, Debug)]
pub struct ClientInfo {
    /// Answered as JSON (an SPA, or an API client), not by redirects.
    pub json: bool,
    /// The secret of the CSRF cookie: the one sent, else the one that the answer sets.
    pub csrf_secret: [u8; 32],
    /// What that cookie holds if this request begins a session: old forms die with the old secret.
    pub next_csrf_secret: [u8; 32],
    /// What the request carried by way of cookies.
    pub cookies: CookieState,
    /// What a cookie says of a change that waits for its owner to authenticate once more.
    pub continuity: Option<Uuid>,
    /// What a cookie says of who signed in with this browser before.
    pub browser: Option<KnownBrowser>,
    /// Why this cannot be an API client, if so.
    pub browser_trace: Option<BrowserTrace>,
    /// Sent by a script (`Sec-Fetch-Mode: cors` or `same-origin`).
    pub by_script: bool,
    /// Peer address, as the trusted proxies tell it.
    pub ip_address: String,
    /// At most 512 bytes.
    pub user_agent: String,
    /// `city, country`.
    pub location: String,
    /// `Accept-Language`, at most 512 bytes.
    pub accept_language: Option<String>,
    /// Headers of the request that hooks and delivery services may see: name to values.
    pub forwarded_headers: serde_json::Value,
}

/// What browsers send and API clients have no reason to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserTrace {
    /// An `Origin` header.
    Origin,
    /// A cookie, other than those a proxy adds.
    Cookies,
}

/// What the request carried by way of cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieState {
    /// None at all.
    None,
    /// Some, but no valid CSRF cookie.
    NoCsrf,
    /// The CSRF cookie.
    Csrf,
}

impl ClientInfo {
    /// A device for a session that begins or is used now.
    pub fn device(&self) -> Device {
        Device {
            id: ids::v4(),
            ip_address: self.ip_address.clone(),
            user_agent: self.user_agent.clone(),
            location: self.location.clone(),
        }
    }

    /// The CSRF secret under a fresh mask.
    pub fn masked_csrf(&self) -> String {
        csrf::mask(&self.csrf_secret, ids::bytes())
    }
}

impl Cx<'_> {
    /// An authentication completed now, which counts for that level.
    pub fn completed(&self, method: &str, aal: Aal) -> AuthMethod {
        AuthMethod {
            method: method.to_owned(),
            aal,
            completed_at: self.project.now(),
            provider: None,
        }
    }
}
