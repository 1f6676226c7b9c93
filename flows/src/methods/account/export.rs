//! Everything stored about a person, for that person: no secret, nothing that is an administrator's.

use identity::{credentials, sessions::store as session_store};
use serde_json::{Value, json};

use super::AccountConfig;
use crate::{
    engine::{cx::Cx, decision::Error, pages::with_query},
    kinds::settings,
};

/// Newest first; older ones are left out.
const SESSIONS_MAX: i64 = 1_000;
const MESSAGES_MAX: i64 = 1_000;

/// The data of the identity that is signed in, as JSON. `url`: the address of the request, to come back to.
pub async fn export(cx: &Cx<'_>, url: &str) -> Result<Value, Error> {
    if !cx.project.config::<AccountConfig>().download {
        return Err(Error::MethodDisabled);
    }
    let Some(session) = cx.session else {
        let login = format!("{}/self-service/login/browser", cx.project.base_url());
        return Err(Error::SessionInactive {
            login: with_query(&login, "return_to", url),
        });
    };
    settings::check_aal(cx, session, Some(url))?;
    let (id, now, base) = (session.identity.id, cx.project.now(), cx.project.base_url());
    let mut tx = cx.project.begin().await?;
    let credentials = credentials::store::of_identities(&mut tx, &[id]).await?;
    let filter = session_store::Filter {
        identity: Some(id),
        without_identity: true,
        ..session_store::Filter::default()
    };
    let sessions = session_store::list(&mut tx, &filter, 0, SESSIONS_MAX).await?;
    let sessions = sessions.sessions;
    let messages = courier::store::about_identity(&mut tx, id, MESSAGES_MAX).await?;
    drop(tx);
    let credentials: Vec<Value> = credentials.iter().map(|(_, c)| c.outline()).collect();
    let sessions: Vec<Value> = sessions
        .iter()
        .map(|session| {
            let mut view = session.view(now, None);
            view.as_object_mut().map(|view| view.remove("identity"));
            view
        })
        .collect();
    Ok(json!({
        "exported_at": now,
        "identity": session.identity.public_view(base),
        "credentials": credentials,
        "sessions": sessions,
        "messages": messages,
    }))
}
