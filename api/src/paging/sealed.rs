//! Pages whose tokens no client can make.

use axum::{http::Uri, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tenants::{Project, ids};
use uuid::Uuid;

use super::{
    links::{Tokens, write_tokens},
    params::keyset_size,
};
use crate::error::{ApiError, Result};

const SIZE_DEFAULT: i64 = 10;
const SIZE_MAX: i64 = 500;
/// A token is good for so long.
const TOKEN_SECONDS: i64 = 3600;

/// A page by age, with tokens that are sealed under the project's key, bound to one list, and good for
/// an hour.
pub(crate) struct SealedPage<'p> {
    project: &'p Project,
    list: &'static str,
    pub(crate) after: Option<(DateTime<Utc>, Uuid)>,
    pub(crate) size: i64,
}

impl<'p> SealedPage<'p> {
    /// `list` names the list, so that a token of one is none of another.
    pub(crate) fn read(
        project: &'p Project,
        list: &'static str,
        size: Option<&str>,
        token: Option<&str>,
    ) -> Result<Self> {
        let size = keyset_size(size, SIZE_DEFAULT, SIZE_MAX)?;
        let mut page = Self {
            project,
            list,
            after: None,
            size,
        };
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            page.after = page.open(token)?;
        }
        Ok(page)
    }

    /// Where a token of this list leads; an error when it is not one, or too old.
    fn open(&self, token: &str) -> Result<Option<(DateTime<Utc>, Uuid)>> {
        let unreadable = || ApiError::bad_request("The page_token cannot be read.");
        let opened = || {
            let (key, list) = (self.project.data_key(), self.list.as_bytes());
            let plain = key.open(list, &URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
            let place: Value = serde_json::from_slice(&plain).ok()?;
            (place["until"].as_i64()? >= self.project.now().timestamp()).then_some(place)
        };
        let place = opened().ok_or_else(unreadable)?;
        if place["id"].is_null() {
            return Ok(None);
        }
        let at = place["at"]
            .as_i64()
            .and_then(DateTime::from_timestamp_micros);
        let id = place["id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
        at.zip(id).map(Some).ok_or_else(unreadable)
    }

    /// The token of the page after this row; without one, of the first page.
    fn token(&self, after: Option<(DateTime<Utc>, Uuid)>) -> String {
        let place = json!({
            "until": self.project.now().timestamp() + TOKEN_SECONDS,
            "at": after.map(|(at, _)| at.timestamp_micros()),
            "id": after.map(|(_, id)| id),
        });
        let (key, list) = (self.project.data_key(), self.list.as_bytes());
        let sealed = key.seal(list, place.to_string().as_bytes(), ids::bytes());
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// `Link`. `last`: the last row of this page, if there are more behind it.
    pub(crate) fn write_headers(
        &self,
        uri: &Uri,
        last: Option<(DateTime<Utc>, Uuid)>,
        response: &mut Response,
    ) {
        let first = &*self.token(None);
        let next = last.map(|row| self.token(Some(row)));
        let next = next.as_deref();
        write_tokens(uri, self.size, &Tokens { first, next }, response);
    }
}
