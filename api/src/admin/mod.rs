//! The administration of a project's people and messages, for holders of a key.

mod courier;
mod identities;
mod key;
mod recovery;
pub(crate) mod sessions;

use crate::audience::ProjectRoutes;

pub(crate) use key::{Holder, judged};

/// All administrative routes of a project, below `/admin`.
pub(crate) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .merge(identities::router())
        .merge(sessions::router())
        .merge(recovery::router())
        .merge(courier::router())
}
