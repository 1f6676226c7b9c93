//! Who is asking: the key that came with the request.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};

use super::{access::Access, errors::Refusal, keys::Role};

/// What the caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum ViewerKind {
    /// The key from the installation's environment.
    RootKey,
    /// A key that was made with `createApiKey` or came with a project.
    ApiKey,
}

/// The caller, as the server knows them.
#[derive(Debug, SimpleObject)]
pub(super) struct Viewer {
    /// The id of the key; `revokeApiKey` takes it. All zeros for the root key.
    id: ID,
    /// The name of the key.
    name: String,
    /// What the key may do.
    role: Role,
    /// The project the key belongs to; null for a key of the installation, which has its role in every project.
    project_slug: Option<String>,
    /// What the caller is.
    kind: ViewerKind,
}

/// Queries about the caller.
#[derive(Debug, Default)]
pub(super) struct ViewerQueries;

#[Object]
impl ViewerQueries {
    /// Who is asking.
    async fn viewer(&self, cx: &Context<'_>) -> Result<Viewer, Refusal> {
        let access = Access::of(cx)?;
        let key = access.key;
        let project_slug = match key.project {
            Some(own) => access.installation.slug_of(own).await?,
            None => None,
        };
        let root = key.id.is_nil();
        Ok(Viewer {
            id: ID(key.id.to_string()),
            name: key.name.clone(),
            role: key.role.into(),
            project_slug,
            kind: if root {
                ViewerKind::RootKey
            } else {
                ViewerKind::ApiKey
            },
        })
    }
}
