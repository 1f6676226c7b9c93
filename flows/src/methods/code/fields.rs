//! What the method reads of a submission, in each kind of flow.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{ID, RESEND};
use crate::engine::fields::Fields;

/// Sign in with a one-time code, or add one as a second factor: first without `code`, to have one sent, then
/// with it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct LoginFields {
    /// The login identifier, an address that codes can go to.
    pub(super) identifier: Option<String>,
    /// One of the addresses offered, where there is a choice of them.
    pub(super) address: Option<String>,
    /// What was sent.
    pub(super) code: Option<String>,
    /// `code`: send another one.
    resend: Option<String>,
}

impl Fields for LoginFields {
    const METHOD: &'static str = ID;
}

impl LoginFields {
    /// Is another code asked for?
    pub(super) fn asks_again(&self) -> bool {
        self.resend.as_deref() == Some(RESEND)
    }
}

/// Sign up with a one-time code: first without `code`, to have one sent, then with it.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RegistrationFields {
    /// What was sent.
    pub(super) code: Option<String>,
    /// `code`: send another one.
    resend: Option<String>,
}

impl Fields for RegistrationFields {
    const METHOD: &'static str = ID;
    const TRAITS: Option<&'static str> = Some("As the identity schema says.");
}

impl RegistrationFields {
    /// Is another code asked for?
    pub(super) fn asks_again(&self) -> bool {
        self.resend.as_deref() == Some(RESEND)
    }
}

/// First with an address, to have a code sent; then with the code.
#[derive(Deserialize, ToSchema)]
pub(crate) struct VerificationFields {
    /// Where to send a code, or another one.
    #[schema(example = "ada@example.com")]
    pub(super) email: Option<String>,
    /// The same for a telephone number, in the form of a flow that began with something else.
    #[schema(ignore)]
    pub(super) sms: Option<String>,
    /// What was sent.
    pub(super) code: Option<String>,
}

impl Fields for VerificationFields {
    const METHOD: &'static str = ID;
}

/// First with an address, to have a code sent; then with the code.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RecoveryFields {
    /// Where to send a code, or another one.
    #[schema(example = "ada@example.com")]
    pub(super) email: Option<String>,
    /// What was sent.
    pub(super) code: Option<String>,
    /// Where people choose among their addresses: the one they know.
    pub(super) recovery_address: Option<String>,
    /// The one they chose, as the form names it.
    pub(super) recovery_select_address: Option<String>,
    /// The same in full.
    pub(super) recovery_confirm_address: Option<String>,
    /// `previous`: a screen back.
    pub(super) screen: Option<String>,
}

impl Fields for RecoveryFields {
    const METHOD: &'static str = ID;
}

impl RecoveryFields {
    /// Do they tell a submission of this method that does not name it?
    pub(super) fn are_telling(&self) -> bool {
        let telling = [
            &self.code,
            &self.recovery_address,
            &self.recovery_select_address,
            &self.recovery_confirm_address,
        ];
        telling.into_iter().any(Option::is_some)
    }
}
