//! Durations ("1h30m") and sizes ("128MB") as configuration documents write them.
//!
//! Each has a pair of functions and a module for `#[serde(with = "…")]`.

use std::time::Duration;

/// No setting lasts longer than this: ten years, so that adding it to a date cannot overflow.
pub const DURATION_HOURS_MAX: u64 = 87_600;

const NANOS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const SIZES: [(&str, u32); 7] = [
    ("EB", 60),
    ("PB", 50),
    ("TB", 40),
    ("GB", 30),
    ("MB", 20),
    ("KB", 10),
    ("B", 0),
];

/// Why a text is no duration or size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Not `([0-9]+(ns|us|ms|s|m|h))+`.
    #[error("a duration is whole numbers with the units ns, us, ms, s, m or h, such as 1h30m")]
    Duration,
    /// More than [`DURATION_HOURS_MAX`].
    #[error("a duration is at most {DURATION_HOURS_MAX}h")]
    TooLong,
    /// Not `[0-9]+(B|KB|MB|GB|TB|PB|EB)`.
    #[error("a size is a whole number with the unit B, KB, MB, GB, TB, PB or EB, such as 128MB")]
    Size,
}

/// Parse `1h30m`. No days, fractions or signs; units may come in any order, as in Kratos.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let mut nanos: u128 = 0;
    let mut rest = text;
    while !rest.is_empty() || text.is_empty() {
        let (number, after) = leading_number(rest).ok_or(UnitError::Duration)?;
        let letters = after.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, after) = after.split_at(letters);
        let (_, each) = NANOS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(UnitError::Duration)?;
        nanos += u128::from(number.ok_or(UnitError::TooLong)?) * u128::from(*each);
        rest = after;
    }
    let limit = Duration::from_hours(DURATION_HOURS_MAX);
    // More than ten years of nanoseconds still fit u64, so the conversion fails only beyond the limit.
    u64::try_from(nanos)
        .ok()
        .map(Duration::from_nanos)
        .filter(|duration| *duration <= limit)
        .ok_or(UnitError::TooLong)
}

/// The shortest exact form: `5400s` is `1h30m`, nothing is `0s`.
pub fn format_duration(duration: Duration) -> String {
    let mut nanos = duration.as_nanos();
    let mut parts = Vec::new();
    for (unit, each) in NANOS {
        let count = nanos / u128::from(each);
        nanos %= u128::from(each);
        if count > 0 {
            parts.push(format!("{count}{unit}"));
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.concat()
    }
}

/// Parse `128MB` into bytes; units are powers of 1024.
pub fn parse_bytesize(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = leading_number(text).ok_or(UnitError::Size)?;
    let (_, shift) = SIZES
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(UnitError::Size)?;
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or(UnitError::Size)
}

/// The shortest exact form of a number of bytes.
pub fn format_bytesize(bytes: u64) -> String {
    let (unit, shift) = SIZES
        .into_iter()
        .find(|(_, shift)| bytes > 0 && bytes.trailing_zeros() >= *shift)
        .unwrap_or(("B", 0));
    format!("{}{unit}", bytes >> shift)
}

/// Digits at the front and what follows; the number is `None` when it exceeds `u64`.
fn leading_number(text: &str) -> Option<(Option<u64>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (digits > 0).then(|| (number.parse().ok(), rest))
}

/// `#[serde(with = "units::duration")]` for a [`Duration`].
pub mod duration {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Write the shortest exact form.
    pub fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::format_duration(*value))
    }

    /// Read `1h30m`.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        super::parse_duration(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// `#[serde(with = "units::optional_duration")]` for an `Option<Duration>`; add `default` to let the
/// key be absent.
pub mod optional_duration {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    /// Write the shortest exact form, or null.
    pub fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::duration::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    /// Read `1h30m`.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        super::duration::deserialize(from).map(Some)
    }
}

/// `#[serde(with = "units::bytesize")]` for a `u64` of bytes.
pub mod bytesize {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Write the shortest exact form.
    pub fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::format_bytesize(*value))
    }

    /// Read `128MB`.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        super::parse_bytesize(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_grammar() {
        let good = [
            ("0s", 0),
            ("1h30m", 5_400_000_000_000),
            ("30m1h", 5_400_000_000_000),
            ("1s1s", 2_000_000_000),
            ("1500ms", 1_500_000_000),
            ("5us7ns", 5_007),
            ("87600h", 87_600 * 3_600_000_000_000),
        ];
        for (text, nanos) in good {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_nanos(nanos)),
                "{text}"
            );
        }
        for text in [
            "", "1", "h", "1d", "1.5h", "-1h", "1h ", " 1h", "1H", "1hm", "1µs", "1h30",
        ] {
            assert_eq!(parse_duration(text), Err(UnitError::Duration), "{text}");
        }
        for text in [
            "87601h",
            "87600h1ns",
            "99999999999999999999h",
            "18446744073709551615h",
        ] {
            assert_eq!(parse_duration(text), Err(UnitError::TooLong), "{text}");
        }
    }

    #[test]
    fn sizes_follow_the_grammar() {
        assert_eq!(parse_bytesize("19MB"), Ok(19_456 * 1024));
        assert_eq!(parse_bytesize("7B"), Ok(7));
        assert_eq!(parse_bytesize("15EB"), Ok(15 << 60));
        for text in ["", "1", "MB", "1M", "1mb", "1.5MB", "16EB", "1 MB", "-1B"] {
            assert_eq!(parse_bytesize(text), Err(UnitError::Size), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for (nanos, text) in [
            (0, "0s"),
            (5_400_000_000_000, "1h30m"),
            (1_000_001, "1ms1ns"),
        ] {
            assert_eq!(format_duration(Duration::from_nanos(nanos)), text);
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)));
        }
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1 << 30, "1GB"),
            (19 << 20, "19MB"),
        ] {
            assert_eq!(format_bytesize(bytes), text);
            assert_eq!(parse_bytesize(text), Ok(bytes));
        }
    }
}
