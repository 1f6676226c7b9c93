//! Carrying out what was decided: every [`Write`], in the one transaction that ends a submission.

use identity::{
    Session, addresses, credentials, identities, identities::create::InsertError, limits, one_time,
    sessions::store as session_store,
};
use tenants::Tx;

use crate::{
    decision::{Effects, Halt, Refusal, Write},
    store,
    ui::text,
};

/// All of them, in order. `session` is the one that the submission begins or renews, if any.
pub(crate) async fn carry_out(
    tx: &mut Tx,
    effects: &Effects,
    session: Option<&Session>,
) -> Result<(), Halt> {
    for write in &effects.0 {
        one(tx, write, session).await?;
    }
    Ok(())
}

async fn one(tx: &mut Tx, write: &Write, session: Option<&Session>) -> Result<(), Halt> {
    match write {
        Write::ReplaceCredential {
            identity_id,
            kind,
            config,
        } => credentials::store::replace_config(tx, *identity_id, kind, config).await?,
        Write::SetPassword {
            identity_id,
            hash,
            new_identifiers,
        } => {
            credentials::store::set_password(tx, *identity_id, hash, new_identifiers)
                .await
                .map_err(taken)?;
        }
        Write::ReplaceTraits(new) => new.write(tx).await.map_err(taken)?,
        Write::DeleteIdentity { identity_id } => {
            store::forget_identity(tx, *identity_id).await?;
            courier::store::forget(tx, *identity_id).await?;
            identities::store::delete(tx, *identity_id).await?;
        }
        Write::RevokeOtherSessions => {
            if let Some(session) = session {
                session_store::revoke_others(tx, session.identity.id, session.id).await?;
            }
        }
        Write::Send(message) => courier::enqueue(tx, message).await?,
        Write::PretendToSend(message) => {
            store::mark(tx).await?;
            courier::enqueue(tx, message).await?;
            store::undo(tx).await?;
        }
        Write::StoreCode(code) => one_time::insert(tx, code).await?,
        Write::DropCodes { flow_id } => one_time::drop_of_flow(tx, *flow_id).await?,
        Write::ConsumeCode { id } => {
            if !one_time::consume(tx, *id).await? {
                let used = text::generic("This code was used already. Please ask for another one.");
                return Err(Halt::refused(Refusal::form(used)));
            }
        }
        Write::ForgiveGuess(buckets) => limits::give_back(tx, buckets).await?,
        Write::BeginFlow(row) => store::insert_row(tx, row).await?,
        Write::DropHeld { identity_id } => store::drop_held(tx, *identity_id).await?,
        Write::AddressSent {
            identity_id,
            address,
        } => addresses::mark_sent(tx, *identity_id, address).await?,
        Write::AddressVerified {
            identity_id,
            address,
        } => {
            addresses::mark_verified(tx, *identity_id, address).await?;
        }
    }
    Ok(())
}

pub(crate) fn taken(error: InsertError) -> Halt {
    match error {
        InsertError::Conflict(_) => Halt::refused(Refusal::form(text::identifier_taken())),
        InsertError::Fault(fault) => fault.into(),
    }
}
