//! The key of a request to the administration, judged for the project it is sent to.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
};
use tenants::{Project, Role};

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
        let key = match bearer_key(&parts.headers) {
            Some(token) => app.installation().authenticate_key(token).await?,
            None => None,
        };
        let Some(key) = key else {
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

/// The key of a request: with `Bearer`, or bare, as the generated SDKs send it.
pub(crate) fn bearer_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(token) = crate::visit::bearer(headers) {
        return Some(token);
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    (!value.contains(' ')).then_some(value)
}
