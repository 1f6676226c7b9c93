//! Pages of all sessions of a project, by age.

use axum::{http::Uri, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use chrono::{DateTime, Datelike as _, Utc};
use uuid::Uuid;

use super::{
    links::{Tokens, write_tokens},
    params::{OffsetParams, SIZE_DEFAULT, keyset_size},
};
use crate::error::{ApiError, Result};

const SIZE_MAX: i64 = 1_000;

/// A page by age.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionPage {
    pub(crate) after: Option<(DateTime<Utc>, Uuid)>,
    pub(crate) size: i64,
}

impl SessionPage {
    pub(crate) fn read(params: &OffsetParams) -> Result<Self> {
        let size = keyset_size(params.page_size.as_deref(), SIZE_DEFAULT, SIZE_MAX)?;
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

    /// `Link`. The first page has the token that the first page of identities has.
    pub(crate) fn write_headers(self, uri: &Uri, next: Option<&str>, response: &mut Response) {
        let first = &*Uuid::nil().to_string();
        write_tokens(uri, self.size, &Tokens { first, next }, response);
    }
}
