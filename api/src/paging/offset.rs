//! Pages by position: of one identity's sessions, and of schemas.

use axum::{http::Uri, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    links::{link, write_total},
    params::{OffsetParams, SIZE_DEFAULT},
};

const SIZE_MAX: i64 = 1_000;

/// A page by position.
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
            Some(size) => size.clamp(1, SIZE_MAX),
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

    /// Those of first, next, prev and last that there are, and the row each begins with.
    pub(super) fn neighbours(self, total: i64) -> Vec<(&'static str, i64)> {
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

#[cfg(test)]
mod tests {
    use axum::http::header;

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
    fn unreadable_parameters_are_the_default() {
        let params = |size: &str| OffsetParams {
            page_size: Some(size.into()),
            ..OffsetParams::default()
        };
        assert_eq!(Offset::of_sessions(&params("abc")).size, 250);
        assert_eq!(Offset::of_sessions(&params("-5")).size, 1);
        assert_eq!(Offset::of_sessions(&params("9999")).size, 1_000);
    }
}
