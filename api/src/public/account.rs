//! `/self-service/insula/account`: what the original does not have.

use axum::{
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use flows::{decision, methods::account};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{App, error::ApiError, query, respond, visit::Visit};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(download))
}

/// Everything stored about whoever is signed in, as a file.
#[utoipa::path(get, path = "/self-service/insula/account/data", tag = "frontend", operation_id = "downloadMyData",
    responses((status = 200, description = "Identity, credentials without secrets, sessions, messages without their texts"),
        (status = 303, description = "To the login, for pages"), (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "A second factor is needed"), (status = 404, description = "Not switched on")))]
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
