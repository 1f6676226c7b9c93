//! Where a request comes from: device, place, CSRF cookie, and the address that was found out before
//! (`client_address.rs`). What is said of a place counts only when the peer is a trusted proxy.

use axum::http::{HeaderMap, header};
use flows::cx::{BrowserTrace, ClientInfo, CookieState};
use serde_json::{Map, Value};
use tenants::{Project, ids};

use crate::{accept, client_address::ClientAddress, cookies};

const TEXT_BYTES_MAX: usize = 512;
/// docs/wire.md, W10.8.
const FORWARDED: &[&str] = &[
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Content-Length",
    "Content-Type",
    "Origin",
    "Priority",
    "Referer",
    "Sec-Ch-Ua",
    "Sec-Ch-Ua-Mobile",
    "Sec-Ch-Ua-Platform",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-User",
    "True-Client-Ip",
    "User-Agent",
];

/// Facts about the client of a request.
pub(crate) fn info(project: &Project, headers: &HeaderMap, address: &ClientAddress) -> ClientInfo {
    let sent = cookies::of_request(headers);
    let secret = cookies::csrf_secret(project, &sent);
    let cookies = match (&secret, sent.is_empty()) {
        (Some(_), _) => CookieState::Csrf,
        (None, true) => CookieState::None,
        (None, false) => CookieState::NoCsrf,
    };
    ClientInfo {
        json: accept::is_json_request(headers),
        csrf_secret: secret.unwrap_or_else(ids::bytes),
        next_csrf_secret: ids::bytes(),
        cookies,
        continuity: cookies::open_continuity(project, &sent),
        browser: cookies::open_browser(project, &sent),
        browser_trace: browser_trace(headers, &sent),
        by_script: text(headers, "sec-fetch-mode")
            .is_some_and(|m| m == "cors" || m == "same-origin"),
        ip_address: address.noted.clone(),
        user_agent: cut(text(headers, header::USER_AGENT.as_str()).unwrap_or_default()),
        location: if address.by_proxy {
            location(headers)
        } else {
            String::new()
        },
        accept_language: text(headers, header::ACCEPT_LANGUAGE.as_str()).map(cut),
        forwarded_headers: forwarded_headers(headers),
    }
}

/// The headers that hooks and delivery services may see: name to values.
fn forwarded_headers(headers: &HeaderMap) -> Value {
    let mut forwarded = Map::new();
    for name in FORWARDED {
        let values: Vec<Value> = headers
            .get_all(*name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(|value| Value::String(cut(value)))
            .collect();
        if !values.is_empty() {
            forwarded.insert((*name).to_owned(), Value::Array(values));
        }
    }
    Value::Object(forwarded)
}

fn browser_trace(headers: &HeaderMap, sent: &[(String, String)]) -> Option<BrowserTrace> {
    if headers.contains_key(header::ORIGIN) {
        Some(BrowserTrace::Origin)
    } else if sent.iter().any(|(name, _)| !cookies::is_harmless(name)) {
        Some(BrowserTrace::Cookies)
    } else {
        None
    }
}

fn location(headers: &HeaderMap) -> String {
    let parts = ["cf-ipcity", "cf-ipcountry"]
        .iter()
        .filter_map(|name| text(headers, name));
    cut(&parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", "))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn cut(text: &str) -> String {
    let end = (0..=TEXT_BYTES_MAX.min(text.len()))
        .rev()
        .find(|i| text.is_char_boundary(*i));
    text[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (header::HeaderName::from_static(n), v.parse().unwrap()))
            .collect()
    }

    /// W10.8.
    #[test]
    fn hooks_see_harmless_headers_alone() {
        let sent = headers(&[
            ("accept-language", "de"),
            ("user-agent", "a browser"),
            ("cookie", "ory_session_x=secret"),
            ("authorization", "Bearer secret"),
            ("x-session-token", "secret"),
            ("x-forwarded-for", "1.2.3.4"),
        ]);
        let seen = serde_json::json!({"Accept-Language": ["de"], "User-Agent": ["a browser"]});
        assert_eq!(forwarded_headers(&sent), seen);
    }
}
