//! Pagination: how the pages of each list are asked for, and what leads to the neighbouring pages. Four ways,
//! as Kratos has them: `identities` by id, `sessions` by age, `offset` by position, `sealed` by tokens that are
//! bound to one list. Tokens are opaque to clients.

mod identities;
mod links;
mod offset;
mod params;
mod sealed;
mod sessions;

pub(crate) use identities::IdentityPage;
pub(crate) use offset::Offset;
pub(crate) use params::OffsetParams;
pub(crate) use sealed::SealedPage;
pub(crate) use sessions::SessionPage;
