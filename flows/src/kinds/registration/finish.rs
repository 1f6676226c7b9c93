//! From a decided registration to its one transaction.

use std::sync::Arc;

use identity::{
    Session,
    sessions::{SessionConfig, store as session_store, token},
};
use tenants::Fault;

use super::{Registration, RegistrationConfig};
use crate::{
    engine::{
        attempt::Attempt,
        continue_with::legacy_continue_with,
        cx::Cx,
        decision::{Halt, SignUp},
        flow::{Flow, Transport},
        guard,
        hook::{Next, Person, Subject},
        kind::Ending,
        store,
    },
    kinds::verification::{Occasion, announce},
};

/// The hook that hands a new session out. It is always last, so it is no hook among the others.
const SESSION: &str = "session";

/// A visitor signed up.
pub struct SignedUp {
    /// The new identity's first session.
    pub session: Arc<Session>,
    /// Only when the `session` hook hands the session out.
    pub token: Option<String>,
    /// What the client does next.
    pub next: Next,
}

impl AsMut<Next> for SignedUp {
    fn as_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

impl std::fmt::Debug for SignedUp {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedUp")
            .field("target", &self.next.target)
            .finish_non_exhaustive()
    }
}

/// Judged before anything is written: no account is half registered because of where its owner wanted to go.
pub(super) fn prepare(
    cx: &Cx<'_>,
    flow: &Flow<Registration>,
    decision: SignUp,
) -> Result<Ending<Registration>, Halt> {
    let config = cx.project.config::<RegistrationConfig>();
    let method = decision.amr.method.clone();
    let target = guard::target(cx, flow, config.after.return_url_of(&method))?;
    let identity = Arc::new(decision.prepared.identity.clone());
    let lifespan = cx.project.config::<SessionConfig>().lifespan;
    let amr = decision.amr.clone();
    let session = Session::begin(identity, amr.clone(), cx.client.device(), lifespan);
    let subject = Subject {
        amr: Some(amr),
        session: Some(session),
        effects: decision.effects,
        ..Subject::new(method, Person::New(Box::new(decision.prepared)))
    };
    Ok(Ending {
        rest: (),
        subject,
        target,
    })
}

/// The verification that is built in, then the one transaction.
pub(super) async fn finish(
    cx: &Cx<'_>,
    flow: &Flow<Registration>,
    attempt: &mut Attempt,
    ending: &mut Ending<Registration>,
) -> Result<SignedUp, Halt> {
    let config = cx.project.config::<RegistrationConfig>();
    // The `session` hook alone hands the token out; without it no client ever learns it.
    let hands_out = config.after.has_hook(&ending.subject.method, SESSION);
    verify_first_address(cx, flow, attempt, (&mut ending.subject, hands_out)).await?;
    let subject = &ending.subject;
    let (Person::New(prepared), Some(session)) = (&subject.person, &subject.session) else {
        return Err(Fault::broken("a registration ends without identity or session").into());
    };
    let session = Session {
        identity: Arc::new(prepared.identity.clone()),
        ..session.clone()
    };
    let token = token::mint();
    let mut tx = cx.project.begin().await?;
    if !store::save(&mut tx, flow).await? {
        return Err(Halt::Outdated);
    }
    prepared.insert(&mut tx).await.map_err(Halt::unwritten)?;
    session_store::insert(&mut tx, &session, &token).await?;
    subject
        .effects
        .write(&mut tx, Some(&session))
        .await
        .map_err(Halt::unwritten)?;
    tx.commit().await?;
    let announced = subject.announced.clone();
    let told = legacy_continue_with(cx, &announced);
    Ok(SignedUp {
        session: Arc::new(session),
        token: hands_out.then_some(token),
        next: Next::to(std::mem::take(&mut ending.target), announced, told),
    })
}

/// The verification that is built into a registration: in its commit, if the project verifies at all.
async fn verify_first_address(
    cx: &Cx<'_>,
    flow: &Flow<Registration>,
    attempt: &mut Attempt,
    (subject, hands_out): (&mut Subject, bool),
) -> Result<(), Halt> {
    let about = flow.about();
    let mut occasion = Occasion::of(cx, &about);
    if flow.transport == Transport::Browser && hands_out {
        occasion = occasion.with_next_csrf(cx);
    }
    let Some(identity) = subject.identity_mut() else {
        return Ok(());
    };
    let announced = announce(cx, occasion, attempt, identity, |address| !address.verified).await?;
    subject.effects.append(announced.effects);
    subject.announced.extend(announced.shown);
    Ok(())
}
