//! Request bodies: decoded once, with limits; what is wrong with one is said in words.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use flows::{
    submission::Submission,
    ui::text::{self, Message},
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    App,
    admin::Holder,
    admission::{
        Permits, Share,
        weight::{self, Media, content_type},
    },
    client_address::ClientAddress,
    error::ApiError,
};

/// Of administration (docs/wire.md, W1.5). Submissions have a limit of their own.
const BODY_BYTES_MAX: usize = 5 << 20;
/// A hundred bytes each. A configuration has some hundreds.
const VALUES_MAX: usize = 50_000;
/// A longer body needs room while it comes, and one of a few permits when it is there …
const SMALL_BYTES_MAX: usize = 64 << 10;
/// … and so does one that holds more.
const SMALL_VALUES_MAX: usize = 2_000;
/// Read beyond it before the refusal.
const FORGOTTEN_BYTES_MAX: usize = 16 << 20;
/// Objects and lists inside each other. The JSON reader gives up at 128, and flows store what was sent some
/// levels further down, below a dotted name of up to 64 parts.
const NESTING_MAX: usize = 48;

/// A whole body within the limit of administration.
pub(crate) struct Whole(pub HeaderMap, pub Bytes);

impl FromRequest<App> for Whole {
    type Rejection = ApiError;

    /// Without a key that was judged before, no more than is read of a visitor.
    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let holder = request.extensions().get::<Holder>().cloned();
        let limits = match holder {
            Some(Holder(key)) => (BODY_BYTES_MAX, Share::Administration(key)),
            None => (SMALL_BYTES_MAX, share_of(&request)),
        };
        let bytes_max = limits.0;
        let whole = Self::within(limits, request, app).await?;
        whole.ok_or_else(|| ApiError::bad_request(too_long(bytes_max)))
    }
}

/// A whole body within the limit of self-service, which anybody may send.
pub(crate) struct Short(pub Bytes);

impl FromRequest<App> for Short {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes_max = app.installation().lengths().submission;
        let limits = (bytes_max, share_of(&request));
        let whole = Whole::within(limits, request, app).await?;
        let whole = whole.ok_or_else(|| ApiError::bad_request(too_long(bytes_max)));
        whole.map(|Whole(_, bytes)| Self(bytes))
    }
}

impl Whole {
    /// `None` for a longer one. Beyond the limit of administration it is a mistake wherever it is sent.
    async fn within(
        (bytes_max, share): (usize, Share),
        request: Request,
        app: &App,
    ) -> Result<Option<Self>, ApiError> {
        let (mut parts, body) = request.into_parts();
        let Some(permits) = parts.extensions.remove::<Permits>() else {
            tracing::error!("a request was served without a permit");
            return Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR));
        };
        permits.step_aside();
        let within = app.settings().limits.body_within;
        let bytes = read(body, (bytes_max, &share), within, &permits).await?;
        permits.step_back()?;
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let values = Media::of(&parts.headers).weigh(&bytes);
        if bytes.len() > SMALL_BYTES_MAX || values > SMALL_VALUES_MAX {
            permits.take_large(&share)?;
        }
        Ok(Some(Self(parts.headers, bytes)))
    }
}

/// Of the network that the visitor comes from.
fn share_of(request: &Request) -> Share {
    let address = request.extensions().get::<ClientAddress>();
    let network = address.and_then(ClientAddress::network);
    Share::SelfService(network.map(|network| network.narrow.into()))
}

fn too_long(bytes_max: usize) -> String {
    format!("The body is longer than {bytes_max} bytes.")
}

/// A body that comes more slowly is not waited for: it takes memory, and a large one a permit.
async fn read(
    body: Body,
    limits: (usize, &Share),
    within: Duration,
    permits: &Permits,
) -> Result<Option<Bytes>, ApiError> {
    let whole = tokio::time::timeout(within, collect(body, limits, permits)).await;
    whole.map_err(|_| ApiError::new(StatusCode::REQUEST_TIMEOUT))?
}

/// What is refused is read and forgotten for a while: a connection closed in the middle of sending often
/// takes the answer with it, and the sender never learns why.
async fn collect(
    mut body: Body,
    (bytes_max, share): (usize, &Share),
    permits: &Permits,
) -> Result<Option<Bytes>, ApiError> {
    let (mut whole, mut length, mut refused) = (Vec::new(), 0, None);
    while length <= BODY_BYTES_MAX + FORGOTTEN_BYTES_MAX {
        let Some(frame) = body.frame().await else {
            break;
        };
        let broken = |_| ApiError::bad_request("The body could not be read to its end.");
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        length += data.len();
        if length > BODY_BYTES_MAX {
            refused = Some(ApiError::bad_request(too_long(bytes_max)));
        }
        if refused.is_none() && length <= bytes_max {
            whole.extend_from_slice(&data);
            if length > SMALL_BYTES_MAX {
                refused = permits.await_body(share, length).err();
            }
        } else {
            whole = Vec::new();
            permits.forget_body();
        }
    }
    match refused {
        Some(error) => Err(error),
        None => Ok((length <= bytes_max).then(|| whole.into())),
    }
}

/// For a body that is JSON to its reader, whatever its `Content-Type`.
pub(crate) fn few_enough(json: &[u8]) -> Result<(), String> {
    within_limit(weight::json(json))
}

fn within_limit(values: usize) -> Result<(), String> {
    if values <= VALUES_MAX {
        return Ok(());
    }
    let why = format!("The body holds more than {VALUES_MAX} values: send fewer at a time.");
    Err(why)
}

/// A submitted form or JSON body. A body that cannot be decoded is not an error yet: it becomes a message
/// on the form.
pub(crate) struct Submitted(pub Result<Submission, Message>);

impl FromRequest<App> for Submitted {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes_max = app.installation().lengths().submission;
        let limits = (bytes_max, share_of(&request));
        let decoded = match Whole::within(limits, request, app).await? {
            Some(Whole(headers, bytes)) => decode(&headers, &bytes).await,
            None => Err(too_long(bytes_max)),
        };
        Ok(Self(decoded.map_err(|why| text::unreadable_body(&why))))
    }
}

async fn decode(headers: &HeaderMap, bytes: &Bytes) -> Result<Submission, String> {
    if bytes.is_empty() {
        return Err("The request has no body.".to_owned());
    }
    let media = Media::of(headers);
    within_limit(media.weigh(bytes))?;
    match media {
        Media::Json => {
            // Bytes that are no UTF-8 become replacement characters, as in Kratos.
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
        Media::Form => form(url_pairs(bytes)),
        Media::Parts => multipart(content_type(headers), bytes).await.and_then(form),
        Media::Other => Err(format!(
            "The Content-Type {:?} is not supported: send application/json or a form.",
            content_type(headers)
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
        let Whole(_, bytes) = Whole::from_request(request, app).await?;
        let wrong = |message: String| ApiError::new(StatusCode::BAD_REQUEST).saying(message);
        few_enough(&bytes).map_err(wrong)?;
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
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, admission::Admission};

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_not_waited_for() {
        let begins = futures_util::stream::once(async { Ok::<_, std::io::Error>("{") });
        let stalls = futures_util::StreamExt::chain(begins, futures_util::stream::pending());
        let permits = Permits::take(&Admission::new(&Limits::default()).into());
        let permits = permits.unwrap();
        let (stalls, within) = (Body::from_stream(stalls), Duration::from_secs(20));
        let error = read(stalls, (1024, &Share::SelfService(None)), within, &permits)
            .await
            .unwrap_err();
        assert_eq!(error.object()["code"], 408);
    }
}
