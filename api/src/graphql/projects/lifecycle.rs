//! Projects stopped and brought back.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::{
    super::{access::Access, errors::Refusal},
    mutations::ProjectPayload,
};

/// Which project.
#[derive(Debug, InputObject)]
pub(in crate::graphql) struct ProjectRefInput {
    /// Its name in URLs.
    slug: String,
}

/// What `deleteProject` did.
#[derive(Debug, SimpleObject)]
pub(in crate::graphql) struct DeleteProjectPayload {
    /// The slug of the project that is going.
    slug: String,
}

/// Mutations that stop projects and bring them back.
#[derive(Debug, Default)]
pub(in crate::graphql) struct LifecycleMutations;

#[Object]
impl LifecycleMutations {
    /// Refuse everybody until the project is resumed. Takes an OWNER.
    #[graphql(complexity = "20 + child_complexity")]
    async fn suspend_project(
        &self,
        cx: &Context<'_>,
        input: ProjectRefInput,
    ) -> Result<ProjectPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = access
            .live_project(&input.slug, tenants::Role::Owner)
            .await?;
        let suspended = access
            .installation
            .suspend_project(&access.actor(), &project)
            .await?;
        Ok(suspended.into())
    }

    /// Serve again. Takes an OWNER.
    #[graphql(complexity = "20 + child_complexity")]
    async fn resume_project(
        &self,
        cx: &Context<'_>,
        input: ProjectRefInput,
    ) -> Result<ProjectPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = access
            .live_project(&input.slug, tenants::Role::Owner)
            .await?;
        let resumed = access
            .installation
            .resume_project(&access.actor(), &project)
            .await?;
        Ok(resumed.into())
    }

    /// Stop serving at once; the data goes when the grace is over. Takes an OWNER.
    #[graphql(complexity = "20 + child_complexity")]
    async fn delete_project(
        &self,
        cx: &Context<'_>,
        input: ProjectRefInput,
    ) -> Result<DeleteProjectPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = access
            .live_project(&input.slug, tenants::Role::Owner)
            .await?;
        access
            .installation
            .delete_project(&access.actor(), &project)
            .await?;
        Ok(DeleteProjectPayload { slug: input.slug })
    }

    /// Undo a deletion within its grace. Takes an OWNER.
    #[graphql(complexity = "20 + child_complexity")]
    async fn restore_project(
        &self,
        cx: &Context<'_>,
        input: ProjectRefInput,
    ) -> Result<ProjectPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = access.project(&input.slug, tenants::Role::Owner).await?;
        let restored = access
            .installation
            .restore_project(&access.actor(), &project)
            .await?;
        Ok(restored.into())
    }
}
