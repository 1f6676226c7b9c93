//! Slug -> Project, from memory when that is true, else from the directory.
//!
//! Nothing is loaded at start-up and nothing is kept for slugs that do not exist.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicI64},
    time::Duration,
};

use crate::{
    Fault,
    config::{ConfigDoc, Environment},
    control::directory::Directory,
    invalidation::Invalidations,
    migrations,
    project::{Inner, Project, ProjectId, ProjectState, Record},
    schema,
};

/// What stands behind a slug, as the public sees it.
#[derive(Debug)]
pub enum Lookup {
    /// Its requests are served.
    Open(Project),
    /// Its requests are answered with 403 `project_suspended`.
    Suspended(Project),
    /// 503 `project_migrating`: its schema is of a version this binary does not serve.
    Migrating,
    /// 404: never existed, was deleted, or is being deleted. The three look the same.
    Absent,
}

/// An entry is looked at again after this long even if nothing was heard about it.
const TRUST_FOR: Duration = Duration::from_mins(1);

impl Directory {
    pub(crate) async fn project(&self, slug: &str) -> Result<Lookup, Fault> {
        let Some(project) = self.find_project(slug).await? else {
            return Ok(Lookup::Absent);
        };
        let version = project.record().schema_version;
        Ok(match project.state() {
            ProjectState::Active
                if (migrations::PROJECT_MIN..=migrations::project_version()).contains(&version) =>
            {
                Lookup::Open(project)
            }
            ProjectState::Active | ProjectState::Moving | ProjectState::Creating => {
                Lookup::Migrating
            }
            ProjectState::Suspended => Lookup::Suspended(project),
            ProjectState::Deleting | ProjectState::Deleted => Lookup::Absent,
        })
    }

    pub(crate) async fn find_project(&self, slug: &str) -> Result<Option<Project>, Fault> {
        // What cannot be a slug never reaches the database, which is not to be kept busy by guesses.
        if !is_sluglike(slug) {
            return Ok(None);
        }
        let known = self.known_projects().get(slug);
        if let Some((project, load)) = &known
            && load.age() < TRUST_FOR
            && project.cluster().invalidations().holds(
                *load,
                project.slot(),
                &[project.id().uuid()],
            )
        {
            return Ok(Some(project.clone()));
        }
        let load = Invalidations::loading();
        let record = self.record_by_slug(slug).await?;
        let Some(record) = record.filter(|record| record.state != ProjectState::Deleted) else {
            self.known_projects().invalidate(slug);
            return Ok(None);
        };
        let project = match known {
            // Looked at again and unchanged: keep what was parsed and compiled for it.
            Some((project, _)) if *project.record() == record => project,
            _ => self.build(record).await?,
        };
        self.known_projects()
            .insert(slug.to_owned(), (project.clone(), load));
        Ok(Some(project))
    }

    /// The project that a database role belongs to, in whatever state: for claimed jobs.
    pub(crate) async fn project_of_role(&self, db_role: &str) -> Result<Option<Project>, Fault> {
        let slug = sqlx::query_scalar!(
            "select p.slug from control.projects p join control.slots s on s.slot = p.slot where s.db_role = $1",
            db_role
        );
        let slug = slug
            .fetch_optional(&mut *self.home().pools().worker.take().await?)
            .await?;
        match slug {
            Some(slug) => self.find_project(&slug).await,
            None => Ok(None),
        }
    }

    async fn record_by_slug(&self, slug: &str) -> Result<Option<Record>, Fault> {
        let row = sqlx::query!(
            "select p.id, p.slug, p.name, p.environment, p.state, p.purge_at, p.slot, p.data_key, p.config_revision,
                    p.created_at, p.updated_at, s.db_role, s.schema_version
               from control.projects p join control.slots s on s.slot = p.slot
              where p.slug = $1",
            slug
        );
        let Some(row) = row
            .fetch_optional(&mut *self.home().pools().control.take().await?)
            .await?
        else {
            return Ok(None);
        };
        Ok(Some(Record {
            id: ProjectId(row.id),
            slug: row.slug,
            name: row.name,
            environment: environment(&row.environment)?,
            state: ProjectState::read(&row.state)?,
            purge_at: row.purge_at,
            slot: row.slot,
            db_role: row.db_role,
            schema_version: row.schema_version,
            wrapped_key: row.data_key,
            config_revision: row.config_revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }))
    }

    async fn build(&self, record: Record) -> Result<Project, Fault> {
        // The one place that says in which cluster a project lives: so far all live at home.
        let cluster = self.home().clone();
        let stored = sqlx::query_scalar!(
            "select document from control.config_revisions where project = $1 and revision = $2",
            record.id.uuid(),
            record.config_revision
        );
        let stored = stored
            .fetch_one(&mut *cluster.pools().control.take().await?)
            .await?;
        let data_key = self.unwrap_key(record.id, &record.wrapped_key)?;
        let config = ConfigDoc::open(&stored, &data_key, record.id.uuid())
            .map_err(|e| Fault::broken(format!("configuration of {}: {e}", record.slug)))?;
        Ok(Project::new(Inner {
            begin_sql: Arc::from(schema::begin_sql(record.slot, &record.db_role)),
            base_url: format!("{}/p/{}", self.origin(), record.slug),
            http: self.outbound(record.environment).clone(),
            http_unprotected: self.outbound_unprotected(record.environment).clone(),
            config,
            data_key,
            record,
            cluster,
            lengths: self.settings().lengths,
            sandbox: Arc::clone(self.sandbox()),
            origin: self.origin(),
            memo: Mutex::new(HashMap::new()),
            swept_at: AtomicI64::new(0),
        }))
    }
}

/// Can this be a slug at all?
fn is_sluglike(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(crate) fn environment(text: &str) -> Result<Environment, Fault> {
    serde_json::from_value(text.into())
        .map_err(|_| Fault::broken(format!("unknown environment {text:?}")))
}
