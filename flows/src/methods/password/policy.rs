//! Which passwords are good enough: the pure checks, in the order in which they are made (docs/wire.md, W7.11).
//! Lengths count bytes. Asking the breach service, caching and hashing happen elsewhere.

use sha1::{Digest as _, Sha1};

use crate::ui::text::{self, Message};

/// Longer passwords and identifiers are not compared: the comparison costs their product.
const SIMILARITY_BYTES_MAX: usize = 256;
/// Fewer edits than this turn the one into the other: too similar.
const EDITS_MIN: usize = 5;
/// bcrypt silently ignores what comes after.
const BCRYPT_BYTES_MAX: usize = 72;

/// At least `min` bytes, else 4000032.
pub fn minimum(password: &str, min: usize) -> Result<(), Message> {
    if password.len() < min {
        return Err(text::password_too_short(min as u64, password.len() as u64));
    }
    Ok(())
}

/// Not close to any of the person's identifiers, else 4000031. Case is ignored.
pub fn similar<'i>(
    password: &str,
    identifiers: impl IntoIterator<Item = &'i str>,
) -> Result<(), Message> {
    let password = password.to_lowercase();
    let close = |identifier: &str| {
        let identifier = identifier.to_lowercase();
        let comparable = 1..=SIMILARITY_BYTES_MAX;
        comparable.contains(&identifier.len())
            && password.len() <= SIMILARITY_BYTES_MAX
            && (edits(&password, &identifier) < EDITS_MIN
                // "more than half of the password", without fractions
                || 2 * common_bytes(password.as_bytes(), identifier.as_bytes()) > password.len())
    };
    if identifiers.into_iter().any(close) {
        return Err(text::password_too_similar());
    }
    Ok(())
}

/// Levenshtein distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Length in bytes of the longest run of bytes found in both.
fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    let (mut longest, mut above) = (0, vec![0; b.len() + 1]);
    for x in a {
        let mut row = vec![0; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            if x == y {
                row[j + 1] = above[j] + 1;
                longest = longest.max(row[j + 1]);
            }
        }
        above = row;
    }
    longest
}

/// What is asked of the breach service and what is looked for in its answer: the first 5 and the other
/// 35 digits of the password's SHA-1, in upper-case hex. Only the first part may leave the house.
pub fn range_prefix(password: &str) -> (String, String) {
    let mut digest = hex::encode_upper(Sha1::digest(password.as_bytes()));
    let suffix = digest.split_off(5);
    (digest, suffix)
}

/// How often the password of that `suffix` was seen, according to the service's answer: lines of
/// `SUFFIX:COUNT` in any case, padded with rows of count 0. A line without a count counts as one, and so
/// does a count that cannot be read: the password was found.
pub fn breaches(range_body: &str, suffix: &str) -> u64 {
    range_body
        .lines()
        .filter_map(|line| {
            let (row, count) = line.trim().split_once(':').unwrap_or((line.trim(), "1"));
            let found = row.trim().eq_ignore_ascii_case(suffix);
            found.then(|| count.trim().replace(',', "").parse().unwrap_or(1))
        })
        .max()
        .unwrap_or(0)
}

/// Seen at most `max` times, else 4000034.
pub fn breached(count: u64, max: u64) -> Result<(), Message> {
    if count > max {
        return Err(text::password_breached(count));
    }
    Ok(())
}

/// With bcrypt at most 72 bytes, else 4000033.
pub fn maximum(password: &str) -> Result<(), Message> {
    if password.len() > BCRYPT_BYTES_MAX {
        return Err(text::password_too_long(
            BCRYPT_BYTES_MAX as u64,
            password.len() as u64,
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(result: Result<(), Message>) -> Option<u32> {
        result.err().map(|m| m.id)
    }

    #[test]
    fn lengths_are_bytes_and_limits_inclusive() {
        assert_eq!(id(minimum("1234567", 8)), Some(4_000_032));
        assert_eq!(id(minimum("12345678", 8)), None);
        assert_eq!(id(minimum("ääää", 8)), None);
        assert_eq!(id(maximum(&"x".repeat(72))), None);
        let refused = maximum(&"ä".repeat(37)).unwrap_err();
        assert_eq!(
            (refused.id, &refused.context["actual_length"]),
            (4_000_033, &74.into())
        );
    }

    #[test]
    fn similarity() {
        let cases = [
            ("correct horse battery", "anna@example.com", false),
            ("anna@example.com", "anna@example.com", true),
            ("ANNA@EXAMPLE.COM", "anna@example.com", true),
            ("anna@exam1234.com", "anna@example.com", true), // four edits
            ("XannaY@exampleZ.comWQ", "anna@example.com", false), // five edits, 8 of 21 common
            ("annaannaanna", "anna", false),                 // 4 of 12 common, eight edits
            ("12anna34", "anna", true),                      // four edits
            ("12345anna", "anna", false),                    // five edits, 4 of 9
            ("1234annab", "annab-the-builder@example.com", true), // 5 of 9
            ("12345annab", "annab-the-builder@example.com", false), // 5 of 10: not more than half
            ("hunter22", "", false),
            ("ÄÖÜSSÄÖÜ", "äöüssäöü", true),
        ];
        for (password, identifier, refused) in cases {
            let got = similar(password, [identifier]);
            assert_eq!(got.is_err(), refused, "{password} / {identifier}");
        }
    }

    #[test]
    fn long_ones_are_not_compared() {
        let (fits, long) = ("a".repeat(256), "a".repeat(257));
        assert!(similar(&fits, [fits.as_str()]).is_err());
        assert!(similar(&long, [fits.as_str()]).is_ok());
        assert!(similar(&fits, [long.as_str()]).is_ok());
        // Lower-casing can lengthen: this is 256 bytes before and 384 after.
        let grows = "\u{130}".repeat(128);
        assert!(similar(&grows, [grows.as_str()]).is_ok());
    }

    #[test]
    fn every_identifier_counts() {
        assert_eq!(
            id(similar(
                "anna@example.com",
                ["+4915112345678", "anna@example.com"]
            )),
            Some(4_000_031)
        );
    }

    #[test]
    fn ranges() {
        // SHA-1 of "password", as printed everywhere.
        let (prefix, suffix) = range_prefix("password");
        assert_eq!(
            (prefix.as_str(), suffix.as_str()),
            ("5BAA6", "1E4C9B93F3F0682250B6CF8331B7EE68FD8")
        );
        let other = "0018A45C4D1DEF81644B54AB7F969B88D65";
        let row = |count: &str| format!("{other}:7\r\n{}{count}\r\n", suffix.to_lowercase());
        assert_eq!(breaches(&row(":9545824"), &suffix), 9_545_824);
        assert_eq!(breaches(&row(":9,545,824"), &suffix), 9_545_824);
        assert_eq!(breaches(&row(":0"), &suffix), 0);
        assert_eq!(breaches(&row(""), &suffix), 1);
        assert_eq!(breaches(&row(":many"), &suffix), 1);
        assert_eq!(breaches(&format!("{other}:7"), &suffix), 0);
        assert_eq!(breaches("", &suffix), 0);
    }

    #[test]
    fn some_breaches_may_be_allowed() {
        assert_eq!(id(breached(0, 0)), None);
        assert_eq!(id(breached(3, 3)), None);
        let refused = breached(4, 3).unwrap_err();
        assert_eq!(
            (refused.id, &refused.context["breaches"]),
            (4_000_034, &4.into())
        );
    }
}
