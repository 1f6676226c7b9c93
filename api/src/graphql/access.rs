//! Who may do what (docs/wire.md, W17.4), and which projects a caller can see at all.
//!
//! A project's key never learns of other projects: for it, the slug of another project is one that was never
//! given out, and is not even looked up, so that answers do not differ in time either.

use async_graphql::Context;
use tenants::{Actor, Fault, Installation, Key, Project, ProjectState, Role};

use super::{Caller, errors::Refusal};

/// The caller of one request, proven by a key.
#[derive(Clone, Copy)]
pub(super) struct Access<'c> {
    pub(super) installation: &'c Installation,
    pub(super) key: &'c Key,
}

impl<'c> Access<'c> {
    /// UNAUTHENTICATED without a key.
    pub(super) fn of(cx: &Context<'c>) -> Result<Self, Refusal> {
        let caller = cx.data_opt::<Caller>().and_then(|caller| caller.0.as_ref());
        let key = caller.ok_or(Refusal::Unauthenticated)?;
        let installation = cx
            .data_opt::<Installation>()
            .ok_or_else(|| Fault::broken("the GraphQL schema was made without an installation"))?;
        Ok(Self { installation, key })
    }

    /// How the audit trail names the caller.
    pub(super) fn actor(&self) -> Actor {
        self.key.actor()
    }

    /// May the caller act as `role` on the installation? FORBIDDEN otherwise.
    pub(super) fn on_installation(&self, role: Role) -> Result<(), Refusal> {
        if self.key.may_on_installation(role) {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }

    /// The project of that slug, whatever its state, if the caller can see it.
    pub(super) async fn find(&self, slug: &str) -> Result<Option<Project>, Fault> {
        if let Some(own) = self.key.project {
            let own_slug = self.installation.slug_of(own).await?;
            if own_slug.as_deref() != Some(slug) {
                return Ok(None);
            }
        }
        let found = self.installation.find_project(slug).await?;
        Ok(found.filter(|project| self.key.may(Role::Viewer, project.id())))
    }

    /// The project that a mutation names, deletion under way or not: NOT_FOUND, then FORBIDDEN.
    pub(super) async fn project(&self, slug: &str, role: Role) -> Result<Project, Refusal> {
        let project = self.find(slug).await?.ok_or(Refusal::NotFound("project"))?;
        if self.key.may(role, project.id()) {
            Ok(project)
        } else {
            Err(Refusal::Forbidden)
        }
    }

    /// As [`Self::project`], but one that is being deleted is not there any more.
    pub(super) async fn live_project(&self, slug: &str, role: Role) -> Result<Project, Refusal> {
        let project = self.project(slug, role).await?;
        if project.state() == ProjectState::Deleting {
            return Err(Refusal::NotFound("project"));
        }
        Ok(project)
    }
}
