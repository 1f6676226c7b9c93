//! `/self-service/verification`.

use axum::{
    extract::OriginalUri,
    http::{Method, StatusCode, Uri},
    response::Response,
};
use flows::{
    address_proof,
    flow::Transport,
    run::Outcome,
    verification::{self, Verification},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

use super::flow;
use crate::{
    audience::ProjectRoutes,
    body::Submitted,
    openapi::shapes::{
        FormFields, RefusedVerification, SelfServiceFlowReplacedError, UpdateVerificationFlowBody,
        VerificationFlow,
    },
    query::{self, Query},
    respond::{self, Answer as _},
    visit::Visit,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_browsers(routes!(browser))
        .for_clients(routes!(api))
        .for_browsers(routes!(read))
        .for_browsers(routes!(submit, follow))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InitQuery {
    /// Where to go at the end.
    return_to: Option<String>,
}

/// Begin a verification in a browser
#[utoipa::path(get, path = "/self-service/verification/browser", tag = "frontend", operation_id = "createBrowserVerificationFlow",
    params(InitQuery), security((), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow, for scripts.", body = VerificationFlow),
        (status = 302, description = "For pages, when somebody is signed in already: on.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "To the page of the verification; to the error page when no flow could be begun.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "For scripts. The project does not offer it, somebody is signed in already (`session_already_available`), or a parameter is no good.")))]
async fn browser(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(visit, Transport::Browser, &uri, asked).await
}

/// Begin a verification in an API client
#[utoipa::path(get, path = "/self-service/verification/api", tag = "frontend", operation_id = "createNativeVerificationFlow",
    params(InitQuery), security((), ("sessionToken" = [])),
    responses((status = 200, description = "The flow.", body = VerificationFlow),
        (status = 303, description = "For pages: to the error page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The project does not offer it, or somebody is signed in already (`session_already_available`).")))]
async fn api(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(visit, Transport::Api, &uri, asked).await
}

async fn begin(visit: Visit, transport: Transport, uri: &Uri, asked: InitQuery) -> Response {
    let init = flow::init(&visit, transport, uri, asked.return_to);
    flow::begin::<Verification>(&visit, init, &()).await
}

/// Read a verification flow; any number of times
#[utoipa::path(get, path = "/self-service/verification/flows", tag = "frontend", operation_id = "getVerificationFlow",
    params(("id" = Uuid, Query, description = "The flow's id.")),
    responses((status = 200, description = "The flow.", body = VerificationFlow),
        (status = 303, description = "For pages, when the project does not offer it: to the error page.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The project does not offer it."),
        (status = 403, description = "The CSRF cookie is missing or another's (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow, or no such project."),
        (status = 410, description = "It has expired. `details` says where to begin anew.")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    flow::read_proof::<Verification>(&visit, &of, |_| false).await
}

/// Submit an address or a code
#[utoipa::path(post, path = "/self-service/verification", tag = "frontend", operation_id = "updateVerificationFlow",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(description = "By `method`, as the form's nodes say.",
        content((UpdateVerificationFlowBody = "application/json"), (FormFields = "application/x-www-form-urlencoded"), (FormFields = "multipart/form-data"))),
    responses((status = 200, description = "For scripts and API clients: the flow as it goes on. Whether anybody has the address makes no difference.", body = VerificationFlow),
        (status = 302, description = "For pages, when somebody is signed in already: on.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "For pages: back to the page, or on. For others: to a flow that takes this one's place.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again, with what is wrong. Or the project does not offer it, `flow` is no UUID, or somebody is signed in already.", body = inline(RefusedVerification)),
        (status = 403, description = "The request could not be told from a forged one (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow or project, or the method is off."),
        (status = 410, description = "Another flow takes its place: `use_flow_id`.", body = SelfServiceFlowReplacedError),
        (status = 429, description = "For scripts and API clients. Too many mails were asked for, or too many guesses made.",
            headers(("Retry-After" = i64, description = "Seconds to wait before the next try.")))))]
async fn submit(
    visit: Visit,
    Query(of): Query<query::FlowId>,
    Submitted(submission): Submitted,
) -> Response {
    match (of.flow(), of.token()) {
        (Some(id), Some(token)) => redeem(&visit, id, token).await,
        _ => flow::submit::<Verification>(&visit, &of, submission).await,
    }
}

/// Follow the link of a mail
///
/// A code is filled into the form, a token is used; with neither the form is shown. HEAD uses nothing, so that
/// programs which look at links beforehand take nothing away from people.
#[utoipa::path(get, path = "/self-service/verification", tag = "frontend", operation_id = "followVerificationLink",
    params(("flow" = Uuid, Query, description = "The flow's id."),
        ("code" = Option<String>, Query, description = "To be filled into the form."),
        ("token" = Option<String>, Query, description = "To be used.")),
    responses((status = 200, description = "The flow, for scripts.", body = VerificationFlow),
        (status = 303, description = "To the page of the verification.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "A parameter is missing, or the project does not offer it."),
        (status = 404, description = "There is no such flow or project."),
        (status = 410, description = "Another flow takes its place: `use_flow_id`.", body = SelfServiceFlowReplacedError),
        (status = 429, description = "Too many guesses were made.")))]
async fn follow(visit: Visit, method: Method, Query(of): Query<query::FlowId>) -> Response {
    let Some(id) = of.flow() else {
        return flow::no_flow(&visit).await;
    };
    if method == Method::HEAD {
        return respond::to_page::<Verification>(&visit, StatusCode::SEE_OTHER, id);
    }
    if let Some(code) = of.code() {
        return match verification::prefill(&visit.cx(), id, code).await {
            Ok(flow) => respond::to_page::<Verification>(&visit, StatusCode::SEE_OTHER, flow.id),
            Err(error) => Verification::failed(&visit, error).await,
        };
    }
    match of.token() {
        Some(token) => redeem(&visit, id, token).await,
        None => flow::open::<Verification>(&visit, &of).await,
    }
}

async fn redeem(visit: &Visit, id: Uuid, token: &str) -> Response {
    match address_proof::redeem::<Verification>(&visit.cx(), id, token).await {
        Ok(Outcome::Done { flow, .. }) if visit.client.json => {
            respond::json(StatusCode::OK, &flow.view())
        }
        Ok(Outcome::Done { flow, .. }) => {
            respond::to_page::<Verification>(visit, StatusCode::SEE_OTHER, flow.id)
        }
        Ok(other) => respond::outcome(visit, other),
        Err(error) => respond::link_failed::<Verification>(visit, error).await,
    }
}
