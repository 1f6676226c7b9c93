//! Fuzzing on stable: values of a strategy are tried until the time is up, and what fails is made as small as it can
//! be. Each case has a seed of its own, one more than the case before, so that one number repeats a failure.
//! Knows nothing of what is tried. What hostile text and JSON look like, which every subject wants, is in [`hostile`].

pub mod hostile;

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use proptest::{
    prelude::Rng as _,
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

/// How long each subject is tried. Ten minutes in the long form (`INSULA_TEST_FUZZ_SECONDS=600`).
const SECONDS: u64 = 10;
/// Making a failure smaller ends after so long.
const SHRINK_WITHIN: Duration = Duration::from_secs(30);
/// Of a value that fails; its seed makes the whole of it again.
const SHOWN_CHARS: usize = 4_000;

/// Tries `check` at values of `strategy` until the time is up; at one at least.
///
/// `INSULA_TEST_FUZZ_SEED` says with which seed to begin: the one that a failure names is at once the failure.
///
/// # Panics
/// With the smallest value found that fails or panics, and its seed.
pub fn fuzz<S: Strategy>(
    subject: &str,
    strategy: &S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let first = setting("INSULA_TEST_FUZZ_SEED").unwrap_or_else(chance);
    let seconds = setting("INSULA_TEST_FUZZ_SECONDS").unwrap_or(SECONDS);
    let ends = Instant::now() + Duration::from_secs(seconds);
    // Past the test harness, which keeps what is printed to itself: a case may end the whole process.
    say(&format!("fuzz {subject}: from seed {first}"));
    let mut seed = first;
    loop {
        try_one(subject, seed, strategy, &check);
        seed = seed.wrapping_add(1);
        if Instant::now() >= ends {
            break;
        }
    }
    let cases = seed.wrapping_sub(first);
    say(&format!("fuzz {subject}: {cases} cases"));
}

fn try_one<S: Strategy>(
    subject: &str,
    seed: u64,
    strategy: &S,
    check: &impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let mut runner = TestRunner::new_with_rng(config(), rng(seed));
    let tree = strategy
        .new_tree(&mut runner)
        .expect("a strategy without filters makes a value each time");
    match runner.run_one(tree, check) {
        Ok(_) => {}
        Err(TestError::Fail(why, smallest)) => {
            let shown: String = format!("{smallest:?}").chars().take(SHOWN_CHARS).collect();
            panic!("{subject}: {why}\nat {shown}\nagain with INSULA_TEST_FUZZ_SEED={seed}")
        }
        Err(TestError::Abort(why)) => panic!("{subject}, seed {seed}: {why}"),
    }
}

fn config() -> Config {
    Config {
        failure_persistence: None,
        max_shrink_time: u32::try_from(SHRINK_WITHIN.as_millis()).unwrap_or(u32::MAX),
        ..Config::default()
    }
}

fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// Short enough to be typed.
fn chance() -> u64 {
    u64::from(TestRunner::default().rng().next_u32())
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, panic::AssertUnwindSafe};

    use proptest::prelude::*;

    use super::*;

    /// What a seed makes of a strategy.
    fn made(seed: u64) -> Vec<u32> {
        let strategy = prop::collection::vec(any::<u32>(), 0..9);
        let made = Cell::new(Vec::new());
        try_one("", seed, &strategy, &|value| {
            made.set(value);
            Ok(())
        });
        made.into_inner()
    }

    #[test]
    fn a_seed_makes_the_same_again() {
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
    }

    /// Whether it is told or panics.
    #[test]
    fn a_failure_is_made_small_and_names_its_seed() {
        let told = |number: u32| {
            prop_assert!(number < 1_000);
            Ok(())
        };
        let panics = |number: u32| {
            assert!(number < 1_000);
            Ok(())
        };
        let checks: [&dyn Fn(u32) -> Result<(), TestCaseError>; 2] = [&told, &panics];
        for check in checks {
            let failing = AssertUnwindSafe(|| try_one("it", 42, &(0..u32::MAX), &check));
            let said = std::panic::catch_unwind(failing).unwrap_err();
            let said = said.downcast_ref::<String>().unwrap();
            assert!(said.contains("at 1000\n"), "{said}");
            assert!(said.ends_with("INSULA_TEST_FUZZ_SEED=42"), "{said}");
        }
    }
}
