//! The id of the request being served: the client's own, or one of ours.

use axum::http::HeaderMap;
use tenants::ids;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// An id for logs and answers.
#[derive(Clone, Debug)]
pub(crate) struct RequestId {
    /// At most 128 visible ASCII characters.
    pub text: String,
    by_client: bool,
}

impl RequestId {
    /// The client's `X-Request-ID`, if it is harmless; else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get("x-request-id").and_then(|v| v.to_str().ok());
        let harmless =
            |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        match sent.filter(harmless) {
            Some(id) => Self {
                text: id.to_owned(),
                by_client: true,
            },
            None => Self {
                text: ids::v4().to_string(),
                by_client: false,
            },
        }
    }

    /// Run `work` as part of this request.
    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

/// The id that the client sent with the request being served.
pub(crate) fn sent_by_client() -> Option<String> {
    CURRENT
        .try_with(|id| id.by_client.then(|| id.text.clone()))
        .ok()
        .flatten()
}

/// The id of the request being served.
pub(crate) fn current() -> String {
    CURRENT.try_with(|id| id.text.clone()).unwrap_or_default()
}
