//! The account as a whole: its owner may delete it, in settings, and take the data along. Both are
//! switched on by the project (`insula.account`).

mod export;
mod settings;

use serde::Deserialize;
use tenants::Section;

pub use export::export;
pub(crate) use settings::SettingsFields;

/// `insula.account`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AccountConfig {
    /// May people delete their account?
    pub delete: bool,
    /// May people download what is stored about them?
    pub download: bool,
}

impl Section for AccountConfig {
    const POINTER: &'static str = "/insula/account";
}

/// Delete one's account.
pub struct Account;
