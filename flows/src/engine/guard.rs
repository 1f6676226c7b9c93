//! The two checks that stand between a submission and its method: is it forged, and may the visitor be
//! sent to the place asked for.

use super::{
    attempt::Attempt,
    csrf,
    cx::{BrowserTrace, CookieState, Cx},
    decision::{CsrfTrouble, Error, Halt, Refusal},
    flow::{Flow, Transport},
    kind::Kind,
    pages::Pages,
    submission::Submission,
};
use crate::ui::text;

/// A browser's submission must carry a token that fits its cookie (403 otherwise); an API client's must not
/// look like a browser's (docs/wire.md, W2.4 and W2.6).
pub fn check_csrf<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    submission: &Submission,
) -> Result<(), Halt> {
    if flow.transport == Transport::Api {
        let message = match cx.client.browser_trace {
            None => return Ok(()),
            Some(BrowserTrace::Origin) => text::origin_in_api_flow(),
            Some(BrowserTrace::Cookies) => text::cookies_in_api_flow(),
        };
        return Err(Halt::refused(Refusal::form(message)));
    }
    let token = submission.text("csrf_token");
    let reason = match (cx.client.cookies, &token) {
        (CookieState::Csrf, Some(token)) if csrf::matches(&cx.client.csrf_secret, token) => {
            return Ok(());
        }
        (CookieState::None, _) => Some("The request carried no cookies at all."),
        (CookieState::NoCsrf, _) => Some("The request carried cookies, but not the CSRF cookie."),
        (CookieState::Csrf, None) => Some("The CSRF token is missing from the request body."),
        (CookieState::Csrf, Some(_)) => Some("The CSRF cookie and the CSRF token do not match."),
    };
    Err(Error::Csrf(CsrfTrouble {
        reason,
        by_script: cx.client.by_script,
    })
    .into())
}

/// The same of a submission that may have waited for its sender to authenticate: that was checked before it was
/// kept, and the cookie is another one since.
pub(crate) fn check_csrf_once<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    attempt: &Attempt,
) -> Result<(), Halt> {
    match attempt.waited_since {
        Some(_) => Ok(()),
        None => check_csrf(cx, flow, &attempt.submission),
    }
}

/// Reading a browser flow needs the cookie it was begun with.
pub fn check_reader<K: Kind>(cx: &Cx<'_>, flow: &Flow<K>) -> Result<(), Error> {
    let fits = cx.client.cookies == CookieState::Csrf
        && csrf::matches(&cx.client.csrf_secret, flow.csrf_token());
    if flow.transport == Transport::Api || fits {
        return Ok(());
    }
    let reason = match cx.client.cookies {
        CookieState::None => Some("The request carried no cookies at all."),
        CookieState::NoCsrf => Some("The request carried cookies, but not the CSRF cookie."),
        CookieState::Csrf => None,
    };
    Err(Error::Csrf(CsrfTrouble {
        reason,
        by_script: cx.client.by_script,
    }))
}

/// Where the visitor goes at the end: the place asked for, if that is still allowed; else what is
/// configured for the method, for the flow, for the project.
pub fn target<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    configured: Option<&str>,
) -> Result<String, Halt> {
    let pages = Pages::of(cx.project);
    match (&flow.return_to, configured) {
        (Some(asked), _) => {
            let allowed = pages.return_to().check(asked);
            let refused = |_| Halt::refused(Refusal::form(text::return_to_not_allowed()));
            allowed.map(String::from).map_err(refused)
        }
        (None, Some(configured)) => Ok(pages.absolute(configured)),
        (None, None) => Ok(pages.return_to().default_url().to_string()),
    }
}
