//! What an identity can sign in with, as one column: facts only, so that a session check can compute the
//! available assurance level from it and the configuration, without loading credentials.

use serde::Deserialize;
use tenants::Section;

use crate::aal::Aal;

/// A bit set. Written in the commit that changes a credential or an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors(pub i32);

impl Factors {
    /// A password hash is stored.
    pub const PASSWORD: i32 = 1;
    /// A password that a migration hook still has to confirm.
    pub const PASSWORD_AWAITING_MIGRATION: i32 = 1 << 1;
    /// A linked provider.
    pub const OIDC: i32 = 1 << 2;
    /// A passkey.
    pub const PASSKEY: i32 = 1 << 3;
    /// A passwordless security key.
    pub const WEBAUTHN_PASSWORDLESS: i32 = 1 << 4;
    /// An authenticator app.
    pub const TOTP: i32 = 1 << 5;
    /// Backup codes.
    pub const LOOKUP_SECRET: i32 = 1 << 6;
    /// A security key as second factor.
    pub const WEBAUTHN_SECOND: i32 = 1 << 7;
    /// An address that can receive codes.
    pub const CODE_ADDRESS: i32 = 1 << 8;

    const FIRST: i32 = Self::PASSWORD
        | Self::PASSWORD_AWAITING_MIGRATION
        | Self::OIDC
        | Self::PASSKEY
        | Self::WEBAUTHN_PASSWORDLESS;
    const SECOND: i32 = Self::TOTP | Self::LOOKUP_SECRET | Self::WEBAUTHN_SECOND;

    /// Is there a first factor besides codes?
    pub fn has_first(self) -> bool {
        self.any(Self::FIRST)
    }

    /// Is there a second factor besides codes?
    pub fn has_second(self) -> bool {
        self.any(Self::SECOND)
    }

    /// Is any of these bits set?
    pub fn any(self, bits: i32) -> bool {
        self.0 & bits != 0
    }

    /// The highest level this identity can reach (docs/wire.md, W12.4): stored factors count even when their
    /// method is switched off.
    pub fn available_aal(self, code: CodeAsFactor) -> Aal {
        let code_address = self.any(Self::CODE_ADDRESS);
        if self.any(Self::SECOND) || (code.second && code_address) {
            Aal::Aal2
        } else if self.any(Self::FIRST) || code.first {
            Aal::Aal1
        } else {
            Aal::Aal0
        }
    }
}

/// What the configuration makes of one-time codes: all that an assurance level asks of
/// `selfservice.methods.code`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CodeAsFactor {
    /// Everybody has one first factor more.
    #[serde(rename = "passwordless_enabled")]
    pub first: bool,
    /// An identity with an address for codes has a second factor.
    #[serde(rename = "mfa_enabled")]
    pub second: bool,
}

impl Section for CodeAsFactor {
    const POINTER: &'static str = "/selfservice/methods/code";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_level() {
        let code = CodeAsFactor::default();
        let mfa = CodeAsFactor {
            second: true,
            ..code
        };
        assert_eq!(Factors(0).available_aal(code), Aal::Aal0);
        assert_eq!(Factors(Factors::PASSWORD).available_aal(code), Aal::Aal1);
        assert_eq!(Factors(Factors::TOTP).available_aal(code), Aal::Aal2);
        assert_eq!(
            Factors(Factors::PASSWORD | Factors::CODE_ADDRESS).available_aal(code),
            Aal::Aal1
        );
        assert_eq!(
            Factors(Factors::PASSWORD | Factors::CODE_ADDRESS).available_aal(mfa),
            Aal::Aal2
        );
        assert_eq!(
            Factors(0).available_aal(CodeAsFactor {
                first: true,
                ..code
            }),
            Aal::Aal1
        );
    }
}
