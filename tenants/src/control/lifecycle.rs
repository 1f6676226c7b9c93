//! Suspend, resume, delete with a grace, restore, purge.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::{Actor, change_error::ChangeError, directory::Directory, events};
use crate::{Fault, Job, Project, ProjectState, ids, schema};

/// A purge may be under way by another machine's clock before the grace is over by this one's.
const RESTORE_MARGIN: TimeDelta = TimeDelta::seconds(10);

impl Directory {
    pub(crate) async fn suspend_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<Project, ChangeError> {
        self.move_state(
            actor,
            project,
            "project.suspend",
            (ProjectState::Active, ProjectState::Suspended),
        )
        .await
    }

    pub(crate) async fn resume_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<Project, ChangeError> {
        self.move_state(
            actor,
            project,
            "project.resume",
            (ProjectState::Suspended, ProjectState::Active),
        )
        .await
    }

    async fn move_state(
        &self,
        actor: &Actor,
        project: &Project,
        action: &str,
        (from, to): (ProjectState, ProjectState),
    ) -> Result<Project, ChangeError> {
        let mut tx = self.home().pools().control.begin().await?;
        let moved = sqlx::query!(
            "update control.projects set state = $3, updated_at = $4 where id = $1 and state = $2",
            project.id().uuid(),
            from.as_str(),
            to.as_str(),
            self.clock().now()
        );
        if moved.execute(&mut *tx).await?.rows_affected() == 0 {
            drop(tx);
            let project = self.reload(project).await?;
            // Asking for what already is, is fine.
            return if project.state() == to {
                Ok(project)
            } else {
                Err(wrong(&project, from))
            };
        }
        events::record(
            self,
            &mut tx,
            actor,
            action,
            (Some(project.id()), json!({})),
        )
        .await?;
        self.tell_changed(&mut tx, project).await?;
        tx.commit().await?;
        self.reload(project).await
    }

    pub(crate) async fn delete_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<(), ChangeError> {
        let now = self.clock().now();
        let development = project.environment() == crate::config::Environment::Development;
        let purge_at = if development {
            now
        } else {
            now + self.settings().delete_grace
        };
        let mut tx = self.home().pools().control.begin().await?;
        let moved = sqlx::query!(
            "update control.projects set state_before = state, state = 'DELETING', purge_at = $2, updated_at = $3
              where id = $1 and state in ('ACTIVE', 'SUSPENDED')",
            project.id().uuid(),
            purge_at,
            now
        );
        if moved.execute(&mut *tx).await?.rows_affected() == 0 {
            drop(tx);
            return Err(wrong(&self.reload(project).await?, ProjectState::Active));
        }
        sqlx::query!(
            "insert into control.jobs (id, db_role, kind, run_at, created_at) values ($1, $2, $3, $4, $5)",
            ids::v7(),
            project.db_role(),
            Job::PurgeProject.kind(),
            purge_at,
            now
        )
        .execute(&mut *tx)
        .await?;
        events::record(
            self,
            &mut tx,
            actor,
            "project.delete",
            (Some(project.id()), json!({"purge_at": purge_at})),
        )
        .await?;
        self.tell_changed(&mut tx, project).await?;
        tx.commit().await?;
        self.home()
            .invalidations()
            .forget(project.slot(), project.id().uuid());
        Ok(())
    }

    pub(crate) async fn restore_project(
        &self,
        actor: &Actor,
        project: &Project,
    ) -> Result<Project, ChangeError> {
        let now = self.clock().now();
        let mut tx = self.home().pools().control.begin().await?;
        let moved = sqlx::query!(
            "update control.projects set state = state_before, state_before = null, purge_at = null, updated_at = $2
              where id = $1 and state = 'DELETING' and purge_at > $3",
            project.id().uuid(),
            now,
            now + RESTORE_MARGIN
        );
        if moved.execute(&mut *tx).await?.rows_affected() == 0 {
            drop(tx);
            let project = self.reload(project).await?;
            let over = project.state() == ProjectState::Deleting;
            return Err(if over {
                ChangeError::WrongState("the grace is over".to_owned())
            } else {
                wrong(&project, ProjectState::Deleting)
            });
        }
        events::record(
            self,
            &mut tx,
            actor,
            "project.restore",
            (Some(project.id()), json!({})),
        )
        .await?;
        self.tell_changed(&mut tx, project).await?;
        tx.commit().await?;
        self.reload(project).await
    }

    /// Each step can be repeated, and the directory row changes last: so a crash at any point is mended by
    /// purging again.
    pub(crate) async fn purge_project(&self, project: &Project) -> Result<bool, Fault> {
        let due = sqlx::query_scalar!(
            r#"select exists(select from control.projects where id = $1 and state = 'DELETING' and purge_at <= $2) as "due!""#,
            project.id().uuid(),
            self.clock().now()
        );
        if !due
            .fetch_one(&mut *self.home().pools().worker.take().await?)
            .await?
        {
            return Ok(false);
        }
        let mut owner = PgConnection::connect(project.cluster().owner_url()?).await?;
        schema::drop(&mut owner, project.slot()).await?;
        owner.close().await?;
        let id = project.id().uuid();
        let mut tx = self.home().pools().worker.begin().await?;
        sqlx::query!(
            "delete from control.config_revisions where project = $1",
            id
        )
        .execute(&mut *tx)
        .await?;
        let keys = sqlx::query_scalar!(
            "with dead as (update control.api_keys set revoked_at = $2 where project = $1 and revoked_at is null returning id)
             insert into control.invalidation (db_role, key) select $3, id from dead returning key",
            id,
            self.clock().now(),
            self.own_role()
        )
        .fetch_all(&mut *tx)
        .await?;
        // The key goes too: what is left in old backups cannot be read.
        sqlx::query!("update control.projects set state = 'DELETED', data_key = '', updated_at = $2 where id = $1", id, self.clock().now())
            .execute(&mut *tx)
            .await?;
        // All but those in hand: the purge itself is one of them.
        sqlx::query!(
            "delete from control.jobs where db_role = $1 and state <> 1",
            project.db_role()
        )
        .execute(&mut *tx)
        .await?;
        events::record(
            self,
            &mut tx,
            &Actor::system(),
            "project.purge",
            (Some(project.id()), json!({})),
        )
        .await?;
        self.tell_changed(&mut tx, project).await?;
        tx.commit().await?;
        project.cluster().invalidations().forget(project.slot(), id);
        for key in keys {
            self.forget_own(key);
        }
        Ok(true)
    }
}

fn wrong(project: &Project, wanted: ProjectState) -> ChangeError {
    let (is, wanted) = (project.state().as_str(), wanted.as_str());
    ChangeError::WrongState(format!("project {} is {is}, not {wanted}", project.slug()))
}
