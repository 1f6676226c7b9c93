//! The assurance level of a session, and whether it suffices. Pure.

use super::{AuthMethod, RequiredAal, Session};
use crate::{aal::Aal, factors::CodeAsFactor};

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

    /// W12.3: a second factor alone is still aal1.
    #[test]
    fn levels() {
        assert_eq!(level_of(&[]), Aal::Aal0);
        assert_eq!(level_of(&amr(&[Aal::Aal1])), Aal::Aal1);
        assert_eq!(level_of(&amr(&[Aal::Aal2])), Aal::Aal1);
        assert_eq!(level_of(&amr(&[Aal::Aal1, Aal::Aal1])), Aal::Aal1);
        assert_eq!(level_of(&amr(&[Aal::Aal2, Aal::Aal1])), Aal::Aal2);
    }
}
