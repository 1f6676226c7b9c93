//! Answers of logins.

use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use flows::{
    continue_with::ContinueWith,
    flow::{Flow, Transport},
    login::{Login, SignedIn, second_factor_url},
    registration::Registration,
    run::Outcome,
};
use serde_json::json;

use super::{Answer, location_change, outcome, redirect, told};
use crate::{cookies::NewCsrf, visit::Visit};

impl Answer for Login {
    const FORM: StatusCode = StatusCode::BAD_REQUEST;

    fn became(visit: &Visit, other: Outcome<Registration>) -> Response {
        outcome(visit, other)
    }

    fn done(visit: &Visit, flow: &Flow<Self>, signed_in: &SignedIn) -> Response {
        match flow.transport {
            Transport::Api => to_api_client(visit, signed_in),
            Transport::Browser => to_browser(visit, flow, signed_in),
        }
    }
}

fn to_api_client(visit: &Visit, signed_in: &SignedIn) -> Response {
    // Below the level that the project asks for, the person is not shown yet.
    let identity = (!signed_in.needs_second_factor).then(|| {
        signed_in
            .session
            .identity
            .public_view(visit.project.base_url())
    });
    let body = json!({
        "session_token": signed_in.token,
        "session": signed_in.session.view(visit.project.now(), identity),
        "continue_with": told(&signed_in.next.continue_with),
    });
    super::json(StatusCode::OK, &body)
}

fn to_browser(visit: &Visit, flow: &Flow<Login>, signed_in: &SignedIn) -> Response {
    let next = &signed_in.next;
    let mut response = if signed_in.needs_second_factor {
        let url = second_factor_url(&visit.project, flow.return_to.as_deref());
        if visit.client.json {
            location_change(&url).into_response()
        } else {
            redirect(StatusCode::SEE_OTHER, &url)
        }
    } else if visit.client.json {
        let identity = signed_in
            .session
            .identity
            .public_view(visit.project.base_url());
        let mut all = vec![ContinueWith::RedirectBrowserTo(next.target.clone())];
        all.extend_from_slice(&next.continue_with);
        let body = json!({
            "session": signed_in.session.view(visit.project.now(), Some(identity)),
            "continue_with": told(&all),
        });
        super::json(StatusCode::OK, &body)
    } else {
        let target = next.detour.as_ref().unwrap_or(&next.target);
        redirect(StatusCode::SEE_OTHER, target)
    };
    if let Some(token) = &signed_in.token {
        super::sign_in(visit, &mut response, (token, &signed_in.session));
    }
    if signed_in.is_new {
        response
            .extensions_mut()
            .insert(NewCsrf(visit.client.next_csrf_secret));
    }
    response
}
