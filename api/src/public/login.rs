//! `/self-service/login`.

use axum::{extract::OriginalUri, http::Uri, response::Response};
use flows::{
    begin::Init,
    flow::Transport,
    login::{Login, LoginParams},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::flow;
use crate::{
    audience::ProjectRoutes,
    body::Submitted,
    error::Result,
    openapi::shapes::{
        AskedAal, ErrorBrowserLocationChangeRequired, FormFields, LoginFlow, RefusedLogin,
        SelfServiceFlowExpiredError, SuccessfulNativeLogin, UpdateLoginFlowBody,
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
    /// Ask for credentials although somebody is signed in, to be sure who it is.
    #[param(value_type = Option<bool>, default = false)]
    refresh: Option<String>,
    /// The assurance level wanted at the end, by default `aal1`; `aal2` needs somebody to be signed in.
    #[param(inline, value_type = Option<AskedAal>)]
    aal: Option<String>,
    /// With `aal=aal2`: the trait whose address a code goes to, such as `email`.
    via: Option<String>,
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

/// Begin a login in a browser
///
/// Sets the CSRF cookie that the submission must come with. Pages are redirected to the project's login
/// page, which reads the flow by the `flow` in its address; scripts get the flow at once.
#[utoipa::path(get, path = "/self-service/login/browser", tag = "frontend", operation_id = "createBrowserLoginFlow",
    params(InitQuery), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow, for scripts.", body = LoginFlow),
        (status = 303, description = "To the login page; to the error page when no flow could be begun; to the return URL when somebody is signed in already.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "For scripts. Somebody is signed in already (`session_already_available`), or a parameter is no good (`self_service_flow_return_to_forbidden` among others)."),
        (status = 401, description = "A second factor was asked for while nobody is signed in: `session_aal1_required`.")))]
async fn browser(
    visit: Visit,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<InitQuery>,
) -> Response {
    begin(visit, Transport::Browser, &uri, asked).await
}

/// Begin a login in an API client
///
/// For clients that keep no cookies. Never use it in a browser: API flows are not protected against forged
/// requests.
#[utoipa::path(get, path = "/self-service/login/api", tag = "frontend", operation_id = "createNativeLoginFlow",
    params(InitQuery), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "The flow.", body = LoginFlow),
        (status = 400, description = "Somebody is signed in already (`session_already_available`), or a parameter is no good."),
        (status = 401, description = "A second factor was asked for while nobody is signed in: `session_aal1_required`.")))]
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
        return flow::answer_begun::<Login>(&visit, transport, Err(error)).await;
    }
    let params = LoginParams {
        refresh: query::is_true(asked.refresh.as_deref()),
        aal: asked.aal,
        via: asked.via,
    };
    let init = Init {
        identity_schema: asked.identity_schema,
        ..flow::init(&visit, transport, uri, asked.return_to)
    };
    flow::begin::<Login>(&visit, init, &params).await
}

/// Read a login flow
///
/// As it was drawn last, any number of times. A browser flow is shown only with the CSRF cookie that it was
/// begun with.
#[utoipa::path(get, path = "/self-service/login/flows", tag = "frontend", operation_id = "getLoginFlow",
    params(("id" = Uuid, Query, description = "The flow's id.")),
    responses((status = 200, description = "The flow.", body = LoginFlow),
        (status = 403, description = "The CSRF cookie is missing or another's (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow, or no such project."),
        (status = 410, description = "It has expired (`self_service_flow_expired`). `details` says where to begin anew.")))]
async fn read(visit: Visit, Query(of): Query<query::FlowId>) -> Result<Response> {
    flow::read::<Login>(&visit, &of).await
}

/// Submit a login flow
///
/// Browsers get a cookie, API clients a token. An unknown identifier and a wrong password are answered
/// alike, and take as long.
#[utoipa::path(post, path = "/self-service/login", tag = "frontend", operation_id = "updateLoginFlow",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(description = "By `method`, as the form's nodes say. Forms write nested names with dots: `traits.email`.",
        content((UpdateLoginFlowBody = "application/json"), (FormFields = "application/x-www-form-urlencoded"), (FormFields = "multipart/form-data"))),
    responses((status = 200, description = "Signed in: for scripts and API clients.", body = SuccessfulNativeLogin),
        (status = 303, description = "For pages. Signed in, and on to the return URL. Also back to the login page, which shows what is wrong.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again, with what is wrong. Or somebody is signed in already (`session_already_available`), or `flow` is no UUID.", body = inline(RefusedLogin)),
        (status = 401, description = "A second factor was sent while nobody is signed in: `session_aal1_required`."),
        (status = 403, description = "The request could not be told from a forged one (`security_csrf_violation`), or the project is suspended (`project_suspended`)."),
        (status = 404, description = "There is no such flow or project, or the method is off."),
        (status = 410, description = "It expired before it was submitted. `use_flow_id` takes its place.", body = SelfServiceFlowExpiredError),
        (status = 422, description = "For scripts. Signed in, but a second factor is missing: go to `redirect_browser_to` (`browser_location_change_required`).", body = ErrorBrowserLocationChangeRequired),
        (status = 429, description = "For scripts and API clients. Too many guesses were made.",
            headers(("Retry-After" = i64, description = "Seconds to wait before the next try.")))))]
async fn submit(
    visit: Visit,
    Query(of): Query<query::FlowId>,
    Submitted(submission): Submitted,
) -> Response {
    flow::submit::<Login>(&visit, &of, submission).await
}

/// Open the address of a login form
///
/// Nothing is submitted: the form is shown, and says so.
#[utoipa::path(get, path = "/self-service/login", tag = "frontend", operation_id = "openLoginForm",
    params(("flow" = Uuid, Query, description = "The flow's id.")), security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 302, description = "For pages: back to the page, which says so.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 303, description = "For pages: the same, or on to the return URL when somebody is signed in already.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 400, description = "The form again. Or somebody is signed in already (`session_already_available`), or `flow` is no UUID.", body = inline(RefusedLogin)),
        (status = 404, description = "There is no such flow, or no such project."),
        (status = 410, description = "It has expired. `use_flow_id` takes its place.", body = SelfServiceFlowExpiredError)))]
async fn open(visit: Visit, Query(of): Query<query::FlowId>) -> Response {
    flow::open::<Login>(&visit, &of).await
}
