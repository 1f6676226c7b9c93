//! Any list and any wish: what is let through leads to a place of the list, however it is read.

use ::fuzz::{fuzz, hostile};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseResult};

use super::*;

const SCHEMES: &[&str] = &[
    "https://",
    "http://",
    "https:",
    "https:/",
    "https:///",
    "//",
    "///",
    "",
    "/",
    "\\\\",
    "javascript://",
    "data:",
    "file://",
    "HTTPS://",
    "com.example.app://",
    "https:\\",
    "blob:https://",
    "view-source:https://",
    "ws://",
];
const HOSTS: &[&str] = &[
    "app.example.com",
    "evil.example",
    "a.preview.example.com",
    "preview.example.com",
    "*.preview.example.com",
    "*.com",
    "*",
    "xn--bcher-kva.example",
    "bücher.example",
    "app.example.com.",
    "app.example.com.evil.example",
    "APP.example.com",
    "app\u{3002}example\u{ff0e}com",
    "app.example.com%2eevil.example",
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
    "a.b.preview.example.com",
    "evil.examplepreview.example.com",
    "*.co.uk",
    "*app.example.com",
    "\u{ad}evil.example",
    "evil.example\u{200b}",
    "ｅvil.example",
];
const SIGNS: &[&str] = &[
    "",
    "@",
    "user@",
    "user:pass@",
    ":443",
    ":3000",
    ":99999",
    ":",
    "/",
    "/app",
    "/app/../..",
    "/%2e%2e/",
    "/..%2f..",
    "/..%5c",
    "\\",
    "/./",
    "/a/..;/b",
    "?x=1",
    "#f",
    "?",
    "#",
    "%00",
    "\t",
    "\n",
    " ",
    "//evil.example",
    "/app%",
    "?next=https://evil.example",
    "\\@",
    "#@",
];

/// An address of parts, in and out of their order.
fn url() -> impl Strategy<Value = String> {
    let ordered = (
        select(SCHEMES),
        select(SIGNS),
        select(HOSTS),
        vec(select(SIGNS), 0..4),
    );
    let ordered = ordered
        .prop_map(|(scheme, user, host, rest)| format!("{scheme}{user}{host}{}", rest.concat()));
    let plain = (select(HOSTS), vec(select(SIGNS), 0..3));
    let plain = plain.prop_map(|(host, rest)| format!("https://{host}{}", rest.concat()));
    let text = prop_oneof![3 => ordered, 3 => plain, 1 => hostile::text_of(SIGNS), 1 => hostile::text_of(HOSTS)];
    hostile::mutated(text.prop_map(String::into_bytes))
        .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Of a list entry or an address: what stands before the first `/`, `?` or `#` of a normal one, and the rest.
fn origin(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Some((&url[..scheme.len() + 3 + end], &rest[end..]))
}

/// Does an entry allow the origin of this address? Read by nothing but its letters, once both are normal.
fn allows(entry: &Url, found: &str) -> bool {
    let (Some((entry, _)), Some((found, _))) = (origin(entry.as_str()), origin(found)) else {
        return entry.scheme() == found.split(':').next().unwrap_or_default();
    };
    match entry.split_once("://*.") {
        None => entry == found,
        Some((scheme, domain)) => found
            .strip_prefix(&format!("{scheme}://"))
            .and_then(|host| host.strip_suffix(domain))
            .is_some_and(|labels| labels.len() > 1 && labels.ends_with('.')),
    }
}

fn check(default: &str, list: &[String], wish: &str) -> TestCaseResult {
    let public: Url = "https://auth.example.com/p/acme".parse().unwrap();
    let Ok(known) = ReturnTo::new(&public, default, list) else {
        return Ok(());
    };
    let base = public.join("/p/acme/").unwrap();
    let entries = list.iter().filter(|entry| !known.ignored().contains(entry));
    let mut entries: Vec<Url> = entries.filter_map(|entry| base.join(entry).ok()).collect();
    entries.push(public);
    let Ok(found) = known.check(wish) else {
        return Ok(());
    };
    if wish.is_empty() {
        prop_assert_eq!(&found, known.default_url());
        return Ok(());
    }
    let text = found.as_str();
    prop_assert!(
        entries.iter().any(|entry| allows(entry, text)),
        "{} for {:?}",
        text,
        wish
    );
    let active = ["javascript", "data", "file", "blob", "view-source"];
    prop_assert!(!active.contains(&found.scheme()), "{}", text);
    prop_assert!(
        found.username().is_empty() && found.password().is_none(),
        "{}",
        text
    );
    prop_assert!(
        text.bytes()
            .all(|byte| byte > b' ' && byte < 0x7f && byte != b'\\'),
        "{}",
        text
    );
    // What is redirected to comes back the same when it is asked for again.
    prop_assert_eq!(known.check(text), Ok(found.clone()));
    Ok(())
}

#[test]
fn return_urls() {
    let default = prop_oneof![3 => Just("https://app.example.com/".to_owned()), 1 => url()];
    let all = (default, vec(url(), 0..4), url());
    fuzz("return URLs", &all, |(default, list, wish)| {
        check(&default, &list, &wish)
    });
}
