//! What a submission writes: each write is a value of its owner's, carried out in the one transaction that ends
//! the submission.

use courier::MessageWrite;
use identity::{
    Session, addresses::AddressWrite, credentials::CredentialWrite, identities::IdentityWrite,
    limits::Forgive, one_time::CodeWrite, sessions::SessionWrite, write::WriteError,
};
use tenants::Tx;

use super::rows::FlowWrite;

/// Writes that go out together, in order.
#[derive(Debug, Default)]
pub struct Effects(pub Vec<Write>);

/// One write, by who owns the rows. Closed here and there, so that a write that is not carried out does not
/// compile.
#[derive(Debug)]
pub enum Write {
    /// Of a credential.
    Credential(CredentialWrite),
    /// Of a one-time secret.
    Code(CodeWrite),
    /// Of a message to be sent.
    Message(MessageWrite),
    /// Of another flow than the one that was submitted.
    Flow(FlowWrite),
    /// Of an address.
    Address(AddressWrite),
    /// Of sessions of the identity that the submission is about.
    Session(SessionWrite),
    /// Of an identity as a whole.
    Identity(IdentityWrite),
    /// A guess that turned out to be right is not counted.
    Forgive(Forgive),
}

impl Effects {
    /// One write.
    pub fn one(write: impl Into<Write>) -> Self {
        Self(vec![write.into()])
    }

    /// One write more.
    pub fn push(&mut self, write: impl Into<Write>) {
        self.0.push(write.into());
    }

    /// Another part's effects, after these.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Nothing to write?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Will that credential be another one afterwards?
    pub(crate) fn change_credential(&self) -> bool {
        let changes = |write: &Write| matches!(write, Write::Credential(it) if it.changes());
        self.0.iter().any(changes)
    }

    /// All of them, in order. `session` is the one that the submission begins, renews or happens in, if any.
    pub async fn write(&self, tx: &mut Tx, session: Option<&Session>) -> Result<(), WriteError> {
        for write in &self.0 {
            match write {
                Write::Credential(write) => write.apply(tx).await,
                Write::Code(write) => write.apply(tx).await,
                Write::Message(write) => write.apply(tx).await,
                Write::Flow(write) => write.apply(tx).await,
                Write::Address(write) => write.apply(tx).await,
                Write::Session(write) => write.apply(tx, session).await,
                Write::Identity(write) => write.apply(tx).await,
                Write::Forgive(write) => write.apply(tx).await,
            }?;
        }
        Ok(())
    }
}

macro_rules! owned_by {
    ($($arm:ident($owner:ty);)*) => {
        $(impl From<$owner> for Write {
            fn from(write: $owner) -> Self {
                Self::$arm(write)
            }
        })*
    };
}

owned_by! {
    Credential(CredentialWrite);
    Code(CodeWrite);
    Message(MessageWrite);
    Flow(FlowWrite);
    Address(AddressWrite);
    Session(SessionWrite);
    Identity(IdentityWrite);
    Forgive(Forgive);
}
