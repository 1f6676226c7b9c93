//! docs/wire.md against the sources: every rule has a test, every citation a rule. A test names the rules it
//! stands for in a comment or a message (`W3.4`). Rules that no test can stand for say so in the document.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
};

/// Chapter and number within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rule(u32, u32);

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W{}.{}", self.0, self.1)
    }
}

/// What is written behind a rule that has no test.
const MARKS: [&str; 2] = ["*Not served yet.*", "*No test.*"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every rule that a text names.
fn named(text: &str) -> Vec<Rule> {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
        Some((digits.parse().ok()?, rest.to_owned()))
    };
    let rule = |at: usize| {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let (chapter, rest) = number(&text[at + 1..])?;
        let (within, rest) = number(rest.strip_prefix('.')?)?;
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        ends.then_some(Rule(chapter, within))
    };
    text.match_indices('W')
        .filter_map(|(at, _)| rule(at))
        .collect()
}

/// The rules of the document, in its order, each with its text.
fn rules() -> Vec<(Rule, String)> {
    let text = fs::read_to_string(root().join("docs/wire.md")).unwrap();
    let mut rules: Vec<(Rule, String)> = Vec::new();
    let mut chapter = 0;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            chapter = title.split('.').next().unwrap().parse().unwrap();
        } else if let Some(item) = line.strip_prefix("- **W") {
            let rule = named(&format!("W{}", item.split("**").next().unwrap()))[0];
            assert_eq!(rule.0, chapter, "{rule:?} stands in chapter {chapter}");
            rules.push((rule, item.to_owned()));
        } else if let (Some(more), Some((_, text))) = (line.strip_prefix("  "), rules.last_mut()) {
            text.push(' ');
            text.push_str(more);
        }
    }
    rules
}

/// Every source and document but the rules themselves, generated files and this one.
fn sources() -> Vec<(PathBuf, String)> {
    let skipped = ["target", "node_modules", "dist", "wire.md"];
    let kinds = [
        "rs", "mjs", "ts", "tsx", "md", "sql", "toml", "json", "sh", "graphql",
    ];
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap();
            let kind = path.extension().and_then(OsStr::to_str);
            if skipped.contains(&name) || name.starts_with('.') || file!().ends_with(name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if kind.is_some_and(|kind| kinds.contains(&kind)) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The part of a source that holds tests: all of it in a folder or file of tests, what follows the switch in
/// other files.
fn tests_of<'t>(path: &Path, text: &'t str) -> &'t str {
    let inside = path.strip_prefix(root()).unwrap();
    let is_test = |part: &OsStr| {
        let part = part.to_str().unwrap();
        part == "tests" || part == "tests.rs" || part.starts_with("tests_")
    };
    if inside.iter().any(is_test) {
        return text;
    }
    let at = text.find("#[cfg(test)]\nmod").unwrap_or(text.len());
    &text[at..]
}

#[test]
fn rules_are_named_as_people_write_them() {
    let cases: [(&str, &[Rule]); 6] = [
        ("/// W3.4.\n#[test]", &[Rule(3, 4)]),
        (
            "// W12.1, W3.10 and W4.2: so it is.",
            &[Rule(12, 1), Rule(3, 10), Rule(4, 2)],
        ),
        ("(docs/wire.md, W9.13)", &[Rule(9, 13)]),
        ("assert!(x, \"W1.2\");", &[Rule(1, 2)]),
        ("**W17.9**", &[Rule(17, 9)]),
        ("W3, W3.x, XW3.4, RAW1.2, W1.2b, W.3", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(named(text), expected, "{text}");
    }
}

#[test]
fn rules_are_numbered_in_order() {
    let rules = rules();
    assert!(rules.len() > 100, "{} rules", rules.len());
    for pair in rules.windows(2) {
        assert!(
            pair[0].0 < pair[1].0,
            "{:?} before {:?}",
            pair[0].0,
            pair[1].0
        );
    }
}

#[test]
fn every_rule_has_a_test() {
    let mut tested: BTreeMap<Rule, BTreeSet<PathBuf>> = BTreeMap::new();
    for (path, text) in sources() {
        for rule in named(tests_of(&path, &text)) {
            tested.entry(rule).or_default().insert(path.clone());
        }
    }
    let (mut missing, mut needless) = (Vec::new(), Vec::new());
    for (rule, text) in rules() {
        let has_mark = MARKS.iter().any(|mark| text.ends_with(mark));
        match tested.get(&rule) {
            None if !has_mark => missing.push(rule),
            Some(places) if has_mark => needless.push((rule, places)),
            _ => {}
        }
    }
    assert!(
        missing.is_empty(),
        "no test names {missing:?}: write one that does, or end the rule with one of {MARKS:?}"
    );
    assert!(
        needless.is_empty(),
        "these have a test: take their marks out of docs/wire.md: {needless:#?}"
    );
}

#[test]
fn every_rule_that_is_cited_exists() {
    let rules: BTreeSet<Rule> = rules().into_iter().map(|(rule, _)| rule).collect();
    let mut unknown = Vec::new();
    for (path, text) in sources() {
        let strangers = named(&text)
            .into_iter()
            .filter(|rule| !rules.contains(rule));
        unknown.extend(strangers.map(|rule| (rule, path.clone())));
    }
    assert!(unknown.is_empty(), "not in docs/wire.md: {unknown:#?}");
}
