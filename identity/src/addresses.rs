//! What becomes of addresses: a message was sent, its owner proved to read it; and which identity has an address.

use tenants::{Fault, Tx};
use uuid::Uuid;

use crate::{
    schema::{Address, Via},
    write::WriteError,
};

/// A write of an address.
#[derive(Debug)]
pub enum AddressWrite {
    /// A message goes to a verifiable address.
    Sent {
        /// Of that identity.
        identity_id: Uuid,
        /// In its stored form.
        address: Address,
    },
    /// Nothing is written, if a verifiable address is still the identity's; else it is out of date.
    IsTheirs {
        /// Of that identity.
        identity_id: Uuid,
        /// In its stored form.
        address: Address,
    },
    /// A verifiable address was proved to be read by its owner.
    Verified {
        /// Of that identity.
        identity_id: Uuid,
        /// In its stored form.
        address: Address,
    },
}

impl AddressWrite {
    /// Carry it out.
    pub async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        match self {
            Self::Sent {
                identity_id,
                address,
            } => mark_sent(tx, *identity_id, address).await?,
            Self::IsTheirs {
                identity_id,
                address,
            } => {
                if owner_of_verifiable(tx, address).await? != Some(*identity_id) {
                    return Err(WriteError::Outdated);
                }
            }
            Self::Verified {
                identity_id,
                address,
            } => {
                mark_verified(tx, *identity_id, address).await?;
            }
        }
        Ok(())
    }
}

/// The owner of a verifiable address in its stored form.
pub async fn owner_of_verifiable(tx: &mut Tx, address: &Address) -> Result<Option<Uuid>, Fault> {
    owner(tx, "verifiable", address).await
}

/// The owner of a recovery address in its stored form.
pub async fn owner_of_recovery(tx: &mut Tx, address: &Address) -> Result<Option<Uuid>, Fault> {
    owner(tx, "recovery", address).await
}

async fn owner(tx: &mut Tx, purpose: &str, address: &Address) -> Result<Option<Uuid>, Fault> {
    let owner = sqlx::query_scalar!(
        "select identity_id from addresses where purpose = $1 and via = $2 and value = $3",
        purpose,
        address.via.as_str(),
        address.value
    );
    Ok(owner.fetch_optional(tx.conn()).await?)
}

/// A message went to a verifiable address that is not verified yet.
pub async fn mark_sent(tx: &mut Tx, identity_id: Uuid, address: &Address) -> Result<(), Fault> {
    let now = tx.project().now();
    sqlx::query!(
        "update addresses set status = 'sent', updated_at = $4
          where identity_id = $1 and purpose = 'verifiable' and via = $2 and value = $3 and status = 'pending'",
        identity_id,
        address.via.as_str(),
        address.value,
        now
    )
    .execute(tx.conn())
    .await?;
    tx.invalidate(identity_id).await
}

/// The owner proved to read the address. False: the identity does not have it any more.
pub async fn mark_verified(
    tx: &mut Tx,
    identity_id: Uuid,
    address: &Address,
) -> Result<bool, Fault> {
    let now = tx.project().now();
    let verified = sqlx::query!(
        "update addresses set status = 'completed', verified = true, verified_at = $4, updated_at = $4
          where identity_id = $1 and purpose = 'verifiable' and via = $2 and value = $3",
        identity_id,
        address.via.as_str(),
        address.value,
        now
    );
    let verified = verified.execute(tx.conn()).await?.rows_affected() == 1;
    tx.invalidate(identity_id).await?;
    Ok(verified)
}

/// What a visitor typed as an address, in its stored form; `None` when nothing can be sent there.
pub fn reachable(text: &str) -> Option<Address> {
    let value = crate::normalize::identifier(text);
    if crate::schema::is_email_loose(&value) {
        let via = Via::Email;
        return Some(Address { via, value });
    }
    let value = crate::normalize::phone(&value)?;
    let via = Via::Sms;
    Some(Address { via, value })
}

/// The channel of an address as a visitor typed it, and its stored form.
pub fn read_typed(text: &str) -> Address {
    let value = crate::normalize::identifier(text);
    let via = if value.contains('@') || !value.starts_with('+') {
        Via::Email
    } else {
        Via::Sms
    };
    Address { via, value }
}
