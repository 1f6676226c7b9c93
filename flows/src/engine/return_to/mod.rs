//! The only place that decides where a person may be sent after a flow (docs/wire.md, W3.9): a return URL is
//! taken apart by the same parser that writes the `Location`, tricks are refused, and what is left must lie
//! below an allowed URL. Knows neither flows nor requests.

use tenants::config::Place;
use url::Url;

/// Where a project lets people return to.
#[derive(Debug, Clone)]
pub struct ReturnTo {
    allowed: Vec<Allowed>,
    ignored: Vec<String>,
    default: Url,
}

/// The return URL is not on the list, or is no URL at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the return_to URL is not allowed")]
pub struct Forbidden;

/// One entry of the list, in the parser's normal form.
#[derive(Debug, Clone)]
struct Allowed {
    place: Place,
    path: String,
}

impl ReturnTo {
    /// Built from the project's public base URL, its `default_browser_return_url` and its
    /// `allowed_return_urls`; relative ones resolve against the base (`/x` from its host, `x` below it).
    /// Everything below `{base}/self-service` and `{base}/ui/` is allowed besides. Fails when the
    /// default is no URL; entries of the list that cannot be used are kept in [`ReturnTo::ignored`].
    pub fn new<S: AsRef<str>>(
        public: &Url,
        default: &str,
        allowed: &[S],
    ) -> Result<Self, url::ParseError> {
        let mut base = public.clone();
        base.set_query(None);
        base.set_fragment(None);
        base.set_path(&format!("{}/", public.path().trim_end_matches('/')));

        let default = base.join(default)?;
        let mut rules = Vec::new();
        let mut ignored = Vec::new();
        for entry in allowed
            .iter()
            .map(AsRef::as_ref)
            .filter(|entry| !entry.is_empty())
        {
            // Without a scheme a leading star would be a path below the base, which no configuration means.
            let url = if entry.starts_with('*') {
                None
            } else {
                base.join(entry).ok()
            };
            match url.and_then(|url| Allowed::new(&url)) {
                Some(rule) => rules.push(rule),
                None => ignored.push(entry.to_owned()),
            }
        }
        for own in ["self-service", "ui/"] {
            rules.extend(Allowed::new(&base.join(own)?));
        }
        Ok(Self {
            allowed: rules,
            ignored,
            default,
        })
    }

    /// Where people go when they asked for nothing.
    pub fn default_url(&self) -> &Url {
        &self.default
    }

    /// Entries of the list that allow nothing: no URL, an unbounded wildcard (`*`, `*foo.com`, `*.com`,
    /// `*.co.uk`, a star inside a label) or a scheme that runs what it carries. They are refused when a configuration
    /// is written; these were written before that.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// The URL to send a person to who asked for `raw`: normalised and absolute. Nothing asked for is the
    /// default; `/path` and `?query` are taken on the default's host, and must be allowed there.
    pub fn check(&self, raw: &str) -> Result<Url, Forbidden> {
        if raw.is_empty() {
            return Ok(self.default.clone());
        }
        // Browsers drop or bend these before they parse, so that they would see another URL than we do.
        if raw
            .chars()
            .any(|c| c == '\\' || c.is_control() || c.is_whitespace())
        {
            return Err(Forbidden);
        }
        let url = self.parse(raw).ok_or(Forbidden)?;
        let allowed = !climbs(url.path()) && self.allowed.iter().any(|rule| rule.covers(&url));
        if allowed { Ok(url) } else { Err(Forbidden) }
    }

    fn parse(&self, raw: &str) -> Option<Url> {
        if raw.starts_with("//") {
            return None;
        }
        if raw.starts_with(['/', '?', '#']) {
            let mut base = self.default.clone();
            base.set_path("/");
            base.set_query(None);
            return base.join(raw).ok();
        }
        let url = Url::parse(raw).ok()?;
        // The parser forgives `https:host` and `https:///host`; other readers of the same text would not.
        let after_scheme = raw.split_once(':')?.1;
        if matches!(url.scheme(), "http" | "https")
            && (!after_scheme.starts_with("//") || after_scheme.starts_with("///"))
        {
            return None;
        }
        // Even an empty `@`, of which the parser leaves no trace.
        let authority = after_scheme.strip_prefix("//").unwrap_or_default();
        let authority = authority.split(['/', '?', '#']).next()?;
        (!authority.contains('@')).then_some(url)
    }
}

impl Allowed {
    fn new(url: &Url) -> Option<Self> {
        Some(Self {
            place: Place::new(url)?,
            path: path(url).to_owned(),
        })
    }

    fn covers(&self, url: &Url) -> bool {
        self.place.covers(url) && path(url).starts_with(&self.path)
    }
}

fn path(url: &Url) -> &str {
    if url.path().is_empty() {
        "/"
    } else {
        url.path()
    }
}

/// Whether a server that decodes `%2f` or `%5c` would see a `..` the parser has left in place.
fn climbs(path: &str) -> bool {
    let decoded = path
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    decoded.split('/').any(|segment| segment == "..")
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
