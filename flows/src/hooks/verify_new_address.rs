//! `verify_new_address`: a new address is an account's when its owner has shown to read it, and until then
//! nothing of the change is made. It waits in the verification that begins with it.

use async_trait::async_trait;
use identity::{Identity, schema::Address};

use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Error, Halt, Refusal},
        hook::{About, Hook, Person, Subject},
    },
    kinds::verification::{self, Held, Occasion},
    ui::text,
};

/// Its name in the configuration.
pub(crate) const VERIFY_NEW_ADDRESS: &str = "verify_new_address";

pub(crate) struct VerifyNewAddress;

#[async_trait]
impl Hook for VerifyNewAddress {
    fn goes_first(&self) -> bool {
        true
    }

    /// Whether the session may change addresses at all was asked before.
    async fn before_commit(
        &self,
        cx: &Cx<'_>,
        about: &About<'_>,
        attempt: &mut Attempt,
        subject: &mut Subject,
    ) -> Result<(), Halt> {
        let Person::Changed {
            before,
            after: Some(after),
        } = &subject.person
        else {
            return Ok(());
        };
        let session = cx.session.ok_or(Error::SessionMissing)?;
        let mut new = new_addresses(before, after).into_iter();
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
            judged: before.traits.clone(),
            traits: after.traits.clone(),
            via: address.via,
            value: address.value,
        };
        let occasion = Occasion::of(cx, about);
        let (effects, next) = verification::hold(cx, occasion, attempt, after, &held).await?;
        subject.effects = effects;
        subject.held = Some(next);
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
