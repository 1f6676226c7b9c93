//! Everything that is ever said by mail or text message. A closed enum: a kind without a template does not
//! compile.

use std::time::Duration;

use chrono::{DateTime, Utc};
use identity::{Identity, schema::Address};
use serde_json::Value;
use tenants::Project;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The identity that a message is about, and the request that causes it.
#[derive(Clone, Copy)]
pub struct Cause<'a> {
    /// `None` when the recipient is unknown.
    pub identity: Option<&'a Identity>,
    /// The absolute URL of the request that began the flow.
    pub request_url: &'a str,
    /// What the client sent along with the flow, as it was sent.
    pub transient_payload: Option<&'a Value>,
    /// The `Accept-Language` of the request.
    pub accept_language: Option<&'a str>,
    /// Headers of the request that a delivery service may see: name to values.
    pub request_headers: &'a Value,
}

/// One message to one recipient, not yet rendered.
#[derive(Clone)]
pub(crate) struct OutgoingMessage {
    pub(crate) to: Address,
    pub(crate) template: Template,
    pub(crate) identity: Option<IdentityView>,
    pub(crate) request_url: String,
    pub(crate) transient_payload: Option<Value>,
    pub(crate) accept_language: Option<String>,
    pub(crate) request_headers: Value,
}

/// What templates learn of an identity.
#[derive(Clone)]
pub(crate) struct IdentityView {
    /// The message outlives its identity.
    pub(crate) id: Uuid,
    /// What the identity may see of itself: `Identity::public_view`.
    pub(crate) view: Value,
}

impl OutgoingMessage {
    pub(crate) fn new(
        project: &Project,
        to: &Address,
        template: Template,
        cause: &Cause<'_>,
    ) -> Self {
        Self {
            to: to.clone(),
            template,
            identity: cause.identity.map(|identity| IdentityView {
                id: identity.id,
                view: identity.public_view(project.base_url()),
            }),
            request_url: cause.request_url.to_owned(),
            transient_payload: cause.transient_payload.cloned(),
            accept_language: cause.accept_language.map(str::to_owned),
            request_headers: cause.request_headers.clone(),
        }
    }
}

/// What is said: a kind of message with the values of its own.
#[derive(Clone)]
#[expect(missing_docs, reason = "fields are what they are called")]
pub enum Template {
    /// A link to recover by.
    RecoveryValid { url: String, expires_in: Duration },
    /// The recipient tried to recover an account that does not exist.
    RecoveryInvalid,
    /// A code to recover by.
    RecoveryCodeValid {
        code: Zeroizing<String>,
        expires_in: Duration,
    },
    /// The recipient tried to recover an account that does not exist.
    RecoveryCodeInvalid,
    /// A link that proves the address.
    VerificationValid { url: String, expires_in: Duration },
    /// The recipient tried to verify an address that no identity has.
    VerificationInvalid,
    /// A code that proves the address, and a page with the code filled in.
    VerificationCodeValid {
        code: Zeroizing<String>,
        url: String,
        expires_in: Duration,
    },
    /// The recipient tried to verify an address that no identity has.
    VerificationCodeInvalid,
    /// A code to sign in with.
    LoginCodeValid {
        code: Zeroizing<String>,
        expires_in: Duration,
    },
    /// A code to sign up with.
    RegistrationCodeValid {
        code: Zeroizing<String>,
        traits: Value,
        expires_in: Duration,
    },
    /// To an address that the identity had before: its addresses were changed.
    VerifiableAddressChanged { changed_at: DateTime<Utc> },
}

impl Template {
    /// The name that the API shows.
    pub fn template_type(&self) -> &'static str {
        match self {
            Self::RecoveryValid { .. } => "recovery_valid",
            Self::RecoveryInvalid => "recovery_invalid",
            Self::RecoveryCodeValid { .. } => "recovery_code_valid",
            Self::RecoveryCodeInvalid => "recovery_code_invalid",
            Self::VerificationValid { .. } => "verification_valid",
            Self::VerificationInvalid => "verification_invalid",
            Self::VerificationCodeValid { .. } => "verification_code_valid",
            Self::VerificationCodeInvalid => "verification_code_invalid",
            Self::LoginCodeValid { .. } => "login_code_valid",
            Self::RegistrationCodeValid { .. } => "registration_code_valid",
            Self::VerifiableAddressChanged { .. } => "verifiable_address_changed",
        }
    }

    /// How long its secret can be used, for templates that carry one.
    pub(crate) fn expires_in(&self) -> Option<Duration> {
        match self {
            Self::RecoveryValid { expires_in, .. }
            | Self::RecoveryCodeValid { expires_in, .. }
            | Self::VerificationValid { expires_in, .. }
            | Self::VerificationCodeValid { expires_in, .. }
            | Self::LoginCodeValid { expires_in, .. }
            | Self::RegistrationCodeValid { expires_in, .. } => Some(*expires_in),
            Self::RecoveryInvalid
            | Self::RecoveryCodeInvalid
            | Self::VerificationInvalid
            | Self::VerificationCodeInvalid
            | Self::VerifiableAddressChanged { .. } => None,
        }
    }

    /// False when the recipient may have no account here.
    pub(crate) fn is_about_identity(&self) -> bool {
        !matches!(
            self,
            Self::RecoveryInvalid
                | Self::RecoveryCodeInvalid
                | Self::VerificationInvalid
                | Self::VerificationCodeInvalid
        )
    }
}

impl std::fmt::Debug for OutgoingMessage {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingMessage")
            .field("template", &self.template.template_type())
            .finish_non_exhaustive()
    }
}
