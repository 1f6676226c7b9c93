//! Authenticator assurance levels (docs/wire.md, W12.3 and W12.4).

use serde::{Deserialize, Serialize};
use tenants::Fault;
use utoipa::ToSchema;

/// How sure we are of who this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AuthenticatorAssuranceLevel)]
pub enum Aal {
    /// Nothing was proved.
    Aal0,
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
}

impl Aal {
    /// The name stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aal0 => "aal0",
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        match text {
            "aal0" => Ok(Self::Aal0),
            "aal1" => Ok(Self::Aal1),
            "aal2" => Ok(Self::Aal2),
            other => Err(Fault::broken(format!("unknown assurance level {other:?}"))),
        }
    }
}
