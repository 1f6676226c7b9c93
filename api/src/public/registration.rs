//! `/self-service/registration`.

use axum::{extract::OriginalUri, http::Uri, response::Response};
use flows::{begin::Init, flow::Transport, registration::Registration};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::flow;
use crate::{
    audience::ProjectRoutes,
    body::Submitted,
    error::Result,
    openapi::shapes::{
        FormFields, RefusedRegistration, RegistrationFlow, SelfServiceFlowExpiredError,
        SuccessfulNativeRegistration, UpdateRegistrationFlowBody,
    },
    query::{self, Query},
    visit::Visit,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_browsers(routes!(browser))
        .for_clients(routes!(api))
        .for_browsers(routes!(read))
        .for_browsers(routes!(submit, open))
}

/// Query parameters of an init. Empty ones count as absent.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InitQuery {
    /// Where the browser goes at the end. The project says which addresses are allowed.
    #[param(format = Uri)]
    return_to: Option<String>,
    /// The id of one of the project's identity schemas, instead of the default.
    identity_schema: Option<String>,
    #[param(ignore)]
    login_challenge: Option<String>,
    #[param(ignore)]
    return_session_token_exchange_code: Option<String>,
}

/// Begin a registration in a browser
///
/// Sets the CSRF cookie that the submission must come with. Pages are redirected to the project's sign-up
/// page, which reads the flow by the `flow` in its address; scripts get the flow at once.
#[utoipa::path(get, path = "/self-service/registration/browser", tag = "frontend", operation_id = "createBrowserRegistrationFlow",
    params(InitQuery), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow, for scripts.", body = RegistrationFlow),
        (status = 303, description = "To the sign-up page; to the error page when no flow could be begun; to the return URL when somebody is signed in already.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "For scripts. Somebody is signed in already (`session_already_available`), registration is off (`self_service_flow_disabled`), or a parameter is no good (`self_service_flow_return_to_forbidden` among others).")))]
async fn browser(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(visit, Transport::Browser, &uri, asked).await
}

/// Begin a registration in an API client
///
/// For clients that keep no cookies. Never use it in a browser: API flows are not protected against forged
/// requests.
#[utoipa::path(get, path = "/self-service/registration/api", tag = "frontend", operation_id = "createNativeRegistrationFlow",
    params(InitQuery), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow.", body = RegistrationFlow),
        (status = 400, description = "Somebody is signed in already (`session_already_available`), registration is off (`self_service_flow_disabled`), or a parameter is no good.")))]
async fn api(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(visit, Transport::Api, &uri, asked).await
}

async fn begin(visit: Visit, transport: Transport, uri: &Uri, asked: InitQuery) -> Response {
    let served = query::refuse_unserved(
        transport,
        asked.login_challenge.as_deref(),
        asked.return_session_token_exchange_code.as_deref(),
    );
    if let Err(error) = served {
        return flow::answer_begun::<Registration>(&visit, transport, Err(error)).await;
    }
    let init = Init {
        identity_schema: asked.identity_schema,
        ..flow::init(&visit, transport, uri, asked.return_to)
    };
    flow::begin::<Registration>(&visit, init, &()).await
}

/// Read a registration flow
///
/// As it was drawn last, any number of times. A browser flow is shown only with the CSRF cookie that it was
/// begun with.
#[utoipa::path(get, path = "/self-service/registration/flows", tag = "frontend", operation_id = "getRegistrationFlow",
    params(("id" = Uuid, Query, description = "The flow's id.")),
    responses((status = 200, description = "The flow.", body = RegistrationFlow),
        (status = 400, description = "Registration is off: `self_service_flow_disabled`."),
        (status = 403, description = "The CSRF cookie is missing or another's (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow, or no such project."),
        (status = 410, description = "It has expired (`self_service_flow_expired`). `details` says where to begin anew.")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Result<Response> {
    flow::read::<Registration>(&visit, &of).await
}

/// Submit a registration flow
///
/// Depending on the project on one screen, or on two: first the traits (`method` is `profile`), then a
/// credential. Whoever signed up is signed in at once where the project's hook `session` says so.
#[utoipa::path(post, path = "/self-service/registration", tag = "frontend", operation_id = "updateRegistrationFlow",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(description = "By `method`, as the form's nodes say. Forms write nested names with dots: `traits.email`.",
        content((UpdateRegistrationFlowBody = "application/json"), (FormFields = "application/x-www-form-urlencoded"), (FormFields = "multipart/form-data"))),
    responses((status = 200, description = "Signed up: for scripts and API clients.", body = SuccessfulNativeRegistration),
        (status = 302, description = "For pages. Back to the sign-up page, which shows what is wrong.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "For pages. Signed up, and on to the return URL. Also to the next screen.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again, with what is wrong or the next screen. Or somebody is signed in already (`session_already_available`), registration is off (`self_service_flow_disabled`), or `flow` is no UUID.", body = inline(RefusedRegistration)),
        (status = 403, description = "The request could not be told from a forged one (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow or project, or the method is off."),
        (status = 410, description = "It expired before it was submitted. `use_flow_id` takes its place.", body = SelfServiceFlowExpiredError),
        (status = 429, description = "For scripts and API clients. Too many mails were asked for, or too many guesses made.",
            headers(("Retry-After" = i64, description = "Seconds to wait before the next try.")))))]
async fn submit(
    visit: Visit,
    Query(of): Query<query::FlowId>,
    Submitted(submission): Submitted,
) -> Response {
    flow::submit::<Registration>(&visit, &of, submission).await
}

/// Open the address of a registration form
///
/// Nothing is submitted: the form is shown, and says so.
#[utoipa::path(get, path = "/self-service/registration", tag = "frontend", operation_id = "openRegistrationForm",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 302, description = "For pages: back to the page, which says so.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "For pages: the same, or on to the return URL when somebody is signed in already.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again. Or somebody is signed in already (`session_already_available`), or `flow` is no UUID.", body = inline(RefusedRegistration)),
        (status = 404, description = "There is no such flow, or no such project."),
        (status = 410, description = "It has expired. `use_flow_id` takes its place.", body = SelfServiceFlowExpiredError)))]
async fn open(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    flow::open::<Registration>(&visit, &of).await
}
