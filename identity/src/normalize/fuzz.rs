//! Any text as an identifier or address: it settles, and neither what is made of it nor the work grows beyond a bound.

use ::fuzz::{fuzz, hostile};
use proptest::{prelude::*, string::string_regex, test_runner::TestCaseResult};

use super::{BYTES_MAX, ROUNDS_MAX, email, fold_once, identifier, phone, short_identifier};

/// U+FDFA, of three bytes, becomes eighteen letters of 33.
const GROWTH_MAX: usize = 11;
const WORDS: &[&str] = &[
    "Anna",
    "ada@example.org",
    "+49 30 1234567",
    "+4930",
    "+1 650-253-0000",
    "ΟΔΟΣ",
    "İ",
    "ﬃ",
    "㍿",
    "\u{FDFA}",
    "\u{1F82}",
    "\u{0345}",
];

/// The rounds that a text takes until it is its own folded form, and the longest text on the way.
fn rounds(raw: &str) -> (usize, usize) {
    let (mut text, mut longest) = (raw.to_owned(), 0);
    for round in 1..=2 * ROUNDS_MAX {
        let again = fold_once(&text);
        longest = longest.max(again.len());
        if again == text {
            return (round, longest);
        }
        text = again;
    }
    (usize::MAX, longest)
}

fn settles(raw: String) -> TestCaseResult {
    let short = short_identifier(&raw);
    prop_assert_eq!(identifier(&raw), short.clone().unwrap_or_default());
    if raw.len() > BYTES_MAX {
        prop_assert_eq!((short, email(&raw), phone(&raw)), (None, None, None));
        return Ok(());
    }
    let (rounds, longest) = rounds(&raw);
    prop_assert!(rounds <= ROUNDS_MAX, "{} rounds", rounds);
    prop_assert!(longest <= GROWTH_MAX * raw.len(), "{} bytes", longest);
    for (stored, fold) in [
        (short, short_identifier as fn(&str) -> _),
        (email(&raw), email),
        (phone(&raw), phone),
    ] {
        if let Some(stored) = stored {
            prop_assert!(stored.len() <= BYTES_MAX);
            prop_assert_eq!(stored.trim(), &stored);
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(fold(&stored), Some(stored));
        }
    }
    Ok(())
}

#[test]
fn identifiers() {
    let number = string_regex("\\+[0-9 ()./-]{4,20}|\\+[1-9][0-9]{6,14}").unwrap();
    let raw = prop_oneof![
        4 => hostile::text_of(WORDS),
        1 => hostile::any_text(),
        1 => number,
    ];
    fuzz("identifiers", &raw, settles);
}
