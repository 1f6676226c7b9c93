//! Identities with their credentials, as administrators list, read and delete them. Each of these is one short
//! transaction of its own.

use std::collections::HashMap;

use tenants::{Fault, Project, Tx};
use uuid::Uuid;

use super::{
    Identity,
    store::{self, Filter},
};
use crate::credentials::{Credential, store as credential_store};

/// Traits and metadata of one page. Such a list is held in memory several times over while it is answered.
const LIST_BYTES_MAX: i64 = 8 << 20;

/// An identity with what it signs in with.
#[derive(Clone, Debug)]
pub struct Record {
    /// The identity.
    pub identity: Identity,
    /// Its credentials; none where they were not asked for.
    pub credentials: Vec<Credential>,
}

/// Which part of a list to read. Identities are listed by id.
#[derive(Clone, Copy, Debug)]
pub enum Page {
    /// The first `size` of those behind an id.
    After {
        /// The nil id for the beginning of the list.
        id: Uuid,
        /// How many at most.
        size: i64,
    },
    /// The page of that number. All pages before it are read too, so it must not lie far.
    Number {
        /// From 0.
        number: i64,
        /// How many at most.
        size: i64,
    },
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// By id.
    pub records: Vec<Record>,
    /// The id behind which a next page begins, if there is one. Pages by number have `total` instead.
    pub next: Option<Uuid>,
    /// How many there are on all pages: of pages by number alone, because counting reads all of them.
    pub total: i64,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A page by number that holds more than 8 MiB.
    #[error("this page holds more than {} MiB: ask for fewer at a time, or by page_token", LIST_BYTES_MAX >> 20)]
    TooLarge,
    /// The database.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A page of the identities that the filter lets through.
pub async fn list(
    project: &Project,
    filter: &Filter,
    page: Page,
    with_credentials: bool,
) -> Result<Listed, ListError> {
    let mut tx = project.begin().await?;
    let (mut ids, mut next) = ids_of(&mut tx, filter, page).await?;
    let fit = store::how_many_fit(&mut tx, &ids, LIST_BYTES_MAX).await?;
    if fit < ids.len() {
        // A page by id may be shorter than was asked for; one by number would leave somebody out.
        let Page::After { .. } = page else {
            return Err(ListError::TooLarge);
        };
        ids.truncate(fit.max(1));
        next = ids.last().copied();
    }
    let identities = store::get_many(&mut tx, &ids).await?;
    let mut credentials: HashMap<Uuid, Vec<Credential>> = HashMap::new();
    if with_credentials {
        for (owner, own) in credential_store::of_identities(&mut tx, &ids).await? {
            credentials.entry(owner).or_default().push(own);
        }
    }
    let total = match page {
        Page::Number { .. } if filter.is_by_identifier() => {
            i64::try_from(ids.len()).unwrap_or(i64::MAX)
        }
        Page::Number { .. } => store::count(&mut tx).await?,
        Page::After { .. } => 0,
    };
    drop(tx);
    let records = identities.into_iter().map(|identity| Record {
        credentials: credentials.remove(&identity.id).unwrap_or_default(),
        identity,
    });
    Ok(Listed {
        records: records.collect(),
        next,
        total,
    })
}

async fn ids_of(
    tx: &mut Tx,
    filter: &Filter,
    page: Page,
) -> Result<(Vec<Uuid>, Option<Uuid>), Fault> {
    match page {
        Page::After { id, size } => {
            // One more than the page has shows whether there is a next one.
            let mut ids = store::list(tx, filter, id, size + 1).await?;
            let more = i64::try_from(ids.len()).unwrap_or(i64::MAX) > size;
            ids.truncate(usize::try_from(size).unwrap_or(usize::MAX));
            let next = ids.last().copied().filter(|_| more);
            Ok((ids, next))
        }
        Page::Number { number, size } => {
            let ids = store::list_by_page(tx, filter, number * size, size).await?;
            Ok((ids, None))
        }
    }
}

/// One identity with its credentials.
pub async fn get(project: &Project, id: Uuid) -> Result<Option<Record>, Fault> {
    let mut tx = project.begin().await?;
    let Some(identity) = store::get(&mut tx, id).await? else {
        return Ok(None);
    };
    let credentials = credential_store::of_identities(&mut tx, &[id]).await?;
    Ok(Some(Record {
        identity,
        credentials: credentials.into_iter().map(|(_, own)| own).collect(),
    }))
}

/// Delete an identity and everything of it. False: there is none.
pub async fn delete(project: &Project, id: Uuid) -> Result<bool, Fault> {
    let mut tx = project.begin().await?;
    let gone = store::delete(&mut tx, id).await?;
    if gone {
        tx.commit().await?;
    }
    Ok(gone)
}
