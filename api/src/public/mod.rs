//! The public side of a project: self-service flows, session checks, schemas, health.

mod account;
mod errors;
mod flow;
mod health;
mod login;
mod logout;
mod recovery;
mod registration;
mod schemas;
mod sessions;
mod settings;
mod verification;

use crate::audience::ProjectRoutes;

pub(crate) use health::{Alive, Version, readiness};
pub(crate) use sessions::CacheFlags;

/// All public routes of a project.
pub(crate) fn router() -> ProjectRoutes {
    ProjectRoutes::new()
        .merge(login::router())
        .merge(registration::router())
        .merge(verification::router())
        .merge(recovery::router())
        .merge(logout::router())
        .merge(sessions::router())
        .merge(settings::router())
        .merge(account::router())
        .merge(errors::router())
        .merge(schemas::router())
        .merge(health::router())
}
