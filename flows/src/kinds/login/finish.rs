//! From a decided sign-in to its one transaction.

use std::sync::Arc;

use identity::{
    Session, credentials, identities,
    sessions::{self, SessionConfig, store as session_store, token},
};
use tenants::{Fault, Tx};

use super::{Login, LoginConfig};
use crate::{
    engine::{
        continue_with::legacy_continue_with,
        cx::Cx,
        decision::{Error, Halt, Refusal, SignIn},
        flow::Flow,
        guard,
        hook::{Next, Person, Subject},
        kind::{Ending, Listed as _},
        store,
    },
    ui::text,
};

/// A visitor is signed in.
pub struct SignedIn {
    /// The session: new, or one method surer.
    pub session: Arc<Session>,
    /// The token: of a new session, or the one the request carried.
    pub token: Option<String>,
    /// No session, or another identity's, was there before: old forms must die.
    pub is_new: bool,
    /// What the client does next.
    pub next: Next,
    /// The session is below the level that the project asks of this identity.
    pub needs_second_factor: bool,
}

impl AsMut<Next> for SignedIn {
    fn as_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

impl std::fmt::Debug for SignedIn {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("target", &self.next.target)
            .finish_non_exhaustive()
    }
}

/// Is the account active, and where will the browser end?
pub(super) fn prepare(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    mut decision: SignIn,
) -> Result<Ending<Login>, Halt> {
    let identity = Arc::clone(&decision.identity);
    let method = decision.amr.method.clone();
    if !identity.is_active() {
        let mut ids = Login::strategies().iter().map(|strategy| strategy.id());
        let refusal = Refusal {
            active: ids.find(|id| *id == method),
            ..Refusal::form(text::account_disabled())
        };
        if !flow.has_sent_code() {
            flow.data.identifier = String::new();
        }
        return Err(Halt::refused(refusal));
    }
    let config = cx.project.config::<LoginConfig>();
    let target = guard::target(cx, flow, config.after.return_url_of(&method))?;
    // An identity that authenticates again keeps its session; any other gets one of its own.
    let kept = cx
        .session
        .filter(|session| session.identity.id == identity.id);
    let session = kept.map_or_else(
        || {
            let lifespan = cx.project.config::<SessionConfig>().lifespan;
            let (identity, amr) = (Arc::clone(&identity), decision.amr.clone());
            Session::begin(identity, amr, cx.client.device(), lifespan)
        },
        |kept| Session::clone(kept),
    );
    let subject = Subject {
        amr: Some(decision.amr.clone()),
        session: Some(session),
        effects: std::mem::take(&mut decision.effects),
        ..Subject::new(method, Person::Known(identity))
    };
    Ok(Ending {
        rest: decision,
        subject,
        target,
    })
}

/// The one transaction.
pub(super) async fn finish(
    cx: &Cx<'_>,
    flow: &Flow<Login>,
    ending: &mut Ending<Login>,
) -> Result<SignedIn, Halt> {
    let subject = &ending.subject;
    let (Person::Known(identity), Some(session)) = (&subject.person, &subject.session) else {
        return Err(Fault::broken("a login ends without identity or session").into());
    };
    let mut tx = cx.project.begin().await?;
    // The identity first, as everything that changes or deletes one locks it first.
    if !store::save(&mut tx, flow).await? || !is_still_true(&mut tx, ending).await? {
        return Err(Halt::Outdated);
    }
    let identity = Arc::clone(identity);
    let is_kept = cx.session.is_some_and(|kept| kept.id == session.id);
    let (session, minted) = if is_kept {
        let stored = session_store::lock(&mut tx, session.id).await?;
        let stored = stored.ok_or_else(changed_meanwhile)?;
        let lifespan = cx.project.config::<SessionConfig>().lifespan;
        let session = stored.authenticated_again(identity, ending.rest.amr.clone(), lifespan);
        session_store::renew(&mut tx, &session).await?;
        (session, None)
    } else {
        let session = Session {
            identity,
            ..session.clone()
        };
        let token = token::mint();
        session_store::insert(&mut tx, &session, &token).await?;
        (session, Some(token))
    };
    subject
        .effects
        .write(&mut tx, Some(&session))
        .await
        .map_err(Halt::unwritten)?;
    tx.commit().await?;
    let required = cx.project.config::<SessionConfig>().whoami.required_aal;
    let needs_second_factor = !session.satisfies(required, sessions::code_as_factor(cx.project));
    let announced = subject.announced.clone();
    let told = legacy_continue_with(cx, &announced);
    Ok(SignedIn {
        session: Arc::new(session),
        is_new: minted.is_some(),
        token: minted.or_else(|| cx.session_token.map(str::to_owned)),
        next: Next::to(std::mem::take(&mut ending.target), announced, told),
        needs_second_factor,
    })
}

/// Is the identity active, and is each credential still the one that was judged? What a code proves is consumed
/// instead.
async fn is_still_true(tx: &mut Tx, ending: &Ending<Login>) -> Result<bool, Error> {
    let id = ending.rest.identity.id;
    let rewrites = ending.subject.effects.change_credential();
    if ending.rest.judged.is_empty() {
        return Ok(identities::store::is_still_active(tx, id).await? == Some(true));
    }
    for judged in &ending.rest.judged {
        let credential = (id, judged.kind);
        let revision = judged.revision;
        if !credentials::store::is_as_judged(tx, credential, revision, rewrites).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The session that was to be kept is over, and judging again would find the same one.
fn changed_meanwhile() -> Halt {
    Halt::refused(Refusal::form(text::account_changed()))
}
