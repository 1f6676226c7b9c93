//! Answers of flows, for the three kinds of client: the only place that redirects. What differs between kinds
//! of flow stands in a file for each.

mod login;
mod recovery;
mod registration;
mod settings;
mod verification;

use std::{future::Future, pin::Pin};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flows::{
    continue_with::ContinueWith,
    decision, errors,
    flow::{Flow, Transport},
    kind::Kind,
    login::Login,
    pages::{self, page, page_of},
    run::Outcome,
};
use identity::{Session, limits::known::is_proven_by};
use serde_json::Value;
use tenants::{Project, ids};
use uuid::Uuid;

use crate::{
    cookies::{self, NewCsrf},
    error::ApiError,
    visit::Visit,
};

pub(crate) use recovery::{administration, let_in};

/// 200 and friends with a JSON body.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The browser is signed in from now on: its session's cookie, and the one by which it is known later.
fn sign_in(visit: &Visit, response: &mut Response, (token, session): (&str, &Session)) {
    let project = &visit.project;
    let known = visit.client.browser.as_ref();
    let headers = response.headers_mut();
    let cookie = cookies::set_session(project, token, session.expires_at);
    headers.append(header::SET_COOKIE, cookie);
    if is_proven_by(project, session) {
        let cookie = cookies::set_browser(project, known, session.identity.id);
        headers.append(header::SET_COOKIE, cookie);
    }
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

/// The browser has no session any more: its cookie goes, forms that are still open die, and so does what its caches
/// keep of the person, pages to go back to included. Neither `"storage"` nor `"cookies"`: those are of the whole host,
/// which is other projects' as well.
pub(crate) fn signed_out(project: &Project, response: &mut Response) {
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, cookies::clear_session(project));
    headers.insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    response.extensions_mut().insert(NewCsrf(ids::bytes()));
}

/// The future of an answer that may need the database (the error page).
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// How a kind of flow answers.
pub(crate) trait Answer: Kind {
    /// What a page is answered whose form was refused.
    const REFUSED: StatusCode = StatusCode::SEE_OTHER;
    /// What a page is answered that begins although somebody is signed in.
    const SIGNED_IN_AT_INIT: StatusCode = StatusCode::SEE_OTHER;
    /// What others are answered with a form that complains of nothing.
    const FORM: StatusCode = StatusCode::OK;

    /// Is this visitor answered with JSON, though a browser began the flow?
    fn wants_json(visit: &Visit) -> bool {
        visit.client.json
    }

    /// The flow went on as one of another kind.
    fn became(visit: &Visit, other: Outcome<Self::Counterpart>) -> Response;

    /// A completed flow.
    fn done(visit: &Visit, flow: &Flow<Self>, done: &Self::Done) -> Response;

    /// A submission that did not end on its form.
    fn failed(visit: &Visit, error: decision::Error) -> Answering<'_> {
        Box::pin(failed::<Self>(
            visit,
            visit.client.json,
            Self::REFUSED,
            error,
        ))
    }
}

/// A flow has begun.
pub(crate) fn begun<K: Answer>(visit: &Visit, flow: &Flow<K>) -> Response {
    if flow.transport == Transport::Api || visit.accepts_json {
        return json(StatusCode::OK, &flow.view());
    }
    to_page::<K>(visit, StatusCode::SEE_OTHER, flow.id)
}

/// To the page of a flow.
pub(crate) fn to_page<K: Answer>(visit: &Visit, status: StatusCode, id: Uuid) -> Response {
    redirect(status, &page_of::<K>(&visit.project, id))
}

/// What reached a flow was answered.
pub(crate) fn outcome<K: Answer>(visit: &Visit, outcome: Outcome<K>) -> Response {
    match outcome {
        Outcome::Form { flow, complains } => form(visit, &flow, complains),
        Outcome::Done { flow, done } => K::done(visit, &flow, &done),
        Outcome::Leave { flow, to } => leave(visit, &flow, &to),
        Outcome::Became(other) => K::became(visit, *other),
    }
}

/// The form again: the flow, with 400 if something has to be mended, or back to its page.
fn form<K: Answer>(visit: &Visit, flow: &Flow<K>, complains: bool) -> Response {
    if flow.transport == Transport::Browser && !K::wants_json(visit) {
        let refused = complains.then_some(K::REFUSED);
        return to_page::<K>(visit, refused.unwrap_or(StatusCode::SEE_OTHER), flow.id);
    }
    let refused = complains.then_some(StatusCode::BAD_REQUEST);
    json(refused.unwrap_or(K::FORM), &flow.view())
}

/// A browser goes elsewhere; a script or an API client is told where.
fn leave<K: Answer>(visit: &Visit, flow: &Flow<K>, to: &str) -> Response {
    if flow.transport == Transport::Browser && !visit.client.json {
        redirect(StatusCode::SEE_OTHER, to)
    } else {
        location_change(to).into_response()
    }
}

/// What a client does next, in order; null when there is nothing.
fn told(next: &[ContinueWith]) -> Value {
    if next.is_empty() {
        return Value::Null;
    }
    next.iter().map(ContinueWith::view).collect()
}

/// 422: a script cannot follow a redirect to a page, so it is told (docs/wire.md, W3.13).
fn location_change(url: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY)
        .id("browser_location_change_required")
        .because("The browser has to go to another page to go on.")
        .redirect_browser_to(url)
}

/// An error of a flow's init: redirects for pages, JSON for the others.
pub(crate) async fn init_failed<K: Answer>(
    visit: &Visit,
    transport: Transport,
    error: decision::Error,
) -> Response {
    let json_client = transport == Transport::Api || visit.accepts_json;
    failed::<K>(visit, json_client, K::SIGNED_IN_AT_INIT, error).await
}

/// A link in a mail that was of no use: it is followed in a browser.
pub(crate) async fn link_failed<K: Answer>(visit: &Visit, error: decision::Error) -> Response {
    use decision::Error as E;
    match error {
        E::Replaced { replacement, .. } | E::Expired { replacement, .. } => {
            to_page::<K>(visit, StatusCode::SEE_OTHER, replacement)
        }
        error => error_for(visit, visit.client.json, ApiError::from(error)).await,
    }
}

async fn failed<K: Answer>(
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

async fn failed_page<K: Answer>(
    visit: &Visit,
    signed_in: StatusCode,
    error: decision::Error,
) -> Response {
    match error {
        decision::Error::AlreadySignedIn { target } => redirect(signed_in, &target),
        decision::Error::SessionInactive { login } => redirect(StatusCode::SEE_OTHER, &login),
        decision::Error::SessionMissing => {
            redirect(StatusCode::FOUND, &page::<Login>(&visit.project))
        }
        decision::Error::AalTooLow { redirect_to }
        | decision::Error::RefreshRequired { redirect_to, .. } => {
            redirect(StatusCode::SEE_OTHER, &redirect_to)
        }
        decision::Error::AddressUnverified(shown) => match shown.first() {
            Some(ContinueWith::ShowVerificationUi { url, .. }) => {
                redirect(StatusCode::SEE_OTHER, url)
            }
            _ => error_page(visit, decision::Error::AddressUnverified(shown).into()).await,
        },
        decision::Error::Expired { replacement, .. } => {
            to_page::<K>(visit, StatusCode::SEE_OTHER, replacement)
        }
        error => error_page(visit, error.into()).await,
    }
}

/// A script or an API client is led to the flow itself: pages are of no use to it.
fn read_instead<K: Answer>(visit: &Visit, id: Uuid) -> Response {
    let base = visit.project.base_url();
    let flow = format!("{base}/self-service/{}/flows", K::NAME);
    let flow = pages::with_query(&flow, "id", &id.to_string());
    redirect(StatusCode::SEE_OTHER, &flow)
}

/// An error that cannot be put on a form: kept, and shown by the error page.
pub(crate) async fn error_page(visit: &Visit, error: ApiError) -> Response {
    // Nothing is kept for a network that made the project store enough for now.
    if visit.count().is_err() {
        return error.into_response();
    }
    match errors::keep(&visit.project, &error.object()).await {
        Ok(id) => redirect(
            StatusCode::SEE_OTHER,
            &pages::error_page(&visit.project, id),
        ),
        // The database is away: the error itself is better than none.
        Err(_) => error.into_response(),
    }
}

/// As JSON, or as a page for a client that wants one.
pub(crate) async fn error_for(visit: &Visit, json_client: bool, error: ApiError) -> Response {
    if json_client {
        error.into_response()
    } else {
        error_page(visit, error).await
    }
}
