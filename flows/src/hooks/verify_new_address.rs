//! `verify_new_address`: a new address is somebody's when they have shown that they read it, and until then
//! nothing of the change is. It waits in the verification that begins with it (`verification::Held`).

use async_trait::async_trait;
use identity::{Identity, schema::Address};

use super::Hook;
use crate::{
    cx::Cx,
    decision::{Error, Halt, Refusal},
    flow::Flow,
    settings::{Change, Saved, Settings},
    ui::text,
    verification::{self, Held, Occasion},
};

pub(super) struct VerifyNewAddress;

#[async_trait]
impl Hook<Settings, Saved> for VerifyNewAddress {
    /// Who may change addresses at all was asked before.
    async fn weigh(
        &self,
        cx: &Cx<'_>,
        flow: &Flow<Settings>,
        change: &mut Change,
    ) -> Result<(), Halt> {
        let Some(after) = &change.after else {
            return Ok(());
        };
        let session = cx.session.ok_or(Error::SessionMissing)?;
        let mut new = new_addresses(&change.before, after).into_iter();
        let Some(address) = new.next() else {
            return Ok(());
        };
        // One code proves one address.
        if new.next().is_some() {
            let refusal = Refusal::form(text::one_address_at_a_time());
            return Err(Halt::refused(refusal.mild()));
        }
        if verification::is_taken(cx, after.id, &address).await? {
            return Err(Halt::refused(Refusal::form(text::identifier_taken())));
        }
        let held = Held {
            identity_id: after.id,
            session_id: session.id,
            schema_id: after.schema_id.clone(),
            judged: change.before.traits.clone(),
            traits: after.traits.clone(),
            via: address.via,
            value: address.value,
        };
        let (effects, next) = verification::hold(cx, Occasion::of(cx, flow), after, &held).await?;
        change.effects = effects;
        change.held = Some(next);
        Ok(())
    }
}

/// Addresses to be verified that were not there before.
fn new_addresses(before: &Identity, after: &Identity) -> Vec<Address> {
    let mut new = Vec::new();
    for address in &after.verifiable_addresses {
        let mut old = before.verifiable_addresses.iter();
        if !old.any(|old| old.via == address.via && old.value == address.value) {
            new.push(Address {
                via: address.via,
                value: address.value.clone(),
            });
        }
    }
    new
}
