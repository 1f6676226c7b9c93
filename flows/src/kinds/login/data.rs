//! What a login flow remembers.

use identity::{normalize, sessions::Aal};
use serde::{Deserialize, Serialize};

/// Between two requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginData {
    /// Authenticate again although signed in.
    pub refresh: bool,
    /// The level asked for: aal1 or aal2.
    pub requested_aal: Aal,
    /// The identifier last typed.
    pub identifier: String,
    /// What is on the screen before a code is sent.
    #[serde(default)]
    pub screen: LoginScreen,
    /// The only address that a code of a second factor may go to, if one was asked for (`via`).
    #[serde(default)]
    pub via: Option<String>,
}

impl LoginData {
    /// Keep the identifier that was typed, and no more of it than an identifier could have.
    pub(crate) fn type_identifier(&mut self, mut typed: String) {
        normalize::cut(&mut typed);
        self.identifier = typed;
    }
}

/// The screens of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginScreen {
    /// Every method at once.
    #[default]
    Methods,
    /// The identifier, before any method.
    Identify,
    /// The methods of that identifier; every one there is when the visitor shall not learn which.
    Choose(Option<Vec<String>>),
}

impl LoginScreen {
    /// May that method be drawn?
    pub fn offers(&self, method: &str) -> bool {
        match self {
            Self::Methods | Self::Choose(None) => true,
            Self::Identify => false,
            Self::Choose(Some(methods)) => methods.iter().any(|offered| offered == method),
        }
    }
}

impl Default for LoginData {
    fn default() -> Self {
        Self {
            refresh: false,
            requested_aal: Aal::Aal1,
            identifier: String::new(),
            screen: LoginScreen::default(),
            via: None,
        }
    }
}
