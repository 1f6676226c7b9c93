//! Everything that is not a success, as the error envelope: the only place with status codes for failures.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flows::{
    continue_with::ContinueWith,
    decision::{self, CsrfTrouble},
};
use identity::identities::{import::ImportError, records::ListError};
use serde_json::{Map, Value, json};
use tenants::Fault;

use crate::request_id;

/// An answer that is an error. Boxed, because every handler's result is as large as this.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    /// The status of the answer, where that is not the one its body names.
    sent_as: Option<StatusCode>,
    id: Option<&'static str>,
    message: String,
    reason: Option<String>,
    details: Option<Value>,
    /// Siblings of `error` at the top level.
    beside: Map<String, Value>,
    retry_after_seconds: Option<u64>,
}

/// Answers of handlers.
pub(crate) type Result<T> = std::result::Result<T, ApiError>;

impl ApiError {
    /// An error of that status, with the general message that goes with it.
    pub(crate) fn new(status: StatusCode) -> Self {
        let message = match status.as_u16() {
            400 => "The request is malformed or has a parameter that is no good.",
            401 => "The request could not be authorized.",
            403 => "This is not allowed.",
            404 => "The requested resource could not be found.",
            405 => "This method is not allowed here.",
            408 => "The request did not come to its end in time.",
            409 => "The resource could not be made because it conflicts with another.",
            410 => "The requested resource is not available any more.",
            413 => "The request body is too large.",
            422 => "The request is well-formed, but it has to go on elsewhere.",
            429 => "Too many requests; please slow down.",
            503 => "The service is not available at the moment; please try again.",
            504 => "The answer took too long; please try again.",
            _ => "Something went wrong on our side.",
        };
        Self(Box::new(Parts {
            status,
            sent_as: None,
            id: None,
            message: message.to_owned(),
            reason: None,
            details: None,
            beside: Map::new(),
            retry_after_seconds: None,
        }))
    }

    /// 400 with a reason.
    pub(crate) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST).because(reason)
    }

    /// 404 that says nothing more.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    /// A stable id that clients branch on.
    #[must_use]
    pub(crate) fn id(mut self, id: &'static str) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Why, for a person.
    #[must_use]
    pub(crate) fn because(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// When to come again.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// In place of the general message.
    #[must_use]
    pub(crate) fn saying(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Structured details.
    #[must_use]
    pub(crate) fn details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// A sibling of `error`.
    #[must_use]
    pub(crate) fn beside(mut self, key: &str, value: Value) -> Self {
        self.0.beside.insert(key.to_owned(), value);
        self
    }

    /// Where a browser has to go: beside the error and in its details, because clients look in either.
    #[must_use]
    pub(crate) fn redirect_browser_to(self, url: &str) -> Self {
        self.details(json!({ "redirect_browser_to": url }))
            .beside("redirect_browser_to", json!(url))
    }

    /// The inner object, as the error page reads it later.
    pub(crate) fn object(&self) -> Value {
        let mut error = Map::new();
        if let Some(id) = self.0.id {
            error.insert("id".into(), json!(id));
        }
        error.insert("code".into(), json!(self.0.status.as_u16()));
        error.insert(
            "status".into(),
            json!(self.0.status.canonical_reason().unwrap_or_default()),
        );
        // The enhanced form carries no request id.
        if let (Some(id), true) = (request_id::sent_by_client(), self.0.beside.is_empty()) {
            error.insert("request".into(), json!(id));
        }
        if let Some(reason) = &self.0.reason {
            error.insert("reason".into(), json!(reason));
        }
        if let Some(details) = &self.0.details {
            error.insert("details".into(), details.clone());
        }
        error.insert("message".into(), json!(self.0.message));
        Value::Object(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("error".into(), self.object());
        body.extend(self.0.beside);
        let status = self.0.sent_as.unwrap_or(self.0.status);
        let mut response = (status, Value::Object(body).to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(
            "ory-error-id",
            HeaderValue::from_static(self.0.id.unwrap_or_default()),
        );
        if let Some(seconds) = self.0.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Fault> for ApiError {
    /// Logged once, here, with its whole chain.
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Unavailable(_) | Fault::Standby => {
                if !fault.was_told() {
                    tracing::warn!(
                        error = &fault as &dyn std::error::Error,
                        "the database is away"
                    );
                }
                Self::new(StatusCode::SERVICE_UNAVAILABLE).retry_after(1)
            }
            Fault::Overloaded { what, retry_after } => {
                tracing::warn!(what, "load is shed");
                Self::new(StatusCode::SERVICE_UNAVAILABLE).retry_after(retry_after.as_secs().max(1))
            }
            Fault::Database(_) | Fault::Broken(_) => {
                tracing::error!(error = &fault as &dyn std::error::Error, "a fault of ours");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl From<identity::HashError> for ApiError {
    fn from(error: identity::HashError) -> Self {
        decision::Error::from(error).into()
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::TooLarge => Self::bad_request(format!("{error}.")),
            ListError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Conflict(_) => Self::new(StatusCode::CONFLICT).because(error.to_string()),
            ImportError::UnreadablePassword(_) => {
                Self::new(StatusCode::BAD_REQUEST).saying(error.to_string())
            }
            ImportError::Hash(error) => error.into(),
            ImportError::Fault(fault) => fault.into(),
            refused => Self::bad_request(refused.to_string()),
        }
    }
}

impl From<decision::Error> for ApiError {
    fn from(error: decision::Error) -> Self {
        use decision::Error as E;
        match error {
            E::NotFound => Self::not_found(),
            E::BadRequest(reason) => Self::bad_request(reason),
            E::Expired {
                expired_at,
                since,
                replacement,
                ..
            } => {
                let since = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
                Self::new(StatusCode::GONE)
                    .id("self_service_flow_expired")
                    .because("The flow has expired; go on with the one named here.")
                    .beside("expired_at", json!(expired_at))
                    .beside("since", json!(since))
                    .beside("use_flow_id", json!(replacement))
            }
            E::AlreadySignedIn { .. } => Self::new(StatusCode::BAD_REQUEST)
                .id("session_already_available")
                .because("A valid session was found; there is nothing to sign in to or up for."),
            E::FirstFactorMissing => Self::new(StatusCode::UNAUTHORIZED)
                .id("session_aal1_required")
                .because("Sign in with a first factor before asking for a second."),
            E::SessionInactive { .. } => Self::new(StatusCode::UNAUTHORIZED)
                .id("session_inactive")
                .because("No active session was found in the request."),
            // Without an id: clients tell it from other 401s by that.
            E::SessionMissing => Self::new(StatusCode::UNAUTHORIZED)
                .because("No valid session credentials were found in the request."),
            E::AalTooLow { redirect_to } => Self::new(StatusCode::FORBIDDEN)
                .id("session_aal2_required")
                .because("This account has a second factor, and the session was made without it.")
                .redirect_browser_to(&redirect_to),
            E::IdentityMismatch => Self::new(StatusCode::FORBIDDEN)
                .id("security_identity_mismatch")
                .because("This flow was begun by somebody else. Please begin a new one."),
            // Beside the error alone, as in Kratos.
            E::RefreshRequired { redirect_to, .. } => Self::new(StatusCode::FORBIDDEN)
                .id("session_refresh_required")
                .because("The session is too old for this change. Please sign in again first.")
                .beside("redirect_browser_to", json!(redirect_to)),
            E::Replaced {
                replacement,
                because,
            } => Self::new(StatusCode::GONE)
                .id("self_service_flow_replaced")
                .because(because)
                .beside("use_flow_id", json!(replacement)),
            E::AddressUnverified(shown) => unverified_address(&shown),
            E::MethodDisabled => {
                Self::not_found().because("This method is disabled in this project.")
            }
            E::FlowDisabled => Self::new(StatusCode::BAD_REQUEST)
                .id("self_service_flow_disabled")
                .because("Registration is not allowed because it was disabled."),
            E::ReturnToForbidden { url } => {
                let reason = format!("The requested return_to URL {url:?} is not allowed.");
                Self::bad_request(reason).id("self_service_flow_return_to_forbidden")
            }
            E::TooMany { retry_after } => Self::new(StatusCode::TOO_MANY_REQUESTS)
                .because("There were too many tries. Please wait before the next one.")
                .retry_after(retry_after.as_secs().max(1)),
            E::Csrf(trouble) => csrf(trouble),
            E::Fault(fault) => fault.into(),
        }
    }
}

/// A 403 whose body says 400, as in Kratos.
fn unverified_address(shown: &[ContinueWith]) -> ApiError {
    let mut error = ApiError::bad_request(
        "No address of this account is verified yet. Please look for our message, or ask for another one.",
    )
    .id("session_verified_address_required")
    .saying("An address of this account has to be verified first.");
    if !shown.is_empty() {
        let shown: Value = shown.iter().map(ContinueWith::view).collect();
        error = error.details(json!({ "continue_with": shown }));
    }
    error.0.sent_as = Some(StatusCode::FORBIDDEN);
    error
}

fn csrf(trouble: CsrfTrouble) -> ApiError {
    let hint = if trouble.by_script {
        "Sent by a script: make sure that it includes credentials and that the API is on the same site."
    } else {
        "Make sure that the cookies of the visitor are forwarded and that the form's csrf_token is sent."
    };
    let mut details = json!({ "hint": hint });
    if let Some(reason) = trouble.reason {
        details["reject_reason"] = json!(reason);
    }
    ApiError::new(StatusCode::FORBIDDEN)
        .id("security_csrf_violation")
        .because("The request could not be told from a forged one. Please start again.")
        .details(details)
}
