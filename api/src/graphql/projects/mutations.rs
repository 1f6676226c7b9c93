//! Projects made, renamed, and moved to another environment.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use tenants::{Environment, NewProject};

use super::{
    super::{
        DevelopmentMode, access::Access, config::assembled, errors::Refusal, keys::NewApiKey,
        scalars::Json,
    },
    Project, ProjectEnvironment,
};

/// The project to be made.
#[derive(Debug, InputObject)]
pub(in crate::graphql) struct CreateProjectInput {
    /// 3 to 40 characters: a to z, 0 to 9 and inner hyphens. Never changes.
    slug: String,
    /// 1 to 100 characters.
    name: String,
    /// Its configuration; what is left out takes its default.
    config: Option<Json>,
    /// Identity schemas by id, as an alternative to base64:// URLs in config.identity.schemas.
    identity_schemas: Option<Json>,
    /// PRODUCTION unless said otherwise, DEVELOPMENT in development mode. DEVELOPMENT must be allowed by the
    /// installation.
    environment: Option<ProjectEnvironment>,
}

/// What `createProject` did.
#[derive(Debug, SimpleObject)]
pub(in crate::graphql) struct CreateProjectPayload {
    /// The project, ready to serve.
    project: Project,
    /// A first key for it, of role OWNER.
    api_key: NewApiKey,
}

/// What to change about a project; what is left out stays.
#[derive(Debug, InputObject)]
pub(in crate::graphql) struct UpdateProjectInput {
    /// Which project.
    slug: String,
    /// 1 to 100 characters.
    name: Option<String>,
    /// Its configuration must be valid there.
    environment: Option<ProjectEnvironment>,
}

/// The project as it is now.
#[derive(Debug, SimpleObject)]
pub(in crate::graphql) struct ProjectPayload {
    /// The project as it is now.
    project: Project,
}

impl From<tenants::Project> for ProjectPayload {
    fn from(project: tenants::Project) -> Self {
        Self {
            project: Project(project),
        }
    }
}

/// Mutations that make and rename projects.
#[derive(Debug, Default)]
pub(in crate::graphql) struct ProjectMutations;

#[Object]
impl ProjectMutations {
    /// Make a project; it serves when the answer comes. Takes an ADMIN of the installation.
    #[graphql(complexity = "50 + child_complexity")]
    async fn create_project(
        &self,
        cx: &Context<'_>,
        input: CreateProjectInput,
    ) -> Result<CreateProjectPayload, Refusal> {
        let access = Access::of(cx)?;
        access.on_installation(tenants::Role::Admin)?;
        let development = cx.data_opt::<DevelopmentMode>().is_some_and(|mode| mode.0);
        let usual = if development {
            ProjectEnvironment::Development
        } else {
            ProjectEnvironment::Production
        };
        let environment = input.environment.unwrap_or(usual);
        let new = NewProject {
            slug: input.slug,
            name: input.name,
            environment: environment.into(),
            config: assembled(input.config, input.identity_schemas)?,
        };
        let (project, key) = access
            .installation
            .create_project(&access.actor(), new)
            .await?;
        Ok(CreateProjectPayload {
            project: Project(project),
            api_key: key.into(),
        })
    }

    /// Rename a project, or move it to another environment. Takes an ADMIN; one of the installation to move it to
    /// DEVELOPMENT, where its configuration may call private networks.
    #[graphql(complexity = "20 + child_complexity")]
    async fn update_project(
        &self,
        cx: &Context<'_>,
        input: UpdateProjectInput,
    ) -> Result<ProjectPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = access
            .live_project(&input.slug, tenants::Role::Admin)
            .await?;
        if input.name.is_none() && input.environment.is_none() {
            return Ok(project.into());
        }
        let environment = input.environment.map(Environment::from);
        let development = Some(Environment::Development);
        if environment == development && project.environment() != Environment::Development {
            access.on_installation(tenants::Role::Admin)?;
        }
        let updated = access
            .installation
            .update_project(&access.actor(), &project, input.name, environment)
            .await?;
        Ok(updated.into())
    }
}
