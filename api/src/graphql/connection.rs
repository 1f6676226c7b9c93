//! Pages by the Relay cursor specification, forward only.

use async_graphql::{OutputType, SimpleObject};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    errors::Refusal, identities::Identity, keys::ApiKey, projects::Project,
    revisions::ConfigRevision,
};

/// How many items a page has unless `first` says otherwise.
pub(super) const SIZE_DEFAULT: usize = 20;
/// How many it has at most.
pub(super) const SIZE_MAX: usize = 100;
/// A search text, in characters.
const SEARCH_MAX: usize = 200;

/// One page of a list.
#[derive(Debug, SimpleObject)]
#[graphql(
    concrete(name = "ProjectConnection", params(Project)),
    concrete(name = "IdentityConnection", params(Identity)),
    concrete(name = "ConfigRevisionConnection", params(ConfigRevision)),
    concrete(name = "ApiKeyConnection", params(ApiKey))
)]
pub(super) struct Connection<T: OutputType>
where
    Edge<T>: OutputType,
{
    /// The items in order, each with its place.
    edges: Vec<Edge<T>>,
    /// Where this page stands in the whole.
    page_info: PageInfo,
}

/// An item and its place in a list.
#[derive(Debug, SimpleObject)]
#[graphql(
    concrete(name = "ProjectEdge", params(Project)),
    concrete(name = "IdentityEdge", params(Identity)),
    concrete(name = "ConfigRevisionEdge", params(ConfigRevision)),
    concrete(name = "ApiKeyEdge", params(ApiKey))
)]
pub(super) struct Edge<T: OutputType> {
    /// Give it as `after` to go on behind this item. Opaque.
    cursor: String,
    /// The item.
    node: T,
}

/// Where a page stands in the whole list.
#[derive(Debug, SimpleObject)]
pub(super) struct PageInfo {
    /// Is there more behind this page?
    has_next_page: bool,
    /// Was something left out before this page?
    has_previous_page: bool,
    /// The place of the first item; null on an empty page.
    start_cursor: Option<String>,
    /// The place of the last item; null on an empty page.
    end_cursor: Option<String>,
}

/// A page that is asked for, its arguments judged.
#[derive(Debug)]
pub(super) struct Page {
    size: usize,
    /// The key behind which it begins.
    pub(super) after: Option<String>,
    /// Not empty, and free of control characters.
    pub(super) search: Option<String>,
    list: &'static str,
}

/// The number of items of a page; none when `first` is out of range.
pub(super) fn size_of(first: Option<i32>) -> Option<usize> {
    let Some(first) = first else {
        return Some(SIZE_DEFAULT);
    };
    usize::try_from(first)
        .ok()
        .filter(|size| (1..=SIZE_MAX).contains(size))
}

impl Page {
    /// `list` names the list, so that a cursor of one is not taken for a place in another.
    pub(super) fn read(
        list: &'static str,
        first: Option<i32>,
        after: Option<String>,
        search: Option<String>,
    ) -> Result<Self, Refusal> {
        let out_of_range = || Refusal::invalid(format!("`first` is 1 to {SIZE_MAX}"));
        let size = size_of(first).ok_or_else(out_of_range)?;
        let unreadable = || Refusal::invalid("`after` is not a cursor of this list");
        let after = match after {
            Some(cursor) => Some(open(list, &cursor).ok_or_else(unreadable)?),
            None => None,
        };
        let search = search.filter(|text| !text.is_empty());
        let bad =
            |text: &String| text.chars().count() > SEARCH_MAX || text.chars().any(char::is_control);
        if search.as_ref().is_some_and(bad) {
            let why = format!(
                "`search` has at most {SEARCH_MAX} characters, none of them a control character"
            );
            return Err(Refusal::invalid(why));
        }
        Ok(Self {
            size,
            after,
            search,
            list,
        })
    }

    /// How many items it has at most.
    pub(super) fn size(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX)
    }

    /// How many items to read: one more than the page has shows whether there is a next one.
    pub(super) fn limit(&self) -> i64 {
        self.size().saturating_add(1)
    }

    /// Drop the item that was read only to see whether it exists. True: there was one.
    pub(super) fn cut<T>(&self, items: &mut Vec<T>) -> bool {
        let more = items.len() > self.size;
        items.truncate(self.size);
        more
    }

    /// The page, from its items, each with the key it is ordered by.
    pub(super) fn filled<T: OutputType>(
        &self,
        items: Vec<(String, T)>,
        has_next_page: bool,
    ) -> Connection<T>
    where
        Edge<T>: OutputType,
    {
        let edge = |(key, node): (String, T)| Edge {
            cursor: sealed(self.list, &key),
            node,
        };
        let edges: Vec<_> = items.into_iter().map(edge).collect();
        let cursor = |edge: Option<&Edge<T>>| edge.map(|edge| edge.cursor.clone());
        Connection {
            page_info: PageInfo {
                has_next_page,
                has_previous_page: self.after.is_some(),
                start_cursor: cursor(edges.first()),
                end_cursor: cursor(edges.last()),
            },
            edges,
        }
    }
}

fn sealed(list: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}:{key}"))
}

fn open(list: &str, cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let key = text.strip_prefix(list)?.strip_prefix(':')?;
    let clean = key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    clean.then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(first: Option<i32>, after: Option<&str>, search: Option<&str>) -> Option<Page> {
        Page::read(
            "p",
            first,
            after.map(str::to_owned),
            search.map(str::to_owned),
        )
        .ok()
    }

    #[test]
    fn sizes() {
        assert_eq!(read(None, None, None).unwrap().limit(), 21);
        assert_eq!(read(Some(100), None, None).unwrap().limit(), 101);
        for bad in [-1, 0, 101, i32::MIN, i32::MAX] {
            assert!(read(Some(bad), None, None).is_none(), "{bad}");
        }
    }

    #[test]
    fn cursors_come_back_and_nothing_else_does() {
        let cursor = sealed("p", "my-slug");
        let page = read(None, Some(&cursor), None).unwrap();
        assert_eq!(page.after.as_deref(), Some("my-slug"));
        let nul = sealed("p", "a\0");
        for bad in ["", "x", "my-slug", &sealed("i", "my-slug"), &nul] {
            assert!(read(None, Some(bad), None).is_none(), "{bad}");
        }
    }

    #[test]
    fn searches() {
        assert_eq!(read(None, None, Some("")).unwrap().search, None);
        assert!(read(None, None, Some("ä@b")).is_some());
        assert!(read(None, None, Some("a\0b")).is_none());
        assert!(read(None, None, Some(&"a".repeat(201))).is_none());
    }
}
