//! One submission on its way through the machine. It may be judged several times, because another one was
//! faster; what it counts for is counted once.

use chrono::{DateTime, Utc};
use identity::{Hasher, limits::Counted as CountedGuess};
use serde_json::Value;
use uuid::Uuid;

use super::submission::Submission;

/// A submission, and what is remembered of it while it is judged. Nothing of this is stored.
#[derive(Default)]
pub struct Attempt {
    /// What was sent; empty when a browser came back instead.
    pub submission: Submission,
    /// What a method of another kind of flow handed over ([`super::strategy::Become`]).
    pub handed_over: Option<Value>,
    /// Since when the submission waited for its sender to authenticate, if it did.
    pub waited_since: Option<DateTime<Utc>>,
    /// What a costly check said, of a credential at a revision; of none, where there is none.
    pub(super) verdict: Option<(Option<(Uuid, i32)>, bool)>,
    /// The new password as it was hashed, and how.
    pub(super) hashed: Option<(Hasher, String)>,
    /// What was counted so far.
    pub(super) counted: Counted,
    /// How often it was judged, this time included.
    pub(super) turns: u32,
}

/// What a submission was counted for already.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// The guess at a secret.
    pub(super) guess: Option<CountedGuess>,
    /// How often a code was tried in this flow, this time included.
    pub(super) tries: Option<i32>,
    /// The messages that it causes.
    pub(super) messages: CountedMessages,
}

/// The messages that a submission was counted for, by their recipients: as many as the judgement causes that
/// causes most, and not those of each judgement again.
#[derive(Debug, Default)]
pub(super) struct CountedMessages {
    all: Vec<String>,
    /// Of these, the ones that the judgement at hand has not caused yet.
    left: Vec<String>,
}

impl CountedMessages {
    /// Is a message to that recipient counted already, by an earlier judgement?
    pub(super) fn take(&mut self, to: &str) -> bool {
        let found = self.left.iter().position(|counted| counted == to);
        found.map(|at| self.left.swap_remove(at)).is_some()
    }

    /// One more was counted.
    pub(super) fn note(&mut self, to: &str) {
        self.all.push(to.to_owned());
    }
}

impl std::fmt::Debug for Attempt {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("turns", &self.turns)
            .finish_non_exhaustive()
    }
}

impl Attempt {
    /// It is about to be judged, perhaps again.
    pub(super) fn begin_turn(&mut self) {
        self.turns += 1;
        let messages = &mut self.counted.messages;
        messages.left.clone_from(&messages.all);
    }

    /// Was it judged before, and lost against another one?
    pub(super) fn is_again(&self) -> bool {
        self.turns > 1
    }

    /// What [`Self::note_verdict`] was told of that credential: an identity and a revision.
    pub(crate) fn verdict_on(&self, credential: Option<(Uuid, i32)>) -> Option<bool> {
        let (of, is_right) = self.verdict?;
        (of == credential).then_some(is_right)
    }

    /// Remember what a costly check said, so that judging again does not cost it again.
    pub(crate) fn note_verdict(&mut self, credential: Option<(Uuid, i32)>, is_right: bool) {
        self.verdict = Some((credential, is_right));
    }

    /// The hash of its new password, if it was hashed like that already.
    pub(crate) fn hashed_by(&self, hasher: Hasher) -> Option<String> {
        let (by, hash) = self.hashed.as_ref()?;
        (*by == hasher).then(|| hash.clone())
    }

    /// Remember it, so that judging again does not cost it again.
    pub(crate) fn note_hash(&mut self, hasher: Hasher, hash: &str) {
        self.hashed = Some((hasher, hash.to_owned()));
    }

    /// The attempt of a submission that waited since then for its sender to authenticate.
    pub fn after_waiting(since: DateTime<Utc>) -> Self {
        Self {
            waited_since: Some(since),
            ..Self::default()
        }
    }
}
