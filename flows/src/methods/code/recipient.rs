//! Who can sign in with a code, and where it goes.

use identity::{
    Identity, addresses,
    credentials::code as credential,
    identities, normalize,
    schema::{Address, Via},
};
use serde_json::Value;
use tenants::{Fault, Tx};
use uuid::Uuid;

use super::CodeConfig;
use crate::{
    engine::{cx::Cx, decision::Error, flow::Flow},
    kinds::login::Login,
};

/// An identity that can sign in with a code, and where it goes.
pub(super) struct Recipient {
    /// The identity.
    pub(super) identity: Identity,
    /// In its stored form.
    pub(super) address: Address,
}

/// By what was typed. An unknown identifier asks Postgres as much as a known one.
pub(super) async fn find(cx: &Cx<'_>, typed: &str) -> Result<Option<Recipient>, Fault> {
    let mut tx = cx.project.begin().await?;
    let mut found = credential::find(&mut tx, &normalize::identifier(typed)).await?;
    if found.is_none() && has_fallback(cx) {
        let address = addresses::read_typed(typed);
        let owner = addresses::owner_of_verifiable(&mut tx, &address).await?;
        found = owner.map(|identity_id| credential::FoundCode {
            identity_id,
            address,
        });
    }
    let owner = found
        .as_ref()
        .map_or(Uuid::nil(), |found| found.identity_id);
    let identity = identities::store::get(&mut tx, owner).await?;
    Ok(found.zip(identity).map(|(found, identity)| Recipient {
        identity,
        address: found.address,
    }))
}

pub(super) fn has_fallback(cx: &Cx<'_>) -> bool {
    let config = cx.project.config::<CodeConfig>();
    config.config.missing_credential_fallback_enabled
}

/// Where codes for an identity may go, and the revision of the credential that says so; `None` where only the
/// account has the address.
pub(super) async fn addresses_of(
    cx: &Cx<'_>,
    tx: &mut Tx,
    identity: &Identity,
) -> Result<(Vec<Address>, Option<i32>), Fault> {
    let (mut addresses, mut revision) = credential::addresses_of(tx, identity.id).await?;
    if addresses.is_empty() && has_fallback(cx) {
        revision = None;
        let verifiable = identity.verifiable_addresses.iter();
        addresses.extend(verifiable.map(|own| Address {
            via: own.via,
            value: own.value.clone(),
        }));
    }
    Ok((addresses, revision))
}

/// The addresses that the session's identity picks from.
pub(super) async fn own_addresses(cx: &Cx<'_>, flow: &Flow<Login>) -> Result<Vec<Address>, Fault> {
    let Some(session) = cx.session else {
        return Ok(Vec::new());
    };
    let mut tx = cx.project.begin().await?;
    let (mut addresses, _) = addresses_of(cx, &mut tx, &session.identity).await?;
    if let Some(via) = &flow.data.via {
        addresses.retain(|address| address.value == *via);
    }
    Ok(addresses)
}

/// Where a code for an unknown identifier pretends to go: by the channel of what was typed, but a message could be rendered.
pub(super) fn pretended_recipient(typed: &str) -> Address {
    match normalize::phone(typed) {
        Some(value) => Address {
            via: Via::Sms,
            value,
        },
        None => Address {
            via: Via::Email,
            value: "nobody@example.invalid".to_owned(),
        },
    }
}

/// The address in a trait, by its dotted path.
pub(super) fn address_in_trait(identity: &Identity, path: &str) -> Result<String, Error> {
    let pointer = format!("/{}", path.replace('.', "/"));
    let value = identity.traits.pointer(&pointer).and_then(Value::as_str);
    match value.filter(|value| !value.is_empty()) {
        Some(value) => Ok(normalize::identifier(value)),
        None => Err(Error::BadRequest(format!(
            "No value was found for the trait {path:?} in the current identity."
        ))),
    }
}
