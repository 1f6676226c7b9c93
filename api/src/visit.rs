//! One request to a project: the project, who is signed in, where it comes from. An extractor.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::{DateTime, Utc};
use flows::cx::{ClientInfo, Cx};
use identity::{Session, limits::Network};
use tenants::Project;

use crate::{App, accept, client, client_address::ClientAddress, cookies, error::ApiError};

/// The project that a request is for, and its client. An extension of the request, put there when its address
/// was taken apart.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) project: Project,
    pub(crate) client: Arc<ClientInfo>,
    /// As [`ClientAddress::network`].
    pub(crate) network: Option<Network>,
    pub(crate) cookies: Arc<Vec<(String, String)>>,
}

impl Tenant {
    pub(crate) fn of(project: Project, headers: &HeaderMap, address: &ClientAddress) -> Self {
        let client = client::info(&project, headers, address);
        Self {
            project,
            client: Arc::new(client),
            network: address.network(),
            cookies: Arc::new(cookies::of_request(headers)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(ApiError::not_found)
    }
}

/// A request to a project, with its session looked up.
pub(crate) struct Visit {
    /// The application.
    pub app: App,
    /// The project that was asked.
    pub project: Project,
    /// The client: its address, its device, its CSRF secret.
    pub client: Arc<ClientInfo>,
    /// As [`Tenant::network`].
    pub network: Option<Network>,
    /// The session that the request carries, if it is a good one.
    pub session: Option<Arc<Session>>,
    /// The token of that session.
    pub token: Option<String>,
    /// When the cookie believes the session ends; `None` when the token came in a header.
    pub cookie_expires_at: Option<DateTime<Utc>>,
    /// Did the request carry anything that claims to be a session?
    pub has_credentials: bool,
    /// Does the client want JSON, by `Accept` alone?
    pub accepts_json: bool,
}

impl Visit {
    /// Count one row more, or a new version of one, that its network makes the project store without being done.
    pub(crate) fn count(&self) -> Result<(), Duration> {
        let network = self.network.as_ref();
        network.map_or(Ok(()), |it| self.app.visits().count(&self.project, it))
    }

    /// May its network make the project store one more?
    pub(crate) fn may_go_on(&self) -> Result<(), Duration> {
        let network = self.network.as_ref();
        network.map_or(Ok(()), |it| self.app.visits().look(&self.project, it))
    }

    /// What flows may see of it.
    pub(crate) fn cx(&self) -> Cx<'_> {
        Cx {
            project: &self.project,
            people: self.app.people(),
            session: self.session.as_ref(),
            session_token: self.token.as_deref(),
            client: &self.client,
        }
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let tenant = Tenant::from_request_parts(parts, app).await?;
        let presented = presented(&tenant, &parts.headers);
        let (token, cookie_expires_at) = presented.unzip();
        let session = match &token {
            Some(token) => {
                app.people()
                    .sessions
                    .authenticate(&tenant.project, token)
                    .await?
            }
            None => None,
        };
        let has_credentials = token.is_some();
        Ok(Self {
            app: app.clone(),
            token: token.filter(|_| session.is_some()),
            session,
            cookie_expires_at: cookie_expires_at.flatten(),
            has_credentials,
            accepts_json: accept::accepts_json(&parts.headers),
            project: tenant.project,
            client: tenant.client,
            network: tenant.network,
        })
    }
}

/// The session token of a request: `X-Session-Token`, else the cookie, else a bearer token. A header that is
/// there but wrong does not fall through to the cookie (docs/wire.md, W2.8).
fn presented(tenant: &Tenant, headers: &HeaderMap) -> Option<(String, Option<DateTime<Utc>>)> {
    let header = headers
        .get("x-session-token")
        .and_then(|v| v.to_str().ok())
        .filter(|t| !t.is_empty());
    if let Some(token) = header {
        return Some((token.to_owned(), None));
    }
    if let Some(sealed) = cookies::open_session(&tenant.project, &tenant.cookies) {
        return Some((sealed.token, Some(sealed.expires_at)));
    }
    bearer(headers).map(|token| (token.to_owned(), None))
}

/// `Authorization: Bearer <token>`, the scheme in any case.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
