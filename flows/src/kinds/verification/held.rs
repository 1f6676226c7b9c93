//! A change of an identity's traits that waits until the new address in it is verified. It lies sealed in the
//! flow of that verification and is written in the commit that ends it, if it is still true by then: the
//! account unchanged, the session that asked for it still good, the address still free.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use identity::{
    Identity, addresses,
    identities::{
        self, AddressStatus, State,
        change::{self, NewTraits},
    },
    schema::{Address, Via},
    schemas::Schemas,
    sessions::store as session_store,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenants::{Fault, Tx, ids};
use uuid::Uuid;

use super::{
    Occasion, Verification,
    announce::{self, announce},
};
use crate::{
    engine::{
        address_proof::{self, SendSecret},
        attempt::Attempt,
        continue_with::ContinueWith,
        cx::Cx,
        decision::{Effects, Halt, Refusal},
        flow::Flow,
        limits,
        rows::FlowWrite,
        traits::judge_traits,
    },
    kinds::settings::notices,
    ui::text,
};

/// What waits.
#[derive(Serialize, Deserialize)]
pub(crate) struct Held {
    /// Of that identity.
    pub(crate) identity_id: Uuid,
    /// The session that asked for it.
    pub(crate) session_id: Uuid,
    /// Which schema the traits follow.
    pub(crate) schema_id: String,
    /// The traits as they were when it was asked for.
    pub(crate) judged: Value,
    /// The traits as they will be.
    pub(crate) traits: Value,
    /// How the new address is reached.
    pub(crate) via: Via,
    /// The new address.
    pub(crate) value: String,
}

impl Held {
    /// For a flow's state.
    pub(super) fn seal(&self, cx: &Cx<'_>, flow_id: Uuid) -> Result<String, Fault> {
        let plain = serde_json::to_vec(self)
            .map_err(|e| Fault::broken(format!("a change cannot be held back: {e}")))?;
        let key = cx.project.data_key();
        Ok(STANDARD.encode(key.seal(flow_id.as_bytes(), &plain, ids::bytes())))
    }

    /// What was sealed under another key, or is no longer understood, is nothing.
    fn open(cx: &Cx<'_>, flow: &Flow<Verification>) -> Option<Self> {
        let sealed = STANDARD.decode(flow.data.held.as_ref()?).ok()?;
        let key = cx.project.data_key();
        let plain = key.open(flow.id.as_bytes(), &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// The new address.
    pub(super) fn address(&self) -> Address {
        Address {
            via: self.via,
            value: self.value.clone(),
        }
    }

    /// The identity, if it is as it was.
    async fn owner(&self, tx: &mut Tx) -> Result<Option<Identity>, Fault> {
        let owner = identities::store::get(tx, self.identity_id).await?;
        Ok(owner.filter(|owner| {
            owner.state == State::Active
                && owner.schema_id == self.schema_id
                && owner.traits == self.judged
        }))
    }
}

/// A change whose address is verified, to be written.
pub(super) struct Ready {
    before: Identity,
    session_id: Uuid,
    pub(super) new: NewTraits,
    pub(super) effects: Effects,
}

impl Ready {
    /// Is it still true? Locks the account against other changes until the transaction ends.
    pub(super) async fn is_true(&self, tx: &mut Tx) -> Result<bool, Fault> {
        Ok(change::is_as_judged(tx, &self.before).await?
            && session_store::is_still_good(tx, self.session_id).await?)
    }
}

/// What is written now that the address is verified: the traits, and what else follows from a change of
/// them. `None`: it is not true any more.
pub(super) async fn ready(
    cx: &Cx<'_>,
    flow: &Flow<Verification>,
    attempt: &mut Attempt,
) -> Result<Option<Ready>, Halt> {
    let Some(held) = Held::open(cx, flow) else {
        return Ok(None);
    };
    let mut tx = cx.project.begin().await?;
    let before = held.owner(&mut tx).await?;
    drop(tx);
    let Some(before) = before else {
        return Ok(None);
    };
    // The schema may be another one by now.
    let schemas = Schemas::of(cx.project);
    let Some(schema) = schemas.get(&before.schema_id) else {
        return Ok(None);
    };
    let Ok(derived) = judge_traits(cx, schema, &held.traits).await? else {
        return Ok(None);
    };
    let new = NewTraits::new(cx.project, &before, &derived);
    let mut after = new.identity.clone();
    let mut theirs = after.verifiable_addresses.iter_mut();
    let Some(address) = theirs.find(|a| a.via == held.via && a.value == held.value) else {
        return Ok(None);
    };
    address.verified = true;
    address.status = AddressStatus::Completed;
    let mut effects =
        notices::of_held_change(cx, &flow.request_url, attempt, (&before, &after)).await?;
    let occasion = Occasion::of(cx, &flow.about()).optional();
    let others = announce(cx, occasion, attempt, &mut after, |address| {
        !address.verified && address.status == AddressStatus::Pending
    });
    effects.append(others.await?.effects);
    Ok(Some(Ready {
        before,
        session_id: held.session_id,
        new,
        effects,
    }))
}

/// Begin the verification that a change waits for, in the place of all that waited before. `after`: the
/// identity as it will be. Also how clients hear of it.
pub(crate) async fn hold(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    attempt: &mut Attempt,
    after: &Identity,
    held: &Held,
) -> Result<(Effects, ContinueWith), Halt> {
    let address = held.address();
    limits::message(cx, attempt, &address).await?;
    let mut flow = announce::announced_flow(cx, occasion, &address);
    flow.data.identity_id = Some(after.id);
    flow.data.held = Some(held.seal(cx, flow.id)?);
    let mut effects = Effects::one(FlowWrite::DropHeld(after.id));
    let (begun, next) = announce::begin(cx, occasion, flow, (after, &address)).await?;
    effects.append(begun);
    Ok((effects, next))
}

/// Send again where a change waits: to the address in it, whatever was typed. `None`: none waits, or not any
/// more. `secret`: how the method sends it.
pub(crate) async fn send_again(
    cx: &Cx<'_>,
    flow: &mut Flow<Verification>,
    attempt: &mut Attempt,
    secret: &SendSecret<'_>,
) -> Result<Option<Effects>, Halt> {
    let Some(held) = Held::open(cx, flow) else {
        return Ok(None);
    };
    let address = held.address();
    let mut tx = cx.project.begin().await?;
    let owner = held.owner(&mut tx).await?;
    let is_asked_for = session_store::is_still_good(&mut tx, held.session_id).await?;
    drop(tx);
    let Some(owner) = owner.filter(|_| is_asked_for) else {
        flow.data.held = None;
        return Ok(None);
    };
    if is_taken(cx, owner.id, &address).await? {
        return Err(Halt::refused(Refusal::form(text::identifier_taken())));
    }
    let secret = SendSecret {
        typed: &address.value,
        address: &address,
        ..*secret
    };
    let effects = address_proof::send_to(cx, flow, attempt, secret, &owner).await?;
    Ok(Some(effects))
}

/// Does another account have that address?
pub(crate) async fn is_taken(
    cx: &Cx<'_>,
    identity_id: Uuid,
    address: &Address,
) -> Result<bool, Fault> {
    let mut tx = cx.project.begin().await?;
    let owner = addresses::owner_of_verifiable(&mut tx, address).await?;
    Ok(owner.is_some_and(|owner| owner != identity_id))
}
