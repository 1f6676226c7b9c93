//! What an identity signs in with, or is reached at, may be changed only soon after it authenticated.

use super::{Settings, SettingsConfig, pending};
use crate::engine::{
    attempt::Attempt,
    cx::Cx,
    decision::{Effects, Error, Halt},
    flow::{Flow, Transport},
    pages::with_query,
};

/// Fails when the session authenticated too long ago, and not for this very change. A maximum of nothing asks
/// each time; `or_never`: it asks never (docs/wire.md, W8.4).
///
/// In browsers the submission is kept until its sender has authenticated once more; API clients send it again.
pub(crate) fn check_privileged(
    cx: &Cx<'_>,
    flow: &Flow<Settings>,
    attempt: &Attempt,
    or_never: bool,
) -> Result<(), Halt> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    let config = cx.project.config::<SettingsConfig>();
    let max_age = config.privileged_session_max_age;
    let is_fresh = cx.project.now() <= session.authenticated_at + max_age;
    let waited = attempt.waited_since;
    let for_this = waited.is_some_and(|since| session.authenticated_at > since);
    if is_fresh || for_this || (or_never && max_age.is_zero()) {
        return Ok(());
    }
    let base = cx.project.base_url();
    let login = format!("{base}/self-service/login/browser?refresh=true");
    let (continuity, effects) = match flow.transport {
        Transport::Browser => pending::keep(cx, (flow.id, session), &attempt.submission)?,
        Transport::Api => (None, Effects::default()),
    };
    let error = Error::RefreshRequired {
        redirect_to: with_query(&login, "return_to", &flow.ui.action),
        continuity,
    };
    Err(Halt::Stopped(error, effects))
}
