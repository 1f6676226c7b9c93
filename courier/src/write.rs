//! What a submission writes of messages.

use identity::write::WriteError;
use tenants::{Fault, Tx};
use uuid::Uuid;

use crate::{Message, store};

/// A write of a message to be sent.
#[derive(Debug)]
pub enum MessageWrite {
    /// Store a rendered message and ask for its sending.
    Send(Box<Message>),
    /// Do all the work of sending a message, and take it back: no account has the address, and the time it takes
    /// shall not tell.
    Pretend(Box<Message>),
    /// Forget the messages that went to an identity.
    Forget(Uuid),
}

impl MessageWrite {
    /// Carry it out.
    pub async fn apply(&self, tx: &mut Tx) -> Result<(), WriteError> {
        match self {
            Self::Send(message) => store::enqueue(tx, message).await?,
            Self::Pretend(message) => {
                mark(tx).await?;
                store::enqueue(tx, message).await?;
                undo(tx).await?;
            }
            Self::Forget(identity_id) => store::forget(tx, *identity_id).await?,
        }
        Ok(())
    }
}

/// Until [`undo`], what is written can be undone without the rest.
async fn mark(tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query!("savepoint pretended")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Undo what was written since [`mark`].
async fn undo(tx: &mut Tx) -> Result<(), Fault> {
    sqlx::query!("rollback to savepoint pretended")
        .execute(tx.conn())
        .await?;
    Ok(())
}
