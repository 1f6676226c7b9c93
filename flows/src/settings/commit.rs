//! From a decided change to its one transaction: hooks, is it still true, writes.

use identity::{credentials, identities, sessions::store as session_store};

use super::{Change, SHOW_FORM, SUCCESS, Saved, Settings, SettingsConfig, page};
use crate::{
    begin,
    config::{SelfService, with_query},
    continue_with::ContinueWith,
    cx::Cx,
    decision::{Error, Halt},
    flow::Flow,
    guard, hooks, store,
    ui::{Ui, text},
    verification::{self, Occasion},
    write,
};

/// Hooks, then the one transaction. `None`: what was judged is not true any more.
pub(super) async fn settle(
    cx: &Cx<'_>,
    flow: &mut Flow<Settings>,
    change: &mut Change,
) -> Result<Option<Saved>, Halt> {
    let config = cx.project.config::<SettingsConfig>();
    let target = target(cx, flow, change)?;
    let hooks = hooks::after_settings(config.after.hooks_of(change.method));
    for hook in &hooks {
        hook.weigh(cx, flow, change).await?;
    }
    let mut saved = if let Some(next) = &change.held {
        held(next.clone())
    } else {
        let announced = after_change(cx, flow, change).await?;
        Saved {
            continue_with: hooks::verification::told_anyway(cx, &announced),
            announced,
            target,
            is_gone: change.after.is_none(),
            is_held: false,
        }
    };
    redraw(cx, flow, change).await?;
    if !write(cx, flow, change).await? {
        return Ok(None);
    }
    for hook in &hooks {
        hook.settle(cx, &mut saved).await?;
    }
    Ok(Some(saved))
}

/// A change that waits: everybody is led to its verification.
fn held(next: ContinueWith) -> Saved {
    let target = match &next {
        ContinueWith::ShowVerificationUi { url, .. } => url.clone(),
        _ => String::new(),
    };
    Saved {
        continue_with: vec![next],
        announced: Vec::new(),
        target,
        is_gone: false,
        is_held: true,
    }
}

/// The verification that is built into every change: of the first address that waits for one, in the commit
/// of the change, if the project verifies at all.
async fn after_change(
    cx: &Cx<'_>,
    flow: &Flow<Settings>,
    change: &mut Change,
) -> Result<Vec<ContinueWith>, Halt> {
    let Some(after) = &mut change.after else {
        return Ok(Vec::new());
    };
    let occasion = Occasion::of(cx, flow);
    let announced = verification::announce(cx, occasion, after, |address| {
        !address.verified && address.status == "pending"
    });
    let announced = announced.await?;
    change.effects.0.extend(announced.effects.0);
    Ok(announced.shown)
}

/// Where a browser goes: as asked for or configured, else back to the form; whoever is gone has none.
fn target(cx: &Cx<'_>, flow: &Flow<Settings>, change: &Change) -> Result<String, Halt> {
    if change.after.is_none() {
        let config = cx.project.config::<SelfService>();
        let configured = config.flows.logout.after.default_browser_return_url.clone();
        let target = guard::target(cx, flow, configured.as_deref())?;
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
        return Ok(with_query(&page(cx), "flow", &flow.id.to_string()));
    }
    guard::target(cx, flow, configured)
}

/// The form as it is once the change is made; with what was typed while it waits.
async fn redraw(cx: &Cx<'_>, flow: &mut Flow<Settings>, change: &Change) -> Result<(), Error> {
    let step = if change.held.is_some() {
        SHOW_FORM
    } else {
        SUCCESS
    };
    step.clone_into(&mut flow.step);
    flow.updated_at = cx.project.now();
    flow.active = None;
    flow.state.waited_since = None;
    let Some(after) = &change.after else {
        flow.ui = Ui::new(flow.ui.action.clone());
        flow.ui.messages.push(text::account_deleted());
        return Ok(());
    };
    if change.held.is_some() {
        return begin::draw(cx, flow).await;
    }
    flow.state.identity = after.public_view(cx.project.base_url());
    flow.state.traits = after.traits.clone();
    begin::draw(cx, flow).await?;
    flow.ui.messages.push(text::saved());
    Ok(())
}

/// False: somebody was faster.
async fn write(cx: &Cx<'_>, flow: &mut Flow<Settings>, change: &Change) -> Result<bool, Halt> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    let mut tx = cx.project.begin().await?;
    // The flow, then the identity, as everything locks them that changes or deletes one.
    if !store::save(&mut tx, flow).await?
        || !identities::change::is_as_judged(&mut tx, &change.before).await?
    {
        return Ok(false);
    }
    if let Some(judged) = &change.judged {
        let credential = (change.before.id, judged.kind);
        let unchanged =
            credentials::store::is_unchanged(&mut tx, credential, judged.revision, true);
        if !unchanged.await? {
            return Ok(false);
        }
    }
    // Signed out while it was judged: nothing is changed in their name.
    if !session_store::is_still_good(&mut tx, session.id).await? {
        return Err(Error::SessionMissing.into());
    }
    write::carry_out(&mut tx, &change.effects, Some(session)).await?;
    if change.after.is_some() {
        // With the state of addresses as it is now.
        let now = identities::store::get(&mut tx, change.before.id).await?;
        if let Some(now) = now {
            flow.state.identity = now.public_view(cx.project.base_url());
        }
    }
    tx.commit().await?;
    Ok(true)
}
