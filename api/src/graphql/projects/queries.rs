//! Projects found by slug, and listed.

use async_graphql::{Context, Object};

use super::{
    super::{
        access::Access,
        connection::{Connection, Page},
        errors::Refusal,
        limits::list_cost,
    },
    Project,
};

/// Queries about projects.
#[derive(Debug, Default)]
pub(in crate::graphql) struct ProjectQueries;

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
