//! Answers of settings.

use axum::{http::StatusCode, response::Response};
use flows::{
    continue_with::ContinueWith,
    flow::{Flow, Transport},
    run::Outcome,
    settings::{Saved, Settings},
};
use serde_json::Value;

use super::{Answer, outcome, redirect, signed_out};
use crate::visit::Visit;

impl Answer for Settings {
    fn became(visit: &Visit, other: Outcome<Self>) -> Response {
        outcome(visit, other)
    }

    fn done(visit: &Visit, flow: &Flow<Self>, saved: &Saved) -> Response {
        let browser = flow.transport == Transport::Browser;
        let next = &saved.next;
        let mut response = if browser && !visit.client.json {
            let target = next.detour.as_ref().unwrap_or(&next.target);
            redirect(StatusCode::SEE_OTHER, target)
        } else {
            let mut body = flow.view();
            let mut all: Vec<Value> = next.continue_with.iter().map(ContinueWith::view).collect();
            if browser && !saved.is_held {
                all.push(ContinueWith::RedirectBrowserTo(next.target.clone()).view());
            }
            if !all.is_empty() {
                body["continue_with"] = Value::Array(all);
            }
            super::json(StatusCode::OK, &body)
        };
        if saved.is_gone && browser {
            signed_out(&visit.project, &mut response);
        }
        response
    }
}
