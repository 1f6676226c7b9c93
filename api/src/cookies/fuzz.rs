//! Any cookies: what is read is a part of what was sent, and nothing opens but what was sealed here, for that.

use ::fuzz::{fuzz, hostile};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseResult};

use super::*;

const NAME: &str = "ory_session_demo";
const WORDS: &[&str] = &[
    NAME,
    "csrf_token_",
    "__cf",
    "=",
    ";",
    "; ",
    "\"",
    "AAAA",
    "e30",
    "AgAAAAA=",
    "%3D",
    "ory_session_other=",
];

/// Lines of `Cookie`, and where in the first of them ours stands.
fn lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let pair = prop_oneof![
        2 => (select(WORDS), hostile::text_of(WORDS)).prop_map(|(name, it)| format!("{name}={it}")),
        1 => hostile::text_of(WORDS),
    ];
    let line = vec(pair, 0..9).prop_map(|pairs| pairs.join("; ").into_bytes());
    vec(hostile::mutated(line), 0..4)
}

fn headers(lines: &[Vec<u8>]) -> HeaderMap {
    let values = lines
        .iter()
        .filter_map(|line| HeaderValue::from_bytes(line).ok());
    values.map(|value| (header::COOKIE, value)).collect()
}

fn key(number: u8) -> DataKey {
    DataKey::new([number; 32])
}

/// Changes of the value of a cookie.
fn changed() -> impl Strategy<Value = (String, Vec<u8>)> {
    let token = hostile::text();
    token.prop_flat_map(|token| {
        let holds = Waiting { id: Uuid::nil() };
        let value = sealed(&key(1), token.as_bytes(), &holds);
        (
            Just(value.clone()),
            hostile::mutated(Just(value.into_bytes())),
        )
    })
}

fn read(lines: &[Vec<u8>]) -> TestCaseResult {
    let headers = headers(lines);
    let sent: usize = headers.values().map(HeaderValue::len).sum();
    let found = of_request(&headers);
    let held: usize = found
        .iter()
        .map(|(name, value)| name.len() + value.len() + 1)
        .sum();
    prop_assert!(held <= sent, "{} of {}", held, sent);
    for (name, value) in &found {
        prop_assert!(!name.contains(['=', ';']) && !value.contains(';'));
        is_harmless(name);
        prop_assert!(unsealed::<Sealed>(&[key(1)], b"", value).is_none());
    }
    // Ours is found among them, whatever stands before it.
    let holds = Waiting {
        id: Uuid::from_u128(7),
    };
    let value = sealed(&key(1), b"this", &holds);
    let mut with_ours = headers;
    with_ours.append(header::COOKIE, format!("mine={value}").parse().unwrap());
    let found = of_request(&with_ours);
    let mine = found
        .iter()
        .find(|(name, _)| name == "mine")
        .map(|(_, value)| value);
    prop_assert_eq!(mine, Some(&value));
    Ok(())
}

fn opens((value, sent): &(String, Vec<u8>), aad: &[u8]) -> Option<Waiting> {
    let sent = String::from_utf8_lossy(sent);
    let opened = unsealed(&[key(2), key(1)], aad, &sent);
    opened.filter(|_| *value != sent)
}

#[test]
fn cookies() {
    let strategy = (lines(), changed(), hostile::text());
    fuzz("cookies", &strategy, |(lines, changed, aad)| {
        read(&lines)?;
        prop_assert!(opens(&changed, aad.as_bytes()).is_none());
        let whole = (String::new(), changed.0.into_bytes());
        let other = [aad.as_bytes(), b"x"].concat();
        prop_assert!(opens(&whole, &other).is_none() || whole.1.is_empty());
        Ok(())
    });
}
