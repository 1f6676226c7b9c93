//! Pagination (contract, admin 1.2): family A for identities, B for an installation-wide list of
//! sessions, C by offset, D by sealed tokens. Tokens are opaque to clients.

use axum::{
    http::{HeaderValue, Uri, header},
    response::Response,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, Datelike as _, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use tenants::{Project, ids};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::error::{ApiError, Result};

const SIZE_DEFAULT: i64 = 250;
const OFFSET_SIZE_MAX: i64 = 1_000;
const KEYSET_SIZE_MAX: i64 = 500;
const SEALED_SIZE_DEFAULT: i64 = 10;
const SEALED_SIZE_MAX: i64 = 500;
const SEALED_SECONDS: i64 = 3600;
const SESSIONS_SIZE_MAX: i64 = 1_000;
/// `page * per_page` of the legacy form may not exceed this.
const LEGACY_REACH_MAX: i64 = 1_000;

/// The four parameters, as text.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OffsetParams {
    /// The older way: the page's number, of sessions from 1, of others from 0. `page_size` and `page_token` go first.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub(crate) page: Option<String>,
    /// The older way: how many at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 250)]
    pub(crate) per_page: Option<String>,
    /// How many at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 1000, default = 250)]
    pub(crate) page_size: Option<String>,
    /// Where the page begins: as it stands in a `Link` of another page.
    pub(crate) page_token: Option<String>,
}

/// Family C: a page by offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offset {
    pub(crate) offset: i64,
    pub(crate) size: i64,
}

impl Offset {
    /// A page of sessions: page 0 and page 1 are both the first. Nothing is refused: what cannot be read is
    /// the default.
    pub(crate) fn of_sessions(params: &OffsetParams) -> Self {
        Self::read(params, |page| (page - 1).max(0))
    }

    /// A page of anything else: page 0 is the first.
    pub(crate) fn of_schemas(params: &OffsetParams) -> Self {
        Self::read(params, |page| page.max(0))
    }

    fn read(params: &OffsetParams, before: impl FnOnce(i64) -> i64) -> Self {
        let size = |text: Option<&String>| match text.and_then(|t| t.parse::<i64>().ok()) {
            None => SIZE_DEFAULT,
            Some(size) => size.clamp(1, OFFSET_SIZE_MAX),
        };
        if params.page_token.is_some() || params.page_size.is_some() {
            let token = params.page_token.as_deref().and_then(offset_of);
            return Self {
                offset: token.unwrap_or(0),
                size: size(params.page_size.as_ref()),
            };
        }
        let size = size(params.per_page.as_ref());
        let page = params
            .page
            .as_ref()
            .and_then(|t| t.parse::<i64>().ok())
            .unwrap_or(0);
        Self {
            offset: before(page).saturating_mul(size),
            size,
        }
    }
}

fn offset_of(token: &str) -> Option<i64> {
    let json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    json["offset"]
        .as_str()?
        .parse()
        .ok()
        .filter(|offset| *offset >= 0)
}

impl Offset {
    pub(crate) fn offset_usize(self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }

    pub(crate) fn size_usize(self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Whichever of first, next, prev and last there are, and the row each begins with.
    fn neighbours(self, total: i64) -> Vec<(&'static str, i64)> {
        let Self { offset, size } = self;
        let last = if total % size == 0 {
            (total - size).max(0)
        } else {
            total / size * size
        };
        let mut links = Vec::new();
        if offset > 0 || offset >= last {
            links.push(("first", 0));
        }
        if offset < last {
            links.push(("next", offset + size));
        }
        if offset > 0 {
            links.push(("prev", (offset - size).max(0)));
        }
        if offset < last {
            links.push(("last", last));
        }
        links
    }

    /// `X-Total-Count` and `Link`, by all four parameters.
    pub(crate) fn write_headers(self, uri: &Uri, total: i64, response: &mut Response) {
        let links = self.neighbours(total).into_iter().map(|(rel, offset)| {
            let token =
                URL_SAFE_NO_PAD.encode(json!({"offset": offset.to_string(), "v": 2}).to_string());
            let page = (offset / self.size).to_string();
            let size = self.size.to_string();
            link(
                uri,
                rel,
                &[
                    ("page", &page),
                    ("page_size", &size),
                    ("page_token", &token),
                    ("per_page", &size),
                ],
            )
        });
        write_total(response, total, links.collect());
    }
}

/// Family A: by id, or the legacy form by number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum IdentityPage {
    /// After this id.
    Keyset { after: Uuid, size: i64 },
    /// From this row on.
    Legacy { page: i64, size: i64 },
}

impl IdentityPage {
    pub(crate) fn read(params: &OffsetParams) -> Result<Self> {
        let legacy_size = |text: Option<&String>| {
            text.and_then(|t| t.parse::<i64>().ok())
                .map_or(SIZE_DEFAULT, |size| size.clamp(1, KEYSET_SIZE_MAX))
        };
        if params.page_token.is_none() && params.page_size.is_none() {
            if let Some(page) = &params.page {
                let size = legacy_size(params.per_page.as_ref());
                let page = page.parse::<i64>().unwrap_or(0).max(0);
                if page.saturating_mul(size) > LEGACY_REACH_MAX {
                    return Err(ApiError::bad_request(
                        "This page lies too far: use page_token instead of page.",
                    ));
                }
                return Ok(Self::Legacy { page, size });
            }
            let size = legacy_size(params.per_page.as_ref());
            return Ok(Self::Keyset {
                after: Uuid::nil(),
                size,
            });
        }
        let after = match params.page_token.as_deref() {
            None | Some("") => Uuid::nil(),
            Some(token) => Uuid::try_parse(token)
                .map_err(|_| ApiError::bad_request("The page_token cannot be read."))?,
        };
        Ok(Self::Keyset {
            after,
            size: keyset_size(params.page_size.as_deref(), SIZE_DEFAULT, KEYSET_SIZE_MAX)?,
        })
    }
}

fn keyset_size(text: Option<&str>, default: i64, max: i64) -> Result<i64> {
    match text {
        None | Some("") => Ok(default),
        Some(text) => {
            let size = text
                .parse::<i64>()
                .map_err(|_| ApiError::bad_request("The page_size is no number."))?;
            Ok(if size <= 0 { default } else { size.min(max) })
        }
    }
}

/// `Link` of a keyset page: first always, next when there is more.
pub(crate) fn write_keyset(uri: &Uri, size: i64, next: Option<&str>, response: &mut Response) {
    let first = Uuid::nil().to_string();
    write_sealed(uri, size, (&first, next), response);
}

/// The same with a token of its own for the first page.
pub(crate) fn write_sealed(
    uri: &Uri,
    size: i64,
    (first, next): (&str, Option<&str>),
    response: &mut Response,
) {
    let size = size.to_string();
    let mut links = vec![link(
        uri,
        "first",
        &[("page_size", &size), ("page_token", first)],
    )];
    if let Some(next) = next {
        links.push(link(
            uri,
            "next",
            &[("page_size", &size), ("page_token", next)],
        ));
    }
    write(response, &links.join(","));
}

/// The legacy page's headers. By its own two parameters alone: with a token the links would be read as
/// keyset pages.
pub(crate) fn write_legacy(
    uri: &Uri,
    (page, size): (i64, i64),
    total: i64,
    response: &mut Response,
) {
    let offset = page * size;
    let links = Offset { offset, size }
        .neighbours(total)
        .into_iter()
        .map(|(rel, offset)| {
            let (page, size) = ((offset / size).to_string(), size.to_string());
            link(uri, rel, &[("page", &page), ("per_page", &size)])
        });
    write_total(response, total, links.collect());
}

/// Family B: sessions by age.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionPage {
    pub(crate) after: Option<(DateTime<Utc>, Uuid)>,
    pub(crate) size: i64,
}

impl SessionPage {
    pub(crate) fn read(params: &OffsetParams) -> Result<Self> {
        let size = keyset_size(params.page_size.as_deref(), SIZE_DEFAULT, SESSIONS_SIZE_MAX)?;
        let after = match params.page_token.as_deref() {
            None | Some("") => None,
            // The "first" token of the other families.
            Some(token) if token == Uuid::nil().to_string() => None,
            Some(token) => Some(
                Self::position(token)
                    .ok_or_else(|| ApiError::bad_request("The page_token cannot be read."))?,
            ),
        };
        Ok(Self { after, size })
    }

    fn position(token: &str) -> Option<(DateTime<Utc>, Uuid)> {
        let text = String::from_utf8(STANDARD_NO_PAD.decode(token).ok()?).ok()?;
        let (id, at) = text.strip_prefix("id=")?.split_once("/created_at=")?;
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        // Postgres knows fewer years than this type.
        let known = (1..=9999).contains(&at.year());
        Some((at, Uuid::try_parse(id).ok()?)).filter(|_| known)
    }

    /// The token of the page after this session.
    pub(crate) fn token(at: DateTime<Utc>, id: Uuid) -> String {
        STANDARD_NO_PAD.encode(format!("id={id}/created_at={}", at.timestamp_micros()))
    }
}

/// Family D: by age, with tokens that are sealed under the project's key, bound to one list, and good for
/// an hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SealedPage {
    pub(crate) after: Option<(DateTime<Utc>, Uuid)>,
    pub(crate) size: i64,
}

impl SealedPage {
    pub(crate) fn read(
        project: &Project,
        list: &str,
        (size, token): (Option<&str>, Option<&str>),
    ) -> Result<Self> {
        let size = keyset_size(size, SEALED_SIZE_DEFAULT, SEALED_SIZE_MAX)?;
        let after = match token {
            None | Some("") => None,
            Some(token) => Self::open(project, list, token)?,
        };
        Ok(Self { after, size })
    }

    /// Where a token of this list leads; an error when it is not one, or too old.
    fn open(project: &Project, list: &str, token: &str) -> Result<Option<(DateTime<Utc>, Uuid)>> {
        let unreadable = || ApiError::bad_request("The page_token cannot be read.");
        let told = || {
            let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
            let plain = project.data_key().open(list.as_bytes(), &sealed).ok()?;
            let told: Value = serde_json::from_slice(&plain).ok()?;
            (told["until"].as_i64()? >= project.now().timestamp()).then_some(told)
        };
        let told = told().ok_or_else(unreadable)?;
        if told["id"].is_null() {
            return Ok(None);
        }
        let at = told["at"]
            .as_i64()
            .and_then(DateTime::from_timestamp_micros);
        let id = told["id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
        at.zip(id).map(Some).ok_or_else(unreadable)
    }

    /// The token of the page after this row; without one, of the first page.
    pub(crate) fn token(
        project: &Project,
        list: &str,
        after: Option<(DateTime<Utc>, Uuid)>,
    ) -> String {
        let told = json!({
            "until": project.now().timestamp() + SEALED_SECONDS,
            "at": after.map(|(at, _)| at.timestamp_micros()),
            "id": after.map(|(_, id)| id),
        });
        let key = project.data_key();
        let sealed = key.seal(list.as_bytes(), told.to_string().as_bytes(), ids::bytes());
        URL_SAFE_NO_PAD.encode(sealed)
    }
}

/// `<path?query>; rel="…"`, every parameter of the request kept, sorted by name.
fn link(uri: &Uri, rel: &str, set: &[(&str, &str)]) -> String {
    let query = uri.query().unwrap_or_default();
    let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !set.iter().any(|(n, _)| n == name))
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .chain(set.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
        .collect();
    pairs.sort();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("<{}?{query}>; rel=\"{rel}\"", uri.path())
}

fn write_total(response: &mut Response, total: i64, links: Vec<String>) {
    write(response, &links.join(","));
    response
        .headers_mut()
        .insert("x-total-count", HeaderValue::from(total));
}

fn write(response: &mut Response, link: &str) {
    if let Ok(link) = HeaderValue::try_from(link) {
        response.headers_mut().insert(header::LINK, link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(offset: i64, size: i64, total: i64) -> String {
        let mut response = Response::default();
        Offset { offset, size }.write_headers(&"/s?x=1".parse().unwrap(), total, &mut response);
        let link = response.headers()[header::LINK].to_str().unwrap();
        link.split(',')
            .map(|l| l.split("rel=").nth(1).unwrap().trim_matches('"'))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn links_of_offset_pages() {
        assert_eq!(headers(0, 1, 8), "next last");
        assert_eq!(headers(1, 1, 8), "first next prev last");
        assert_eq!(headers(7, 1, 8), "first prev");
        assert_eq!(headers(0, 10, 8), "first");
        assert_eq!(headers(0, 10, 0), "first");
    }

    #[test]
    fn unreadable_parameters_are_the_default_or_refused() {
        let params = |size: &str| OffsetParams {
            page_size: Some(size.into()),
            ..OffsetParams::default()
        };
        assert_eq!(Offset::of_sessions(&params("abc")).size, 250);
        assert_eq!(Offset::of_sessions(&params("-5")).size, 1);
        assert_eq!(Offset::of_sessions(&params("9999")).size, 1_000);
        assert!(IdentityPage::read(&params("abc")).is_err());

        let far = OffsetParams {
            page: Some("10".into()),
            per_page: Some("500".into()),
            ..OffsetParams::default()
        };
        assert!(IdentityPage::read(&far).is_err());
    }
}
