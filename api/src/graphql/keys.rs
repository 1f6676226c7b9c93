//! API keys: made and ended by OWNERs, of the installation or of one project.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use tenants::{KeyEntry, KeyPage, KeyRequest, Project};
use uuid::Uuid;

use super::{
    access::Access,
    connection::{Connection, Page},
    errors::Refusal,
    limits::list_cost,
    scalars::Moment,
};

/// What a key may do. Each role may all that the ones below it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "tenants::Role")]
pub(super) enum Role {
    /// Everything, also keys, suspension and deletion.
    Owner,
    /// Also write identities, sessions, configuration and messages.
    Admin,
    /// Read everything of a project but secrets and credentials.
    Viewer,
}

/// A key that was just made.
#[derive(Debug, SimpleObject)]
pub(super) struct NewApiKey {
    /// Its id; `revokeApiKey` takes it.
    id: ID,
    /// Its name.
    name: String,
    /// What it may do.
    role: Role,
    /// The token. Shown this once; only a hash is kept.
    token: String,
    /// How the token begins, to recognise it by.
    prefix: String,
}

impl From<tenants::NewKey> for NewApiKey {
    fn from(key: tenants::NewKey) -> Self {
        Self {
            id: ID(key.id.to_string()),
            name: key.name,
            role: key.role.into(),
            token: key.token,
            prefix: key.prefix,
        }
    }
}

/// A key that was made before: everything but its token, of which only a hash is kept.
#[derive(Debug, SimpleObject)]
pub(super) struct ApiKey {
    /// Its id; `revokeApiKey` takes it.
    id: ID,
    /// Its name.
    name: String,
    /// What it may do.
    role: Role,
    /// How its token begins, to recognise it by.
    prefix: String,
    /// Who made it: `key:` and the id of a key, `root key`, or `system`.
    author: String,
    /// When it was made.
    created_at: Moment,
    /// When it stops working, or did; null for never.
    expires_at: Option<Moment>,
    /// When it was ended by `revokeApiKey`.
    revoked_at: Option<Moment>,
}

impl From<KeyEntry> for ApiKey {
    fn from(key: KeyEntry) -> Self {
        Self {
            id: ID(key.id.to_string()),
            name: key.name,
            role: key.role.into(),
            prefix: key.prefix,
            author: key.author,
            created_at: Moment(key.created_at),
            expires_at: key.expires_at.map(Moment),
            revoked_at: key.revoked_at.map(Moment),
        }
    }
}

/// What cursors of this list begin with.
pub(super) const LIST: &str = "key";

/// One page of the keys of a project or of the installation, newest first. The caller has judged who asks.
pub(super) async fn page_of(
    access: &Access<'_>,
    project: Option<&Project>,
    page: &Page,
    with_revoked: bool,
) -> Result<Connection<ApiKey>, Refusal> {
    let after = page.after.as_deref().map(Uuid::try_parse).transpose();
    let after = after.map_err(|_| Refusal::invalid("`after` is not a cursor of this list"))?;
    let wanted = KeyPage {
        limit: page.limit(),
        after,
        with_revoked,
    };
    let mut keys = access.installation.list_keys(project, wanted).await?;
    let more = page.cut(&mut keys);
    let items = keys.into_iter().map(|key| (key.id.to_string(), key.into()));
    Ok(page.filled(items.collect(), more))
}

/// Queries about keys.
#[derive(Debug, Default)]
pub(super) struct KeyQueries;

#[Object]
impl KeyQueries {
    /// The keys of the installation, newest first; those of projects are with their projects, and the root key
    /// is in no list. Takes an OWNER of the installation.
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
        access.on_installation(tenants::Role::Owner)?;
        let page = Page::read(LIST, first, after, None)?;
        page_of(&access, None, &page, include_revoked.unwrap_or(false)).await
    }
}

/// The key to be made.
#[derive(Debug, InputObject)]
pub(super) struct CreateApiKeyInput {
    /// Whose key; left out, it is a key of the installation and has its role in every project.
    slug: Option<String>,
    /// 1 to 100 characters, to tell keys apart.
    name: String,
    /// What it may do: no more than the caller.
    role: Role,
    /// When it stops working; left out, never.
    expires_at: Option<Moment>,
}

/// What `createApiKey` did.
#[derive(Debug, SimpleObject)]
pub(super) struct CreateApiKeyPayload {
    /// The key with its token.
    api_key: NewApiKey,
}

/// The key to be ended.
#[derive(Debug, InputObject)]
pub(super) struct RevokeApiKeyInput {
    /// The id of the key, not its token.
    id: ID,
}

/// What `revokeApiKey` did.
#[derive(Debug, SimpleObject)]
pub(super) struct RevokeApiKeyPayload {
    /// The id of the key that was ended.
    id: ID,
}

/// Mutations of keys.
#[derive(Debug, Default)]
pub(super) struct KeyMutations;

#[Object]
impl KeyMutations {
    /// Make a key of a project or of the installation. Takes an OWNER.
    #[graphql(complexity = "20 + child_complexity")]
    async fn create_api_key(
        &self,
        cx: &Context<'_>,
        input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload, Refusal> {
        let access = Access::of(cx)?;
        let project = if let Some(slug) = &input.slug {
            let project = access.live_project(slug, tenants::Role::Owner).await?;
            Some(project.id())
        } else {
            access.on_installation(tenants::Role::Owner)?;
            None
        };
        let role = tenants::Role::from(input.role);
        if role > access.key.role {
            return Err(Refusal::Forbidden);
        }
        check_name(&input.name)?;
        let expires_at = input.expires_at.map(|moment| moment.0);
        if expires_at.is_some_and(|at| at <= access.installation.clock().now()) {
            return Err(Refusal::invalid("`expiresAt` lies in the past"));
        }
        let request = KeyRequest {
            project,
            name: input.name,
            role,
            expires_at,
        };
        let key = access
            .installation
            .create_key(&access.actor(), &request)
            .await?;
        Ok(CreateApiKeyPayload {
            api_key: key.into(),
        })
    }

    /// End a key at once: its token works no more. Takes an OWNER.
    #[graphql(complexity = "20 + child_complexity")]
    async fn revoke_api_key(
        &self,
        cx: &Context<'_>,
        input: RevokeApiKeyInput,
    ) -> Result<RevokeApiKeyPayload, Refusal> {
        let access = Access::of(cx)?;
        // Before any look-up, so that ids of keys cannot be tried out.
        if access.key.role < tenants::Role::Owner {
            return Err(Refusal::Forbidden);
        }
        let absent = || Refusal::NotFound("key");
        let id = Uuid::try_parse(&input.id).map_err(|_| absent())?;
        let owner = access
            .installation
            .owner_of_key(id)
            .await?
            .ok_or_else(absent)?;
        if access.key.project.is_some() && owner != access.key.project {
            return Err(absent());
        }
        if !access.installation.revoke_key(&access.actor(), id).await? {
            return Err(absent());
        }
        Ok(RevokeApiKeyPayload {
            id: ID(id.to_string()),
        })
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let length = name.trim().chars().count();
    if (1..=100).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Refusal::invalid(
        "a key's name has 1 to 100 characters and no control characters",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_keys() {
        for good in ["a", "Żółw", &"a".repeat(100)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a\0", "a\nb", &"a".repeat(101)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
