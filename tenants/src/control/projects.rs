//! The directory: making projects, naming them, listing them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    Actor,
    change_error::ChangeError,
    directory::Directory,
    events,
    key::{KeyRequest, NewKey, Role},
    keys,
};
use crate::{
    Fault, Project, ProjectId,
    config::{self, ConfigDoc, Environment},
    ids,
    secrets::DataKey,
};

/// Slugs that are not given out, because paths and hosts of the installation use them.
const RESERVED: &[&str] = &[
    "console",
    "admin",
    "api",
    "p",
    "ui",
    "www",
    "graphql",
    "health",
    "version",
    "metrics",
    "openapi",
    "docs",
    "assets",
    "static",
    "mail",
    "insula",
    "status",
    "support",
    "auth",
    "login",
    "well-known",
];
/// How long a creation waits for the slot keeper.
const SLOT_WAIT: Duration = Duration::from_secs(5);

/// What is asked for when a project is made.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// 3 to 40 of `[a-z0-9-]`.
    pub slug: String,
    /// 1 to 100 characters.
    pub name: String,
    /// Where it stands between trying out and earnest.
    pub environment: Environment,
    /// The configuration document; what is left out takes its default.
    pub config: Value,
}

impl Directory {
    pub(crate) async fn create_project(
        &self,
        actor: &Actor,
        new: NewProject,
    ) -> Result<(Project, NewKey), ChangeError> {
        check_slug(&new.slug)?;
        check_name(&new.name)?;
        self.check_environment(new.environment)?;
        let mut config = new.config.clone();
        // A copy of another project's document brings masks along, which stand for nothing here.
        config::restore_masks(&mut config, &Value::Null).map_err(ChangeError::Violations)?;
        let config = self
            .prepare_config(config, &new.slug, new.environment)
            .await?;
        let deadline = Instant::now() + SLOT_WAIT;
        loop {
            let made = self.home().slot_made().notified();
            if let Some(key) = self.try_create(actor, &new, &config).await? {
                self.home().slot_wanted().notify_one();
                let project = self.find_project(&new.slug).await?;
                return Ok((
                    project.ok_or_else(|| Fault::broken("a project vanished while it was made"))?,
                    key,
                ));
            }
            self.home().slot_wanted().notify_one();
            if Instant::now() >= deadline {
                return Err(Fault::Overloaded {
                    what: "spare slots",
                    retry_after: SLOT_WAIT,
                }
                .into());
            }
            // Another process's keeper cannot tell us: look again soon in any case.
            let _ = tokio::time::timeout(Duration::from_millis(100), made).await;
        }
    }

    /// `None`: no spare slot.
    async fn try_create(
        &self,
        actor: &Actor,
        new: &NewProject,
        config: &ConfigDoc,
    ) -> Result<Option<NewKey>, ChangeError> {
        let (id, now) = (ProjectId(ids::v4()), self.clock().now());
        let data_key = DataKey::new(ids::bytes());
        let mut tx = self.home().pools().control.begin().await?;
        let slot = sqlx::query!(
            "update control.slots set state = 'USED', project = $1
              where slot = (select slot from control.slots where state = 'SPARE' order by slot limit 1 for update skip locked)
             returning slot, db_role",
            id.uuid()
        );
        let Some(slot) = slot.fetch_optional(&mut *tx).await? else {
            return Ok(None);
        };
        let inserted = sqlx::query!(
            "insert into control.projects (id, slug, name, environment, state, cluster, slot, data_key, config_revision, session_cookie, created_at, updated_at)
             values ($1, $2, $3, $4, 'ACTIVE', 1, $5, $6, 1, $7, $8, $8)",
            id.uuid(),
            new.slug,
            new.name,
            new.environment.as_str(),
            slot.slot,
            self.wrap_key(id, &data_key),
            config.session_cookie(),
            now
        );
        inserted.execute(&mut *tx).await?;
        let first = super::revisions::Revision {
            number: 1,
            document: config.seal(&data_key, id.uuid(), ids::bytes),
            diff: json!([]),
            restored: None,
        };
        super::revisions::insert(self, &mut tx, actor, id, &first).await?;
        let request = KeyRequest {
            project: Some(id),
            name: "first key".to_owned(),
            role: Role::Owner,
            expires_at: None,
        };
        let key = keys::insert(self, &mut tx, actor, &request).await?;
        events::record(
            self,
            &mut tx,
            actor,
            "project.create",
            (Some(id), json!({"slug": new.slug, "name": new.name})),
        )
        .await?;
        tx.commit().await?;
        Ok(Some(key))
    }

    pub(crate) async fn update_project(
        &self,
        actor: &Actor,
        project: &Project,
        name: Option<String>,
        environment: Option<Environment>,
    ) -> Result<Project, ChangeError> {
        if let Some(name) = &name {
            check_name(name)?;
        }
        // What is judged is the latest, whatever handle the caller holds.
        let project = &self.reload(project).await?;
        if let Some(environment) = environment {
            self.check_environment(environment)?;
            // What DEVELOPMENT allowed may be refused elsewhere.
            self.prepare_config(
                project.document().plain().clone(),
                project.slug(),
                environment,
            )
            .await?;
        }
        let mut tx = self.home().pools().control.begin().await?;
        let judged = environment.map(|_| project.config_revision());
        let updated = sqlx::query!(
            "update control.projects set name = coalesce($2, name), environment = coalesce($3, environment), updated_at = $4
              where id = $1 and ($5::int is null or config_revision = $5)",
            project.id().uuid(),
            name,
            environment.map(Environment::as_str),
            self.clock().now(),
            judged
        );
        if updated.execute(&mut *tx).await?.rows_affected() == 0 {
            drop(tx);
            let latest = self.reload(project).await?.config_revision();
            return Err(ChangeError::Conflict { latest });
        }
        let details = json!({"name": name, "environment": environment});
        events::record(
            self,
            &mut tx,
            actor,
            "project.update",
            (Some(project.id()), details),
        )
        .await?;
        self.tell_changed(&mut tx, project).await?;
        tx.commit().await?;
        self.reload(project).await
    }

    /// In the transaction that changes a project: every replica forgets what it knew of it.
    pub(crate) async fn tell_changed(
        &self,
        tx: &mut sqlx::PgConnection,
        project: &Project,
    ) -> Result<(), Fault> {
        sqlx::query!(
            "insert into control.invalidation (db_role, key) values ($1, $2)",
            project.db_role(),
            project.id().uuid()
        )
        .execute(tx)
        .await?;
        Ok(())
    }

    /// After the commit: the change is in force here when the answer is sent.
    pub(crate) async fn reload(&self, project: &Project) -> Result<Project, ChangeError> {
        project
            .cluster()
            .invalidations()
            .forget(project.slot(), project.id().uuid());
        let found = self.find_project(project.slug()).await?;
        Ok(found.ok_or_else(|| Fault::broken("a project vanished while it was changed"))?)
    }

    pub(crate) async fn list_projects(
        &self,
        limit: i64,
        after: Option<&str>,
        search: Option<&str>,
    ) -> Result<Vec<String>, Fault> {
        let pattern = search.map(|text| format!("%{}%", like_escaped(text)));
        let slugs = sqlx::query_scalar!(
            "select slug from control.projects
              where state <> 'DELETED' and ($2::text is null or slug > $2) and ($3::text is null or slug ilike $3 or name ilike $3)
              order by slug limit $1",
            limit,
            after,
            pattern
        );
        Ok(slugs
            .fetch_all(&mut *self.home().pools().control.take().await?)
            .await?)
    }

    pub(crate) async fn slug_of(&self, id: ProjectId) -> Result<Option<String>, Fault> {
        let slug = sqlx::query_scalar!(
            "select slug from control.projects where id = $1 and state <> 'DELETED'",
            id.uuid()
        );
        Ok(slug
            .fetch_optional(&mut *self.home().pools().control.take().await?)
            .await?)
    }

    fn check_environment(&self, environment: Environment) -> Result<(), ChangeError> {
        if environment == Environment::Development && !self.settings().allow_development {
            let why = "DEVELOPMENT projects are not allowed here: start with --dev or set INSULA_ALLOW_DEVELOPMENT_PROJECTS=true";
            return Err(ChangeError::Invalid(why.to_owned()));
        }
        Ok(())
    }
}

/// `\`, `%` and `_` mean themselves.
fn like_escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

fn check_slug(slug: &str) -> Result<(), ChangeError> {
    let characters = slug
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let why = if !(3..=40).contains(&slug.len()) {
        "a slug has 3 to 40 characters"
    } else if !characters || slug.starts_with('-') || slug.ends_with('-') {
        "a slug consists of a to z, 0 to 9 and inner hyphens"
    } else if slug.starts_with("xn--") {
        "a slug does not begin with xn--"
    } else if RESERVED.contains(&slug) {
        "this slug is reserved"
    } else {
        return Ok(());
    };
    Err(ChangeError::Invalid(why.to_owned()))
}

fn check_name(name: &str) -> Result<(), ChangeError> {
    let length = name.trim().chars().count();
    if (1..=100).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ChangeError::Invalid(
        "a name has 1 to 100 characters and no control characters".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for good in ["abc", "a-b", "a1b2", &"a".repeat(40)] {
            assert!(check_slug(good).is_ok(), "{good}");
        }
        for bad in [
            "ab",
            "",
            "-ab",
            "ab-",
            "Abc",
            "a_b",
            "a.b",
            "xn--abc",
            "console",
            "äbc",
            &"a".repeat(41),
        ] {
            assert!(check_slug(bad).is_err(), "{bad}");
        }
    }
}
