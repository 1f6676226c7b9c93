//! Why a write of a submission was not carried out.

use tenants::Fault;

use crate::identities::create::{Conflict, InsertError};

/// Nothing of the transaction may be committed after this.
#[derive(Debug)]
pub enum WriteError {
    /// What was judged is not true any more: a code was used up, a counter went on. Judge again.
    Outdated,
    /// Something unique belongs to another identity.
    Conflict(Conflict),
    /// Anything else.
    Fault(Fault),
}

impl<E: Into<InsertError>> From<E> for WriteError {
    fn from(error: E) -> Self {
        match error.into() {
            InsertError::Conflict(conflict) => Self::Conflict(conflict),
            InsertError::Fault(fault) => Self::Fault(fault),
        }
    }
}
