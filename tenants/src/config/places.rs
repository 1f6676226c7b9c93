//! Places on the web as lists of the configuration name them, `allowed_origins` and `allowed_return_urls`: one rule
//! for both. A wildcard is the first label, whole, and what follows it is a domain that belongs to somebody: anyone can
//! have a name below `com`, `co.uk` or `vercel.app`.

use url::Url;

/// Schemes that run or show what they carry; nobody is sent there, and nothing is told to them.
const ACTIVE_SCHEMES: [&str; 7] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "view-source",
];

/// Scheme, host and port of an entry, in the parser's normal form.
#[derive(Debug, Clone)]
pub struct Place {
    scheme: String,
    host: HostRule,
    /// `None` is the scheme's own port.
    port: Option<u16>,
}

#[derive(Debug, Clone)]
enum HostRule {
    Exactly(String),
    /// `.example.com`, from `*.example.com`.
    EndsWith(String),
}

impl Place {
    /// `None`: the scheme is an active one, there is user information, or the wildcard is unbounded.
    pub fn new(url: &Url) -> Option<Self> {
        let anonymous = url.username().is_empty() && url.password().is_none();
        if ACTIVE_SCHEMES.contains(&url.scheme()) || !anonymous {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: HostRule::new(&host(url))?,
            port: url.port(),
        })
    }

    /// The place of an origin, as `allowed_origins` lists it: scheme, host and port, and nothing after them.
    pub fn of_origin(text: &str) -> Option<Self> {
        Self::new(&origin(text)?)
    }

    /// Does that URL lead here?
    pub fn covers(&self, url: &Url) -> bool {
        self.scheme == url.scheme() && self.port == url.port() && self.host.covers(&host(url))
    }

    /// Is the asking page of here, by what the browser says of it (`Origin`)? `null` is of nowhere.
    pub fn covers_origin(&self, text: &str) -> bool {
        origin(text).is_some_and(|url| self.covers(&url))
    }

    /// Is what is said there said in clear?
    pub fn is_clear(&self) -> bool {
        self.scheme == "http"
    }
}

impl HostRule {
    fn new(host: &str) -> Option<Self> {
        if !host.contains('*') {
            return Some(Self::Exactly(host.to_owned()));
        }
        let base = host.strip_prefix("*.").filter(|base| !base.contains('*'))?;
        psl::domain_str(base)?;
        Some(Self::EndsWith(format!(".{base}")))
    }

    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Exactly(own) => own == host,
            Self::EndsWith(end) => {
                host.len() > end.len() && host.ends_with(end) && !host.contains('*')
            }
        }
    }
}

/// ASCII form in lower case; empty when the URL has none. Only http(s) hosts come normalised already.
fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_ascii_lowercase()
}

/// Taken apart by the same parser as everything else; what that would forgive is no origin.
fn origin(text: &str) -> Option<Url> {
    let (_, after) = text.split_once("://")?;
    let more = |c: char| "/?#@\\,".contains(c) || c.is_control() || c.is_whitespace();
    if after.is_empty() || after.contains(more) {
        return None;
    }
    Url::parse(text).ok().filter(Url::has_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(listed: &str, asking: &str) -> bool {
        Place::of_origin(listed).unwrap().covers_origin(asking)
    }

    #[test]
    fn origins_are_compared_whole() {
        for (listed, asking) in [
            ("https://a.example", "https://a.example"),
            ("https://A.example:443", "https://a.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://*.a.example", "https://b.a.example"),
            ("https://*.a.example", "https://c.b.a.example"),
            ("https://*.a.example:8443", "https://b.a.example:8443"),
            ("https://*.b.a.co.uk", "https://c.b.a.co.uk"),
        ] {
            assert!(covers(listed, asking), "{listed} {asking}");
        }
        for (listed, asking) in [
            ("https://a.example", "https://a.example.evil"),
            ("https://a.example", "http://a.example"),
            ("https://a.example", "https://a.example:8443"),
            ("https://a.example", "https://a.example/"),
            ("https://a.example", "https://b.a.example"),
            ("https://*.a.example", "https://a.example"),
            ("https://*.a.example", "https://.a.example"),
            ("https://*.a.example", "https://evila.example"),
            ("https://*.a.example", "https://*.a.example"),
            ("https://*.a.example", "https://b.a.example.evil"),
            ("https://*.a.example", "https://evil.example/.a.example"),
            ("https://*.a.example", "https://evil.example#.a.example"),
            ("https://*.a.example", "https://u@b.a.example"),
            ("https://*.a.example:8443", "https://b.a.example"),
            ("https://a.example", "null"),
            ("https://a.example", ""),
            ("https://a.example", "file://"),
        ] {
            assert!(!covers(listed, asking), "{listed} {asking}");
        }
    }
}
