//! Authenticator assurance levels (contract, self-service 9). Pure.

use serde::{Deserialize, Serialize};
use tenants::Fault;
use utoipa::ToSchema;

use super::{AuthMethod, RequiredAal, Session};
use crate::factors::CodeAsFactor;

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

/// The level of a session that was authenticated by these methods: a second factor alone is one factor.
pub fn level_of(amr: &[AuthMethod]) -> Aal {
    let first = amr.iter().any(|m| m.aal == Aal::Aal1);
    let second = amr.iter().any(|m| m.aal == Aal::Aal2);
    match (first, second) {
        (true, true) => Aal::Aal2,
        (false, false) => Aal::Aal0,
        _ => Aal::Aal1,
    }
}

impl Session {
    /// Does it reach what is required, given what the identity could do now?
    pub fn satisfies(&self, required: RequiredAal, code: CodeAsFactor) -> bool {
        match required {
            RequiredAal::Aal1 => true,
            RequiredAal::HighestAvailable => {
                self.identity.factors.available_aal(code) < Aal::Aal2 || self.aal == Aal::Aal2
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amr(levels: &[Aal]) -> Vec<AuthMethod> {
        let at = chrono::DateTime::UNIX_EPOCH;
        levels
            .iter()
            .map(|aal| AuthMethod {
                method: "x".into(),
                aal: *aal,
                completed_at: at,
                provider: None,
            })
            .collect()
    }

    /// Trap 28 of the contract: a second factor alone is still aal1.
    #[test]
    fn levels() {
        assert_eq!(level_of(&[]), Aal::Aal0);
        assert_eq!(level_of(&amr(&[Aal::Aal1])), Aal::Aal1);
        assert_eq!(level_of(&amr(&[Aal::Aal2])), Aal::Aal1);
        assert_eq!(level_of(&amr(&[Aal::Aal1, Aal::Aal1])), Aal::Aal1);
        assert_eq!(level_of(&amr(&[Aal::Aal2, Aal::Aal1])), Aal::Aal2);
    }
}
