//! One spelling for each login identifier and address, so that look-alikes of one person meet in one row.
//! Knows no schema and no database: whatever is stored or looked up goes through here first.
//! All functions are idempotent, and a length is looked at before anything is done that costs more with it.

use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode};
use unicode_normalization::UnicodeNormalization;

/// A longer text is no identifier and no address, neither as it was typed nor in its stored form. Folding makes up
/// to eighteen letters of one, so this comes first.
const BYTES_MAX: usize = 1024;
/// Longest text that is tried as a phone number, in characters; E.164 has at most 16.
const PHONE_CHARS_MAX: usize = 40;
/// The pipeline settles in two rounds; the bound is there so that nothing can loop.
const ROUNDS_MAX: usize = 4;

/// The stored form of a login identifier: trimmed, width-folded, lower-case, NFKC, without invisible
/// characters; E.164 when it is a valid phone number with a leading `+`. Empty when nothing visible is left, and
/// for more than 1,024 bytes: no identity has such an identifier.
pub fn identifier(raw: &str) -> String {
    short_identifier(raw).unwrap_or_default()
}

/// The same; `None` for more than 1,024 bytes.
pub(crate) fn short_identifier(raw: &str) -> Option<String> {
    let folded = fold(raw)?;
    Some(e164(&folded).unwrap_or(folded))
}

/// Cut off what is too long for any identifier. What is left is still too long for one, so it is never folded.
pub fn cut(raw: &mut String) {
    raw.truncate(raw.floor_char_boundary(BYTES_MAX + char::MAX.len_utf8()));
}

fn is_short(text: &str) -> bool {
    text.len() <= BYTES_MAX
}

/// The stored form of an email address; `None` for more than 1,024 bytes. Does not judge whether it is one.
pub(crate) fn email(raw: &str) -> Option<String> {
    fold(raw)
}

/// A valid phone number with its country code as E.164 (`+4930123456`), or `None`.
pub fn phone(raw: &str) -> Option<String> {
    e164(&fold(raw)?)
}

fn fold(raw: &str) -> Option<String> {
    if !is_short(raw) {
        return None;
    }
    if raw.bytes().all(|b| b.is_ascii() && !b.is_ascii_control()) {
        return Some(raw.trim().to_ascii_lowercase());
    }
    let mut text = fold_once(raw);
    for _ in 1..ROUNDS_MAX {
        let again = fold_once(&text);
        if again == text {
            break;
        }
        text = again;
    }
    is_short(&text).then_some(text)
}

/// Lower-casing goes letter by letter: a sigma must not depend on what stands behind it.
fn fold_once(text: &str) -> String {
    metrics::counter!("insula_folded_bytes_total").increment(text.len() as u64);
    let visible = text.chars().filter(|&c| !is_invisible(c)).nfkc();
    let lower: String = visible
        .flat_map(char::to_lowercase)
        .filter(|&c| !is_invisible(c))
        .nfkc()
        .collect();
    lower.trim().to_owned()
}

/// Controls, line separators and Unicode's `Default_Ignorable_Code_Point` (zero-width, bidi, fillers, tags).
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Letters are refused on purpose: the library would read vanity numbers and extensions out of user names.
fn e164(folded: &str) -> Option<String> {
    let rest = folded.strip_prefix('+')?;
    let plain = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/');
    if folded.chars().count() > PHONE_CHARS_MAX || !rest.chars().all(plain) {
        return None;
    }
    let digits: String = std::iter::once('+')
        .chain(rest.chars().filter(char::is_ascii_digit))
        .collect();
    if is_valid(&digits) {
        return Some(digits);
    }
    // Perhaps with a trunk prefix, `+49 (0)30 …`. Only a result that stands for itself is taken, because the
    // library would also strip such digits off numbers to which they belong.
    let number = phonenumber::parse(None, &digits).ok()?;
    let stripped = number.format().mode(Mode::E164).to_string();
    is_valid(&stripped).then_some(stripped)
}

/// Whether these digits behind a `+` are, as they stand, a number of some country's plan.
fn is_valid(number: &str) -> bool {
    (2..=4.min(number.len())).any(|end| {
        let code = number[1..end].parse::<u16>();
        let plans = code
            .ok()
            .and_then(|code| DATABASE.by_code(&code))
            .unwrap_or_default();
        plans.iter().any(|plan| fits(plan, &number[end..]))
    })
}

fn fits(plan: &Metadata, national: &str) -> bool {
    let plans = plan.descriptors();
    let kinds = [
        plans.fixed_line(),
        plans.mobile(),
        plans.toll_free(),
        plans.premium_rate(),
        plans.shared_cost(),
        plans.personal_number(),
        plans.voip(),
        plans.pager(),
        plans.uan(),
        plans.voicemail(),
    ];
    plans.general().is_match(national)
        && kinds
            .into_iter()
            .flatten()
            .any(|kind| kind.is_match(national))
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, DATABASE, email, identifier, phone, short_identifier};
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_name_meet() {
        for (raw, want) in [
            ("  Anna ", "anna"),
            ("ＡＮＮＡ", "anna"),
            ("an\u{200B}na\u{202E}", "anna"),
            ("Anna\u{0000}", "anna"),
            ("ΟΔΟΣ", "οδοσ"),
            ("Stra\u{00DF}e", "straße"),
            ("e\u{0301}va", "éva"),
            ("℻", "fax"),
            ("\u{3000}x\u{00A0}", "x"),
            ("\u{2060}\u{FEFF} \u{00AD}", ""),
            ("o'neil+Shop@Example.ORG", "o'neil+shop@example.org"),
        ] {
            assert_eq!(identifier(raw), want, "{raw:?}");
            assert_eq!(email(raw).as_deref(), Some(want), "{raw:?}");
        }
    }

    /// U+FDFA is folded into eighteen letters, which are 33 bytes; it is the worst of all.
    #[test]
    fn nothing_long_is_folded_or_made() {
        for (raw, is_short) in [
            ("a".repeat(BYTES_MAX), true),
            ("a".repeat(BYTES_MAX + 1), false),
            ("\u{FDFA}".repeat(BYTES_MAX / 33), true),
            ("\u{FDFA}".repeat(BYTES_MAX / 33 + 1), false),
            ("\u{FDFA}".repeat(200_000), false),
            (" ".repeat(BYTES_MAX + 1), false),
        ] {
            assert_eq!(short_identifier(&raw).is_some(), is_short, "{}", raw.len());
            assert_eq!(email(&raw).is_some(), is_short, "{}", raw.len());
            assert_eq!(identifier(&raw).is_empty(), !is_short, "{}", raw.len());
        }
    }

    #[test]
    fn phones_become_e164_only_with_a_country_code() {
        for raw in [
            "+49 30 1234567",
            "+49 (30) 123-4567",
            "+４９301234567",
            " +49.30/123 45 67",
            "+49\u{200B}301234567",
        ] {
            assert_eq!(phone(raw).as_deref(), Some("+49301234567"), "{raw:?}");
            assert_eq!(identifier(raw), "+49301234567", "{raw:?}");
        }
        assert_eq!(phone("+1 650-253-0000").as_deref(), Some("+16502530000"));
        for raw in [
            "030 1234567",
            "0049301234567",
            "+1",
            "+",
            "",
            "+49 30 1234567 x5",
            "+1 800 FLOWERS",
            "tel:+49301234567",
        ] {
            assert_eq!(phone(raw), None, "{raw:?}");
        }
        assert_eq!(identifier("030 1234567"), "030 1234567");
        assert_eq!(identifier("+1 800 Flowers"), "+1 800 flowers");
    }

    #[test]
    fn the_example_of_every_plan_stands_for_itself() {
        let mut tried = 0;
        for plan in DATABASE.iter() {
            let kinds = [plan.descriptors().fixed_line(), plan.descriptors().mobile()];
            for national in kinds
                .into_iter()
                .flatten()
                .filter_map(|kind| kind.example())
            {
                let number = format!("+{}{national}", plan.country_code());
                assert_eq!(
                    phone(&number).as_deref(),
                    Some(number.as_str()),
                    "{}",
                    plan.id()
                );
                tried += 1;
            }
        }
        assert!(tried > 400, "{tried}");
        for number in [
            "+78005553535",
            "+390612345678",
            "+5491123456789",
            "+447911123456",
        ] {
            assert_eq!(phone(number).as_deref(), Some(number));
        }
        assert_eq!(phone("+49 (0)30 1234567").as_deref(), Some("+49301234567"));
    }

    proptest! {
        #[test]
        fn any_text_settles(raw in "\\PC{0,24}|[\\x00-\\x{10FFFF}]{0,12}") {
            let once = identifier(&raw);
            prop_assert_eq!(&identifier(&once), &once);
            let once = email(&raw).unwrap();
            prop_assert_eq!(&email(&once).unwrap(), &once);
        }

        #[test]
        fn any_number_settles(raw in "\\+[0-9 ()./-]{4,20}|\\+[1-9][0-9]{6,14}") {
            let once = identifier(&raw);
            prop_assert_eq!(&identifier(&once), &once);
            if let Some(number) = phone(&raw) {
                prop_assert_eq!(phone(&number), Some(number));
            }
        }
    }
}
