//! What a document for maintainers names exists: files and folders, what is in them, targets of `make`, pages it
//! links to. A name is what stands in backticks: `engine/run.rs` is a file by the end of its path, `run.rs::run`
//! something that this file defines, `methods/` a folder. A name with `<` or `…` in it stands for one to come.
//! What operators read is held to the same, and to the settings and metrics that there are.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders with nothing of ours in them.
const SKIPPED: [&str; 5] = [".git", ".sqlx", "dist", "node_modules", "target"];
/// How the name of a file ends that a document names.
const ENDINGS: [&str; 13] = [
    ".css", ".graphql", ".json", ".md", ".mjs", ".rs", ".sample", ".sh", ".sql", ".toml", ".ts",
    ".tsx", ".txt",
];
/// What stands before a name where it is defined.
const DEFINING: [&str; 9] = [
    "fn ",
    "struct ",
    "enum ",
    "trait ",
    "const ",
    "static ",
    "type ",
    "mod ",
    "macro_rules! ",
];

struct Repository {
    root: PathBuf,
    /// Relative paths, folders with a slash at the end.
    paths: Vec<String>,
}

impl Repository {
    fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut paths = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                let path = entry.path();
                let relative = path.strip_prefix(root).unwrap().display().to_string();
                if entry.file_type().unwrap().is_file() {
                    paths.push(relative);
                } else if !SKIPPED.iter().any(|skipped| path.ends_with(skipped)) {
                    paths.push(format!("{relative}/"));
                    folders.push(path);
                }
            }
        }
        let root = root.to_path_buf();
        Self { root, paths }
    }

    /// The files and folders whose path ends so.
    fn ending_with<'r>(&'r self, path: &'r str) -> impl Iterator<Item = &'r String> {
        let within = format!("/{path}");
        let paths = self.paths.iter();
        paths.filter(move |known| *known == path || known.ends_with(&within))
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// What is wrong with a name in backticks; `None` also for one that is no path.
    fn wrong(&self, name: &str) -> Option<String> {
        if name.contains(['<', '…', ' ', '*', '{']) {
            return None;
        }
        let (path, item) = name
            .split_once(".rs::")
            .map_or((name.to_owned(), None), |(path, item)| {
                (format!("{path}.rs"), Some(item))
            });
        let is_folder = path.ends_with('/') && path.len() > 1 && !path.starts_with('/');
        if !is_folder && !ENDINGS.iter().any(|ending| path.ends_with(ending)) {
            return None;
        }
        let mut found = self.ending_with(&path).peekable();
        if found.peek().is_none() {
            return Some(format!("there is no {path}"));
        }
        let item = item?;
        let defined = found.any(|file| defines(&self.read(file), item));
        (!defined).then(|| format!("{path} does not define {item}"))
    }
}

/// Is `Type::method`, or a name alone, defined in that file?
fn defines(text: &str, item: &str) -> bool {
    let mut names = item.split("::");
    let first = names.next().unwrap();
    let heads = DEFINING.map(|keyword| format!("{keyword}{first}"));
    heads.iter().any(|head| has_word(text, head)) && names.all(|name| has_word(text, name))
}

fn has_word(text: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// What stands in backticks, with the number of its line. Fenced blocks are examples.
fn in_backticks(text: &str) -> Vec<(usize, String)> {
    let (mut found, mut open, mut is_fenced) = (Vec::new(), None::<(usize, String)>, false);
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        if is_fenced {
            continue;
        }
        for character in line.trim_start().chars() {
            match (&mut open, character) {
                (Some(_), '`') => found.extend(open.take()),
                (None, '`') => open = Some((at + 1, String::new())),
                (Some((_, name)), _) => name.push(character),
                (None, _) => {}
            }
        }
        if let Some((_, name)) = &mut open {
            name.push(' ');
        }
    }
    found
}

/// What a line links to in this repository.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

/// The target of a command line that begins with `make`.
fn target(command: &str) -> Option<&str> {
    let target = command.strip_prefix("make ")?.split(' ').next()?;
    let is_name = target
        .chars()
        .all(|c| c.is_ascii_lowercase() || "-_".contains(c));
    (is_name && !target.is_empty()).then_some(target)
}

fn documents(repository: &Repository) -> Vec<&String> {
    let mut named: Vec<&String> = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "deploy/failures.md",
        "deploy/operations.md",
        "docs/adding.md",
    ]
    .iter()
    .flat_map(|path| repository.paths.iter().filter(move |known| known == path))
    .collect();
    assert_eq!(named.len(), 5, "the documents are found");
    let decisions = repository.paths.iter();
    named.extend(decisions.filter(|path| {
        let is_page = Path::new(path).extension().is_some_and(|it| it == "md");
        is_page && path.starts_with("docs/decisions/")
    }));
    named
}

#[test]
fn what_a_document_names_exists() {
    let repository = Repository::here();
    let makefile = repository.read("Makefile");
    let mut wrong = Vec::new();
    let mut names = 0;
    for document in documents(&repository) {
        let text = repository.read(document);
        for (line, name) in in_backticks(&text) {
            names += 1;
            let why = repository.wrong(&name);
            wrong.extend(why.map(|why| format!("{document}:{line}: {why}")));
        }
        let spans = in_backticks(&text);
        let spans = spans.iter().map(|(line, name)| (*line, name.as_str()));
        let lines = text.lines().enumerate();
        let indented = lines.filter_map(|(at, line)| Some((at + 1, line.strip_prefix("    ")?)));
        for (line, command) in spans.chain(indented) {
            let unknown = target(command).filter(|it| !makefile.contains(&format!("\n{it}:")));
            wrong.extend(unknown.map(|it| format!("{document}:{line}: `make {it}` is no target")));
        }
        let folder = repository.root.join(document);
        let folder = folder.parent().unwrap();
        for (at, line) in text.lines().enumerate() {
            let broken = links(line).filter(|target| !folder.join(target).exists());
            wrong.extend(broken.map(|it| format!("{document}:{}: leads to no {it}", at + 1)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names > 300, "names are found: {names}");
}

/// The words of a text that begin so, made of letters, digits and `_`.
fn words<'t>(text: &'t str, start: &'t str) -> impl Iterator<Item = &'t str> {
    let all = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    all.filter(move |word| word.len() > start.len() && word.starts_with(start))
}

/// What is in `deploy/` for operators names settings of `insula.env.sample`, and metrics that something exports.
#[test]
fn what_operators_are_told_exists() {
    let repository = Repository::here();
    let settings = repository.read("deploy/insula.env.sample");
    let sources = repository.paths.iter().filter(|path| {
        let is_rust = Path::new(path).extension().is_some_and(|it| it == "rs");
        is_rust && path.contains("/src/")
    });
    let sources: String = sources.map(|path| repository.read(path)).collect();
    // Names of roles in PostgreSQL look like metrics.
    let roles = ["insula_gate", "insula_owner"];
    let (mut wrong, mut names) = (Vec::new(), 0);
    for path in &repository.paths {
        let Some(name) = path.strip_prefix("deploy/") else {
            continue;
        };
        let is_told = [".md", ".conf", ".ini", ".yaml", "Caddyfile", "Dockerfile"];
        if !is_told.iter().any(|ending| name.ends_with(ending)) {
            continue;
        }
        let text = repository.read(path);
        let unset = words(&text, "INSULA_").filter(|word| !has_word(&settings, word));
        // Of compose.yaml and Dockerfile alone.
        let unset = unset.filter(|word| *word != "INSULA_IMAGE");
        wrong.extend(unset.map(|word| format!("{path}: {word} is not in insula.env.sample")));
        let metrics = words(&text, "insula_").filter(|word| !roles.contains(word));
        for metric in metrics {
            names += 1;
            if !sources.contains(&format!("\"{metric}\"")) {
                wrong.push(format!("{path}: nothing exports {metric}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names > 8, "metrics are found: {names}");
}

/// Every decision stands in the index, under its date.
#[test]
fn every_decision_is_listed() {
    let repository = Repository::here();
    let index = repository.read("docs/decisions/README.md");
    for path in documents(&repository) {
        let Some(name) = path.strip_prefix("docs/decisions/") else {
            continue;
        };
        assert!(
            name == "README.md" || index.contains(&format!("]({name})")),
            "docs/decisions/README.md does not list {name}"
        );
    }
}

#[test]
fn names_are_told_from_other_words() {
    let repository = Repository::here();
    let good = [
        "documents.rs::Repository::wrong",
        "tests/suite/coverage/documents.rs",
        "coverage/",
        "Kind::admit",
        "<name>.rs",
        "POST /p/demo/",
        "/admin/",
    ];
    for name in good {
        assert_eq!(repository.wrong(name), None, "{name}");
    }
    // Not written out: this file would hold the word.
    let no_method = format!("documents.rs::Repository::{}", "no".repeat(2));
    let bad = [
        "documents.rs::Nothing",
        &no_method,
        "coverage/no_such_file.rs",
        "no_such_folder/",
    ];
    for name in bad {
        assert!(repository.wrong(name).is_some(), "{name}");
    }
    assert_eq!(links("[a](b.md#c), [d](https://e)").count(), 1);
    assert_eq!(target("make check"), Some("check"));
    assert_eq!(target("make     # lists"), None);
    let spans = in_backticks("a `b`\n```\n`c`\n```\n`d\n  e`");
    assert_eq!(spans, [(1, "b".to_owned()), (5, "d e".to_owned())]);
}
