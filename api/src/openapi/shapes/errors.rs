//! Everything that is not a success.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What went wrong. Tell errors apart by `id` and status; the texts are for people.
#[derive(Serialize, ToSchema)]
pub(crate) struct GenericError {
    /// A stable name of this error, for those that programs have to tell apart.
    #[schema(nullable = false, example = "session_inactive")]
    id: Option<String>,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 401)]
    code: u16,
    /// The name of that status.
    #[schema(example = "Unauthorized")]
    status: String,
    /// The `X-Request-ID` that the request carried.
    #[schema(nullable = false)]
    request: Option<String>,
    /// Why, for people.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// More about it, by the kind of error.
    #[schema(nullable = false, value_type = Option<Object>)]
    details: Option<Value>,
    /// What happened, in general.
    message: String,
}

/// The envelope of every error. The header `Ory-Error-Id` repeats `error.id`.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorGeneric {
    error: GenericError,
}

/// A flow that was submitted too late, and the one that takes its place.
#[derive(Serialize, ToSchema)]
pub(crate) struct SelfServiceFlowExpiredError {
    error: GenericError,
    /// When the flow expired.
    expired_at: DateTime<Utc>,
    /// How long ago that was, in nanoseconds.
    since: u64,
    /// The flow to go on with.
    use_flow_id: Uuid,
}

/// An error that a browser gets past by going elsewhere.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBrowserLocationChangeRequired {
    error: GenericError,
    /// Where to go; absent when the request was refused for another reason.
    #[schema(nullable = false, format = Uri)]
    redirect_browser_to: Option<String>,
}

/// A stored error, as the error page reads it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowError {
    /// Its id.
    #[schema(format = Uuid)]
    id: String,
    error: GenericError,
    /// When it happened.
    created_at: DateTime<Utc>,
    /// The same moment.
    updated_at: DateTime<Utc>,
}

/// A flow of no further use, and the one that takes its place.
#[derive(Serialize, ToSchema)]
pub(crate) struct SelfServiceFlowReplacedError {
    error: GenericError,
    /// The flow to go on with.
    use_flow_id: Uuid,
}
