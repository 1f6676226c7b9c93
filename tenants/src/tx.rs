//! A transaction pinned to one project. There is no way to ask it for another.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::{Fault, Job, Project, ids, open_transactions::TxGuard};

/// One project's transaction: its role, its search path, until it ends. Dropping it rolls back.
///
/// It is the only way to a project's tables, and it comes only from [`Project::begin`].
#[must_use = "dropping a Tx rolls it back"]
pub struct Tx {
    project: Project,
    inner: Transaction<'static, Postgres>,
    forget: Vec<Uuid>,
    _guard: TxGuard,
}

impl Project {
    /// One transaction, pinned to this project until it ends.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        let pools = self.cluster().pools();
        Ok(Tx {
            inner: pools.begin(self.slot(), self.begin_sql()).await?,
            project: self.clone(),
            forget: Vec::new(),
            _guard: TxGuard::new(),
        })
    }
}

impl Tx {
    /// The connection, for unqualified SQL.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.inner
    }

    /// Whose transaction this is.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Add a job that exists if and only if this transaction commits.
    pub async fn enqueue(&mut self, job: &Job, run_at: DateTime<Utc>) -> Result<(), Fault> {
        self.enqueue_as(ids::v7(), job, run_at).await
    }

    /// As [`Self::enqueue`], under an id of the caller's: a second job of that id is not added.
    pub async fn enqueue_as(
        &mut self,
        id: Uuid,
        job: &Job,
        run_at: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let now = self.project.now();
        sqlx::query!(
            "insert into control.jobs (id, kind, ref, run_at, created_at) values ($1, $2, $3, $4, $5) on conflict do nothing",
            id,
            job.kind(),
            job.reference(),
            run_at,
            now
        )
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Once committed, no replica may answer from memory anything that was tagged with `key`.
    /// This replica forgets at once, every other within the polling interval.
    pub async fn invalidate(&mut self, key: Uuid) -> Result<(), Fault> {
        sqlx::query!("insert into control.invalidation (key) values ($1)", key)
            .execute(&mut *self.inner)
            .await?;
        self.forget.push(key);
        Ok(())
    }

    /// Make it all true.
    pub async fn commit(self) -> Result<(), Fault> {
        let Self {
            project,
            inner,
            forget,
            ..
        } = self;
        let ended = inner.commit().await;
        // Also when the answer was lost: the commit may have happened, and forgetting is harmless.
        for key in forget {
            project
                .cluster()
                .invalidations()
                .forget(project.slot(), key);
        }
        Ok(ended?)
    }
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx")
            .field("project", &self.project.slug())
            .finish_non_exhaustive()
    }
}
