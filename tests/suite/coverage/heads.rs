//! A file of the suite speaks HTTP alone, like a stranger, or its head says where it looks inside.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What a file names that looks inside, and what its head calls that.
const INNER: [(&str, &str); 8] = [
    ("sqlx::", "the tables"),
    ("PgConnection", "the tables"),
    (".begin().await", "the tables"),
    (".superuser()", "the tables"),
    ("courier::", "`courier`"),
    ("flows::", "`flows`"),
    ("identity::", "`identity`"),
    ("worker::", "`worker`"),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let found = paths.flat_map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    found.collect()
}

/// A path of a crate, not of a module with the same name.
fn names(line: &str, inner: &str) -> bool {
    let starts_here = |at: usize| {
        let before = line[..at].chars().next_back();
        inner.starts_with('.')
            || !before.is_some_and(|c| c.is_alphanumeric() || "_:.\"".contains(c))
    };
    line.match_indices(inner).any(|(at, _)| starts_here(at))
}

#[test]
fn the_head_of_a_file_says_where_it_looks_inside() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite");
    let all = files(&suite);
    assert!(all.len() > 100, "the files are found");
    for path in all {
        // The SDK has modules of the same names.
        if path.ends_with("heads.rs") || path.parent().is_some_and(|folder| folder.ends_with("sdk"))
        {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let looks: BTreeSet<&str> = code
            .flat_map(|line| INNER.iter().filter(|(inner, _)| names(line, inner)))
            .map(|(_, what)| *what)
            .collect();
        let said = text
            .lines()
            .find_map(|line| line.strip_prefix("//! Looks inside: "));
        let said: BTreeSet<&str> = said
            .map(|said| said.trim_end_matches('.').split(", ").collect())
            .unwrap_or_default();
        assert_eq!(
            said,
            looks,
            "the head of {} has to end with `//! Looks inside: {}.`, or with no such line if that is nothing",
            path.display(),
            looks.iter().copied().collect::<Vec<_>>().join(", ")
        );
    }
}
