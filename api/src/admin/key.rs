//! The key of a request to the administration, judged for the project it is sent to.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
};
use tenants::{Key, Project, ProjectId, Role};

use crate::{App, error::ApiError, visit::Tenant};

/// An administrator of this project: reads with any role, writes with ADMIN or OWNER.
pub(super) struct Administrator {
    pub(super) project: Project,
    may_write: bool,
}

impl Administrator {
    /// Hashes and secrets of credentials are not for those who only read.
    pub(super) fn may_see_credentials(&self) -> Result<(), ApiError> {
        if self.may_write {
            return Ok(());
        }
        let reason = "A key with the role VIEWER does not show what is in credentials.";
        Err(ApiError::new(StatusCode::FORBIDDEN).because(reason))
    }
}

impl FromRequestParts<App> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let tenant = Tenant::from_request_parts(parts, app).await?;
        let reads = parts.method == Method::GET || parts.method == Method::HEAD;
        let role = if reads { Role::Viewer } else { Role::Admin };
        let Some(key) = judged(parts, app).await? else {
            let reason =
                "Send an API key of this project or of the installation as a bearer token.";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED).because(reason));
        };
        if !key.may(role, tenant.project.id()) {
            let reason = "This key belongs to another project, or its role does not allow this.";
            return Err(ApiError::new(StatusCode::FORBIDDEN).because(reason));
        }
        Ok(Self {
            may_write: key.may(Role::Admin, tenant.project.id()),
            project: tenant.project,
        })
    }
}

/// In whose share a body is read: that of the project whose key came with it, or of the installation's key. An
/// extension of the request, put there when the key was judged.
#[derive(Clone)]
pub(crate) struct Holder(pub(crate) Arc<str>);

/// Whose key a request carries, if it is a good one.
pub(crate) async fn judged(parts: &mut Parts, app: &App) -> Result<Option<Key>, ApiError> {
    let key = match bearer_key(&parts.headers) {
        Some(token) => app.installation().authenticate_key(token).await?,
        None => None,
    };
    if let Some(key) = &key {
        let holder = key.project.map_or(key.id, ProjectId::uuid);
        parts.extensions.insert(Holder(holder.to_string().into()));
    }
    Ok(key)
}

/// The key of a request: with `Bearer`, or bare, as the generated SDKs send it.
fn bearer_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(token) = crate::visit::bearer(headers) {
        return Some(token);
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    (!value.contains(' ')).then_some(value)
}
