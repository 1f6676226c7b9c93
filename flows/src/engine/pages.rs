//! Pages and return URLs of a project: where its forms are shown, and where browsers go at the end.

use std::sync::Arc;

use serde::Deserialize;
use tenants::{Project, Section};
use url::Url;
use uuid::Uuid;

use super::{kind::Kind, return_to::ReturnTo};

/// `selfservice`, as far as it is about no single flow.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ReturnConfig {
    /// Where browsers go that asked for nothing. Default: `{base}/ui/session`.
    pub default_browser_return_url: Option<String>,
    /// Where else they may ask to go.
    pub allowed_return_urls: Vec<String>,
}

impl Section for ReturnConfig {
    const POINTER: &'static str = "/selfservice";
}

/// `selfservice.flows.error`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ErrorPageConfig {
    /// Default: the project's own page.
    pub ui_url: Option<String>,
}

impl Section for ErrorPageConfig {
    const POINTER: &'static str = "/selfservice/flows/error";
}

/// Pages and return URLs of one project, resolved against its base once per revision.
#[derive(Debug)]
pub struct Pages {
    base: String,
    return_to: ReturnTo,
}

impl Pages {
    /// Those of the configuration in force.
    pub fn of(project: &Project) -> Arc<Self> {
        project.memo(|project| {
            let config = project.config::<ReturnConfig>();
            let own = format!("{}/ui/session", project.base_url());
            let default = config.default_browser_return_url.as_deref().unwrap_or(&own);
            let base = Url::parse(project.base_url());
            let return_to =
                base.and_then(|base| ReturnTo::new(&base, default, &config.allowed_return_urls));
            let return_to = return_to.or_else(|_| {
                let base = Url::parse("http://localhost/")?;
                ReturnTo::new::<&str>(&base, "/", &[])
            });
            #[expect(
                clippy::expect_used,
                reason = "constants parse; the configuration was judged before it was stored"
            )]
            Self {
                base: project.base_url().to_owned(),
                return_to: return_to.expect("a constant URL"),
            }
        })
    }

    /// The list of allowed return URLs.
    pub fn return_to(&self) -> &ReturnTo {
        &self.return_to
    }

    /// The absolute address of a page: the configured one, else the project's own.
    pub fn page(&self, configured: Option<&str>, own: &str) -> String {
        match configured {
            Some(url) => self.absolute(url),
            None => format!("{}/ui/{own}", self.base),
        }
    }

    /// An absolute URL for a configured one, which may be relative to the origin.
    pub fn absolute(&self, url: &str) -> String {
        let resolved = Url::parse(&self.base).and_then(|base| base.join(url));
        resolved.map_or_else(|_| url.to_owned(), String::from)
    }
}

/// The page of a kind of flow.
pub fn page<K: Kind>(project: &Project) -> String {
    Pages::of(project).page(K::ui_url(project).as_deref(), K::NAME)
}

/// The page of one flow.
pub fn page_of<K: Kind>(project: &Project, id: Uuid) -> String {
    with_query(&page::<K>(project), "flow", &id.to_string())
}

/// The page on which an error is shown that was stored.
pub fn error_page(project: &Project, id: Uuid) -> String {
    let config = project.config::<ErrorPageConfig>();
    let page = Pages::of(project).page(config.ui_url.as_deref(), "error");
    with_query(&page, "id", &id.to_string())
}

/// A URL with one query parameter more, whatever query it has.
pub fn with_query(url: &str, name: &str, value: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(name, value);
            url.into()
        }
        Err(_) => url.to_owned(),
    }
}
