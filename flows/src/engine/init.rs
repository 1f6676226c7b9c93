//! What the request says that begins a flow, whatever the kind.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a browser or an API client began it; fixed by the init endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FlowType)]
pub enum Transport {
    /// Cookies and CSRF tokens.
    Browser,
    /// Session tokens.
    Api,
}

/// What the init request says, whatever the kind.
#[derive(Clone, Debug)]
pub struct Init {
    /// `/browser` or `/api`.
    pub transport: Transport,
    /// The absolute URL of the request, as the visitor sees it.
    pub request_url: String,
    /// Where to go at the end.
    pub return_to: Option<String>,
    /// A schema other than the default.
    pub identity_schema: Option<String>,
}
