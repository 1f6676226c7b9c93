//! Request bodies: decoded once, with limits; what is wrong with one is said in words.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use flows::submission::Submission;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{App, error::ApiError};

/// Contract, self-service 1.2.
pub(crate) const BODY_BYTES_MAX: usize = 5 << 20;
/// Longer ones need one of a few places.
const SMALL_BYTES_MAX: usize = 64 << 10;
/// Read beyond it before the refusal.
const FORGOTTEN_BYTES_MAX: usize = 16 << 20;
/// Objects and lists inside each other. The JSON reader gives up at 128, and flows store what was sent some
/// levels further down, below a dotted name of up to 64 parts.
const NESTING_MAX: usize = 48;

/// A whole body within the limit, and its place when it is large: kept until it is decoded.
pub(crate) struct Whole(pub HeaderMap, pub Bytes, pub Option<OwnedSemaphorePermit>);

impl FromRequest<App> for Whole {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let within = app.settings().limits.body_within;
        let room = app.room_for_large();
        let (bytes, place) = read(body, within, room).await?;
        Ok(Self(parts.headers, bytes, place))
    }
}

/// A body that comes more slowly is not waited for: each one waited for takes a place of another
/// request, and must give it back before the edge answers for it.
async fn read(
    body: Body,
    within: Duration,
    room: &Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), ApiError> {
    let whole = tokio::time::timeout(within, collect(body, room)).await;
    whole.map_err(|_| ApiError::new(StatusCode::REQUEST_TIMEOUT))?
}

/// What is over the limit is read and forgotten for a while: a connection closed in the middle of sending
/// often takes the answer with it, and the sender never learns why.
async fn collect(
    mut body: Body,
    room: &Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), ApiError> {
    let (mut whole, mut length, mut place) = (Vec::new(), 0, None);
    while length <= BODY_BYTES_MAX + FORGOTTEN_BYTES_MAX {
        let Some(frame) = body.frame().await else {
            break;
        };
        let broken = |_| ApiError::bad_request("The body could not be read to its end.");
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        length += data.len();
        if length > SMALL_BYTES_MAX && place.is_none() {
            let free = Arc::clone(room).try_acquire_owned();
            place = Some(free.map_err(|_| no_room())?);
        }
        if length <= BODY_BYTES_MAX {
            whole.extend_from_slice(&data);
        } else {
            whole = Vec::new();
        }
    }
    if length > BODY_BYTES_MAX {
        let why = format!("The body is longer than {BODY_BYTES_MAX} bytes.");
        return Err(ApiError::bad_request(why));
    }
    Ok((whole.into(), place))
}

fn no_room() -> ApiError {
    metrics::counter!("insula_requests_refused_total").increment(1);
    tenants::Fault::Overloaded {
        what: "large bodies",
        retry_after: Duration::from_secs(1),
    }
    .into()
}

/// A submitted form or JSON body. A body that cannot be decoded is not an error yet: it becomes a message
/// on the form.
pub(crate) struct Submitted(pub Result<Submission, String>);

impl FromRequest<App> for Submitted {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let Whole(headers, bytes, _place) = Whole::from_request(request, app).await?;
        Ok(Self(decode(&headers, &bytes).await))
    }
}

async fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Submission, String> {
    if bytes.is_empty() {
        return Err("The request has no body.".to_owned());
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let media: Option<mime::Mime> = content_type.parse().ok();
    match media.as_ref().map(mime::Mime::essence_str) {
        Some("application/json") => {
            // Bytes that are no UTF-8 become replacement characters, as clients know it.
            let text = String::from_utf8_lossy(bytes);
            let mut stream = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
            match stream.next() {
                Some(Ok(Value::Object(body)))
                    if body.iter().any(|(k, v)| has_nul(k) || holds_nul(v)) =>
                {
                    Err(NUL.to_owned())
                }
                Some(Ok(Value::Object(body)))
                    if body.values().any(|v| nests_deeper(v, NESTING_MAX)) =>
                {
                    Err(too_deep())
                }
                Some(Ok(Value::Object(body))) => Ok(Submission::from_json(body)),
                Some(Ok(_)) => Err("The body must be a JSON object.".to_owned()),
                Some(Err(error)) => Err(format!("The body is no valid JSON: {error}.")),
                None => Err("The request has no body.".to_owned()),
            }
        }
        Some("application/x-www-form-urlencoded") => form(url_pairs(bytes)),
        Some("multipart/form-data") => multipart(content_type, bytes).await.and_then(form),
        _ => Err(format!(
            "The Content-Type {content_type:?} is not supported: send application/json or a form."
        )),
    }
}

fn url_pairs(bytes: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(bytes)
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect()
}

async fn multipart(content_type: &str, bytes: &Bytes) -> Result<Vec<(String, String)>, String> {
    let request = Request::builder()
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(bytes.clone()))
        .map_err(|e| e.to_string())?;
    let wrong = |e: axum::extract::multipart::MultipartError| {
        format!("The multipart form cannot be read: {e}.")
    };
    let form = axum::extract::Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|e| format!("The multipart form cannot be read: {e}."))?;
    let mut pairs = Vec::new();
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        let name = field.name().unwrap_or_default().to_owned();
        pairs.push((name, field.text().await.map_err(wrong)?));
    }
    Ok(pairs)
}

const NUL: &str = "The body holds the character U+0000, which cannot be stored.";

/// U+0000 anywhere in a value, keys included: Postgres stores it nowhere.
pub(crate) fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => has_nul(text),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(k, v)| has_nul(k) || holds_nul(v)),
        _ => false,
    }
}

fn nests_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|v| nests_deeper(v, levels - 1)),
        Value::Object(fields) => {
            levels == 0 || fields.values().any(|v| nests_deeper(v, levels - 1))
        }
        _ => false,
    }
}

fn too_deep() -> String {
    format!("The body nests more than {NESTING_MAX} levels deep.")
}

fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

fn form(pairs: Vec<(String, String)>) -> Result<Submission, String> {
    if pairs.iter().any(|(k, v)| has_nul(k) || has_nul(v)) {
        return Err(NUL.to_owned());
    }
    Ok(Submission::from_form(pairs))
}

/// A strict JSON body for administration: unknown keys are refused by name.
pub(crate) struct Strict<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Strict<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let Whole(_, bytes, _place) = Whole::from_request(request, app).await?;
        let wrong = |message: String| ApiError::new(StatusCode::BAD_REQUEST).saying(message);
        let unreadable = |e: serde_json::Error| wrong(format!("The body cannot be read: {e}."));
        // Only the first value of the body counts.
        let mut stream = serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>();
        let value = stream
            .next()
            .ok_or_else(|| wrong("The request has no body.".to_owned()))?;
        let value = value.map_err(unreadable)?;
        if holds_nul(&value) {
            return Err(wrong(NUL.to_owned()));
        }
        if nests_deeper(&value, NESTING_MAX) {
            return Err(wrong(too_deep()));
        }
        Ok(Self(serde_json::from_value(value).map_err(unreadable)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_not_waited_for() {
        let begins = futures_util::stream::once(async { Ok::<_, std::io::Error>("{") });
        let stalls = futures_util::StreamExt::chain(begins, futures_util::stream::pending());
        let room = Arc::new(Semaphore::new(1));
        let error = read(Body::from_stream(stalls), Duration::from_secs(20), &room)
            .await
            .unwrap_err();
        assert_eq!(error.object()["code"], 408);
    }
}
