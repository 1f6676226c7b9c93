//! Sending the secret of a recovery or a verification: to whoever has the address that was typed, or to the
//! address that a change waits for.

use identity::{
    Identity, addresses, identities,
    one_time::{self, Purpose},
    schema::Address,
};
use tenants::Fault;
use uuid::Uuid;

use super::{Challenge, Notice, TOO_OFTEN, spent, tries_max};
use crate::{
    config::Use,
    cx::Cx,
    decision::{Effects, Halt},
    flow::Flow,
    limits,
    messages::{self, SecretMessage},
};

/// Send a secret to an address that somebody typed; for one that nobody has, or that is not `meant`, look
/// just as busy.
pub(crate) async fn send<K: Challenge>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    (typed, address): (&str, &Address),
    meant: bool,
) -> Result<Effects, Halt> {
    count_mail(cx, flow, address).await?;
    let (owner, tried) = owner::<K>(cx, flow.id, address).await?;
    let owner = owner.as_ref().filter(|_| meant);
    post(cx, flow, (typed, address), (owner, tried))
}

/// Send a secret to an address that somebody wants to have.
pub(crate) async fn send_to<K: Challenge>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    address: &Address,
    owner: &Identity,
) -> Result<Effects, Halt> {
    count_mail(cx, flow, address).await?;
    let mut tx = cx.project.begin().await?;
    let tried = one_time::submissions(&mut tx, flow.id).await?;
    drop(tx);
    post(cx, flow, (&address.value, address), (Some(owner), tried))
}

async fn count_mail<K: Challenge>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    address: &Address,
) -> Result<(), Halt> {
    let counted = &mut K::memory_mut(&mut flow.state).counted;
    if !counted.mail {
        limits::mail(cx, address).await?;
        counted.mail = true;
    }
    Ok(())
}

/// The secret and its message, unless codes of this flow were tried too often.
fn post<K: Challenge>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    (typed, address): (&str, &Address),
    (owner, tried): (Option<&Identity>, i32),
) -> Result<Effects, Halt> {
    let config = K::config(cx);
    let method = K::memory(&flow.state).method;
    // A code that could not be tried any more is not sent either.
    if method == Use::Code && tried >= tries_max(cx) {
        return Err(spent(TOO_OFTEN));
    }
    let message = SecretMessage {
        flow_id: flow.id,
        flow_ends: flow.expires_at,
        purpose: K::PURPOSE,
        method,
        address,
        owner,
        request_url: &flow.request_url,
        transient_payload: flow.transient_payload.as_ref(),
        notify_unknown: config.notify_unknown_recipients,
    };
    let (effects, good_until) = messages::send(cx, &message)?;
    let memory = K::memory_mut(&mut flow.state);
    typed.clone_into(&mut memory.address);
    memory.notice = Some(Notice::Sent);
    memory.good_until = Some(good_until);
    Ok(effects)
}

/// Who has the address, and how often codes of this flow were tried. An unknown address asks Postgres as
/// much as a known one.
async fn owner<K: Challenge>(
    cx: &Cx<'_>,
    flow_id: Uuid,
    address: &Address,
) -> Result<(Option<Identity>, i32), Fault> {
    let mut tx = cx.project.begin().await?;
    let tried = one_time::submissions(&mut tx, flow_id).await?;
    let id = if K::PURPOSE == Purpose::Recovery {
        addresses::owner_of_recovery(&mut tx, address).await?
    } else {
        addresses::owner_of_verifiable(&mut tx, address).await?
    };
    let owner = identities::store::get(&mut tx, id.unwrap_or(Uuid::nil())).await?;
    Ok((owner, tried))
}
