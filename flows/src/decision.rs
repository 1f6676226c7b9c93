//! What a method decides, and why it may not: plain data, so that hooks can read it and one place
//! writes it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use identity::{
    Identity,
    identities::{change::NewTraits, create::Prepared},
    limits::Bucket,
    one_time,
    schema::{Address, Violation},
    sessions::AuthMethod,
};
use serde_json::Value;
use tenants::Fault;
use uuid::Uuid;

use crate::{continue_with::ContinueWith, flow::Transport, store::NewFlow, ui::Message};

/// How judging a submission ended.
#[derive(Debug)]
pub enum Step<D> {
    /// The method is satisfied.
    Decided(D),
    /// The flow goes on to another screen; these writes go with it.
    Ask(Effects),
}

/// Why judging stopped.
#[derive(Debug)]
pub enum Halt {
    /// The person can mend it: the form is drawn again with what to say. A refusal carries writes too
    /// (an attempt counted).
    Refused(Refusal, Effects),
    /// It cannot be answered on the form.
    Stopped(Error),
}

impl Halt {
    /// A refusal that writes nothing.
    pub fn refused(refusal: Refusal) -> Self {
        Self::Refused(refusal, Effects::default())
    }
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Stopped(error.into())
    }
}

/// What the form says to somebody who has to try again.
#[derive(Debug, Default)]
pub struct Refusal {
    /// Complaints by node name; `None` is the form as a whole.
    pub complaints: Vec<(Option<String>, Message)>,
    /// What the identity schema objects to.
    pub violations: Vec<Violation>,
    /// The method is kept as `active` (it was right; something else was not).
    pub active: Option<&'static str>,
    /// Scripts are answered 200 all the same, as they know it.
    pub is_mild: bool,
}

impl Refusal {
    /// One message for the form as a whole.
    pub fn form(message: Message) -> Self {
        Self {
            complaints: vec![(None, message)],
            ..Self::default()
        }
    }

    /// The same where scripts are answered 200.
    #[must_use]
    pub fn mild(self) -> Self {
        Self {
            is_mild: true,
            ..self
        }
    }

    /// One message at a node.
    pub fn at(node: &str, message: Message) -> Self {
        Self {
            complaints: vec![(Some(node.to_owned()), message)],
            ..Self::default()
        }
    }

    /// Nothing to say?
    pub fn is_empty(&self) -> bool {
        self.complaints.is_empty() && self.violations.is_empty()
    }
}

/// Writes that go out together, in the one transaction that ends a submission.
#[derive(Debug, Default)]
pub struct Effects(pub Vec<Write>);

/// One write. Closed, so that a write nobody carries out does not compile.
#[derive(Debug)]
pub enum Write {
    /// Replace the configuration of a credential.
    ReplaceCredential {
        /// Whose.
        identity_id: Uuid,
        /// Of which type.
        kind: &'static str,
        /// With what.
        config: Value,
    },
    /// Give somebody a password, in the place of whatever they had.
    SetPassword {
        /// Whom.
        identity_id: Uuid,
        /// Hashed.
        hash: String,
        /// Under which it will be found besides the stored ones.
        new_identifiers: Vec<String>,
    },
    /// Replace somebody's traits, and what follows from them. When something is taken, nothing is written
    /// and the form says so.
    ReplaceTraits(Box<NewTraits>),
    /// Delete somebody, with everything of theirs.
    DeleteIdentity {
        /// Whom.
        identity_id: Uuid,
    },
    /// End every other session of the identity that signs in.
    RevokeOtherSessions,
    /// Store a rendered message and ask for its sending.
    Send(Box<courier::Message>),
    /// Do all the work of sending a message, and take it back: nobody has the address, and nobody shall
    /// learn that from the time it takes.
    PretendToSend(Box<courier::Message>),
    /// Store what is kept of a one-time secret.
    StoreCode(Box<one_time::NewCode>),
    /// Forget the codes of a flow, before new ones are sent.
    DropCodes {
        /// Of which flow.
        flow_id: Uuid,
    },
    /// Use a code up. When somebody was faster, nothing is written and the form says so.
    ConsumeCode {
        /// Which.
        id: Uuid,
    },
    /// Who was right is not made to wait for guesses.
    ForgiveGuess(Vec<Bucket>),
    /// Store another flow, begun by this one.
    BeginFlow(Box<NewFlow>),
    /// Whatever change of somebody's waits for an address is of no use any more.
    DropHeld {
        /// Whose.
        identity_id: Uuid,
    },
    /// A message goes to a verifiable address.
    AddressSent {
        /// Whose.
        identity_id: Uuid,
        /// Which.
        address: Address,
    },
    /// Somebody proved to read a verifiable address.
    AddressVerified {
        /// Whose.
        identity_id: Uuid,
        /// Which.
        address: Address,
    },
}

impl Write {
    /// Will the credential that was judged be another one afterwards?
    pub(crate) fn changes_credential(&self) -> bool {
        matches!(self, Self::ReplaceCredential { .. })
    }
}

/// What was judged, to be looked at again in the transaction that writes.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Of which type.
    pub kind: &'static str,
    /// The credential's revision when it was judged.
    pub revision: i32,
}

/// Somebody proved who they are.
#[derive(Debug)]
pub struct SignIn {
    /// Who.
    pub identity: Arc<Identity>,
    /// How.
    pub amr: AuthMethod,
    /// The credential that must still be as it was judged, where one was.
    pub judged: Option<Judged>,
    /// What is written with it.
    pub effects: Effects,
    /// Verifications that begin with it.
    pub announced: Vec<ContinueWith>,
}

/// Somebody new.
#[derive(Debug)]
pub struct SignUp {
    /// Who, not yet written.
    pub prepared: Prepared,
    /// How they will have authenticated.
    pub amr: AuthMethod,
    /// What is written with it.
    pub effects: Effects,
    /// Verifications that begin with it.
    pub announced: Vec<ContinueWith>,
}

/// What cannot be answered on a form. The edge alone turns it into a status.
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
    /// Nobody is signed in, at the init of a flow that needs somebody; where a browser goes first.
    #[error("no active session")]
    SessionInactive {
        /// The login.
        login: String,
    },
    /// Nobody is signed in.
    #[error("no active session")]
    SessionMissing,
    /// A second factor is needed; where a browser goes first.
    #[error("the session does not reach the required assurance level")]
    AalTooLow {
        /// The login.
        redirect_to: String,
    },
    /// The flow belongs to somebody else.
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
    /// The flow is of no further use; another says why. Never leaves this crate.
    #[error("this flow is of no further use")]
    Spent(Box<Message>),
    /// Of no further use; another flow was made in its place.
    #[error("the flow was replaced: {because}")]
    Replaced {
        /// The new flow.
        replacement: Uuid,
        /// What it says.
        because: String,
    },
    /// A sign-in that has to wait for the verification of an address.
    #[error("no address of this account is verified")]
    AddressUnverified(Box<Unverified>),
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

/// What somebody is told whose addresses are not verified.
#[derive(Debug)]
pub struct Unverified {
    /// The verification that was begun; empty where there is nothing to verify.
    pub shown: Vec<ContinueWith>,
    /// What that writes, though the sign-in is not.
    pub(crate) effects: Effects,
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
