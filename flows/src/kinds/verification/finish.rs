//! From a secret that came back to a verified address, and to the change that waited for it.

use std::sync::Arc;

use identity::{
    addresses, identities,
    one_time::{self, CodeWrite},
    schema::Address,
};
use uuid::Uuid;

use super::{Verification, held};
use crate::{
    engine::{
        address_proof::{AddressProof as _, DeliveryMethod, Notice, Proof},
        attempt::Attempt,
        cx::Cx,
        decision::{Error, Halt, Refusal},
        flow::{Flow, PASSED},
        form, guard,
        hook::{Next, Person, Subject},
        kind::{Ending, Kind as _},
        store,
    },
    ui::text,
};

/// The address is verified.
#[derive(Debug)]
pub struct Verified {
    /// What the client does next.
    pub next: Next,
}

impl AsMut<Next> for Verified {
    fn as_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

pub(super) async fn prepare(
    cx: &Cx<'_>,
    flow: &mut Flow<Verification>,
    mut proof: Proof,
) -> Result<Ending<Verification>, Halt> {
    let after = Verification::config(cx).after;
    let target = guard::target(cx, flow, after.default_browser_return_url.as_deref())?;
    let mut tx = cx.project.begin().await?;
    let owner = identities::store::get(&mut tx, proof.identity_id).await?;
    drop(tx);
    let Some(owner) = owner else {
        return Err(dropped(flow, proof.code_id));
    };
    let subject = Subject {
        session: cx.session.map(|session| session.as_ref().clone()),
        effects: std::mem::take(&mut proof.effects),
        ..Subject::new(
            flow.data.proof.method.as_str(),
            Person::Known(Arc::new(owner)),
        )
    };
    Ok(Ending {
        rest: proof,
        subject,
        target,
    })
}

/// The one transaction.
pub(super) async fn finish(
    cx: &Cx<'_>,
    flow: &mut Flow<Verification>,
    attempt: &mut Attempt,
    ending: &mut Ending<Verification>,
) -> Result<Verified, Halt> {
    let proof = &ending.rest;
    let address = proof.address.as_ref().ok_or(Halt::Outdated)?;
    let held = match flow.data.held {
        Some(_) => match held::ready(cx, flow, attempt).await? {
            Some(ready) => Some(ready),
            None => return Err(dropped(flow, proof.code_id)),
        },
        None => None,
    };
    let target = std::mem::take(&mut ending.target);
    let passed = passed(cx, flow, &target, address).await?;
    let mut tx = cx.project.begin().await?;
    if !store::save(&mut tx, &passed).await? {
        return Err(Halt::Outdated);
    }
    if let Some(held) = &held
        && !held.is_true(&mut tx).await?
    {
        return Err(dropped(flow, proof.code_id));
    }
    if !one_time::consume(&mut tx, proof.code_id).await? {
        return Err(Halt::Outdated);
    }
    if let Some(held) = &held {
        let written = held.new.write(&mut tx).await;
        written.map_err(|error| used_up(Halt::unwritten(error), proof.code_id))?;
    }
    if !addresses::mark_verified(&mut tx, proof.identity_id, address).await? {
        // It was theirs when the code was sent.
        return Err(dropped(flow, proof.code_id));
    }
    if let Some(held) = &held {
        held.effects
            .write(&mut tx, None)
            .await
            .map_err(Halt::unwritten)?;
    }
    ending
        .subject
        .effects
        .write(&mut tx, None)
        .await
        .map_err(Halt::unwritten)?;
    tx.commit().await?;
    *flow = passed;
    Ok(Verified {
        next: Next::to(target, Vec::new(), Vec::new()),
    })
}

/// The flow once its secret was right.
async fn passed(
    cx: &Cx<'_>,
    flow: &Flow<Verification>,
    target: &str,
    address: &Address,
) -> Result<Flow<Verification>, Error> {
    let mut passed = flow.clone();
    passed.go_to(PASSED);
    target.clone_into(&mut passed.ui.action);
    passed.data.held = None;
    let proof = &mut passed.data.proof;
    proof.address.clone_from(&address.value);
    proof.notice = Some(Notice::Passed);
    passed.active = Verification::active(&passed);
    form::redraw(cx, &mut passed, None).await?;
    Ok(passed)
}

/// What waited is out of date: the same refusal, and nothing waits any longer.
fn dropped(flow: &mut Flow<Verification>, code_id: Uuid) -> Halt {
    flow.data.held = None;
    no_more(flow, code_id)
}

/// What the secret was sent for is no more: it is as good as a wrong one.
fn no_more(flow: &Flow<Verification>, code_id: Uuid) -> Halt {
    let message = match flow.data.proof.method {
        DeliveryMethod::Code => text::wrong_verification_code(),
        DeliveryMethod::Link => text::wrong_verification_link(),
    };
    used_up(Halt::refused(Refusal::form(message).mild()), code_id)
}

/// The same refusal, and the secret is good for nothing else.
fn used_up(halt: Halt, id: Uuid) -> Halt {
    match halt {
        Halt::Refused(refusal, mut effects) => {
            effects.push(CodeWrite::Consume(id));
            Halt::Refused(refusal, effects)
        }
        other => other,
    }
}
