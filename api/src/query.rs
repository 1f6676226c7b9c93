//! Query parameters that several routes read alike.

use axum::http::{StatusCode, Uri};
use flows::{
    decision,
    flow::{Flow, Kind, Transport},
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    error::{ApiError, Result},
    visit::Visit,
};

/// `?id=` or `?flow=`.
#[derive(Debug, Deserialize)]
pub(crate) struct FlowId {
    id: Option<String>,
    flow: Option<String>,
}

impl FlowId {
    /// `id`, if it is a UUID.
    pub(crate) fn id(&self) -> Option<Uuid> {
        Uuid::try_parse(self.id.as_deref()?).ok()
    }

    /// `flow`, if it is a UUID.
    pub(crate) fn flow(&self) -> Option<Uuid> {
        Uuid::try_parse(self.flow.as_deref()?).ok()
    }
}

/// As Go reads booleans; anything else is false.
pub(crate) fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "TRUE" | "True" | "t" | "T" | "1"))
}

/// The absolute address of a request, as the visitor sees it: below the project's primary base.
pub(crate) fn seen_url(visit: &Visit, uri: &Uri) -> String {
    let path = uri
        .path()
        .strip_prefix(&format!("/p/{}", visit.project.slug()))
        .unwrap_or(uri.path());
    let query = uri.query().map_or_else(String::new, |q| format!("?{q}"));
    format!("{}{path}{query}", visit.project.base_url())
}

/// Parameters of features that are not served yet are refused, not ignored.
pub(crate) fn refuse_unserved(
    login_challenge: Option<&str>,
    exchange_code: Option<&str>,
) -> std::result::Result<(), decision::Error> {
    if login_challenge.is_some() {
        return Err(decision::Error::BadRequest(
            "login_challenge needs an OAuth2 provider, and none is configured for this project."
                .to_owned(),
        ));
    }
    if is_true(exchange_code) {
        return Err(decision::Error::BadRequest(
            "return_session_token_exchange_code is not served yet.".to_owned(),
        ));
    }
    Ok(())
}

/// Reading an expired flow: 410, with where to begin anew.
pub(crate) fn refuse_expired<K: Kind>(visit: &Visit, flow: &Flow<K>) -> Result<()> {
    if !flow.is_expired(visit.project.now()) {
        return Ok(());
    }
    let base = format!("{}/self-service/{}", visit.project.base_url(), K::NAME);
    let details = match flow.transport {
        Transport::Api => json!({ "api": format!("{base}/api") }),
        Transport::Browser => {
            let begin = format!("{base}/browser");
            let return_to = flow.return_to.as_deref();
            let redirect_to = return_to.map_or_else(
                || begin.clone(),
                |to| flows::config::with_query(&begin, "return_to", to),
            );
            json!({ "redirect_to": redirect_to, "return_to": return_to.unwrap_or_default() })
        }
    };
    Err(ApiError::new(StatusCode::GONE)
        .id("self_service_flow_expired")
        .because("The flow has expired. Please begin a new one.")
        .details(details))
}
