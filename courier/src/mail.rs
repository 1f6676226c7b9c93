//! Everything that is ever said to somebody by mail or text message. A closed enum: a kind without a
//! template does not compile.

use std::time::Duration;

use chrono::{DateTime, Utc};
use identity::schema::Address;
use serde_json::Value;
use zeroize::Zeroizing;

/// One thing to tell one recipient.
#[derive(Clone)]
pub struct Mail {
    /// To whom.
    pub to: Address,
    /// What.
    pub subject: Subject,
    /// Who it is about, as they may see themselves; `None` when nobody is known.
    pub identity: Option<MailIdentity>,
    /// The absolute URL of the request that began the flow.
    pub request_url: String,
    /// As the client sent it.
    pub transient_payload: Option<Value>,
    /// `Accept-Language` of the request that causes it.
    pub accept_language: Option<String>,
    /// Headers of that request which may be told to a delivery service: name to values.
    pub request_headers: Value,
}

/// What templates learn of somebody.
#[derive(Clone)]
pub struct MailIdentity {
    /// Whom it is about; the message outlives them.
    pub id: uuid::Uuid,
    /// `Identity::public_view`.
    pub view: Value,
}

/// What is said (contract, admin 5.5).
#[derive(Clone)]
#[expect(missing_docs, reason = "fields are what they are called")]
pub enum Subject {
    /// A link to recover by.
    RecoveryValid { url: String, expires_in: Duration },
    /// Somebody tried to recover an account that does not exist.
    RecoveryInvalid,
    /// A code to recover by.
    RecoveryCodeValid {
        code: Zeroizing<String>,
        expires_in: Duration,
    },
    /// Somebody tried to recover an account that does not exist.
    RecoveryCodeInvalid,
    /// A link that proves the address.
    VerificationValid { url: String, expires_in: Duration },
    /// Somebody tried to verify an address that nobody has.
    VerificationInvalid,
    /// A code that proves the address, and a page with the code filled in.
    VerificationCodeValid {
        code: Zeroizing<String>,
        url: String,
        expires_in: Duration,
    },
    /// Somebody tried to verify an address that nobody has.
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
    /// To an address that somebody had before: addresses of their account were changed.
    VerifiableAddressChanged { changed_at: DateTime<Utc> },
}

impl Subject {
    /// The name of the template, as the API shows it.
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
}

impl std::fmt::Debug for Mail {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("subject", &self.subject.template_type())
            .finish_non_exhaustive()
    }
}
