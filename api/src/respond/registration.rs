//! Answers of registrations.

use axum::{http::StatusCode, response::Response};
use flows::{
    continue_with::ContinueWith,
    flow::{Flow, Transport},
    login::Login,
    registration::{Registration, SignedUp},
    run::Outcome,
};
use serde_json::json;

use super::{Answer, outcome, redirect, told};
use crate::{cookies::NewCsrf, visit::Visit};

impl Answer for Registration {
    /// Alone among flows, as in Kratos.
    const REFUSED: StatusCode = StatusCode::FOUND;
    const FORM: StatusCode = StatusCode::BAD_REQUEST;

    fn became(visit: &Visit, other: Outcome<Login>) -> Response {
        outcome(visit, other)
    }

    fn done(visit: &Visit, flow: &Flow<Self>, signed_up: &SignedUp) -> Response {
        let browser = flow.transport == Transport::Browser;
        let mut response = if browser && !visit.client.json {
            let next = &signed_up.next;
            let target = next.detour.as_ref().unwrap_or(&next.target);
            redirect(StatusCode::SEE_OTHER, target)
        } else {
            super::json(StatusCode::OK, &body(visit, browser, signed_up))
        };
        if let (true, Some(token)) = (browser, &signed_up.token) {
            super::sign_in(visit, &mut response, (token, &signed_up.session));
            response
                .extensions_mut()
                .insert(NewCsrf(visit.client.next_csrf_secret));
        }
        response
    }
}

fn body(visit: &Visit, browser: bool, signed_up: &SignedUp) -> serde_json::Value {
    let identity = signed_up
        .session
        .identity
        .public_view(visit.project.base_url());
    let mut next = Vec::new();
    if browser {
        let target = signed_up.next.target.clone();
        next.push(ContinueWith::RedirectBrowserTo(target));
    }
    next.extend_from_slice(&signed_up.next.continue_with);
    if let (false, Some(token)) = (browser, &signed_up.token) {
        next.push(ContinueWith::SetSessionToken(token.clone()));
    }
    let mut body = json!({"identity": identity, "continue_with": told(&next)});
    if let Some(token) = &signed_up.token {
        body["session"] = signed_up.session.view(visit.project.now(), Some(identity));
        if !browser {
            body["session_token"] = json!(token);
        }
    }
    body
}
