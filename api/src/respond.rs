//! Answers of flows, for the three kinds of client: the only place that redirects.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flows::{
    config::{Pages, SelfService, with_query},
    continue_with::ContinueWith,
    decision, errors,
    flow::{Flow, Kind, Transport},
    login::{Login, LoginOutcome, SignedIn, second_factor_url},
    registration::{Registration, RegistrationOutcome, SignedUp},
    settings::{Saved, Settings, SettingsConfig, SettingsOutcome},
};
use serde_json::{Value, json};
use tenants::{Project, ids};

use crate::{
    cookies::{self, NewCsrf},
    error::ApiError,
    visit::Visit,
};

/// 200 and friends with a JSON body.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A redirect of a browser.
pub(crate) fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = status.into_response();
    match HeaderValue::try_from(to) {
        Ok(location) => {
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        Err(_) => {
            ApiError::bad_request("The target of the redirect is no valid address.").into_response()
        }
    }
}

/// A kind of flow with a page of its own.
pub(crate) trait Page: Kind {
    /// What a refused form submission answers with.
    const REFUSED: StatusCode;

    /// The page's address.
    fn page(project: &Project) -> String;
}

impl Page for Login {
    const REFUSED: StatusCode = StatusCode::SEE_OTHER;

    fn page(project: &Project) -> String {
        let config = project.config::<SelfService>();
        Pages::of(project).page(config.flows.login.ui_url.as_deref(), "login")
    }
}

impl Page for Registration {
    /// Alone among flows, as clients know it.
    const REFUSED: StatusCode = StatusCode::FOUND;

    fn page(project: &Project) -> String {
        let config = project.config::<SelfService>();
        Pages::of(project).page(config.flows.registration.ui_url.as_deref(), "registration")
    }
}

impl Page for Settings {
    const REFUSED: StatusCode = StatusCode::SEE_OTHER;

    fn page(project: &Project) -> String {
        let config = project.config::<SettingsConfig>();
        Pages::of(project).page(config.ui_url.as_deref(), "settings")
    }
}

/// A flow has begun.
pub(crate) fn begun<K: Page>(visit: &Visit, flow: &Flow<K>) -> Response {
    if flow.transport == Transport::Api || visit.accepts_json {
        return json(StatusCode::OK, &flow.view());
    }
    let page = with_query(&K::page(&visit.project), "flow", &flow.id.to_string());
    redirect(StatusCode::SEE_OTHER, &page)
}

/// The form again: 400 with the flow, or back to its page.
fn again<K: Page>(visit: &Visit, flow: &Flow<K>, complains: bool) -> Response {
    if flow.transport == Transport::Api || visit.client.json {
        return json(StatusCode::BAD_REQUEST, &flow.view());
    }
    let status = if complains {
        K::REFUSED
    } else {
        StatusCode::SEE_OTHER
    };
    redirect(
        status,
        &with_query(&K::page(&visit.project), "flow", &flow.id.to_string()),
    )
}

/// A submitted login was answered.
pub(crate) fn logged_in(visit: &Visit, outcome: LoginOutcome) -> Response {
    match outcome {
        LoginOutcome::Again(flow) => again(visit, &flow, true),
        LoginOutcome::SignedIn(flow, signed_in) => match flow.transport {
            Transport::Api => logged_in_api(visit, &signed_in),
            Transport::Browser => logged_in_browser(visit, &flow, &signed_in),
        },
    }
}

fn logged_in_api(visit: &Visit, signed_in: &SignedIn) -> Response {
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
        "continue_with": told(&signed_in.continue_with),
    });
    json(StatusCode::OK, &body)
}

fn logged_in_browser(visit: &Visit, flow: &Flow<Login>, signed_in: &SignedIn) -> Response {
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
        let mut next = vec![ContinueWith::RedirectBrowserTo(signed_in.target.clone())];
        next.extend_from_slice(&signed_in.continue_with);
        let body = json!({
            "session": signed_in.session.view(visit.project.now(), Some(identity)),
            "continue_with": told(&next),
        });
        json(StatusCode::OK, &body)
    } else {
        let target = signed_in.detour.as_ref().unwrap_or(&signed_in.target);
        redirect(StatusCode::SEE_OTHER, target)
    };
    if let Some(token) = &signed_in.token {
        let cookie = cookies::set_session(&visit.project, token, signed_in.session.expires_at);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if signed_in.is_new {
        response
            .extensions_mut()
            .insert(NewCsrf(visit.client.next_csrf_secret));
    }
    response
}

/// What a client does next, in order; null when there is nothing.
pub(crate) fn told(next: &[ContinueWith]) -> Value {
    if next.is_empty() {
        return Value::Null;
    }
    next.iter().map(ContinueWith::view).collect()
}

/// 422: a script cannot follow a redirect to a page, so it is told (contract, self-service 3.3).
pub(crate) fn location_change(url: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY)
        .id("browser_location_change_required")
        .because("The browser has to go to another page to go on.")
        .redirect_browser_to(url)
}

/// A submitted registration was answered.
pub(crate) fn signed_up(visit: &Visit, outcome: RegistrationOutcome) -> Response {
    match outcome {
        RegistrationOutcome::Again(flow) => {
            let complains = flow.ui.messages.iter().any(|m| m.id >= 4_000_000)
                || flow.ui.nodes.iter().any(|n| !n.messages.is_empty());
            again(visit, &flow, complains)
        }
        RegistrationOutcome::SignedUp(flow, signed_up) => {
            signed_up_answer(visit, &flow, &signed_up)
        }
    }
}

fn signed_up_answer(visit: &Visit, flow: &Flow<Registration>, signed_up: &SignedUp) -> Response {
    let browser = flow.transport == Transport::Browser;
    let identity = signed_up
        .session
        .identity
        .public_view(visit.project.base_url());
    let mut next = Vec::new();
    if browser {
        next.push(ContinueWith::RedirectBrowserTo(signed_up.target.clone()));
    }
    next.extend_from_slice(&signed_up.continue_with);
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
    let mut response = if browser && !visit.client.json {
        let target = signed_up.detour.as_ref().unwrap_or(&signed_up.target);
        redirect(StatusCode::SEE_OTHER, target)
    } else {
        json(StatusCode::OK, &body)
    };
    if let (true, Some(token)) = (browser, &signed_up.token) {
        let cookie = cookies::set_session(&visit.project, token, signed_up.session.expires_at);
        response.headers_mut().append(header::SET_COOKIE, cookie);
        response
            .extensions_mut()
            .insert(NewCsrf(visit.client.next_csrf_secret));
    }
    response
}

/// A submitted change was answered.
pub(crate) fn settings(visit: &Visit, outcome: SettingsOutcome) -> Response {
    match outcome {
        SettingsOutcome::Again(flow) => again(visit, &flow, true),
        SettingsOutcome::Unchanged(flow)
            if visit.client.json || flow.transport == Transport::Api =>
        {
            json(StatusCode::OK, &flow.view())
        }
        SettingsOutcome::Unchanged(flow) => again(visit, &flow, false),
        SettingsOutcome::Saved(flow, saved) => settings_saved(visit, &flow, &saved),
    }
}

fn settings_saved(visit: &Visit, flow: &Flow<Settings>, saved: &Saved) -> Response {
    let browser = flow.transport == Transport::Browser;
    let mut response = if browser && !visit.client.json {
        redirect(StatusCode::SEE_OTHER, &saved.target)
    } else {
        let mut body = flow.view();
        let mut next: Vec<Value> = saved.continue_with.iter().map(ContinueWith::view).collect();
        if browser && !saved.is_held {
            next.push(ContinueWith::RedirectBrowserTo(saved.target.clone()).view());
        }
        if !next.is_empty() {
            body["continue_with"] = Value::Array(next);
        }
        json(StatusCode::OK, &body)
    };
    if saved.is_gone && browser {
        let cookie = cookies::clear_session(&visit.project);
        response.headers_mut().append(header::SET_COOKIE, cookie);
        response.extensions_mut().insert(NewCsrf(ids::bytes()));
    }
    response
}

/// An error of a flow's init: redirects for pages, JSON for the others.
pub(crate) async fn init_failed<K: Page>(
    visit: &Visit,
    transport: Transport,
    error: decision::Error,
) -> Response {
    let json_client = transport == Transport::Api || visit.accepts_json;
    failed::<K>(visit, json_client, StatusCode::SEE_OTHER, error).await
}

/// An error of a submission.
pub(crate) async fn submit_failed<K: Page>(visit: &Visit, error: decision::Error) -> Response {
    failed::<K>(visit, visit.client.json, K::REFUSED, error).await
}

pub(crate) async fn failed<K: Page>(
    visit: &Visit,
    json_client: bool,
    signed_in: StatusCode,
    error: decision::Error,
) -> Response {
    let waiting = match &error {
        decision::Error::RefreshRequired { continuity, .. } => *continuity,
        _ => None,
    };
    let mut response = if json_client {
        ApiError::from(error).into_response()
    } else {
        failed_page::<K>(visit, signed_in, error).await
    };
    if let Some(id) = waiting {
        let cookie = cookies::set_continuity(&visit.project, id);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn failed_page<K: Page>(
    visit: &Visit,
    signed_in: StatusCode,
    error: decision::Error,
) -> Response {
    match error {
        decision::Error::AlreadySignedIn { target } => redirect(signed_in, &target),
        decision::Error::SessionInactive { login } => redirect(StatusCode::SEE_OTHER, &login),
        decision::Error::SessionMissing => {
            redirect(StatusCode::FOUND, &Login::page(&visit.project))
        }
        decision::Error::AalTooLow { redirect_to }
        | decision::Error::RefreshRequired { redirect_to, .. } => {
            redirect(StatusCode::SEE_OTHER, &redirect_to)
        }
        decision::Error::AddressUnverified(unverified) => match unverified.shown.first() {
            Some(ContinueWith::ShowVerificationUi { url, .. }) => {
                redirect(StatusCode::SEE_OTHER, url)
            }
            _ => error_page(visit, decision::Error::AddressUnverified(unverified).into()).await,
        },
        decision::Error::Expired { replacement, .. } => {
            let page = with_query(&K::page(&visit.project), "flow", &replacement.to_string());
            redirect(StatusCode::SEE_OTHER, &page)
        }
        error => error_page(visit, error.into()).await,
    }
}

/// An error that cannot be put on a form: kept, and shown by the error page.
pub(crate) async fn error_page(visit: &Visit, error: ApiError) -> Response {
    match errors::keep(&visit.project, &error.object()).await {
        Ok(id) => {
            let config = visit.project.config::<SelfService>();
            let page =
                Pages::of(&visit.project).page(config.flows.error.ui_url.as_deref(), "error");
            redirect(
                StatusCode::SEE_OTHER,
                &with_query(&page, "id", &id.to_string()),
            )
        }
        // The database is away: the error itself is better than none.
        Err(_) => error.into_response(),
    }
}

/// As JSON, or as a page for those who want one.
pub(crate) async fn error_for(visit: &Visit, json_client: bool, error: ApiError) -> Response {
    if json_client {
        error.into_response()
    } else {
        error_page(visit, error).await
    }
}
