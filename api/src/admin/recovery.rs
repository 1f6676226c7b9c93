//! Recovery codes and links that administrators hand over themselves: no mail is sent.

use axum::{
    extract::{OriginalUri, State},
    http::{StatusCode, Uri},
    response::Response,
};
use flows::{
    address_proof::DeliveryMethod,
    cx::Cx,
    decision,
    flow::Transport,
    methods::{code::CodeConfig, link::LinkConfig},
    pages::Pages,
    recovery::{self, HandedOver, Handover},
};
use serde::Deserialize;
use serde_json::json;
use tenants::config::units::parse_duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::key::Administrator;
use crate::{
    App,
    audience::ProjectRoutes,
    body::Strict,
    error::{ApiError, Result},
    openapi::shapes::{RecoveryCodeForIdentity, RecoveryLinkForIdentity},
    query::{self, Query},
    respond,
    visit::Tenant,
};

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_clients(routes!(code))
        .for_clients(routes!(link))
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CreateRecoveryForIdentityBody)]
struct Wanted {
    /// For whom.
    #[serde(default)]
    identity_id: Uuid,
    /// How long it is good, such as `12h`; by default as the project's configuration says.
    #[schema(example = "1h")]
    expires_in: Option<String>,
    /// `browser` or `api`; for codes alone.
    flow_type: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct To {
    /// Where to go at the end.
    return_to: Option<String>,
}

/// A recovery code for somebody
#[utoipa::path(post, path = "/admin/recovery/code", tag = "identity", operation_id = "createRecoveryCodeForIdentity",
    params(To), request_body = Wanted,
    responses((status = 201, description = "The code, and the page on which it is used.", body = RecoveryCodeForIdentity),
        (status = 400, description = "The body or a parameter is no good."),
        (status = 404, description = "There is no such identity or project, or the method is off.")))]
async fn code(
    (admin, tenant): (Administrator, Tenant),
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    Query(to): Query<To>,
    Strict(wanted): Strict<Wanted>,
) -> Result<Response> {
    if !admin.project.config::<CodeConfig>().is_enabled() {
        return Err(disabled());
    }
    let asked = Asked {
        app,
        tenant,
        uri,
        to,
        wanted,
    };
    let made = asked.hand_over(DeliveryMethod::Code).await?;
    let made = made.ok_or_else(|| ApiError::not_found().because("There is no such identity."))?;
    let body = json!({
        "recovery_link": made.link,
        "recovery_code": made.secret,
        "expires_at": made.expires_at,
    });
    Ok(respond::json(StatusCode::CREATED, &body))
}

/// A recovery link for somebody
#[utoipa::path(post, path = "/admin/recovery/link", tag = "identity", operation_id = "createRecoveryLinkForIdentity",
    params(To), request_body = Wanted,
    responses((status = 200, description = "The link.", body = RecoveryLinkForIdentity),
        (status = 400, description = "There is no such identity, or the body or a parameter is no good."),
        (status = 404, description = "The method is off, or there is no such project.")))]
async fn link(
    (admin, tenant): (Administrator, Tenant),
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    Query(to): Query<To>,
    Strict(wanted): Strict<Wanted>,
) -> Result<Response> {
    if !admin.project.config::<LinkConfig>().enabled {
        return Err(disabled());
    }
    let asked = Asked {
        app,
        tenant,
        uri,
        to,
        wanted,
    };
    let made = asked.hand_over(DeliveryMethod::Link).await?;
    let made = made.ok_or_else(|| ApiError::bad_request("There is no such identity."))?;
    let body = json!({"recovery_link": made.link, "expires_at": made.expires_at});
    Ok(respond::json(StatusCode::OK, &body))
}

fn disabled() -> ApiError {
    ApiError::not_found().because("The method of this endpoint is disabled in this project.")
}

/// A request for a secret that is handed over.
struct Asked {
    app: App,
    tenant: Tenant,
    uri: Uri,
    to: To,
    wanted: Wanted,
}

impl Asked {
    /// `None`: there is no such identity.
    async fn hand_over(self, method: DeliveryMethod) -> Result<Option<HandedOver>> {
        let (tenant, wanted) = (&self.tenant, &self.wanted);
        let return_to = self.to.return_to.filter(|url| !url.is_empty());
        if let Some(url) = &return_to
            && Pages::of(&tenant.project).return_to().check(url).is_err()
        {
            let url = url.clone();
            return Err(decision::Error::ReturnToForbidden { url }.into());
        }
        let lifespan = wanted.expires_in.as_deref().map(lifespan).transpose()?;
        let transport = match wanted.flow_type.as_deref() {
            None | Some("" | "browser") => Transport::Browser,
            Some("api") => Transport::Api,
            Some(other) => {
                return Err(ApiError::bad_request(format!(
                    "flow_type is browser or api, not {other:?}."
                )));
            }
        };
        let cx = Cx {
            project: &tenant.project,
            people: self.app.people(),
            session: None,
            session_token: None,
            client: &tenant.client,
        };
        let handover = Handover {
            identity_id: wanted.identity_id,
            method,
            transport,
            request_url: query::seen_address(&tenant.project, &self.uri),
            return_to,
            lifespan,
        };
        Ok(recovery::hand_over(&cx, handover).await?)
    }
}

fn lifespan(text: &str) -> Result<std::time::Duration> {
    let read = parse_duration(text).ok();
    read.filter(|span| !span.is_zero()).ok_or_else(|| {
        ApiError::bad_request(format!(
            "expires_in is a time from now, such as 1h30m, not {text:?}."
        ))
    })
}
