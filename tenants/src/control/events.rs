//! The audit trail of what is done to the installation: one row in the transaction that does it.

use serde_json::Value;
use sqlx::PgConnection;

use super::{Actor, directory::Directory};
use crate::{Fault, ProjectId, ids};

pub(crate) async fn record(
    directory: &Directory,
    connection: &mut PgConnection,
    actor: &Actor,
    action: &str,
    about: (Option<ProjectId>, Value),
) -> Result<(), Fault> {
    let (project, details) = about;
    sqlx::query!(
        "insert into control.events (id, at, actor, action, project, details) values ($1, $2, $3, $4, $5, $6)",
        ids::v7(),
        directory.clock().now(),
        actor.0,
        action,
        project.map(ProjectId::uuid),
        details
    )
    .execute(connection)
    .await?;
    Ok(())
}
