//! Who may name whom in `flows`: the machine knows no kind, a kind no method, and only the catalog all of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is in that folder of `flows/src` does not name these modules of the crate.
const MAY_NOT: [(&str, &[&str]); 5] = [
    ("ui", &["engine", "kinds", "methods", "hooks", "catalog"]),
    ("engine", &["kinds", "methods", "hooks", "catalog"]),
    ("kinds", &["methods", "hooks", "catalog"]),
    ("methods", &["hooks", "catalog"]),
    ("hooks", &["methods", "catalog"]),
];

fn sources(path: PathBuf) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path];
    }
    let entries = fs::read_dir(path).unwrap();
    let inner = entries.flat_map(|entry| sources(entry.unwrap().path()));
    inner.collect()
}

/// Does a path in that line begin at that module of the crate? `use crate::{…}` may go over several lines, in
/// which a module stands first.
fn names(line: &str, module: &str) -> bool {
    let line = line.trim_start();
    let is_comment = line.starts_with("//");
    let begins = line.starts_with(&format!("{module}::"));
    !is_comment && (begins || line.contains(&format!("crate::{module}")))
}

#[test]
fn arrows_in_flows_point_one_way() {
    let flows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/src");
    let mut wrong = Vec::new();
    for (below, above) in MAY_NOT {
        let files = sources(flows.join(below));
        assert!(!files.is_empty(), "{below} is found");
        for path in files {
            let text = fs::read_to_string(&path).unwrap();
            let named = above
                .iter()
                .filter(|module| text.lines().any(|line| names(line, module)));
            wrong.extend(named.map(|module| format!("{} names {module}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names("    kinds::login::Login,", "kinds"));
    assert!(names("use crate::methods::code;", "methods"));
    assert!(!names("//! crate::methods", "methods"));
}
