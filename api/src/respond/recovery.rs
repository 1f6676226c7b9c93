//! Answers of recoveries, which say 200 where a login says 400, as verifications do.

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use flows::{
    continue_with::ContinueWith,
    decision,
    flags::FeatureFlags,
    flow::{Flow, Transport},
    pages::page_of,
    recovery::{Recovered, Recovery},
    run::Outcome,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Answer, Answering, failed, location_change, outcome, read_instead, redirect, to_page, told,
};
use crate::{cookies::NewCsrf, error::ApiError, visit::Visit};

impl Answer for Recovery {
    const SIGNED_IN_AT_INIT: StatusCode = StatusCode::FOUND;

    fn became(visit: &Visit, other: Outcome<Self>) -> Response {
        outcome(visit, other)
    }

    fn done(visit: &Visit, flow: &Flow<Self>, recovered: &Recovered) -> Response {
        if !visit.client.json {
            return let_in(visit, recovered);
        }
        let newer = tells_what_comes_next(visit);
        let mut response = if newer || recovered.settings.is_none() {
            let mut view = flow.view();
            let next = recovered.continue_with(flow.transport);
            if newer && !next.is_empty() {
                view["continue_with"] = told(&next);
            }
            super::json(StatusCode::OK, &view)
        } else {
            location_change(&recovered.next.target).into_response()
        };
        if flow.transport == Transport::Browser {
            sign_in(visit, recovered, &mut response);
        }
        response
    }

    fn failed(visit: &Visit, error: decision::Error) -> Answering<'_> {
        Box::pin(submit_failed(visit, error))
    }
}

fn tells_what_comes_next(visit: &Visit) -> bool {
    let flags = visit.project.config::<FeatureFlags>();
    flags.use_continue_with_transitions
}

/// A browser goes on, signed in.
pub(crate) fn let_in(visit: &Visit, recovered: &Recovered) -> Response {
    let mut response = redirect(StatusCode::SEE_OTHER, &recovered.next.target);
    sign_in(visit, recovered, &mut response);
    response
}

fn sign_in(visit: &Visit, recovered: &Recovered, response: &mut Response) {
    super::sign_in(visit, response, (&recovered.token, &recovered.session));
    let csrf = NewCsrf(visit.client.next_csrf_secret);
    response.extensions_mut().insert(csrf);
}

async fn submit_failed(visit: &Visit, error: decision::Error) -> Response {
    use decision::Error as E;
    let newer = tells_what_comes_next(visit);
    let json = visit.client.json;
    match error {
        E::Replaced { replacement, .. } | E::Expired { replacement, .. } if !json => {
            to_page::<Recovery>(visit, StatusCode::SEE_OTHER, replacement)
        }
        E::Replaced {
            replacement,
            because,
        } if newer => {
            let next = begin_again(visit, replacement);
            ApiError::bad_request(because).details(next).into_response()
        }
        E::Expired {
            replacement,
            transport: Transport::Api,
            ..
        } if newer => {
            let next = begin_again(visit, replacement);
            ApiError::from(error).details(next).into_response()
        }
        E::Replaced { replacement, .. } | E::Expired { replacement, .. } => {
            read_instead::<Recovery>(visit, replacement)
        }
        error => failed::<Recovery>(visit, json, StatusCode::FOUND, error).await,
    }
}

/// `error.details` of a recovery that has to begin again.
fn begin_again(visit: &Visit, flow_id: Uuid) -> serde_json::Value {
    let url = page_of::<Recovery>(&visit.project, flow_id);
    let next = [ContinueWith::ShowRecoveryUi { flow_id, url }];
    json!({ "continue_with": told(&next) })
}

/// The same path below the administration, the query kept.
pub(crate) fn administration(visit: &Visit, path: &str, uri: &Uri) -> Response {
    let query = uri.query().map_or_else(String::new, |q| format!("?{q}"));
    let to = format!("{}{path}{query}", visit.project.base_url());
    redirect(StatusCode::TEMPORARY_REDIRECT, &to)
}
