//! The history of a configuration: listed, shown masked, and brought back.

use async_graphql::{Context, InputObject, Object};
use tenants::{ConfigRestore, Project, RevisionEntry};

use super::{
    access::Access,
    config::UpdateProjectConfigPayload,
    connection::{Connection, Page},
    errors::Refusal,
    scalars::{Json, Moment},
};

/// What cursors of this list begin with.
const LIST: &str = "revision";

/// One accepted change of a configuration.
#[derive(Debug)]
pub(super) struct ConfigRevision {
    project: Project,
    entry: RevisionEntry,
}

/// One accepted change of a configuration.
#[Object]
impl ConfigRevision {
    /// From 1, which is what the project was made with.
    async fn number(&self) -> i32 {
        self.entry.number
    }

    /// Who made the change: `key:` and the id of a key, `root key`, or `system`.
    async fn author(&self) -> &str {
        &self.entry.author
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.entry.created_at)
    }

    /// From the revision before to this one, as a JSON Patch; secrets are masked. Empty for the first.
    async fn diff(&self) -> Json {
        Json(self.entry.diff.clone())
    }

    /// The whole document of this revision, with a mask in the place of each secret.
    // A query each and up to a mebibyte: for one revision, or a handful.
    #[graphql(complexity = 200)]
    async fn config(&self) -> Result<Json, Refusal> {
        let document = self.project.revision_document(self.entry.number);
        Ok(Json(document.await?.ok_or(Refusal::NotFound("revision"))?))
    }
}

/// One page of a project's revisions, newest first.
pub(super) async fn page_of(
    project: &Project,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<ConfigRevision>, Refusal> {
    let page = Page::read(LIST, first, after, None)?;
    let below = match &page.after {
        Some(key) => key
            .parse()
            .map_err(|_| Refusal::invalid("`after` is not a cursor of this list"))?,
        None => i32::MAX,
    };
    let mut entries = project.revisions(page.limit(), below).await?;
    let more = page.cut(&mut entries);
    let items = entries.into_iter().map(|entry| {
        let project = project.clone();
        (entry.number.to_string(), ConfigRevision { project, entry })
    });
    Ok(page.filled(items.collect(), more))
}

/// The revision of that number, if there is one.
pub(super) async fn find(
    project: &Project,
    number: i32,
) -> Result<Option<ConfigRevision>, Refusal> {
    // Numbers begin at 1 and never get near the end of their range.
    let Some(below) = number.checked_add(1) else {
        return Ok(None);
    };
    let found = project
        .revisions(1, below)
        .await?
        .into_iter()
        .find(|entry| entry.number == number);
    Ok(found.map(|entry| ConfigRevision {
        project: project.clone(),
        entry,
    }))
}

/// Back to an earlier configuration.
#[derive(Debug, InputObject)]
pub(super) struct RestoreProjectConfigInput {
    /// Whose configuration.
    slug: String,
    /// The number of the revision whose document, with the secrets it had, becomes the next revision.
    revision: i32,
    /// The revision that is the latest as far as the caller knows; if it is not any more, the change is
    /// refused with the code REVISION_CONFLICT.
    expected_revision: Option<i32>,
    /// Judge the change and show what it would do, but do not make it.
    #[graphql(default_with = "Some(false)")]
    dry_run: Option<bool>,
}

/// Mutations of the history.
#[derive(Debug, Default)]
pub(super) struct RevisionMutations;

#[Object]
impl RevisionMutations {
    /// Make an earlier configuration the next one. It is judged by the rules of today, and in force when the
    /// answer comes. Takes an ADMIN.
    #[graphql(complexity = "20 + child_complexity")]
    async fn restore_project_config(
        &self,
        cx: &Context<'_>,
        input: RestoreProjectConfigInput,
    ) -> Result<UpdateProjectConfigPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = access
            .live_project(&input.slug, tenants::Role::Admin)
            .await?;
        let restore = ConfigRestore {
            revision: input.revision,
            expected_revision: input.expected_revision,
            dry_run: input.dry_run.unwrap_or(false),
        };
        let restored = access
            .installation
            .restore_config(&access.actor(), &project, restore)
            .await?;
        Ok(restored.ok_or(Refusal::NotFound("revision"))?.into())
    }
}
