//! What the routes of every kind of flow have in common: begin, read, submit.

use std::time::Duration;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use flows::{
    address_proof::{self, AddressProof},
    begin::{self, Init},
    decision,
    flow::{Flow, Transport},
    guard,
    run::{self, Arrival},
    store,
    submission::Submission,
    ui::text::{self, Message},
};
use uuid::Uuid;

use crate::{
    error::{ApiError, Result},
    query,
    respond::{self, Answer},
    visit::Visit,
};

/// The init request, as its address says.
pub(super) fn init(
    visit: &Visit,
    transport: Transport,
    uri: &Uri,
    return_to: Option<String>,
) -> Init {
    Init {
        transport,
        request_url: query::seen_url(visit, uri),
        return_to,
        identity_schema: None,
    }
}

/// Begin a flow.
pub(super) async fn begin<K: Answer>(visit: &Visit, init: Init, params: &K::Params) -> Response {
    if let Err(retry_after) = visit.count() {
        return too_many(retry_after);
    }
    let transport = init.transport;
    let begun = begin::begin::<K>(&visit.cx(), init, params).await;
    answer_begun(visit, transport, begun).await
}

/// The answer to an init request.
pub(super) async fn answer_begun<K: Answer>(
    visit: &Visit,
    transport: Transport,
    begun: std::result::Result<Flow<K>, decision::Error>,
) -> Response {
    match begun {
        Ok(flow) => respond::begun(visit, &flow),
        Err(error) => respond::init_failed::<K>(visit, transport, error).await,
    }
}

/// Read a flow that is shown with the CSRF cookie alone that it was begun with.
pub(super) async fn read<K: Answer>(visit: &Visit, of: &query::FlowId) -> Result<Response> {
    K::serve(&visit.cx())?;
    let flow: Option<Flow<K>> = match of.id() {
        Some(id) => store::load(&visit.project, id).await?,
        None => None,
    };
    let flow = flow.ok_or_else(ApiError::not_found)?;
    guard::check_reader(&visit.cx(), &flow)?;
    query::refuse_expired(visit, &flow)?;
    Ok(respond::json(StatusCode::OK, &flow.view()))
}

/// Read a flow that proves an address. `is_open`: it may be read without its CSRF cookie.
pub(super) async fn read_proof<K: Answer + AddressProof>(
    visit: &Visit,
    of: &query::FlowId,
    is_open: fn(&Flow<K>) -> bool,
) -> Response {
    let cx = visit.cx();
    let flow = match address_proof::read::<K>(&cx, of.id()).await {
        Ok(flow) => flow,
        Err(error @ decision::Error::NotFound) => return ApiError::from(error).into_response(),
        Err(error) => return respond::error_for(visit, visit.accepts_json, error.into()).await,
    };
    let readable = if is_open(&flow) {
        Ok(())
    } else {
        guard::check_reader(&cx, &flow).map_err(ApiError::from)
    };
    match readable.and_then(|()| query::refuse_expired(visit, &flow)) {
        Ok(()) => respond::json(StatusCode::OK, &flow.view()),
        Err(error) => error.into_response(),
    }
}

/// Submit a flow. A body that could not be decoded is a message on the form.
pub(super) async fn submit<K: Answer>(
    visit: &Visit,
    of: &query::FlowId,
    submission: std::result::Result<Submission, Message>,
) -> Response {
    match of.flow() {
        Some(id) => submit_to::<K>(visit, id, submission).await,
        None => no_flow(visit).await,
    }
}

/// Submit a flow by its id.
pub(super) async fn submit_to<K: Answer>(
    visit: &Visit,
    id: Uuid,
    submission: std::result::Result<Submission, Message>,
) -> Response {
    if let Err(retry_after) = visit.may_go_on() {
        return too_many(retry_after);
    }
    let cx = visit.cx();
    let outcome = run::run::<K>(&cx, id, Arrival::Submission(submission)).await;
    if !matches!(&outcome, Ok(outcome) if outcome.is_done()) {
        // What is counted beyond the limit is refused next time.
        let _ = visit.count();
    }
    match outcome {
        Ok(outcome) => respond::outcome(visit, outcome),
        Err(error) => K::failed(visit, error).await,
    }
}

/// The visitor's network has made the project store enough for now: nothing is kept of this, not even an error for
/// the error page.
fn too_many(retry_after: Duration) -> Response {
    ApiError::from(decision::Error::TooMany { retry_after }).into_response()
}

/// A form was opened by its address: nothing is submitted, and the form says so.
pub(super) async fn open<K: Answer>(visit: &Visit, of: &query::FlowId) -> Response {
    submit::<K>(visit, of, Err(text::nothing_submitted())).await
}

/// The request names no flow.
pub(super) async fn no_flow(visit: &Visit) -> Response {
    respond::error_for(visit, visit.client.json, query::no_flow()).await
}
