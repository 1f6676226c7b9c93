//! `/self-service/insula/account`: what Kratos does not have.

use axum::{
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use flows::{decision, methods::account};
use utoipa_axum::routes;

use crate::{
    audience::ProjectRoutes,
    error::ApiError,
    openapi::shapes::{ErrorBrowserLocationChangeRequired, PersonalData},
    query, respond,
    visit::Visit,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new().for_browsers(routes!(download))
}

/// Download what is stored about oneself
///
/// As a file. Where the project allows it (`insula.account.download`).
#[utoipa::path(get, path = "/self-service/insula/account/data", tag = "frontend", operation_id = "downloadMyData",
    security(("sessionToken" = []), ("sessionCookie" = [])),
    responses((status = 200, description = "The data.", body = PersonalData,
            headers(("Content-Disposition" = String, description = "The name of the file."))),
        (status = 303, description = "For pages, when nobody is signed in or a second factor is missing: to the login.",
            headers(("Location" = String, description = "Where to go."))),
        (status = 401, description = "Nobody is signed in: `session_inactive`."),
        (status = 403, description = "A second factor is missing (`session_aal2_required`): go to `redirect_browser_to`. Or the project is suspended (`project_suspended`).",
            body = ErrorBrowserLocationChangeRequired),
        (status = 404, description = "It is not switched on, or there is no such project.")))]
async fn download(visit: Visit, OriginalUri(uri): OriginalUri) -> Response {
    let url = query::seen_url(&visit, &uri);
    match account::export(&visit.cx(), &url).await {
        Ok(data) => {
            let mut response = respond::json(StatusCode::OK, &data);
            let file = HeaderValue::from_static("attachment; filename=\"my-data.json\"");
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_DISPOSITION, file);
            response
        }
        Err(
            decision::Error::SessionInactive { login: to }
            | decision::Error::AalTooLow { redirect_to: to },
        ) if !visit.client.json => respond::redirect(StatusCode::SEE_OTHER, &to),
        Err(error) => ApiError::from(error).into_response(),
    }
}
