//! Query parameters that several routes read alike.

use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, Uri, request::Parts},
};
use flows::{
    decision,
    flow::{Flow, Transport},
    kind::Kind,
    pages::with_query,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tenants::Project;
use uuid::Uuid;

use crate::{
    error::{ApiError, Result},
    visit::Visit,
};

/// Parameters that may come several times; of any other the first counts, as in Kratos.
const LISTS: [&str; 3] = ["ids", "include_credential", "expand"];

/// Of the address of a request, as it is stored.
const ADDRESS_BYTES_MAX: usize = 2048;

/// The parameters of a query, in our own envelope when they cannot be read.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let fields = fields(parts.uri.query().unwrap_or_default());
        serde_json::from_value(Value::Object(fields))
            .map(Self)
            .map_err(|error| ApiError::bad_request(format!("The query cannot be read: {error}.")))
    }
}

fn fields(query: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = Value::from(value.into_owned());
        if !LISTS.contains(&&*name) {
            fields.entry(name).or_insert(value);
        } else if let Value::Array(values) = fields.entry(name).or_insert_with(|| json!([])) {
            values.push(value);
        }
    }
    fields
}

/// The one variable segment of a path.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segment)) => Ok(Self(segment)),
            Err(_) => Err(ApiError::bad_request("The path is no valid UTF-8.")),
        }
    }
}

/// `?id=` or `?flow=`, and what comes with a link in a mail.
#[derive(Debug, Deserialize)]
pub(crate) struct FlowId {
    id: Option<String>,
    flow: Option<String>,
    code: Option<String>,
    token: Option<String>,
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

    /// `code`, if there is any.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref().filter(|text| !text.is_empty())
    }

    /// `token`, if there is any.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref().filter(|text| !text.is_empty())
    }
}

/// A submission without the id of a flow.
pub(crate) fn no_flow() -> ApiError {
    ApiError::bad_request("The query parameter \"flow\" must be the id of a flow.")
}

/// As Go reads booleans; anything else is false.
pub(crate) fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "TRUE" | "True" | "t" | "T" | "1"))
}

/// The absolute address of a request, as the visitor sees it: below the project's primary base.
pub(crate) fn seen_url(visit: &Visit, uri: &Uri) -> String {
    seen_address(&visit.project, uri)
}

/// The same of a request to the administration.
pub(crate) fn seen_address(project: &Project, uri: &Uri) -> String {
    let path = uri
        .path()
        .strip_prefix(&format!("/p/{}", project.slug()))
        .unwrap_or(uri.path());
    let query = uri.query().map_or_else(String::new, |q| format!("?{q}"));
    shortened(format!("{}{path}{query}", project.base_url()))
}

/// A long address loses parameters, from its end: it is stored with its flow.
fn shortened(mut url: String) -> String {
    if url.len() > ADDRESS_BYTES_MAX {
        let within = &url.as_bytes()[..=ADDRESS_BYTES_MAX];
        let end = within.iter().rposition(|byte| matches!(byte, b'&' | b'?'));
        url.truncate(url.floor_char_boundary(end.unwrap_or(ADDRESS_BYTES_MAX)));
    }
    url
}

/// Parameters of features that are not served yet are refused, not ignored.
pub(crate) fn refuse_unserved(
    transport: Transport,
    login_challenge: Option<&str>,
    exchange_code: Option<&str>,
) -> std::result::Result<(), decision::Error> {
    if login_challenge.is_some() {
        return Err(decision::Error::BadRequest(
            "login_challenge needs an OAuth2 provider, and none is configured for this project."
                .to_owned(),
        ));
    }
    // Browsers have no use for it: there it means nothing.
    if transport == Transport::Api && is_true(exchange_code) {
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
            let redirect_to =
                return_to.map_or_else(|| begin.clone(), |to| with_query(&begin, "return_to", to));
            json!({ "redirect_to": redirect_to, "return_to": return_to.unwrap_or_default() })
        }
    };
    let error = ApiError::new(StatusCode::GONE)
        .because("The flow has expired. Please begin a new one.")
        .details(details);
    // Clients tell these apart: not every kind names the error.
    let is_named = match K::NAME {
        "verification" | "settings" => false,
        "recovery" => flow.transport == Transport::Api,
        _ => true,
    };
    Err(if is_named {
        error.id("self_service_flow_expired")
    } else {
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_repeated_parameters_the_first_counts_unless_it_is_a_list() {
        let read = fields("id=1&id=2&ids=1&ids=2&expand=x&%ff=%fe");
        let want = json!({"id": "1", "ids": ["1", "2"], "expand": ["x"], "\u{fffd}": "\u{fffd}"});
        assert_eq!(Value::Object(read), want);
    }
}
