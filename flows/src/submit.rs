//! What every submission does: find whose it is, let them judge it, and draw the form again when it is
//! refused or goes on to another screen.

use std::time::Duration;

use crate::{
    begin,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal, Step},
    flow::{Flow, Kind, Opening},
    store,
    submission::Submission,
    ui::{Message, text, violation},
    write,
};
use uuid::Uuid;

/// How judging went.
pub(crate) enum Judgement<K: Kind> {
    /// The form again.
    Again(Flow<K>),
    /// A method decided; nothing is written yet.
    Decided(Flow<K>, K::Decision, Submission),
}

/// Ask the strategies in order; the first that claims the submission judges it.
pub(crate) async fn judge<K: Kind>(
    cx: &Cx<'_>,
    mut flow: Flow<K>,
    submission: Result<Submission, String>,
    nobody: fn() -> Message,
) -> Result<Judgement<K>, Error> {
    for attempt in 0..ATTEMPTS {
        let id = flow.id;
        match ask(cx, &mut flow, &submission, nobody).await {
            Ok(Step::Decided(decision)) => {
                let unread = |_| tenants::Fault::broken("a method judged what could not be read");
                let submission = submission.map_err(unread)?;
                return Ok(Judgement::Decided(flow, decision, submission));
            }
            Ok(Step::Ask(effects)) => {
                if let Some(flow) = go_on(cx, flow, &effects).await? {
                    return Ok(Judgement::Again(flow));
                }
            }
            Err(Halt::Refused(refusal, effects)) => {
                return Ok(Judgement::Again(refuse(cx, flow, refusal, effects).await?));
            }
            Err(Halt::Stopped(error)) => return Err(error),
        }
        // Another submission was faster, so this one is judged by what the flow has become.
        tracing::debug!(flow = %id, attempt, "a flow was submitted twice at once");
        flow = load(cx, id).await?;
    }
    Err(busy())
}

/// What the strategy says to which the submission belongs. Nothing is drawn or written.
pub(crate) async fn ask<K: Kind>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    submission: &Result<Submission, String>,
    nobody: fn() -> Message,
) -> Result<Step<K::Decision>, Halt> {
    let submission = match submission {
        Ok(submission) => submission,
        Err(why) => return Err(Halt::refused(Refusal::form(text::generic(why)))),
    };
    if let Some(actual) = submission.bad_transient_payload() {
        let allowed = ["object".to_owned()];
        let refusal = Refusal::at("transient_payload", text::wrong_type(&allowed, actual));
        return Err(Halt::refused(refusal));
    }
    flow.transient_payload = submission.transient_payload().cloned();
    let strategy = K::strategies().iter().find(|s| s.claims(flow, submission));
    match strategy {
        Some(strategy) => strategy.judge(cx, flow, submission).await,
        None => Err(K::unclaimed(cx, flow, submission, nobody())),
    }
}

/// How often a submission is tried against others of the same flow.
const ATTEMPTS: u8 = 3;

/// So many submissions of one flow at once are a mistake of the client's.
pub(crate) fn busy() -> Error {
    tenants::Fault::Overloaded {
        what: "one flow",
        retry_after: Duration::from_secs(1),
    }
    .into()
}

async fn load<K: Kind>(cx: &Cx<'_>, id: Uuid) -> Result<Flow<K>, Error> {
    let flow = store::load::<K>(cx.project, id).await?;
    flow.ok_or(Error::NotFound)
}

/// The next screen and what goes with it, in one commit. `None`: somebody else moved the flow on.
async fn go_on<K: Kind>(
    cx: &Cx<'_>,
    mut flow: Flow<K>,
    effects: &Effects,
) -> Result<Option<Flow<K>>, Error> {
    redrawn(cx, &mut flow, None).await?;
    let mut tx = cx.project.begin().await?;
    if !store::save(&mut tx, &flow).await? {
        return Ok(None);
    }
    match write::carry_out(&mut tx, effects, cx.session.map(AsRef::as_ref)).await {
        Ok(()) => {}
        Err(Halt::Stopped(error)) => return Err(error),
        // What was to be written is not possible any more; its reason is what the form says.
        Err(Halt::Refused(refusal, _)) => {
            drop(tx);
            return Ok(Some(refuse(cx, flow, refusal, Effects::default()).await?));
        }
    }
    tx.commit().await?;
    flow.version += 1;
    Ok(Some(flow))
}

/// Draw the form again with what to say, and store it together with what the refusal writes.
pub(crate) async fn refuse<K: Kind>(
    cx: &Cx<'_>,
    mut flow: Flow<K>,
    refusal: Refusal,
    effects: Effects,
) -> Result<Flow<K>, Error> {
    let resident = K::resident(&flow).map(|resident| resident.method);
    flow.active = refusal.active.or(resident).map(str::to_owned);
    for attempt in 0..ATTEMPTS {
        redrawn(cx, &mut flow, Some(&refusal)).await?;
        let mut tx = cx.project.begin().await?;
        if store::save_refused(&mut tx, &flow).await? {
            match write::carry_out(&mut tx, &effects, cx.session.map(AsRef::as_ref)).await {
                Ok(()) => {}
                Err(Halt::Stopped(error)) => return Err(error),
                // What was to be written is not possible any more; its reason is what the form says.
                Err(Halt::Refused(again, _)) => {
                    drop(tx);
                    return Box::pin(refuse(cx, flow, again, Effects::default())).await;
                }
            }
            tx.commit().await?;
            return Ok(flow);
        }
        drop(tx);
        tracing::debug!(flow = %flow.id, attempt, "a flow was submitted twice at once");
        flow = latest(cx, flow).await?;
    }
    Err(busy())
}

/// The flow as another submission left it, with what was typed in this one; but where that one moved it
/// to another step, it stays there.
async fn latest<K: Kind>(cx: &Cx<'_>, ours: Flow<K>) -> Result<Flow<K>, Error> {
    let mut theirs = load::<K>(cx, ours.id).await?;
    if theirs.step == ours.step {
        theirs.state = ours.state;
        theirs.active = ours.active;
        theirs.transient_payload = ours.transient_payload;
    }
    Ok(theirs)
}

/// The form anew, with what to say.
pub(crate) async fn redrawn<K: Kind>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    refusal: Option<&Refusal>,
) -> Result<(), Error> {
    begin::draw(cx, flow).await?;
    match refusal {
        Some(refusal) => say(cx, flow, refusal),
        None => K::greet(flow),
    }
    flow.updated_at = cx.project.now();
    Ok(())
}

fn say<K: Kind>(cx: &Cx<'_>, flow: &mut Flow<K>, refusal: &Refusal) {
    for (node, message) in &refusal.complaints {
        flow.ui.complain(node.as_deref(), message.clone());
    }
    violation::place(&mut flow.ui, &refusal.violations);
    // A complaint about something without a field has made one: it finds its place.
    let mut ui = std::mem::replace(&mut flow.ui, crate::ui::Ui::new(""));
    K::sort(cx, flow, &mut ui);
    flow.ui = ui;
}

/// Put a new flow in the place of an expired one. Always an error: that is how the client hears of it.
pub(crate) async fn replace<K: Kind>(
    cx: &Cx<'_>,
    expired: &Flow<K>,
    state: K::State,
    news: (Duration, Message),
) -> Error {
    let fresh = match successor(cx, expired, (state, K::FIRST_STEP), news).await {
        Ok(fresh) => fresh,
        Err(error) => return error,
    };
    let since = (cx.project.now() - expired.expires_at)
        .to_std()
        .unwrap_or_default();
    Error::Expired {
        expired_at: expired.expires_at,
        since,
        transport: expired.transport,
        replacement: fresh.id,
    }
}

/// A new flow that says what became of the former one, stored.
pub(crate) async fn successor<K: Kind>(
    cx: &Cx<'_>,
    former: &Flow<K>,
    (state, step): (K::State, &str),
    (lifespan, message): (Duration, Message),
) -> Result<Flow<K>, Error> {
    let opening = Opening {
        transport: former.transport,
        request_url: former.request_url.clone(),
        return_to: former.return_to.clone(),
        identity_schema: former.identity_schema.clone(),
        lifespan,
        state,
    };
    let mut fresh = Flow::<K>::new(cx, opening);
    step.clone_into(&mut fresh.step);
    begin::draw(cx, &mut fresh).await?;
    fresh.ui.messages.push(message);
    store::insert(cx.project, &fresh).await?;
    Ok(fresh)
}
