//! Configurations and their revisions: judged first, then written if no other change came first.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::time::{Instant, timeout_at};

use super::{Actor, change_error::ChangeError, directory::Directory, events};
use crate::{
    Fault, OutboundRequest, Project, ProjectId,
    config::{self, ConfigDoc, ConfigViolation, Environment, ValidateCx},
    fair, ids,
};

/// All sources of one document together.
const SOURCES_WITHIN: Duration = Duration::from_secs(20);

/// How a new document is made from the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// A JSON merge patch (RFC 7396).
    Merge,
    /// A whole document.
    Replace,
}

/// A change of configuration.
#[derive(Clone, Debug)]
pub struct ConfigUpdate {
    /// A patch or a whole document.
    pub config: Value,
    /// Which of the two.
    pub mode: UpdateMode,
    /// Refused when this is not the latest.
    pub expected_revision: Option<i32>,
    /// Judge and compare, change nothing.
    pub dry_run: bool,
}

/// What a change did, or would do.
#[derive(Debug)]
pub struct ConfigUpdated {
    /// The project with the configuration now in force.
    pub project: Project,
    /// RFC 6902 operations from old to new, secrets masked.
    pub diff: Value,
    /// What was left out or deserves attention.
    pub notes: Vec<String>,
}

/// A change back to an earlier revision.
#[derive(Clone, Copy, Debug)]
pub struct ConfigRestore {
    /// The number of the revision to go back to.
    pub revision: i32,
    /// Refused when this is not the latest.
    pub expected_revision: Option<i32>,
    /// Judge and compare, change nothing.
    pub dry_run: bool,
}

/// One entry of a configuration's history.
#[derive(Clone, Debug)]
pub struct RevisionEntry {
    /// Counted from 1, without gaps.
    pub number: i32,
    /// Who made it, as the audit trail names them.
    pub author: String,
    /// When it came into force.
    pub created_at: DateTime<Utc>,
    /// RFC 6902 operations from the one before, secrets masked; empty for the first.
    pub diff: Value,
}

pub(crate) struct Revision {
    pub(crate) number: i32,
    pub(crate) document: Value,
    pub(crate) diff: Value,
    /// The earlier one that it brings back.
    pub(crate) restored: Option<i32>,
}

/// Changes that meet another one are judged again this often.
const TRIES: u8 = 4;

impl Project {
    /// At most `limit` revisions below that number, newest first.
    pub async fn revisions(&self, limit: i64, below: i32) -> Result<Vec<RevisionEntry>, Fault> {
        let rows = sqlx::query!(
            "select revision, author, created_at, diff from control.config_revisions
              where project = $1 and revision < $2 order by revision desc limit $3",
            self.id().uuid(),
            below,
            limit
        );
        let rows = rows
            .fetch_all(&mut *self.cluster().pools().control.take().await?)
            .await?;
        let entry = rows.into_iter().map(|row| RevisionEntry {
            number: row.revision,
            author: row.author,
            created_at: row.created_at,
            diff: row.diff,
        });
        Ok(entry.collect())
    }

    /// The document of a revision as it may be shown, each secret masked. `None`: there is none.
    pub async fn revision_document(&self, number: i32) -> Result<Option<Value>, Fault> {
        let stored = self.stored_revision(number).await?;
        Ok(stored.as_ref().map(config::masked_stored))
    }

    async fn stored_revision(&self, number: i32) -> Result<Option<Value>, Fault> {
        let stored = sqlx::query_scalar!(
            "select document from control.config_revisions where project = $1 and revision = $2",
            self.id().uuid(),
            number
        );
        Ok(stored
            .fetch_optional(&mut *self.cluster().pools().control.take().await?)
            .await?)
    }
}

impl Directory {
    pub(crate) async fn update_config(
        &self,
        actor: &Actor,
        project: &Project,
        update: &ConfigUpdate,
    ) -> Result<ConfigUpdated, ChangeError> {
        self.change_config(actor, project, update, None).await
    }

    pub(crate) async fn restore_config(
        &self,
        actor: &Actor,
        project: &Project,
        restore: ConfigRestore,
    ) -> Result<Option<ConfigUpdated>, ChangeError> {
        let Some(stored) = project.stored_revision(restore.revision).await? else {
            return Ok(None);
        };
        let document = ConfigDoc::open(&stored, project.data_key(), project.id().uuid());
        let document = document.map_err(|error| {
            let (slug, number) = (project.slug(), restore.revision);
            Fault::broken(format!("revision {number} of {slug}: {error}"))
        })?;
        // With its secrets, so that none is a mask: each stands beside the address that it was given for.
        let update = ConfigUpdate {
            config: document.plain().clone(),
            mode: UpdateMode::Replace,
            expected_revision: restore.expected_revision,
            dry_run: restore.dry_run,
        };
        let change = self.change_config(actor, project, &update, Some(restore.revision));
        Ok(Some(change.await?))
    }

    async fn change_config(
        &self,
        actor: &Actor,
        project: &Project,
        update: &ConfigUpdate,
        restored: Option<i32>,
    ) -> Result<ConfigUpdated, ChangeError> {
        let _place = self.changes().take(project.id())?;
        // The caller's handle may be older than the latest revision, and a comparison with an older one
        // would refuse the right number or take a change for none.
        let mut project = self.reload(project).await?;
        for _ in 0..TRIES {
            let base = project.config_revision();
            if update
                .expected_revision
                .is_some_and(|expected| expected != base)
            {
                return Err(ChangeError::Conflict { latest: base });
            }
            let old = project.document().plain();
            let mut document = match update.mode {
                UpdateMode::Replace => update.config.clone(),
                UpdateMode::Merge => config::merged_into_masked(old, &update.config),
            };
            config::restore_masks(&mut document, old).map_err(ChangeError::Violations)?;
            let doc = self
                .prepare_config(document, project.slug(), project.environment())
                .await?;
            let diff = config::diff(old, doc.plain());
            if update.dry_run {
                self.check_session_cookie(&project, &doc).await?;
            }
            if update.dry_run || doc.plain() == old {
                return Ok(ConfigUpdated {
                    project,
                    diff,
                    notes: doc.notes().to_vec(),
                });
            }
            let revision = Revision {
                number: base + 1,
                document: doc.seal(project.data_key(), project.id().uuid(), ids::bytes),
                diff: diff.clone(),
                restored,
            };
            if self
                .write_revision(actor, &project, &doc, &revision)
                .await?
            {
                let notes = doc.notes().to_vec();
                return Ok(ConfigUpdated {
                    project: self.reload(&project).await?,
                    diff,
                    notes,
                });
            }
            project = self.reload(&project).await?;
        }
        Err(ChangeError::Conflict {
            latest: project.config_revision(),
        })
    }

    /// False: the revision it was based on is not the latest any more, or the environment it was judged for.
    async fn write_revision(
        &self,
        actor: &Actor,
        project: &Project,
        doc: &ConfigDoc,
        revision: &Revision,
    ) -> Result<bool, ChangeError> {
        let mut tx = self.home().pools().control.begin().await?;
        let moved = sqlx::query!(
            "update control.projects set config_revision = $2, updated_at = $3, session_cookie = $5
              where id = $1 and config_revision = $2 - 1 and environment = $4",
            project.id().uuid(),
            revision.number,
            self.clock().now(),
            project.environment().as_str(),
            doc.session_cookie()
        );
        if moved.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        insert(self, &mut tx, actor, project.id(), revision).await?;
        let details = match revision.restored {
            Some(restored) => json!({"revision": revision.number, "restored": restored}),
            None => json!({"revision": revision.number}),
        };
        events::record(
            self,
            &mut tx,
            actor,
            "project.config",
            (Some(project.id()), details),
        )
        .await?;
        self.tell_changed(&mut tx, project).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What the database would say, of a change that is only tried.
    async fn check_session_cookie(
        &self,
        project: &Project,
        doc: &ConfigDoc,
    ) -> Result<(), ChangeError> {
        let taken = sqlx::query_scalar!(
            r#"select exists(select from control.projects
                where session_cookie = $1 and id <> $2 and state not in ('DELETING', 'DELETED')) as "taken!""#,
            doc.session_cookie(),
            project.id().uuid()
        );
        if taken
            .fetch_one(&mut *self.home().pools().control.take().await?)
            .await?
        {
            return Err(ChangeError::cookie_taken());
        }
        Ok(())
    }

    /// Fetch what the document refers to, then judge the whole. No transaction is open meanwhile.
    pub(crate) async fn prepare_config(
        &self,
        mut document: Value,
        slug: &str,
        environment: Environment,
    ) -> Result<ConfigDoc, ChangeError> {
        let sources = ConfigDoc::remote_sources(&document);
        let ends = Instant::now() + SOURCES_WITHIN;
        for (pointer, url) in sources {
            let body = self.source(environment, &url);
            let body = timeout_at(ends, body).await.unwrap_or_else(|_| {
                let seconds = SOURCES_WITHIN.as_secs();
                Err(format!(
                    "the sources took longer than {seconds} seconds together"
                ))
            });
            let body = match body {
                Ok(body) => body,
                Err(why) => return Err(violation(pointer, why)),
            };
            if !ConfigDoc::inline(&mut document, &pointer, &body) {
                return Err(violation(
                    pointer,
                    "the source cannot be stored here".to_owned(),
                ));
            }
        }
        let mut accepted = fair::aside(|| self.judge(document, slug, environment))?;
        self.check_snippets(&accepted).await?;
        self.check_ways_out(&mut accepted, environment).await?;
        Ok(accepted)
    }

    /// What a source holds, or why that is not known.
    async fn source(&self, environment: Environment, url: &str) -> Result<Vec<u8>, String> {
        let request = OutboundRequest::get(url).body_bytes_max(config::SCHEMA_BYTES_MAX);
        match self.outbound(environment).fetch(request).await {
            Ok(answer) if answer.status.as_u16() == 200 => Ok(answer.body),
            Ok(answer) => Err(format!("the source answered {}", answer.status)),
            Err(error) => Err(format!("the source cannot be fetched: {error}")),
        }
    }

    fn judge(
        &self,
        document: Value,
        slug: &str,
        environment: Environment,
    ) -> Result<ConfigDoc, ChangeError> {
        let rules = self.settings().config_rules;
        let mut cx = ValidateCx::new(environment, slug, rules.presets, &rules.schema_check);
        cx.sections = rules.sections;
        cx.checks = rules.checks;
        ConfigDoc::validate(document, &cx).map_err(ChangeError::Violations)
    }

    /// Jsonnet that cannot be read does not come into force.
    async fn check_snippets(&self, accepted: &ConfigDoc) -> Result<(), ChangeError> {
        // A line of its own in the queue: no change waits for the snippets of another.
        let (mut found, line) = (Vec::new(), ids::v4());
        for (pointer, source) in accepted.snippets() {
            let read = self.sandbox().evaluate(line, source, None).await;
            if let Err(error) = read {
                found.push(ConfigViolation::new(pointer, error.into_fault()?));
            }
        }
        if found.is_empty() {
            Ok(())
        } else {
            Err(ChangeError::Violations(found))
        }
    }
}

fn violation(pointer: String, message: String) -> ChangeError {
    ChangeError::Violations(vec![ConfigViolation { pointer, message }])
}

pub(crate) async fn insert(
    directory: &Directory,
    connection: &mut PgConnection,
    actor: &Actor,
    project: ProjectId,
    revision: &Revision,
) -> Result<(), Fault> {
    sqlx::query!(
        "insert into control.config_revisions (project, revision, document, diff, author, created_at) values ($1, $2, $3, $4, $5, $6)",
        project.uuid(),
        revision.number,
        revision.document,
        revision.diff,
        actor.0,
        directory.clock().now()
    )
    .execute(connection)
    .await?;
    Ok(())
}
