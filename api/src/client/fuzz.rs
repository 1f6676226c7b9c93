//! Any headers of a proxy, forged ones among them: trusted proxies alone are believed, and nothing that
//! is kept is longer than it may be.

use std::net::{IpAddr, SocketAddr};

use ::fuzz::{fuzz, hostile};
use axum::http::{HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseResult};

use super::*;
use crate::client_address::{ClientIpHeader, Proxies};

const NAMES: &[&str] = &[
    "x-forwarded-for",
    "x-forwarded-for",
    "x-forwarded-for",
    "true-client-ip",
    "cf-connecting-ip",
    "x-real-ip",
    "cf-ipcity",
    "cf-ipcountry",
    "user-agent",
    "accept-language",
    "origin",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-proto",
    "sec-fetch-mode",
    "accept",
];
const WORDS: &[&str] = &[
    "1.2.3.4",
    "10.0.0.7",
    "10.255.255.255",
    "::1",
    "::ffff:10.0.0.1",
    "[2001:db8::1]:80",
    "2001:db8::1",
    "203.0.113.9",
    "127.1",
    "0x7f.1",
    "1.2.3.4:80",
    "unknown",
    ", ",
    ",",
    " ",
    "for=1.2.3.4;by=_x",
    "%lo",
    "fe80::1%eth0",
    "999.1.1.1",
    "*",
];
const PROXIES: &str = "10.0.0.0/8";
const VISITOR: &str = "198.51.100.7";

fn headers() -> impl Strategy<Value = HeaderMap> {
    let value = prop_oneof![
        1 => hostile::text_of(WORDS),
        2 => vec(select(WORDS), 0..6).prop_map(|hops| hops.join(", ")),
    ];
    let value = hostile::mutated(value.prop_map(String::into_bytes));
    vec((select(NAMES), value), 0..9).prop_map(|lines| {
        let lines = lines.into_iter().filter_map(|(name, value)| {
            let value = HeaderValue::from_bytes(&value).ok()?;
            Some((HeaderName::from_static(name), value))
        });
        // Collecting would keep the last of each name.
        let mut headers = HeaderMap::new();
        lines.for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    })
}

/// Proxies of a network, and the header in which they name the visitor.
fn trusting(header: &str) -> Proxies {
    Proxies::new(vec![PROXIES.parse().unwrap()], header.parse().unwrap())
}

fn check(headers: HeaderMap) -> TestCaseResult {
    let peer: SocketAddr = "10.0.0.2:1234".parse().unwrap();
    let nobody = Proxies::new(Vec::new(), ClientIpHeader::default());
    prop_assert_eq!(nobody.client(&headers, peer).noted, peer.to_string());
    for header in ["x-forwarded-for", "x-real-ip", "true-client-ip"] {
        let told = trusting(header).client(&headers, peer).noted;
        let is_address = told.parse::<IpAddr>().is_ok() || told == peer.to_string();
        prop_assert!(is_address, "{}", told);
    }
    prop_assert!(location(&headers).len() <= TEXT_BYTES_MAX);
    for (name, values) in forwarded_headers(&headers).as_object().unwrap() {
        prop_assert!(FORWARDED.contains(&name.as_str()));
        let values = values
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap());
        prop_assert!(values.map(str::len).all(|bytes| bytes <= TEXT_BYTES_MAX));
    }
    // Whatever the visitor wrote, our proxies write behind it.
    let mut behind = headers;
    for hop in [VISITOR, "10.0.0.3"] {
        behind.append("x-forwarded-for", HeaderValue::from_static(hop));
    }
    let told = trusting("x-forwarded-for").client(&behind, peer);
    prop_assert_eq!(told.noted, VISITOR);
    Ok(())
}

#[test]
fn forwarding_headers() {
    fuzz("forwarding headers", &headers(), check);
}
