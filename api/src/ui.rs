//! `{base}/ui/`: the default account pages, built from `web/account` and carried in the binary. Knows
//! nothing of flows: the pages ask the same routes as pages of a project's own would.

use std::collections::BTreeSet;

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use flows::{
    login::Login,
    methods::account::AccountConfig,
    pages::{self, ErrorPageConfig, Pages},
    recovery::{Recovery, RecoveryConfig},
    registration::{Registration, RegistrationConfig},
    settings::Settings,
    verification::{Verification, VerificationConfig},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;
use serde_json::{Value, json};
use tenants::{Project, Section};
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    audience::ProjectRoutes,
    error::{ApiError, Result},
    openapi::shapes::PageConfig,
    respond,
    visit::Tenant,
};

pub(crate) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_everyone(routes!(page))
        .for_everyone(routes!(asset))
        .for_everyone(routes!(config))
}

/// What `npm run build` left; empty when it was not run.
#[derive(RustEmbed)]
#[folder = "../web/account/dist"]
struct Built;

const PAGES: [&str; 7] = [
    "login",
    "registration",
    "recovery",
    "verification",
    "settings",
    "error",
    "session",
];

// `PAGES`, for the document.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "for the document")]
enum Named {
    Login,
    Registration,
    Recovery,
    Verification,
    Settings,
    Error,
    Session,
}

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not built</title>\
    <h1>The account pages were not built</h1><p>Run <code>make pages</code>, then build the server again.</p></html>";

/// `insula.branding`: URLs, which may be relative to the origin.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Branding {
    logo_light_url: Option<String>,
    logo_dark_url: Option<String>,
}

impl Section for Branding {
    const POINTER: &'static str = "/insula/branding";
}

/// An account page
///
/// To sign in, to sign up and so on, for people; `demo` shows them. They ask the same operations as pages of
/// your own would.
#[utoipa::path(get, path = "/ui/{page}", tag = "ui", operation_id = "getPage",
    params(("page" = inline(Named), Path, description = "Which one.")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 404, description = "There is no page of that name, or no such project.")))]
async fn page(tenant: Tenant, Path(page): Path<String>) -> Result<Response> {
    if !PAGES.contains(&page.as_str()) {
        return Err(ApiError::not_found());
    }
    let mut response = match Built::get("index.html") {
        Some(file) => Html(file.data).into_response(),
        None => Html(NOT_BUILT).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(policy) = HeaderValue::try_from(policy(&logos(&tenant.project))) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// The project's logos by the names that the pages know them by, absolute.
fn logos(project: &Project) -> Vec<(&'static str, String)> {
    let (branding, pages) = (project.config::<Branding>(), Pages::of(project));
    let named = [
        ("logo_light_url", &branding.logo_light_url),
        ("logo_dark_url", &branding.logo_dark_url),
    ];
    let given = named
        .into_iter()
        .filter_map(|(name, url)| Some((name, url.as_deref()?)));
    given
        .map(|(name, url)| (name, pages.absolute(url)))
        .collect()
}

/// The Content-Security-Policy. Styles are written by the pages' components at run time; `form-action` is
/// left out because browsers apply it to the redirect after a form too, which may lead to any return URL.
fn policy(logos: &[(&str, String)]) -> String {
    let origins: BTreeSet<_> = logos
        .iter()
        .filter_map(|(_, url)| image_origin(url))
        .collect();
    let images = origins
        .iter()
        .fold(String::from("'self' data:"), |images, origin| {
            images + " " + origin
        });
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src {images}; \
         connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The origin of a logo, if it cannot be mistaken for more of the policy: hosts may hold `;` and `,`.
fn image_origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(Url::has_host)?;
    let origin = url.origin().ascii_serialization();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:/[]_".contains(c);
    origin.chars().all(plain).then_some(origin)
}

/// A script or style of the account pages
///
/// Its name changes with its content.
#[utoipa::path(get, path = "/ui/assets/{file}", tag = "ui", operation_id = "getPageAsset",
    params(("file" = String, Path, description = "The file's name.")),
    responses((status = 200, description = "The file.", content((String = "text/javascript"), (String = "text/css"))),
        (status = 404, description = "There is no file of that name, or no such project.")))]
async fn asset(_: Tenant, Path(file): Path<String>, headers: HeaderMap) -> Result<Response> {
    let kind = match file.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => return Err(ApiError::not_found()),
    };
    let (found, encoding) = embedded(&file, &headers).ok_or_else(ApiError::not_found)?;
    let mut response = found.data.into_response();
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, kind);
    set(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    set(header::VARY, "Accept-Encoding");
    if let Some(encoding) = encoding {
        set(header::CONTENT_ENCODING, encoding);
    }
    Ok(response)
}

/// The smallest form of a file that the client takes.
fn embedded(file: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        if takes(headers, encoding)
            && let Some(found) = Built::get(&format!("assets/{file}.{ending}"))
        {
            return Some((found, Some(encoding)));
        }
    }
    Some((Built::get(&format!("assets/{file}"))?, None))
}

/// Named in `Accept-Encoding`, and not with a quality of nought. A wildcard asks for nothing.
fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).into_iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let named = parts
                .next()
                .is_some_and(|n| n.eq_ignore_ascii_case(encoding));
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            named && quality.unwrap_or(1.0_f32) > 0.0
        })
}

/// What the account pages know of the project
///
/// Public facts, with absolute URLs.
#[utoipa::path(get, path = "/ui/config.json", tag = "ui", operation_id = "getPageConfig",
    responses((status = 200, description = "Names, addresses, and what is switched on.", body = PageConfig)))]
async fn config(tenant: Tenant) -> Response {
    let mut response = respond::json(StatusCode::OK, &facts(&tenant.project));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn facts(project: &Project) -> Value {
    let own = Pages::of(project);
    let error = project.config::<ErrorPageConfig>();
    let mut facts = json!({
        "name": project.name(),
        "default_redirect_url": own.return_to().default_url(),
        "login_ui_url": pages::page::<Login>(project),
        "registration_ui_url": pages::page::<Registration>(project),
        "recovery_ui_url": pages::page::<Recovery>(project),
        "verification_ui_url": pages::page::<Verification>(project),
        "settings_ui_url": pages::page::<Settings>(project),
        "error_ui_url": own.page(error.ui_url.as_deref(), "error"),
        "registration_enabled": project.config::<RegistrationConfig>().enabled,
        "recovery_enabled": project.config::<RecoveryConfig>().0.enabled,
        "verification_enabled": project.config::<VerificationConfig>().0.enabled,
        "settings_enabled": true,
        "hide_ory_branding": true,
    });
    for (name, url) in logos(project) {
        facts[name] = json!(url);
    }
    if project.config::<AccountConfig>().download {
        let base = project.base_url();
        facts["account_data_url"] = json!(format!("{base}/self-service/insula/account/data"));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_opens_its_origin_and_nothing_else() {
        let images = |logo: &str| {
            let policy = policy(&[("logo_light_url", String::from(logo))]);
            let (_, rest) = policy.split_once("img-src ").unwrap();
            rest.split_once("; connect-src 'self'; base-uri 'none'")
                .unwrap()
                .0
                .to_owned()
        };
        assert_eq!(
            images("https://cdn.example.org:8443/a/b.svg?c"),
            "'self' data: https://cdn.example.org:8443"
        );
        for tricky in [
            "https://a;script-src/x",
            "https://a,b/x",
            "data:image/png;base64,AAAA",
        ] {
            assert_eq!(images(tricky), "'self' data:", "{tricky}");
        }
    }

    #[test]
    fn encodings_are_those_the_client_names() {
        let with = |value: &'static str| {
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
        };
        assert!(takes(&with("gzip, deflate, br"), "br"));
        assert!(takes(&with("GZIP;q=0.5"), "gzip"));
        assert!(!takes(&with("br;q=0, gzip"), "br"));
        assert!(!takes(&with("*"), "br"));
        assert!(!takes(&HeaderMap::new(), "gzip"));
    }
}
