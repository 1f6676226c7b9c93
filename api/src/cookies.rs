//! Cookies: their names, which carry the project; their attributes; and what is sealed inside.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, TimeDelta, Utc};
use cookie::{Cookie, SameSite as CookieSameSite, time::Duration as CookieDuration};
use identity::{
    limits::KnownBrowser,
    sessions::{Cookies, SameSite, SessionConfig},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use tenants::{Environment, Project, Section, ids, secrets::DataKey};
use uuid::Uuid;

/// Names that a proxy in front sets on every request; an API client may carry them.
const CLOUDFLARE: [&str; 3] = ["__cf", "_cf", "cf_"];
const CSRF_DAYS: i64 = 365;
const SESSION: &str = "session cookie ";
const CONTINUITY: &str = "continuity cookie ";
const BROWSER: &str = "browser cookie ";
const BROWSER_DAYS: i64 = 180;
/// Who signed in with one browser, as far back as is remembered.
const BROWSER_IDENTITIES_MAX: usize = 4;

/// `secrets`: cookie keys of the project's own choice. The first seals, all open.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SecretsConfig {
    default: Vec<String>,
    cookie: Vec<String>,
}

impl Section for SecretsConfig {
    const POINTER: &'static str = "/secrets";
}

/// `ory_session_{slug}` unless the configuration names another.
pub(crate) fn session_name(project: &Project) -> String {
    let configured = project.config::<SessionConfig>();
    configured
        .cookie
        .name
        .clone()
        .unwrap_or_else(|| format!("ory_session_{}", project.slug()))
}

/// `csrf_token_` and the hash of the primary base: one per base URL.
pub(crate) fn csrf_name(project: &Project) -> String {
    format!(
        "csrf_token_{}",
        hex::encode(Sha256::digest(project.base_url()))
    )
}

/// The cookies of a request, by name, in order.
pub(crate) fn of_request(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .map(|(name, value)| {
            (
                name.trim().to_owned(),
                value.trim().trim_matches('"').to_owned(),
            )
        })
        .collect()
}

/// Is this a cookie that even an API client may carry?
pub(crate) fn is_harmless(name: &str) -> bool {
    CLOUDFLARE.iter().any(|prefix| name.starts_with(prefix))
}

/// The CSRF secret that the request carries, if it is one.
pub(crate) fn csrf_secret(project: &Project, cookies: &[(String, String)]) -> Option<[u8; 32]> {
    let name = csrf_name(project);
    let (_, value) = cookies.iter().find(|(n, _)| *n == name)?;
    STANDARD.decode(value).ok()?.try_into().ok()
}

/// `Set-Cookie` of the CSRF secret.
pub(crate) fn set_csrf(project: &Project, secret: &[u8; 32]) -> HeaderValue {
    let config = project.config::<Cookies>();
    let secure = is_secure(project, config.secure.as_deref());
    let cookie = Cookie::build((csrf_name(project), STANDARD.encode(secret)))
        .path(config.path.clone())
        .max_age(CookieDuration::days(CSRF_DAYS))
        .http_only(true)
        .secure(secure)
        .same_site(same_site(config.same_site, secure));
    written(&cookie.build())
}

/// A new CSRF secret that an answer hands out: old forms die with the old one. An extension of the response.
#[derive(Clone)]
pub(crate) struct NewCsrf(pub(crate) [u8; 32]);

/// What a session cookie holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// The session token.
    #[serde(rename = "t")]
    pub token: String,
    /// When the session ended as far as this cookie knows.
    #[serde(rename = "e")]
    pub expires_at: DateTime<Utc>,
}

/// `Set-Cookie` of a session.
pub(crate) fn set_session(
    project: &Project,
    token: &str,
    expires_at: DateTime<Utc>,
) -> HeaderValue {
    let sealed = Sealed {
        token: token.to_owned(),
        expires_at,
    };
    let value = seal(project, SESSION, &sealed);
    let config = project.config::<SessionConfig>();
    let cookie = session_cookie(project, value);
    let cookie = if config.cookie.persistent {
        let left = (expires_at - project.now()).num_seconds().max(0);
        cookie.max_age(CookieDuration::seconds(left))
    } else {
        cookie
    };
    written(&cookie.build())
}

/// `Set-Cookie` that removes the session cookie.
pub(crate) fn clear_session(project: &Project) -> HeaderValue {
    written(
        &session_cookie(project, String::new())
            .max_age(CookieDuration::ZERO)
            .build(),
    )
}

/// What the session cookie of a request holds. Anything that cannot be opened is no cookie.
pub(crate) fn open_session(project: &Project, cookies: &[(String, String)]) -> Option<Sealed> {
    open(project, cookies, &session_name(project), SESSION)
}

/// What a continuity cookie holds: which change waits.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    #[serde(rename = "w")]
    id: Uuid,
}

fn continuity_name(project: &Project) -> String {
    format!("ory_continuity_{}", project.slug())
}

/// `Set-Cookie` of a change that waits for its owner to authenticate once more; it lives as long.
pub(crate) fn set_continuity(project: &Project, id: Uuid) -> HeaderValue {
    let value = seal(project, CONTINUITY, &Waiting { id });
    let seconds = flows::settings::pending::KEPT_FOR.num_seconds();
    written(
        &continuity_cookie(project, value)
            .max_age(CookieDuration::seconds(seconds))
            .build(),
    )
}

/// `Set-Cookie` that removes it.
pub(crate) fn clear_continuity(project: &Project) -> HeaderValue {
    written(
        &continuity_cookie(project, String::new())
            .max_age(CookieDuration::ZERO)
            .build(),
    )
}

/// Which change waits in this browser. Anything that cannot be opened is no cookie.
pub(crate) fn open_continuity(project: &Project, cookies: &[(String, String)]) -> Option<Uuid> {
    let waiting: Waiting = open(project, cookies, &continuity_name(project), CONTINUITY)?;
    Some(waiting.id)
}

/// What the cookie of a known browser holds: who signed in there, and when.
#[derive(Debug, Serialize, Deserialize)]
struct Browser {
    #[serde(rename = "i")]
    identities: Vec<(Uuid, DateTime<Utc>)>,
}

fn browser_name(project: &Project) -> String {
    format!("insula_browser_{}", project.slug())
}

/// `Set-Cookie` of a browser with which that identity signed in: what strangers try at the identity does not hold it
/// up from then on. It says nothing to pages and signs in nobody.
pub(crate) fn set_browser(
    project: &Project,
    known: Option<&KnownBrowser>,
    identity: Uuid,
) -> HeaderValue {
    let others = known.map_or(&[][..], |known| &known.identities);
    let others = others
        .iter()
        .copied()
        .filter(|(other, _)| *other != identity);
    let identities = std::iter::once((identity, project.now())).chain(others);
    let identities = identities.take(BROWSER_IDENTITIES_MAX).collect();
    let plain = serde_json::to_vec(&Browser { identities }).unwrap_or_default();
    let key = keys(project).swap_remove(0);
    let aad = associated(BROWSER, project);
    let value = URL_SAFE_NO_PAD.encode(key.seal(&aad, &plain, ids::bytes()));
    let config = project.config::<Cookies>();
    let secure = is_secure(project, config.secure.as_deref());
    let cookie = Cookie::build((browser_name(project), value))
        .path(config.path.clone())
        .max_age(CookieDuration::days(BROWSER_DAYS))
        .http_only(true)
        .secure(secure)
        .same_site(same_site(config.same_site, secure));
    written(&cookie.build())
}

/// Who signed in with this browser lately. Anything that cannot be opened is no cookie.
pub(crate) fn open_browser(
    project: &Project,
    cookies: &[(String, String)],
) -> Option<KnownBrowser> {
    let Browser { mut identities } = open(project, cookies, &browser_name(project), BROWSER)?;
    let known_after = project.now() - TimeDelta::days(BROWSER_DAYS);
    identities.truncate(BROWSER_IDENTITIES_MAX);
    identities.retain(|(_, signed_in_at)| *signed_in_at > known_after);
    Some(KnownBrowser { identities })
}

/// Always `Lax`: it must come along on the way back from another site's sign-in.
fn continuity_cookie(project: &Project, value: String) -> cookie::CookieBuilder<'static> {
    let config = project.config::<Cookies>();
    Cookie::build((continuity_name(project), value))
        .path(config.path.clone())
        .http_only(true)
        .secure(is_secure(project, config.secure.as_deref()))
        .same_site(CookieSameSite::Lax)
}

/// The value of a cookie of that kind.
fn seal(project: &Project, kind: &str, holds: &impl Serialize) -> String {
    let key = keys(project).swap_remove(0);
    sealed(&key, &associated(kind, project), holds)
}

fn sealed(key: &DataKey, aad: &[u8], holds: &impl Serialize) -> String {
    let plain = serde_json::to_vec(holds).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(key.seal(aad, &plain, ids::bytes()))
}

/// What is sealed in the cookie of that name.
fn open<T: DeserializeOwned>(
    project: &Project,
    cookies: &[(String, String)],
    name: &str,
    kind: &str,
) -> Option<T> {
    let (_, value) = cookies.iter().find(|(n, _)| n == name)?;
    unsealed(&keys(project), &associated(kind, project), value)
}

fn unsealed<T: DeserializeOwned>(keys: &[DataKey], aad: &[u8], value: &str) -> Option<T> {
    let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
    let plain = keys.iter().find_map(|key| key.open(aad, &sealed).ok())?;
    serde_json::from_slice(&plain).ok()
}

fn session_cookie(project: &Project, value: String) -> cookie::CookieBuilder<'static> {
    let (config, general) = (
        project.config::<SessionConfig>(),
        project.config::<Cookies>(),
    );
    let secure = is_secure(project, config.cookie.secure.as_deref());
    let path = config.cookie.path.as_ref().unwrap_or(&general.path);
    Cookie::build((session_name(project), value))
        .path(path.clone())
        .http_only(true)
        .secure(secure)
        .same_site(same_site(
            config.cookie.same_site.unwrap_or(general.same_site),
            secure,
        ))
}

/// Bound to the project, so that a cookie is of no use in another even under the same configured secret;
/// nor one kind of cookie in the place of another.
fn associated(kind: &str, project: &Project) -> Vec<u8> {
    [kind.as_bytes(), project.id().uuid().as_bytes()].concat()
}

/// The configured secrets, else the project's own key.
fn keys(project: &Project) -> Vec<DataKey> {
    let config = project.config::<SecretsConfig>();
    let configured = if config.cookie.is_empty() {
        &config.default
    } else {
        &config.cookie
    };
    if configured.is_empty() {
        return vec![DataKey::new(project.data_key().derive("session cookie"))];
    }
    let key = |secret: &String| DataKey::new(Sha256::digest(secret.as_bytes()).into());
    configured
        .iter()
        .map(|secret| DataKey::new(key(secret).derive("session cookie")))
        .collect()
}

/// As configured; else always, but in DEVELOPMENT.
fn is_secure(project: &Project, configured: Option<&str>) -> bool {
    match configured {
        Some(text) => text == "true",
        None => project.environment() != Environment::Development,
    }
}

fn same_site(configured: SameSite, secure: bool) -> CookieSameSite {
    match configured {
        SameSite::Strict => CookieSameSite::Strict,
        // Browsers refuse `None` without `Secure`.
        SameSite::None if secure => CookieSameSite::None,
        SameSite::None | SameSite::Lax => CookieSameSite::Lax,
    }
}

fn written(cookie: &Cookie<'_>) -> HeaderValue {
    HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod fuzz;
