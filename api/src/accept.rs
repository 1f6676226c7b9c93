//! Does the client want JSON or a page? (docs/wire.md, W1.2 and W1.3)

use axum::http::{HeaderMap, header};

/// What the server offers, in order of preference; a wildcard in the list stands for "some page".
const OFFERS: [&str; 4] = ["text/html", "text/*", "*/*", "application/json"];

/// By `Accept` alone: for init endpoints and final redirects.
pub(crate) fn accepts_json(headers: &HeaderMap) -> bool {
    let specs: Vec<Spec<'_>> = specs(headers).collect();
    let mut best = ("text/html", 0, 0_u8);
    for offer in OFFERS {
        for spec in &specs {
            let Some(exactness) = spec.matches(offer) else {
                continue;
            };
            if spec.quality > best.1
                || (spec.quality == best.1 && spec.quality > 0 && exactness > best.2)
            {
                best = (offer, spec.quality, exactness);
            }
        }
    }
    best.0 == "application/json"
}

/// By `Content-Type`, which must be exactly `application/json`, or by `Accept`: for submissions and errors.
pub(crate) fn is_json_request(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|v| v == "application/json")
        || accepts_json(headers)
}

/// Is a page asked for by name, as browsers do when an address is typed? Programs mostly take anything.
pub(crate) fn asks_for_page(headers: &HeaderMap) -> bool {
    let named = |spec: Spec<'_>| spec.media.eq_ignore_ascii_case("text/html") && spec.quality > 0;
    !accepts_json(headers) && specs(headers).any(named)
}

fn specs(headers: &HeaderMap) -> impl Iterator<Item = Spec<'_>> {
    let accept = headers.get_all(header::ACCEPT).into_iter();
    accept
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .filter_map(Spec::parse)
}

struct Spec<'a> {
    media: &'a str,
    /// In thousandths.
    quality: u32,
}

impl<'a> Spec<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().filter(|m| m.contains('/'))?;
        let quality = parts
            .find_map(|p| p.strip_prefix("q="))
            .map_or(Some(1.0), |q| q.parse::<f64>().ok())?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=1000"
        )]
        let quality = (quality.clamp(0.0, 1.0) * 1000.0) as u32;
        Some(Self { media, quality })
    }

    /// How exactly: 3 named, 2 by type, 1 by `*/*`.
    fn matches(&self, offer: &str) -> Option<u8> {
        if self.media.eq_ignore_ascii_case(offer) && self.media != "*/*" {
            Some(3)
        } else if self.media == "*/*" {
            Some(1)
        } else {
            let kind = self.media.strip_suffix("/*")?;
            offer
                .strip_prefix(kind)
                .is_some_and(|rest| rest.starts_with('/'))
                .then_some(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    /// W1.2, W1.3.
    #[test]
    fn who_is_a_json_client() {
        let json = [
            "application/json",
            "application/json, text/plain, */*",
            "application/json;q=0.9, text/html;q=0.5",
        ];
        for accept in json {
            assert!(accepts_json(&with(header::ACCEPT, accept)), "{accept}");
        }
        let page = [
            "*/*",
            "text/html",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "",
            "text/plain",
            "garbage",
            "application/json;q=0.5, text/html",
        ];
        for accept in page {
            assert!(!accepts_json(&with(header::ACCEPT, accept)), "{accept}");
        }
        assert!(!accepts_json(&HeaderMap::new()));
        for (accept, asks) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("*/*", false),
            ("application/json, text/html", true),
            ("application/json, text/html;q=0.9", false),
            ("text/html;q=0", false),
        ] {
            let headers = with(header::ACCEPT, accept);
            assert_eq!(asks_for_page(&headers), asks, "{accept}");
        }
        assert!(is_json_request(&with(
            header::CONTENT_TYPE,
            "application/json"
        )));
        assert!(!is_json_request(&with(
            header::CONTENT_TYPE,
            "application/json; charset=utf-8"
        )));
    }
}
