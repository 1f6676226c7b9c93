//! From a decided change to its one transaction.

use std::sync::Arc;

use identity::{
    credentials, identities, identities::AddressStatus, sessions::store as session_store,
};
use tenants::Fault;

use super::{Change, SHOW_FORM, SUCCESS, Settings, SettingsConfig};
use crate::{
    engine::{
        attempt::Attempt,
        continue_with::{ContinueWith, legacy_continue_with},
        cx::Cx,
        decision::{Error, Halt},
        flow::Flow,
        form, guard,
        hook::{Next, Person, Subject},
        kind::Ending,
        pages::{page_of, with_query},
        store,
    },
    kinds::{
        logout::LogoutConfig,
        verification::{Occasion, announce},
    },
    ui::{Ui, text},
};

/// What came of a change.
#[derive(Debug)]
pub struct Saved {
    /// What the client does next.
    pub next: Next,
    /// The account is gone, and its sessions with it.
    pub is_gone: bool,
    /// Nothing is changed yet, so there is nowhere to go but to the verification.
    pub is_held: bool,
}

impl AsMut<Next> for Saved {
    fn as_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

pub(super) fn prepare(
    cx: &Cx<'_>,
    flow: &Flow<Settings>,
    change: Change,
) -> Result<Ending<Settings>, Halt> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    let target = target(cx, flow, &change)?;
    let person = Person::Changed {
        before: change.before,
        after: change.after.map(Box::new),
    };
    let subject = Subject {
        session: Some(session.as_ref().clone()),
        effects: change.effects,
        ..Subject::new(change.method, person)
    };
    Ok(Ending {
        rest: change.judged,
        subject,
        target,
    })
}

/// The verification that is built in, then the one transaction.
pub(super) async fn finish(
    cx: &Cx<'_>,
    flow: &mut Flow<Settings>,
    attempt: &mut Attempt,
    ending: &mut Ending<Settings>,
) -> Result<Saved, Halt> {
    let saved = if let Some(next) = &ending.subject.held {
        held(next.clone())
    } else {
        verify_next_address(cx, flow, attempt, &mut ending.subject).await?;
        let announced = ending.subject.announced.clone();
        let told = legacy_continue_with(cx, &announced);
        Saved {
            next: Next::to(std::mem::take(&mut ending.target), announced, told),
            is_gone: ending.subject.identity().is_none(),
            is_held: false,
        }
    };
    let mut ended = flow.clone();
    redraw(cx, &mut ended, &ending.subject).await?;
    write(cx, &mut ended, ending).await?;
    *flow = ended;
    Ok(saved)
}

/// A change that waits: every client is led to its verification.
fn held(next: ContinueWith) -> Saved {
    let target = match &next {
        ContinueWith::ShowVerificationUi { url, .. } => url.clone(),
        _ => String::new(),
    };
    Saved {
        next: Next::to(target, Vec::new(), vec![next]),
        is_gone: false,
        is_held: true,
    }
}

/// The verification that is built into every change: of the first address that waits for one, in the commit
/// of the change, if the project verifies at all.
async fn verify_next_address(
    cx: &Cx<'_>,
    flow: &Flow<Settings>,
    attempt: &mut Attempt,
    subject: &mut Subject,
) -> Result<(), Halt> {
    let about = flow.about();
    let occasion = Occasion::of(cx, &about);
    let Some(after) = subject.identity_mut() else {
        return Ok(());
    };
    let announced = announce(cx, occasion, attempt, after, |address| {
        !address.verified && address.status == AddressStatus::Pending
    });
    let announced = announced.await?;
    subject.effects.append(announced.effects);
    subject.announced.extend(announced.shown);
    Ok(())
}

/// Where a browser goes: as asked for or configured, else back to the form; an account that is gone has none.
fn target(cx: &Cx<'_>, flow: &Flow<Settings>, change: &Change) -> Result<String, Halt> {
    if change.after.is_none() {
        let config = cx.project.config::<LogoutConfig>();
        let configured = config.after.default_browser_return_url.as_deref();
        let target = guard::target(cx, flow, configured)?;
        // Our own page would lead on to the sign-in, without a word.
        let own = format!("{}/ui/session", cx.project.base_url());
        return Ok(if target == own {
            with_query(&own, "deleted", "true")
        } else {
            target
        });
    }
    let config = cx.project.config::<SettingsConfig>();
    let configured = config.after.return_url_of(change.method);
    if flow.return_to.is_none() && configured.is_none() {
        return Ok(page_of::<Settings>(cx.project, flow.id));
    }
    guard::target(cx, flow, configured)
}

/// The form as it is once the change is made; with what was typed while it waits.
async fn redraw(cx: &Cx<'_>, flow: &mut Flow<Settings>, subject: &Subject) -> Result<(), Error> {
    let is_held = subject.held.is_some();
    flow.go_to(if is_held { SHOW_FORM } else { SUCCESS });
    flow.active = None;
    let Some(after) = subject.identity() else {
        flow.ui = Ui::new(flow.ui.action.clone());
        flow.ui.messages.push(text::account_deleted());
        return Ok(());
    };
    if is_held {
        return form::draw(cx, flow).await;
    }
    flow.data.identity = after.public_view(cx.project.base_url());
    flow.data.traits = after.traits.clone();
    form::draw(cx, flow).await?;
    flow.ui.messages.push(text::saved());
    Ok(())
}

async fn write(
    cx: &Cx<'_>,
    flow: &mut Flow<Settings>,
    ending: &Ending<Settings>,
) -> Result<(), Halt> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    let Person::Changed { before, .. } = &ending.subject.person else {
        return Err(Fault::broken("a change ends without what it changes").into());
    };
    let before = Arc::clone(before);
    let mut tx = cx.project.begin().await?;
    // The flow, then the identity, as everything locks them that changes or deletes one.
    if !store::save(&mut tx, flow).await?
        || !identities::change::is_as_judged(&mut tx, &before).await?
    {
        return Err(Halt::Outdated);
    }
    for judged in &ending.rest {
        let credential = (before.id, judged.kind);
        let unchanged =
            credentials::store::is_unchanged(&mut tx, credential, judged.revision, true);
        if !unchanged.await? {
            return Err(Halt::Outdated);
        }
    }
    // Signed out while it was judged: nothing is changed in that session's name.
    if !session_store::is_still_good(&mut tx, session.id).await? {
        return Err(Error::SessionMissing.into());
    }
    let effects = &ending.subject.effects;
    effects
        .write(&mut tx, Some(session))
        .await
        .map_err(Halt::unwritten)?;
    if ending.subject.identity().is_some() {
        // With the state of addresses as it is now.
        let now = identities::store::get(&mut tx, before.id).await?;
        if let Some(now) = now {
            flow.data.identity = now.public_view(cx.project.base_url());
        }
    }
    tx.commit().await?;
    Ok(())
}
