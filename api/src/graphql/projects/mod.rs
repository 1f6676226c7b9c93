//! Projects: what is shown of one. They are found in `queries`, made and renamed in `mutations`, and moved through
//! their life in `lifecycle`.

mod lifecycle;
mod mutations;
mod queries;

use async_graphql::{Context, Enum, ID, Object};
use tenants::Environment;

use super::{
    access::Access,
    connection::{Connection, Page},
    errors::Refusal,
    identities::{self, Identity},
    keys::{self, ApiKey},
    limits::list_cost,
    revisions::{self, ConfigRevision},
    scalars::{Json, Moment},
};
pub(super) use lifecycle::LifecycleMutations;
pub(super) use mutations::ProjectMutations;
pub(super) use queries::ProjectQueries;

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
        cx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 if left out.")] first: Option<i32>,
        #[graphql(desc = "A cursor: begin behind it.")] after: Option<String>,
        #[graphql(desc = "How an identifier (an e-mail address, a name) begins.")] search: Option<
            String,
        >,
    ) -> Result<Connection<Identity>, Refusal> {
        let page = Page::read(identities::LIST, first, after, search)?;
        identities::page_of(Access::of(cx)?.installation, &self.0, &page).await
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
        let page = Page::read(keys::LIST, first, after, None)?;
        let with_revoked = include_revoked.unwrap_or(false);
        keys::page_of(&access, Some(&self.0), &page, with_revoked).await
    }
}
