//! What cannot be answered on a form. The edge alone turns it into a status.

use chrono::{DateTime, Utc};
use tenants::Fault;
use uuid::Uuid;

use super::{continue_with::ContinueWith, init::Transport};

/// Why a request ended without a form.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such flow, here.
    #[error("there is no such flow")]
    NotFound,
    /// A parameter that is no good.
    #[error("{0}")]
    BadRequest(String),
    /// Past its time; another flow was made in its place.
    #[error("the flow has expired")]
    Expired {
        /// When.
        expired_at: DateTime<Utc>,
        /// How long ago.
        since: std::time::Duration,
        /// Who began it, and the new one.
        transport: Transport,
        /// The new flow.
        replacement: Uuid,
    },
    /// Signed in, and nothing to do; where a browser goes now.
    #[error("a session is already available")]
    AlreadySignedIn {
        /// The target of a redirect.
        target: String,
    },
    /// A second factor was asked for before the first.
    #[error("sign in with a first factor before asking for a second")]
    FirstFactorMissing,
    /// There is no session, at the init of a flow that needs one; where a browser goes first.
    #[error("no active session")]
    SessionInactive {
        /// The login.
        login: String,
    },
    /// There is no session.
    #[error("no active session")]
    SessionMissing,
    /// A second factor is needed; where a browser goes first.
    #[error("the session does not reach the required assurance level")]
    AalTooLow {
        /// The login.
        redirect_to: String,
    },
    /// The flow belongs to another identity.
    #[error("the flow belongs to another identity")]
    IdentityMismatch,
    /// The session is too old for this change; where a browser goes first.
    #[error("authenticate again before this change")]
    RefreshRequired {
        /// The login.
        redirect_to: String,
        /// What the browser finds the waiting change by, if it waits.
        continuity: Option<Uuid>,
    },
    /// Of no further use; another flow was made in its place.
    #[error("the flow was replaced: {because}")]
    Replaced {
        /// The new flow.
        replacement: Uuid,
        /// What it says.
        because: String,
    },
    /// A sign-in that has to wait for the verification of an address; the verification that was begun, if there
    /// is anything to verify.
    #[error("no address of this account is verified")]
    AddressUnverified(Vec<ContinueWith>),
    /// The method is switched off.
    #[error("this method is disabled")]
    MethodDisabled,
    /// The flow is switched off.
    #[error("this flow is disabled")]
    FlowDisabled,
    /// The return URL is not on the list.
    #[error("the requested return_to URL is not allowed")]
    ReturnToForbidden {
        /// As asked for.
        url: String,
    },
    /// Too many tries; nothing was judged.
    #[error("too many tries")]
    TooMany {
        /// When another one is judged.
        retry_after: std::time::Duration,
    },
    /// The CSRF token is missing or does not fit the cookie.
    #[error("the request could not be told from a forged one")]
    Csrf(CsrfTrouble),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What was wrong with the CSRF token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsrfTrouble {
    /// Why it was rejected, in a form for developers; `None` where cookie and token simply differ.
    pub reason: Option<&'static str>,
    /// Sent by a script.
    pub by_script: bool,
}

impl From<identity::HashError> for Error {
    fn from(error: identity::HashError) -> Self {
        match error {
            identity::HashError::Overloaded { retry_after } => Self::Fault(Fault::Overloaded {
                what: "password hashing",
                retry_after,
            }),
            other => Self::Fault(Fault::broken(other.to_string())),
        }
    }
}
