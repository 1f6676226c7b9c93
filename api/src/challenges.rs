//! Answers of recovery and verification, which say 200 where login says 400: a wrong code is no error of
//! the request, and an address that nobody has must look like any other.

use axum::{
    http::{StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use flows::{
    config::FeatureFlags,
    config::{Pages, SelfService, with_query},
    continue_with::ContinueWith,
    decision,
    flow::{Flow, Transport},
    recovery::{self, Recovered, Recovery, RecoveryOutcome},
    verification::{Verification, VerificationOutcome},
};
use serde_json::json;
use tenants::Project;
use uuid::Uuid;

use crate::{
    cookies::{self, NewCsrf},
    error::ApiError,
    respond::{self, Page},
    visit::Visit,
};

impl Page for Verification {
    const REFUSED: StatusCode = StatusCode::SEE_OTHER;

    fn page(project: &Project) -> String {
        let config = project.config::<SelfService>();
        Pages::of(project).page(config.flows.verification.ui_url.as_deref(), "verification")
    }
}

impl Page for Recovery {
    const REFUSED: StatusCode = StatusCode::SEE_OTHER;

    fn page(project: &Project) -> String {
        let config = project.config::<SelfService>();
        Pages::of(project).page(config.flows.recovery.ui_url.as_deref(), "recovery")
    }
}

/// The page of that flow.
pub(crate) fn page_of<K: Page>(visit: &Visit, id: Uuid) -> Response {
    let page = with_query(&K::page(&visit.project), "flow", &id.to_string());
    respond::redirect(StatusCode::SEE_OTHER, &page)
}

/// A submitted verification was answered. In browsers `Accept` alone decides, as clients know it.
pub(crate) fn verification(visit: &Visit, outcome: &VerificationOutcome) -> Response {
    let flow = &outcome.flow;
    if flow.transport == Transport::Browser && !visit.accepts_json {
        return page_of::<Verification>(visit, flow.id);
    }
    form(flow, outcome.complains)
}

/// The form as it stands; 400 only when something in it has to be mended.
fn form<K: Page>(flow: &Flow<K>, complains: bool) -> Response {
    let status = if complains {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    respond::json(status, &flow.view())
}

/// A script or an API client is led to the flow itself: pages are of no use to it.
pub(crate) fn read_instead<K: Page>(visit: &Visit, id: Uuid) -> Response {
    let base = visit.project.base_url();
    let flow = format!("{base}/self-service/{}/flows", K::NAME);
    let flow = with_query(&flow, "id", &id.to_string());
    respond::redirect(StatusCode::SEE_OTHER, &flow)
}

/// A submission of a verification that did not end on its form.
pub(crate) async fn verification_failed(visit: &Visit, error: decision::Error) -> Response {
    use decision::Error as E;
    match error {
        E::Replaced { replacement, .. } | E::Expired { replacement, .. } if !visit.client.json => {
            page_of::<Verification>(visit, replacement)
        }
        E::Expired { replacement, .. } => read_instead::<Verification>(visit, replacement),
        error => respond::error_for(visit, visit.client.json, ApiError::from(error)).await,
    }
}

/// A link in a mail that was of no use: whoever follows one has a browser.
pub(crate) async fn link_failed<K: Page>(visit: &Visit, error: decision::Error) -> Response {
    use decision::Error as E;
    match error {
        E::Replaced { replacement, .. } | E::Expired { replacement, .. } => {
            page_of::<K>(visit, replacement)
        }
        error => respond::error_for(visit, visit.client.json, ApiError::from(error)).await,
    }
}

/// A submitted recovery was answered.
pub(crate) fn recovery(visit: &Visit, outcome: RecoveryOutcome) -> Response {
    let (flow, recovered) = match outcome {
        RecoveryOutcome::Form { flow, .. }
            if flow.transport == Transport::Browser && !visit.client.json =>
        {
            return page_of::<Recovery>(visit, flow.id);
        }
        RecoveryOutcome::Form { flow, complains } => return form(&flow, complains),
        RecoveryOutcome::Recovered(flow, recovered) => (flow, recovered),
    };
    if !visit.client.json {
        return let_in(visit, &recovered);
    }
    let newer = visit
        .project
        .config::<FeatureFlags>()
        .use_continue_with_transitions;
    let is_native = flow.transport == Transport::Api;
    let mut response = if newer || recovered.settings.is_none() {
        let mut view = flow.view();
        let next = recovered.continue_with(flow.transport);
        if newer && !next.is_empty() {
            view["continue_with"] = respond::told(&next);
        }
        respond::json(StatusCode::OK, &view)
    } else {
        respond::location_change(&recovered.target).into_response()
    };
    if !is_native {
        sign_in(visit, &recovered, &mut response);
    }
    response
}

/// A browser goes on, signed in.
pub(crate) fn let_in(visit: &Visit, recovered: &Recovered) -> Response {
    let mut response = respond::redirect(StatusCode::SEE_OTHER, &recovered.target);
    sign_in(visit, recovered, &mut response);
    response
}

fn sign_in(visit: &Visit, recovered: &Recovered, response: &mut Response) {
    let expires_at = recovered.session.expires_at;
    let cookie = cookies::set_session(&visit.project, &recovered.token, expires_at);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    let csrf = NewCsrf(visit.client.next_csrf_secret);
    response.extensions_mut().insert(csrf);
}

/// A submission of a recovery that did not end on its form.
pub(crate) async fn recovery_failed(visit: &Visit, error: decision::Error) -> Response {
    use decision::Error as E;
    let newer = visit
        .project
        .config::<FeatureFlags>()
        .use_continue_with_transitions;
    let json = visit.client.json;
    match error {
        E::Replaced { replacement, .. } | E::Expired { replacement, .. } if !json => {
            page_of::<Recovery>(visit, replacement)
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
        error => respond::failed::<Recovery>(visit, json, StatusCode::FOUND, error).await,
    }
}

/// `error.details` of a recovery that has to begin again.
fn begin_again(visit: &Visit, flow_id: Uuid) -> serde_json::Value {
    let url = recovery::page_of(&visit.cx(), flow_id);
    let next = [ContinueWith::ShowRecoveryUi { flow_id, url }];
    json!({ "continue_with": respond::told(&next) })
}

/// The same path below the administration, the query kept.
pub(crate) fn administration(visit: &Visit, path: &str, uri: &Uri) -> Response {
    let query = uri.query().map_or_else(String::new, |q| format!("?{q}"));
    let to = format!("{}{path}{query}", visit.project.base_url());
    respond::redirect(StatusCode::TEMPORARY_REDIRECT, &to)
}
