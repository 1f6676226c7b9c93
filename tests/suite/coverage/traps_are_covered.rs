//! A trap of the contract (self-service, section 15) that no test names cannot be released. A test names
//! those it stands for in a comment or a message: `trap 5`, `traps 5, 6 and 9 to 13`. Traps of another page
//! are named after it: `admin trap 42`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// There are so many.
const LAST: usize = 54;

/// What cannot occur yet. The change that serves it brings the test and takes the line out.
const EXEMPT: [(usize, &str); 5] = [
    (
        29,
        "social sign-in, passkeys and security keys are not served: nothing can be unlinked",
    ),
    (
        30,
        "social sign-in is not served: no duplicate on its way back",
    ),
    (31, "social sign-in is not served: no callback"),
    (
        36,
        "web hooks are not served: no hook fails after the commit",
    ),
    (
        50,
        "security keys and passkeys are not served: the script holds nothing a node refers to",
    ),
];

/// Where tests and the comments beside the code are.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = [
        "tests/suite",
        "tests/node",
        "flows/src",
        "identity/src",
        "api/src",
    ]
    .iter()
    .map(|folder| root.join(folder))
    .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == "rs" || is == "mjs")
                && !path.ends_with(file!().rsplit('/').next().unwrap())
            {
                files.push(path);
            }
        }
    }
    files
}

/// The numbers behind each `trap` and `traps` that is not another page's.
fn named(text: &str) -> BTreeSet<usize> {
    // Whatever ends a sentence ends the list.
    let marks = |c: char| !c.is_alphanumeric() && !matches!(c, ',' | ';');
    let lower = text
        .to_lowercase()
        .replace(',', " , ")
        .replace([';', ':', '.'], " ; ");
    let words: Vec<&str> = lower.split(marks).filter(|word| !word.is_empty()).collect();
    let mut found = BTreeSet::new();
    for (at, word) in words.iter().enumerate() {
        let is_ours = at == 0 || words[at - 1] != "admin";
        if !matches!(*word, "trap" | "traps") || !is_ours {
            continue;
        }
        let mut from = None;
        for word in &words[at + 1..] {
            match (word.parse::<usize>(), from) {
                (Ok(to), Some(from)) => found.extend(from..=to),
                (Ok(number), None) => {
                    found.insert(number);
                }
                (Err(_), _) if *word == "to" => {
                    from = found.last().copied();
                    continue;
                }
                (Err(_), _) if matches!(*word, "," | "and") => {}
                (Err(_), _) => break,
            }
            from = None;
        }
    }
    found
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let cases: [(&str, &[usize]); 9] = [
        ("/// Trap 39.\n#[test]", &[39]),
        ("// Traps 19, 20, 21 and 42.", &[19, 20, 21, 42]),
        ("/// Traps 5 to 7 of the contract.", &[5, 6, 7]),
        ("// Trap 41; 4000007 as well.", &[41]),
        ("assert!(x, \"trap 42\");", &[42]),
        ("/// Self-service 9; admin trap 42.", &[]),
        ("/// Admin traps 9 to 13.", &[]),
        ("Trap numbers are those of 15.", &[]),
        ("strap 7, trapped 8", &[]),
    ];
    for (text, expected) in cases {
        let expected = expected.iter().copied().collect();
        assert_eq!(named(text), expected, "{text}");
    }
}

#[test]
fn every_trap_is_named_by_a_test() {
    let mut places: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for path in sources() {
        for number in named(&fs::read_to_string(&path).unwrap()) {
            places
                .entry(number)
                .or_default()
                .push(path.display().to_string());
        }
    }
    let exempt: BTreeSet<usize> = EXEMPT.iter().map(|(number, _)| *number).collect();
    let missing: Vec<usize> = (1..=LAST)
        .filter(|number| !places.contains_key(number) && !exempt.contains(number))
        .collect();
    assert!(
        missing.is_empty(),
        "no test names the traps {missing:?}: write one that says `trap N`, or exempt it here with a reason"
    );
    for (number, reason) in EXEMPT {
        let named = places.get(&number);
        assert!(
            named.is_none(),
            "trap {number} is exempt (\"{reason}\") but {named:?} name it: take the line out, or say \
             `admin trap {number}` if another page's is meant"
        );
    }
    let beyond: Vec<_> = places.range(LAST + 1..).collect();
    assert!(beyond.is_empty(), "there are only {LAST} traps: {beyond:?}");
}
