//! The kinds of credentials that an identity can have.

use crate::factors::Factors;

/// What a credential is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// Addresses that one-time codes go to.
    Code,
    /// Backup codes.
    LookupSecret,
    /// Accounts at other providers.
    Oidc,
    /// Passkeys.
    Passkey,
    /// A password.
    Password,
    /// An authenticator app.
    Totp,
    /// Security keys.
    Webauthn,
}

impl CredentialKind {
    /// The name in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::LookupSecret => "lookup_secret",
            Self::Oidc => "oidc",
            Self::Passkey => "passkey",
            Self::Password => "password",
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
        }
    }

    /// The fact that such a credential, once it holds a secret, makes of an identity. A security key is a first or a
    /// second factor by its own configuration; here, a second.
    pub fn factor(self) -> i32 {
        match self {
            Self::Code => Factors::CODE_ADDRESS,
            Self::LookupSecret => Factors::LOOKUP_SECRET,
            Self::Oidc => Factors::OIDC,
            Self::Passkey => Factors::PASSKEY,
            Self::Password => Factors::PASSWORD,
            Self::Totp => Factors::TOTP,
            Self::Webauthn => Factors::WEBAUTHN_SECOND,
        }
    }
}
