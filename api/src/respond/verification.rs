//! Answers of verifications, which say 200 where a login says 400: a wrong code is no error of the request, and
//! an address that no account has must look like any other.

use axum::{http::StatusCode, response::Response};
use flows::{
    decision,
    flow::{Flow, Transport},
    run::Outcome,
    verification::{Verification, Verified},
};

use super::{Answer, Answering, error_for, outcome, read_instead, to_page};
use crate::{error::ApiError, visit::Visit};

impl Answer for Verification {
    /// In browsers `Accept` alone decides, as in Kratos.
    fn wants_json(visit: &Visit) -> bool {
        visit.accepts_json
    }

    fn became(visit: &Visit, other: Outcome<Self>) -> Response {
        outcome(visit, other)
    }

    fn done(visit: &Visit, flow: &Flow<Self>, _verified: &Verified) -> Response {
        if flow.transport == Transport::Browser && !visit.accepts_json {
            return to_page::<Self>(visit, StatusCode::SEE_OTHER, flow.id);
        }
        super::json(StatusCode::OK, &flow.view())
    }

    fn failed(visit: &Visit, error: decision::Error) -> Answering<'_> {
        use decision::Error as E;
        Box::pin(async move {
            match error {
                E::Replaced { replacement, .. } | E::Expired { replacement, .. }
                    if !visit.client.json =>
                {
                    to_page::<Self>(visit, StatusCode::SEE_OTHER, replacement)
                }
                E::Expired { replacement, .. } => read_instead::<Self>(visit, replacement),
                error => error_for(visit, visit.client.json, ApiError::from(error)).await,
            }
        })
    }
}
