//! Shapes of single values: the `insula-…` formats of the schema, each with the text for a value that is none.

use std::time::Duration;

use url::{Host, Url};

use super::{places::Place, units};

/// A format's name in the schema, its check, and what a value has to be.
pub(super) type Format = (&'static str, fn(&str) -> bool, &'static str);

pub(super) const FORMATS: [Format; 11] = [
    (
        "insula-duration",
        |text| units::parse_duration(text).is_ok(),
        "must be a duration of at most 87600h, made of whole numbers with the units ns, us, ms, s, m, h, such as 1h30m",
    ),
    (
        "insula-lifespan",
        |text| units::parse_duration(text).is_ok_and(|it| it > Duration::ZERO),
        "must be a duration above zero and at most 87600h, made of whole numbers with the units ns, us, ms, s, m, h, such as 1h30m",
    ),
    (
        "insula-bytesize",
        |text| units::parse_bytesize(text).is_ok(),
        "must be a size such as 64MB: a whole number with the unit B, KB, MB, GB, TB, PB or EB",
    ),
    (
        "insula-url",
        is_page,
        "must be an absolute http or https URL without user information, or begin with a single /",
    ),
    (
        "insula-http-url",
        |text| is_page(text) && !text.starts_with('/'),
        "must be an absolute http or https URL without user information",
    ),
    (
        "insula-return-url",
        is_return_url,
        "must be an absolute URL, or begin with a single /; a host may begin with `*.` in front of a registered domain, as in https://*.example.com",
    ),
    (
        "insula-origin",
        is_origin,
        "must be an origin such as https://app.example.com, with nothing after host and port; or one with `*.` in front of a registered domain, as in https://*.example.com; or `*`",
    ),
    (
        "insula-path",
        is_path,
        "must be a path: begin with / and hold no ; or control characters",
    ),
    ("insula-token", is_token, "must be the name of a header"),
    (
        "insula-cookie-name",
        is_token,
        "must be a cookie's name: letters, digits and !#$%&'*+-.^_`|~",
    ),
    (
        "insula-host",
        is_host,
        "must be a host name, with a port if need be, and nothing else",
    ),
];

/// What a value of this format has to be.
pub(super) fn text_of(format: &str) -> Option<&'static str> {
    FORMATS
        .iter()
        .find(|(name, ..)| *name == format)
        .map(|(.., text)| *text)
}

fn is_origin_relative(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//") && !text.contains('\\') && is_clean(text)
}

/// Browsers drop tabs and newlines inside URLs, so that `/\t/evil` becomes `//evil`.
fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

fn is_page(text: &str) -> bool {
    let absolute = |url: Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    };
    is_origin_relative(text) || (is_clean(text) && Url::parse(text).is_ok_and(absolute))
}

fn is_return_url(text: &str) -> bool {
    let absolute = |url: Url| Place::new(&url).is_some();
    is_origin_relative(text) || (is_clean(text) && Url::parse(text).is_ok_and(absolute))
}

fn is_origin(text: &str) -> bool {
    text == "*" || Place::of_origin(text).is_some()
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains([';', ',']) && is_clean(text) && text.is_ascii()
}

/// RFC 9110's token, of which headers and cookies make their names.
fn is_token(text: &str) -> bool {
    let special = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || special.contains(&b))
}

/// `http://` in front is judged by the rules: in DEVELOPMENT projects the service may be one's own.
fn is_host(text: &str) -> bool {
    let text = text.strip_prefix("http://").unwrap_or(text);
    let Ok(url) = Url::parse(&format!("https://{text}/")) else {
        return false;
    };
    let alone = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let named = matches!(
        url.host(),
        Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_))
    );
    alone && named && !text.contains(['/', '@', '\\', '?', '#']) && is_clean(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: &str, good: &[&str], bad: &[&str]) {
        let (_, check, text) = FORMATS.iter().find(|(name, ..)| *name == format).unwrap();
        assert!(!text.is_empty());
        for value in good {
            assert!(check(value), "{format} ought to accept {value:?}");
        }
        for value in bad {
            assert!(!check(value), "{format} ought to refuse {value:?}");
        }
    }

    #[test]
    fn pages_and_return_urls() {
        check(
            "insula-url",
            &[
                "https://a.example/x?y=1",
                "http://localhost:3000",
                "/ui/login",
                "/",
            ],
            &[
                "",
                "//evil.example",
                "/\\evil",
                "/\t/evil",
                "javascript:alert(1)",
                "app://x",
                "ui",
                "https://user@a.example/",
                "https://",
                "http:// a/",
            ],
        );
        check(
            "insula-return-url",
            &[
                "https://a.example",
                "https://*.a.example/x",
                "shopapp://callback",
                "/home",
            ],
            &[
                "*",
                "https://*",
                "https://a.*.example",
                "javascript:alert(1)",
                "data:text/html,x",
                "//evil.example",
                "https://*.*.example",
                "https://*.",
                "https://*foo.com",
                "https://*.com",
                "https://*.co.uk",
                "https://*.vercel.app",
                "https://*.localhost",
                "https://www.example.*",
            ],
        );
    }

    #[test]
    fn origins_hosts_and_names() {
        check(
            "insula-origin",
            &[
                "*",
                "https://a.example",
                "https://*.a.example",
                "https://*.a.example:8443",
                "https://bücher.example",
                "http://localhost:3000",
                "http://[::1]:3000",
                "capacitor://localhost",
            ],
            &[
                "",
                "a.example",
                "https://a.example/",
                "https://*.*.example",
                "https://",
                "https://a b",
                "https://user@a.example",
                "https://*foo.com",
                "https://*.com",
                "https://*.co.uk",
                "https://*.vercel.app",
                "https://*.localhost",
                "https://*.1.2.3.4",
                "https://*",
                "https://app.*",
                "https://app.example.com*",
                "https://a*.example.com",
                "https://a.*.example.com",
                "https://a.example:*",
                "null",
                "file://",
                "file://a.example",
                "javascript://a.example",
            ],
        );
        check(
            "insula-host",
            &[
                "api.pwnedpasswords.com",
                "127.0.0.1:8080",
                "[::1]:80",
                "http://127.0.0.1:8080",
            ],
            &[
                "",
                "https://a.example",
                "http://",
                "http://http://a",
                "http://a/b",
                "a/b",
                "u@a",
                "a?b",
                "a b",
            ],
        );
        check(
            "insula-token",
            &["X-Session-Token", "a"],
            &["", "a b", "a:", "ä", "a\n"],
        );
        check(
            "insula-path",
            &["/", "/app"],
            &["", "app", "/;secure", "/a b"],
        );
        check("insula-lifespan", &["1ns", "24h"], &["0s", "", "1d"]);
    }
}
