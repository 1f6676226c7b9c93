//! Sending the secret of a recovery or a verification: to the account that has the address that was typed, or to
//! the address that a change waits for.

use std::time::Duration;

use identity::{Identity, addresses, identities, one_time::Purpose, schema::Address};
use tenants::Fault;
use uuid::Uuid;

use super::{AddressProof, DeliveryMethod, Notice};
use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Halt},
        flow::Flow,
        limits,
        messages::{self, SecretMessage},
        rows,
    },
    ui::text,
};

/// A secret to be sent, as its method has it.
#[derive(Clone, Copy)]
pub(crate) struct SendSecret<'a> {
    /// What the visitor typed.
    pub(crate) typed: &'a str,
    /// The same in its stored form.
    pub(crate) address: &'a Address,
    /// How long the secret is good.
    pub(crate) lifespan: Duration,
    /// So many tries a flow has; a secret that could not be tried any more is not sent.
    pub(crate) tries_max: Option<i32>,
}

/// Send a secret to an address that the visitor typed; for one that no account has, or that is not `meant`, look
/// just as busy.
pub(crate) async fn send<K: AddressProof>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    attempt: &mut Attempt,
    secret: SendSecret<'_>,
    meant: bool,
) -> Result<Effects, Halt> {
    limits::message(cx, attempt, secret.address).await?;
    let (owner, tried) = owner::<K>(cx, flow.id, secret.address).await?;
    let owner = owner.as_ref().filter(|_| meant);
    post(cx, flow, &secret, (owner, tried, meant))
}

/// Send a secret to an address that `owner` wants to have.
pub(crate) async fn send_to<K: AddressProof>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    attempt: &mut Attempt,
    secret: SendSecret<'_>,
    owner: &Identity,
) -> Result<Effects, Halt> {
    limits::message(cx, attempt, secret.address).await?;
    let mut tx = cx.project.begin().await?;
    let tried = rows::tries(&mut tx, flow.id).await?;
    drop(tx);
    post(cx, flow, &secret, (Some(owner), tried, true))
}

/// The secret and its message, unless codes of this flow were tried too often.
fn post<K: AddressProof>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    secret: &SendSecret<'_>,
    (owner, tried, meant): (Option<&Identity>, i32, bool),
) -> Result<Effects, Halt> {
    let method = K::proof(&flow.data).method;
    if method == DeliveryMethod::Code && secret.tries_max.is_some_and(|max| tried >= max) {
        return Err(Halt::replaced(text::code_tried_too_often()));
    }
    let message = SecretMessage {
        flow_id: flow.id,
        flow_ends: flow.expires_at,
        purpose: K::PURPOSE,
        method,
        lifespan: secret.lifespan,
        address: secret.address,
        owner,
        request_url: &flow.request_url,
        transient_payload: flow.transient_payload.as_ref(),
        notify_unknown: meant && K::config(cx).notify_unknown_recipients,
    };
    let (effects, good_until) = messages::send(cx, &message)?;
    let data = K::proof_mut(&mut flow.data);
    secret.typed.clone_into(&mut data.address);
    data.notice = Some(Notice::Sent);
    data.good_until = Some(good_until);
    Ok(effects)
}

/// Who has the address, and how often codes of this flow were tried. An unknown address asks Postgres as
/// much as a known one.
async fn owner<K: AddressProof>(
    cx: &Cx<'_>,
    flow_id: Uuid,
    address: &Address,
) -> Result<(Option<Identity>, i32), Fault> {
    let mut tx = cx.project.begin().await?;
    let tried = rows::tries(&mut tx, flow_id).await?;
    let id = if K::PURPOSE == Purpose::Recovery {
        addresses::owner_of_recovery(&mut tx, address).await?
    } else {
        addresses::owner_of_verifiable(&mut tx, address).await?
    };
    let owner = identities::store::get(&mut tx, id.unwrap_or(Uuid::nil())).await?;
    Ok((owner, tried))
}
