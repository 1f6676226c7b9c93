//! Places in a document, as RFC 6901 and as people write them.

/// The pointer of a member (RFC 6901).
pub(super) fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// `/a/b/0/c` as people write it: `a.b.c`, without the positions in arrays.
pub(super) fn dotted(pointer: &str) -> String {
    let names = pointer
        .split('/')
        .skip(1)
        .filter(|name| name.parse::<usize>().is_err());
    names
        .collect::<Vec<_>>()
        .join(".")
        .replace("~1", "/")
        .replace("~0", "~")
}
