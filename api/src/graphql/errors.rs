//! Refusals and faults -> `extensions.code`. The only place here that knows codes and what they say.

use std::sync::Arc;

use async_graphql::{Error, ErrorExtensionValues, ServerError, Value};
use identity::identities::records::ListError;
use serde_json::json;
use tenants::{ChangeError, Fault, config::ConfigViolation};

use super::RequestId;

/// Why a field has no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No valid key.
    Unauthenticated,
    /// A key that may not do this.
    Forbidden,
    /// Nothing of that kind and name, or not for this caller.
    NotFound(&'static str),
    /// An argument breaks a rule.
    Invalid(String),
    /// Bigger than the limits.
    TooComplex(String),
    /// What the tenants crate refused, or could not do.
    Change(ChangeError),
}

impl Refusal {
    pub(super) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    /// A document with one thing wrong.
    pub(super) fn violation(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let violation = ConfigViolation {
            pointer: pointer.into(),
            message: message.into(),
        };
        Self::Change(ChangeError::Violations(vec![violation]))
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        Self::Change(error)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Change(ChangeError::Fault(fault))
    }
}

impl From<ListError> for Refusal {
    fn from(error: ListError) -> Self {
        match error {
            ListError::TooLarge => Self::invalid(error.to_string()),
            ListError::Fault(fault) => fault.into(),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthenticated => coded("UNAUTHENTICATED", "a valid key is needed"),
            Refusal::Forbidden => coded("FORBIDDEN", "this key may not do that"),
            Refusal::NotFound(what) => coded("NOT_FOUND", format!("there is no such {what}")),
            Refusal::Invalid(why) => coded("INVALID_INPUT", why),
            Refusal::TooComplex(why) => coded("QUERY_TOO_COMPLEX", why),
            Refusal::Change(error) => changed(error),
        }
    }
}

fn changed(error: ChangeError) -> Error {
    let message = error.to_string();
    match error {
        ChangeError::SlugTaken => coded("SLUG_TAKEN", message),
        ChangeError::Invalid(_) => coded("INVALID_INPUT", message),
        ChangeError::WrongState(_) => coded("WRONG_STATE", message),
        ChangeError::Conflict { latest } => with(
            coded("REVISION_CONFLICT", message),
            "latestRevision",
            latest,
        ),
        ChangeError::Violations(violations) => {
            let listed = Value::from_json(json!(violations)).unwrap_or_default();
            with(coded("INVALID_INPUT", message), "violations", listed)
        }
        ChangeError::Fault(fault) => faulty(fault),
    }
}

/// The fault itself travels beside the answer, to where it is logged.
fn faulty(fault: Fault) -> Error {
    let mut error = match &fault {
        Fault::Unavailable(_) | Fault::Standby => unavailable(1),
        Fault::Overloaded { retry_after, .. } => {
            unavailable(retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0))
        }
        Fault::Database(_) | Fault::Broken(_) => {
            coded("INTERNAL", "something went wrong on our side")
        }
    };
    error.source = Some(Arc::new(fault));
    error
}

fn unavailable(retry_after_seconds: u64) -> Error {
    let error = coded("UNAVAILABLE", "not available at the moment: try again soon");
    with(error, "retryAfterSeconds", retry_after_seconds)
}

fn coded(code: &str, message: impl Into<String>) -> Error {
    with(Error::new(message), "code", code)
}

fn with(mut error: Error, name: &str, value: impl Into<Value>) -> Error {
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set(name, value);
    error
}

/// An error of the whole request, not of a place in it.
pub(super) fn server_error(refusal: Refusal) -> ServerError {
    let error = Error::from(refusal);
    let mut whole = ServerError::new(error.message, None);
    (whole.source, whole.extensions) = (error.source, error.extensions);
    whole
}

/// What the GraphQL library says of its own limits begins like one of these.
const LIMITS: [&str; 5] = [
    "Query is too complex",
    "Query is nested too deep",
    "The recursion depth of the query",
    "The number of directives on the field",
    "recursion limit exceeded",
];

/// Give every error a code; log what is a fault, with its cause, under the request's id.
pub(super) fn finish(error: &mut ServerError, request_id: &RequestId) {
    if let Some(fault) = error.source::<Fault>() {
        let cause = fault as &dyn std::error::Error;
        let (request_id, path) = (&request_id.0, path(error));
        if matches!(
            fault,
            Fault::Unavailable(_) | Fault::Standby | Fault::Overloaded { .. }
        ) {
            if !fault.was_told() {
                tracing::warn!(request_id, path, error = cause, "GraphQL: not available");
            }
        } else {
            tracing::error!(request_id, path, error = cause, "GraphQL: unexpected error");
        }
    }
    let extensions = error.extensions.get_or_insert_default();
    let code = if let Some(Value::String(code)) = extensions.get("code") {
        code.clone()
    } else {
        let limit = LIMITS.iter().any(|known| error.message.starts_with(known));
        let code = if limit {
            "QUERY_TOO_COMPLEX"
        } else {
            "INVALID_INPUT"
        };
        extensions.set("code", code);
        code.to_owned()
    };
    if code == "INTERNAL" {
        extensions.set("requestId", request_id.0.clone());
    }
}

/// `project.identities`, for the log.
fn path(error: &ServerError) -> String {
    let segment = |segment: &async_graphql::PathSegment| match segment {
        async_graphql::PathSegment::Field(name) => name.clone(),
        async_graphql::PathSegment::Index(at) => at.to_string(),
    };
    error.path.iter().map(segment).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(refusal: Refusal) -> serde_json::Value {
        let mut error = server_error(refusal);
        finish(&mut error, &RequestId("r-1".to_owned()));
        serde_json::to_value(error).unwrap()
    }

    #[test]
    fn refusals_have_their_codes() {
        let conflict = ChangeError::Conflict { latest: 7 };
        let cases = [
            (Refusal::Unauthenticated, "UNAUTHENTICATED"),
            (Refusal::Forbidden, "FORBIDDEN"),
            (Refusal::NotFound("project"), "NOT_FOUND"),
            (Refusal::invalid("no"), "INVALID_INPUT"),
            (Refusal::TooComplex("no".to_owned()), "QUERY_TOO_COMPLEX"),
            (ChangeError::SlugTaken.into(), "SLUG_TAKEN"),
            (
                ChangeError::Invalid("no".to_owned()).into(),
                "INVALID_INPUT",
            ),
            (
                ChangeError::WrongState("no".to_owned()).into(),
                "WRONG_STATE",
            ),
            (conflict.into(), "REVISION_CONFLICT"),
        ];
        for (refusal, code) in cases {
            assert_eq!(answer(refusal)["extensions"]["code"], code);
        }
    }

    #[test]
    fn violations_are_listed() {
        let found = answer(Refusal::violation("/session", "is wrong"));
        let listed = json!([{"pointer": "/session", "message": "is wrong"}]);
        assert_eq!(found["extensions"]["code"], "INVALID_INPUT");
        assert_eq!(found["extensions"]["violations"], listed);
    }

    #[test]
    fn a_fault_tells_its_request_id_and_nothing_of_its_cause() {
        let found = answer(Fault::broken("row 7 of secrets").into());
        assert_eq!(
            found,
            json!({
                "message": "something went wrong on our side",
                "extensions": {"code": "INTERNAL", "requestId": "r-1"},
            })
        );
    }

    #[test]
    fn an_overload_tells_when_to_come_back() {
        let found = answer(
            Fault::Overloaded {
                what: "spare slots",
                retry_after: Duration::from_millis(4_100),
            }
            .into(),
        );
        assert_eq!(
            found["extensions"],
            json!({"code": "UNAVAILABLE", "retryAfterSeconds": 5})
        );
        assert!(!found["message"].as_str().unwrap().contains("slots"));
    }
}
