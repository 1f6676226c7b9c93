//! Projects: found, listed, made, renamed, and moved through their life.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use tenants::{Environment, NewProject};

use super::{
    DevelopmentMode,
    access::Access,
    config::assembled,
    connection::{Connection, Page},
    errors::Refusal,
    identities::{self, Identity},
    keys::{self, ApiKey, NewApiKey},
    limits::list_cost,
    revisions::{self, ConfigRevision},
    scalars::{Json, Moment},
};

/// What a project is for; it decides how much carelessness is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Environment")]
pub(super) enum ProjectEnvironment {
    /// For trying out: insecure cookies, cheap hashing and calls to private addresses are allowed.
    Development,
    /// As strict as production.
    Staging,
    /// In earnest.
    Production,
}

/// Where a project stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "tenants::ProjectState")]
pub(super) enum ProjectState {
    /// Being made.
    Creating,
    /// Serving.
    Active,
    /// Refuses everybody until it is resumed.
    Suspended,
    /// On its way to another database.
    Moving,
    /// Deleted, and can still be restored.
    Deleting,
    /// Gone; its slug is never given out again.
    Deleted,
}

/// One tenant: people, their credentials and sessions, and how they sign in.
#[derive(Clone, Debug)]
pub(super) struct Project(pub(super) tenants::Project);

/// One tenant: people, their credentials and sessions, and how they sign in.
#[Object]
impl Project {
    /// Never changes.
    async fn id(&self) -> ID {
        ID(self.0.id().to_string())
    }

    /// Its name in URLs. Unique for ever, never changes.
    async fn slug(&self) -> &str {
        self.0.slug()
    }

    /// Its name for people.
    async fn name(&self) -> &str {
        self.0.name()
    }

    /// What it is for.
    async fn environment(&self) -> ProjectEnvironment {
        self.0.environment().into()
    }

    /// Where it stands in its life.
    async fn state(&self) -> ProjectState {
        self.0.state().into()
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at())
    }

    /// When its name, environment, state or configuration last changed.
    async fn updated_at(&self) -> Moment {
        Moment(self.0.updated_at())
    }

    /// The base of its self-service API, without a slash at the end.
    async fn public_url(&self) -> &str {
        self.0.base_url()
    }

    /// The base of its administrative API, to which clients append `/admin`.
    async fn admin_url(&self) -> &str {
        self.0.base_url()
    }

    /// Its configuration as written, with a mask in the place of each secret.
    #[graphql(complexity = 10)]
    async fn config(&self) -> Json {
        Json(self.0.document().masked())
    }

    /// The number of the configuration in force, from 1.
    async fn config_revision(&self) -> i32 {
        self.0.config_revision()
    }

    /// Its people, by id. `search` is how an identifier begins.
    #[graphql(complexity = "list_cost(first, 20, child_complexity)")]
    async fn identities(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "A cursor: begin behind it.")] after: Option<String>,
        #[graphql(desc = "How an identifier (an e-mail address, a name) begins.")] search: Option<
            String,
        >,
    ) -> Result<Connection<Identity>, Refusal> {
        let page = Page::read(identities::LIST, first, after, search)?;
        identities::page_of(&self.0, &page).await
    }

    /// Every accepted change of its configuration, newest first.
    #[graphql(complexity = "list_cost(first, 10, child_complexity)")]
    async fn revisions(
        &self,
        #[graphql(desc = "How many, 1 to 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "A cursor: begin behind it.")] after: Option<String>,
    ) -> Result<Connection<ConfigRevision>, Refusal> {
        revisions::page_of(&self.0, first, after).await
    }

    /// The revision of its configuration of that number; null when there is none.
    #[graphql(complexity = "2 + child_complexity")]
    async fn revision(
        &self,
        #[graphql(desc = "From 1 to `configRevision`.")] number: i32,
    ) -> Result<Option<ConfigRevision>, Refusal> {
        revisions::find(&self.0, number).await
    }

    /// Its keys, newest first. Takes an OWNER.
    #[graphql(complexity = "list_cost(first, 10, child_complexity)")]
    async fn api_keys(
        &self,
        cx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "A cursor: begin behind it.")] after: Option<String>,
        #[graphql(desc = "Also those that were ended?", default_with = "Some(false)")]
        include_revoked: Option<bool>,
    ) -> Result<Connection<ApiKey>, Refusal> {
        let access = Access::of(cx)?;
        if !access.key.may(tenants::Role::Owner, self.0.id()) {
            return Err(Refusal::Forbidden);
        }
        keys::page_of(
            &access,
            Some(&self.0),
            (first, after),
            include_revoked.unwrap_or(false),
        )
        .await
    }
}

/// Queries about projects.
#[derive(Debug, Default)]
pub(super) struct ProjectQueries;

#[Object]
impl ProjectQueries {
    /// The project of that slug; null when there is none, or none for this key.
    #[graphql(complexity = "2 + child_complexity")]
    async fn project(
        &self,
        cx: &Context<'_>,
        #[graphql(desc = "Its name in URLs.")] slug: String,
    ) -> Result<Option<Project>, Refusal> {
        Ok(Access::of(cx)?.find(&slug).await?.map(Project))
    }

    /// Projects by slug, those being deleted among them. A project's key sees its own project alone.
    #[graphql(complexity = "list_cost(first, 10, child_complexity)")]
    async fn projects(
        &self,
        cx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "A cursor: begin behind it.")] after: Option<String>,
        #[graphql(desc = "A part of the slug or the name.")] search: Option<String>,
    ) -> Result<Connection<Project>, Refusal> {
        let access = Access::of(cx)?;
        let page = Page::read("project", first, after, search)?;
        let mut slugs = slugs(&access, &page).await?;
        let more = page.cut(&mut slugs);
        let mut found = Vec::with_capacity(slugs.len());
        for slug in slugs {
            // One may have gone since the list was read.
            if let Some(project) = access.installation.find_project(&slug).await? {
                found.push((slug, Project(project)));
            }
        }
        Ok(page.filled(found, more))
    }
}

/// One slug more than the page has, if there are that many.
async fn slugs(access: &Access<'_>, page: &Page) -> Result<Vec<String>, Refusal> {
    let (after, search) = (page.after.as_deref(), page.search.as_deref());
    let Some(own) = access.key.project else {
        let listed = access
            .installation
            .list_projects(page.limit(), after, search);
        return Ok(listed.await?);
    };
    let Some(slug) = access.installation.slug_of(own).await? else {
        return Ok(Vec::new());
    };
    let Some(project) = access.installation.find_project(&slug).await? else {
        return Ok(Vec::new());
    };
    let matches = |text: &str| {
        let has = |whole: &str| whole.to_lowercase().contains(&text.to_lowercase());
        has(&slug) || has(project.name())
    };
    let listed = after.is_none_or(|after| slug.as_str() > after) && search.is_none_or(matches);
    Ok(if listed { vec![slug] } else { Vec::new() })
}

/// The project to be made.
#[derive(Debug, InputObject)]
pub(super) struct CreateProjectInput {
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
pub(super) struct CreateProjectPayload {
    /// The project, ready to serve.
    project: Project,
    /// A first key for it, of role OWNER.
    api_key: NewApiKey,
}

/// What to change about a project; what is left out stays.
#[derive(Debug, InputObject)]
pub(super) struct UpdateProjectInput {
    /// Which project.
    slug: String,
    /// 1 to 100 characters.
    name: Option<String>,
    /// Its configuration must be valid there.
    environment: Option<ProjectEnvironment>,
}

/// Which project.
#[derive(Debug, InputObject)]
pub(super) struct ProjectRefInput {
    /// Its name in URLs.
    slug: String,
}

/// The project as it is now.
#[derive(Debug, SimpleObject)]
pub(super) struct ProjectPayload {
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

/// What `deleteProject` did.
#[derive(Debug, SimpleObject)]
pub(super) struct DeleteProjectPayload {
    /// The slug of the project that is going.
    slug: String,
}

/// Mutations that make and rename projects.
#[derive(Debug, Default)]
pub(super) struct ProjectMutations;

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

    /// Rename a project, or move it to another environment. Takes an ADMIN.
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
        let updated = access
            .installation
            .update_project(&access.actor(), &project, input.name, environment)
            .await?;
        Ok(updated.into())
    }
}

/// Mutations that stop projects and bring them back.
#[derive(Debug, Default)]
pub(super) struct LifecycleMutations;

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
