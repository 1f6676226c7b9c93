//! Pages of identities: by id, or by number, which is the older way.

use axum::{http::Uri, response::Response};
use identity::identities::records::{Listed, Page};
use uuid::Uuid;

use super::{
    links::{Tokens, link, write_tokens, write_total},
    offset::Offset,
    params::{OffsetParams, SIZE_DEFAULT, keyset_size},
};
use crate::error::{ApiError, Result};

const SIZE_MAX: i64 = 500;
/// `page * per_page` of the older way may not exceed this.
const REACH_MAX: i64 = 1_000;

/// A page of identities as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdentityPage(pub(crate) Page);

impl IdentityPage {
    pub(crate) fn read(params: &OffsetParams) -> Result<Self> {
        if params.page_token.is_none() && params.page_size.is_none() {
            return Self::older(params);
        }
        let id = match params.page_token.as_deref() {
            None | Some("") => Uuid::nil(),
            Some(token) => Uuid::try_parse(token)
                .map_err(|_| ApiError::bad_request("The page_token cannot be read."))?,
        };
        let size = keyset_size(params.page_size.as_deref(), SIZE_DEFAULT, SIZE_MAX)?;
        Ok(Self(Page::After { id, size }))
    }

    fn older(params: &OffsetParams) -> Result<Self> {
        let size = params.per_page.as_ref().and_then(|t| t.parse::<i64>().ok());
        let size = size.map_or(SIZE_DEFAULT, |size| size.clamp(1, SIZE_MAX));
        let Some(number) = &params.page else {
            let id = Uuid::nil();
            return Ok(Self(Page::After { id, size }));
        };
        let number = number.parse::<i64>().unwrap_or(0).max(0);
        if number.saturating_mul(size) > REACH_MAX {
            return Err(ApiError::bad_request(
                "This page lies too far: use page_token instead of page.",
            ));
        }
        Ok(Self(Page::Number { number, size }))
    }

    /// `Link`; of a page by number also `X-Total-Count`.
    pub(crate) fn write_headers(self, uri: &Uri, listed: &Listed, response: &mut Response) {
        match self.0 {
            Page::After { size, .. } => {
                let first = &*Uuid::nil().to_string();
                let next = listed.next.map(|id| id.to_string());
                let next = next.as_deref();
                write_tokens(uri, size, &Tokens { first, next }, response);
            }
            // By these two parameters alone: with a token the links would be read as pages by id.
            Page::Number { number, size } => {
                let offset = number * size;
                let neighbours = Offset { offset, size }.neighbours(listed.total);
                let links = neighbours.into_iter().map(|(rel, offset)| {
                    let (page, size) = ((offset / size).to_string(), size.to_string());
                    link(uri, rel, &[("page", &page), ("per_page", &size)])
                });
                write_total(response, listed.total, links.collect());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreadable_parameters_and_far_pages_are_refused() {
        let unreadable = OffsetParams {
            page_size: Some("abc".into()),
            ..OffsetParams::default()
        };
        assert!(IdentityPage::read(&unreadable).is_err());

        let far = OffsetParams {
            page: Some("10".into()),
            per_page: Some("500".into()),
            ..OffsetParams::default()
        };
        assert!(IdentityPage::read(&far).is_err());
    }
}
