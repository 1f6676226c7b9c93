//! `{base}/ui/mail`: what a project has said, readable without a mail server. Only in development mode, and
//! there only for DEVELOPMENT projects; elsewhere it does not exist. Only under names that are the developer's: a page
//! elsewhere whose name leads here all of a sudden (DNS rebinding) would be of the mailbox's origin. No scripts; a mail's HTML is shown in a
//! frame that may do nothing but open its links in another tab.

use std::fmt::Write as _;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use courier::store::{self, Filter, Stored};
use tenants::Environment;
use url::Url;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::{
    App,
    audience::ProjectRoutes,
    error::{ApiError, Result},
    query::Segment,
    visit::Tenant,
};

const SHOWN_MAX: i64 = 100;
/// Mails carry their styles with them, and the frame inherits this policy.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http: https:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = "\
:root{color-scheme:light dark;background:light-dark(#fff,#0f172a);color:light-dark(#0f172a,#f1f5f9)}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem}\
h1{font-size:1.4rem;margin:0 0 1rem}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;padding:.45rem .8rem .45rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);vertical-align:top}\
th{font-weight:600}td.t{white-space:nowrap}small,.q{opacity:.75}a{color:light-dark(#1d4ed8,#93c5fd)}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:8px}\
iframe{width:100%;height:38rem;border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:8px}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:0 0 1rem}dt{opacity:.75}dd{margin:0;overflow-wrap:anywhere}\
@media(max-width:40rem){tr{display:block;padding:.6rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}\
tr.h{display:none}td{display:block;padding:0;border:0;overflow-wrap:anywhere}}";

pub(crate) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .for_everyone(routes!(list))
        .for_everyone(routes!(show))
}

/// Read kept mail
///
/// The newest messages. The page looks again by itself.
#[utoipa::path(get, path = "/ui/mail", tag = "ui", operation_id = "getMailbox",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 403, description = "The request names another host than localhost and that of the public URL, or the project is suspended (`project_suspended`)."),
        (status = 404, description = "The project is not in development, or there is none.")))]
async fn list(State(app): State<App>, tenant: Tenant, headers: HeaderMap) -> Result<Response> {
    in_development(&app, &tenant, &headers)?;
    let mut tx = tenant.project.begin().await?;
    let messages = store::list(&mut tx, &Filter::default(), SHOWN_MAX).await?;
    drop(tx);
    let mut body = String::from("<meta http-equiv=\"refresh\" content=\"5\"><h1>Mail of ");
    escape(&mut body, tenant.project.name());
    body.push_str("</h1>");
    if messages.is_empty() {
        body.push_str("<p>Nothing was sent yet. What is sent appears here by itself.</p>");
        return Ok(page("Mail", &body));
    }
    body.push_str("<table><tr class=\"h\"><th>When (UTC)<th>To<th>What<th>Status</tr>");
    for message in &messages {
        let at = message.created_at.format("%H:%M:%S");
        let _ = write!(
            body,
            "<tr><td class=\"t\">{at}<td>{}<td><a href=\"mail/{}\">{}</a><br><small>{}</small><td>{}</tr>",
            escaped(&message.to.value),
            message.id,
            escaped(headline(message)),
            escaped(&message.template_type),
            message.status.as_str(),
        );
    }
    body.push_str("</table>");
    Ok(page("Mail", &body))
}

/// Read one kept mail
#[utoipa::path(get, path = "/ui/mail/{id}", tag = "ui", operation_id = "getMail",
    params(("id" = Uuid, Path, description = "The message's id.")),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 403, description = "The request names another host than localhost and that of the public URL, or the project is suspended (`project_suspended`)."),
        (status = 404, description = "The project is not in development, or there is no such message.")))]
async fn show(
    State(app): State<App>,
    tenant: Tenant,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Response> {
    in_development(&app, &tenant, &headers)?;
    let id = Uuid::try_parse(&id).map_err(|_| ApiError::not_found())?;
    let mut tx = tenant.project.begin().await?;
    let message = store::get(&mut tx, id)
        .await?
        .ok_or_else(ApiError::not_found)?;
    drop(tx);
    let mut body = format!(
        "<p><a href=\"../mail\">All mail</a></p><h1>{}</h1><dl><dt>To<dd>{}<dt>When<dd>{}<dt>Template<dd>{}<dt>Status<dd>{}, {} attempt(s)",
        escaped(headline(&message)),
        escaped(&message.to.value),
        message.created_at.format("%Y-%m-%d %H:%M:%S UTC"),
        escaped(&message.template_type),
        message.status.as_str(),
        message.send_count,
    );
    for dispatch in &message.dispatches {
        let why = dispatch.error.as_ref();
        let why = why.and_then(|e| e["reason"].as_str().or_else(|| e["message"].as_str()));
        let _ = write!(
            body,
            "<dt>{}<dd>{}",
            escaped(&dispatch.status),
            escaped(why.unwrap_or("taken"))
        );
    }
    body.push_str("</dl>");
    if let Some(html) = &message.content.html {
        let _ = write!(
            body,
            "<iframe title=\"The mail\" sandbox=\"allow-popups allow-popups-to-escape-sandbox\" srcdoc=\"{}\"></iframe>",
            // Links leave the frame.
            escaped(&html.replacen("<head>", "<head><base target=\"_blank\">", 1)),
        );
        body.push_str("<h2 class=\"q\">The same without markup</h2>");
    }
    let _ = write!(body, "<pre>{}</pre>", escaped(&message.content.body));
    Ok(page(headline(&message), &body))
}

fn in_development(app: &App, tenant: &Tenant, headers: &HeaderMap) -> Result<()> {
    let project = &tenant.project;
    if !app.settings().dev || project.environment() != Environment::Development {
        return Err(ApiError::not_found());
    }
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let base = project.base_url();
    if is_ours(host.unwrap_or_default(), base) {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN).because(format!(
        "Kept mail is shown under localhost, 127.0.0.1, [::1] and the host of INSULA_PUBLIC_URL alone, so that no \
         page under another name can read it. Open {base}/ui/mail, or set INSULA_PUBLIC_URL."
    )))
}

/// Is that `Host` this machine for itself, or the one that people know us by?
fn is_ours(host: &str, base: &str) -> bool {
    let of = |url: &str| Some(Url::parse(url).ok()?.host_str()?.to_owned());
    let Some(host) = of(&format!("http://{host}/")) else {
        return false;
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&&*host) || of(base) == Some(host)
}

/// Text messages have no subject.
fn headline(message: &Stored) -> &str {
    if message.content.subject.is_empty() {
        message.content.body.lines().next().unwrap_or_default()
    } else {
        &message.content.subject
    }
}

fn page(title: &str, body: &str) -> Response {
    // The empty icon keeps browsers from asking for one outside the project.
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{}</title>\
         <link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head><body><main>",
        escaped(title)
    );
    html.push_str(body);
    html.push_str("</main></body></html>");
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static(POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let cache = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, cache);
    response
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text);
    out
}

/// For text and for values in double quotes.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}
