//! `/admin/identities`: list, get, create, delete.

use axum::{
    extract::OriginalUri,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flows::methods::password::HasherConfig;
use identity::identities::{
    import::{CreateIdentity, import},
    records::{self, Record},
    store::Filter,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use super::key::Administrator;
use crate::{
    App,
    audience::ProjectRoutes,
    body::Strict,
    error::{ApiError, Result},
    openapi::shapes,
    paging::{IdentityPage, OffsetParams},
    query::{Query, Segment},
    respond,
};

/// More ids in one list request than this are refused.
const IDS_MAX: usize = 500;
/// Types that `include_credential` knows.
const CREDENTIAL_TYPES: [&str; 10] = [
    "password",
    "oidc",
    "saml",
    "totp",
    "lookup_secret",
    "webauthn",
    "passkey",
    "code",
    "link_recovery",
    "code_recovery",
];

pub(super) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_clients(routes!(list, create))
        .for_clients(routes!(get, delete))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only these; may come up to 500 times.
    #[serde(default)]
    #[param(value_type = Vec<Uuid>, max_items = 500)]
    ids: Vec<String>,
    /// Only the identity that signs in with this identifier. Only one of `ids`, `credentials_identifier`,
    /// `preview_credentials_identifier_similar` and `organization_id` can be used.
    credentials_identifier: Option<String>,
    /// Only identities with an identifier that begins like this.
    preview_credentials_identifier_similar: Option<String>,
    /// Only those of this organization.
    #[param(value_type = Option<Uuid>)]
    organization_id: Option<String>,
    /// Types of credentials to show with their `config`; may come several times. Needs a key that writes.
    #[serde(default)]
    #[param(inline, value_type = Vec<CredentialType>)]
    include_credential: Vec<String>,
    /// The older way: the page's number. `page_size` and `page_token` go first. Up to the 1,000th identity.
    #[param(value_type = Option<i64>, minimum = 0)]
    page: Option<String>,
    /// The older way: how many at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 250)]
    per_page: Option<String>,
    /// How many at most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 250)]
    page_size: Option<String>,
    /// Where the page begins: as it stands in a `Link` of another page.
    page_token: Option<String>,
}

// `CREDENTIAL_TYPES`, for the document.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum CredentialType {
    Password,
    Oidc,
    Saml,
    Totp,
    LookupSecret,
    Webauthn,
    Passkey,
    Code,
    LinkRecovery,
    CodeRecovery,
}

/// The identities of a project
///
/// By id and by pages, or those that are asked for. Credentials are shown where an identifier was asked for.
#[utoipa::path(get, path = "/admin/identities", tag = "identity", operation_id = "listIdentities", params(ListQuery),
    responses((status = 200, description = "A page of identities.", body = Vec<shapes::Identity>,
        headers(("Link" = String, description = "The first page, and the next if there is one."),
            ("X-Total-Count" = i64, description = "How many there are on all pages; only the older way.")))))]
async fn list(
    admin: Administrator,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    check_types(&query.include_credential)?;
    if !query.include_credential.is_empty() {
        admin.may_see_credentials()?;
    }
    let filter = filter(&query)?;
    let params = OffsetParams {
        page: query.page.clone(),
        per_page: query.per_page.clone(),
        page_size: query.page_size.clone(),
        page_token: query.page_token.clone(),
    };
    let page = IdentityPage::read(&params)?;
    let with_credentials = filter.is_by_identifier() || !query.include_credential.is_empty();
    let listed = records::list(&admin.project, &filter, page.0, with_credentials).await?;
    let records = listed.records.iter();
    let shown: Value = records
        .map(|record| view(&admin, record, &query.include_credential))
        .collect();
    let mut response = respond::json(StatusCode::OK, &shown);
    page.write_headers(&uri, &listed, &mut response);
    Ok(response)
}

fn view(admin: &Administrator, record: &Record, disclose: &[String]) -> Value {
    let (base, credentials) = (admin.project.base_url(), &record.credentials[..]);
    record
        .identity
        .admin_view(base, Some(credentials), disclose)
}

fn check_types(types: &[String]) -> Result<()> {
    match types
        .iter()
        .find(|t| !CREDENTIAL_TYPES.contains(&t.as_str()))
    {
        Some(wrong) => Err(ApiError::bad_request(format!(
            "include_credential does not know {wrong:?}."
        ))),
        None => Ok(()),
    }
}

/// At most one of the four ways to narrow the list.
fn filter(query: &ListQuery) -> Result<Filter> {
    let filled = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    let identifier = filled(&query.credentials_identifier);
    let identifier_prefix = filled(&query.preview_credentials_identifier_similar);
    let organization = match filled(&query.organization_id) {
        Some(text) => Some(
            Uuid::try_parse(&text)
                .map_err(|_| ApiError::bad_request("The organization_id is no UUID."))?,
        ),
        None => None,
    };
    if query.ids.len() > IDS_MAX {
        return Err(ApiError::bad_request(format!(
            "At most {IDS_MAX} ids can be asked for at once."
        )));
    }
    let ids: Option<Vec<Uuid>> = query
        .ids
        .iter()
        .map(|id| Uuid::try_parse(id).ok())
        .collect();
    let ids = ids.ok_or_else(|| ApiError::bad_request("One of the ids is no UUID."))?;
    let given = [
        (!ids.is_empty()).then_some(Filter::Ids(ids)),
        identifier.map(Filter::Identifier),
        identifier_prefix.map(Filter::IdentifierPrefix),
        organization.map(Filter::Organization),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(ApiError::bad_request(
            "Only one of ids, credentials_identifier, preview_credentials_identifier_similar and organization_id can be used.",
        )),
        (Some(Filter::Organization(id)), None) if id.is_nil() => Ok(Filter::All),
        (filter, None) => Ok(filter.unwrap_or_default()),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GetQuery {
    /// Types of credentials to show with their `config`; may come several times. Needs a key that writes.
    #[serde(default)]
    #[param(inline, value_type = Vec<CredentialType>)]
    include_credential: Vec<String>,
}

/// One identity, with its credentials
#[utoipa::path(get, path = "/admin/identities/{id}", tag = "identity", operation_id = "getIdentity",
    params(("id" = Uuid, Path, description = "The identity's id."), GetQuery),
    responses((status = 200, description = "The identity.", body = shapes::Identity),
        (status = 404, description = "There is no such identity, or no such project.")))]
async fn get(
    admin: Administrator,
    Segment(id): Segment,
    Query(query): Query<GetQuery>,
) -> Result<Response> {
    let id = id_of(&id)?;
    let record = records::get(&admin.project, id).await?;
    let record = record.ok_or_else(ApiError::not_found)?;
    check_types(&query.include_credential)?;
    if !query.include_credential.is_empty() {
        admin.may_see_credentials()?;
    }
    let view = view(&admin, &record, &query.include_credential);
    Ok(respond::json(StatusCode::OK, &view))
}

/// A garbled id is one that does not exist.
fn id_of(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|_| ApiError::not_found())
}

/// Make an identity
///
/// With the traits that its schema asks for, and with a password in clear or hashed (argon2, bcrypt) if it is
/// to have one. The rules for passwords of people who sign up are not applied.
#[utoipa::path(post, path = "/admin/identities", tag = "identity", operation_id = "createIdentity",
    request_body = shapes::CreateIdentityBody,
    responses((status = 201, description = "The identity.", body = shapes::Identity,
            headers(("Location" = String, description = "Where it can be read from now on."))),
        (status = 409, description = "Another identity has one of its identifiers, addresses, or its `external_id`.")))]
async fn create(
    admin: Administrator,
    axum::extract::State(app): axum::extract::State<App>,
    Strict(body): Strict<CreateIdentity>,
) -> Result<Response> {
    let shows_metadata = body.metadata_admin.is_some();
    let hasher = admin.project.config::<HasherConfig>().hasher();
    let record = import(app.people(), &admin.project, hasher, body).await?;
    let mut view = view(&admin, &record, &[]);
    // Shown only when it was sent, as by Kratos.
    if !shows_metadata && let Some(view) = view.as_object_mut() {
        view.shift_remove("metadata_admin");
    }
    let mut response = respond::json(StatusCode::CREATED, &view);
    let base = admin.project.base_url();
    let location = format!("{base}/admin/identities/{}", record.identity.id);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Delete an identity and everything of it
#[utoipa::path(delete, path = "/admin/identities/{id}", tag = "identity", operation_id = "deleteIdentity",
    params(("id" = Uuid, Path, description = "The identity's id.")),
    responses((status = 204, description = "Gone."),
        (status = 404, description = "There is no such identity, or no such project.")))]
async fn delete(admin: Administrator, Segment(id): Segment) -> Result<Response> {
    if !records::delete(&admin.project, id_of(&id)?).await? {
        return Err(ApiError::not_found());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;
    use serde_json::json;

    use identity::identities::import::{GivenAddress, GivenPassword, PasswordImport};

    use super::*;

    /// From what serde says of one that it does not know.
    fn keys<T: DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
        let error = serde_json::from_value::<T>(json!({"?": 1})).unwrap_err();
        let said = error.to_string();
        said.split('`')
            .skip(3)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_document_names_the_keys_that_are_read() {
        let document = crate::openapi();
        for (name, read) in [
            ("CreateIdentityBody", keys::<CreateIdentity>()),
            ("GivenAddress", keys::<GivenAddress>()),
            ("IdentityWithCredentialsPassword", keys::<GivenPassword>()),
            (
                "IdentityWithCredentialsPasswordConfig",
                keys::<PasswordImport>(),
            ),
        ] {
            let named = document["components"]["schemas"][name]["properties"].as_object();
            let named: BTreeSet<String> = named.unwrap().keys().cloned().collect();
            assert_eq!(named, read, "{name}");
        }
    }
}
