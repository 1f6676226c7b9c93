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
    login::{Login, LoginOutcome, SignedIn},
    registration::{Registration, RegistrationOutcome, SignedUp},
};
use serde_json::{Value, json};
use tenants::Project;

use crate::{cookies, edge::NewCsrf, error::ApiError, visit::Visit};

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

/// Where somebody goes to add a second factor.
pub(crate) fn second_factor_url(project: &Project, return_to: Option<&str>) -> String {
    let url = format!("{}/self-service/login/browser?aal=aal2", project.base_url());
    return_to.map_or_else(
        || url.clone(),
        |return_to| with_query(&url, "return_to", return_to),
    )
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
    if json_client {
        return ApiError::from(error).into_response();
    }
    match error {
        decision::Error::AlreadySignedIn { target } => redirect(signed_in, &target),
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
