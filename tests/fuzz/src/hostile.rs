//! What hostile senders send: texts, JSON as it is written (with what a parsed value cannot hold: doubled names,
//! halves of surrogates, numbers of any length), and bytes that were something valid.

use std::fmt::Write as _;

use proptest::{
    collection::vec,
    prelude::{Just, any, prop_oneof},
    sample::{Index, select},
    strategy::{BoxedStrategy, Strategy},
};

/// Characters that grow, vanish, turn or stop something when they are folded, stored or printed.
const CHARACTERS: [&str; 28] = [
    "\0",
    "\u{1}",
    "\t",
    "\n",
    "\r\n",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{130}",
    "\u{149}",
    "\u{df}",
    "\u{17f}",
    "\u{390}",
    "\u{3a3}",
    "\u{301}",
    "\u{323}\u{307}",
    "\u{1e9b}\u{323}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{3000}",
    "\u{fdfa}",
    "\u{feff}",
    "\u{ff21}",
    "\u{1d160}",
    "\u{e0041}",
];
const SIGNS: &str = " \"'\\/.,:;%&=?#@+-~*()[]{}<>|$`^!_0aA";
/// Deeper than any reader goes.
const LEVELS_MAX: usize = 140;

/// Up to some kilobytes.
pub fn text() -> impl Strategy<Value = String> {
    text_of(&["a", "Anna", "ada@example.org", "+49 30 1234567", "password"])
}

/// The same, and these words among it.
pub fn text_of(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(words).prop_map(str::to_owned),
        3 => select(&CHARACTERS[..]).prop_map(str::to_owned),
        3 => select(SIGNS.chars().collect::<Vec<_>>()).prop_map(String::from),
        1 => any_text(),
        1 => (select(&CHARACTERS[..]), 1_usize..700).prop_map(|(it, times)| it.repeat(times)),
        1 => (select(words), 1_usize..700).prop_map(|(it, times)| it.repeat(times)),
    ];
    vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

/// Of any characters. That of `any::<String>()` reads a regular expression each time.
pub fn any_text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..24).prop_map(String::from_iter)
}

/// A number as JSON writes one, or nearly.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|it| it.to_string()),
        (-9..9_i64).prop_map(|it| it.to_string()),
        select(
            &[
                "-0",
                "0.1",
                "1e308",
                "1e309",
                "-1e-400",
                "1E+2",
                "9223372036854775808",
                "18446744073709551616",
                "01",
                "1.",
                ".5",
                "-",
                "NaN",
                "Infinity",
                "0x10",
            ][..]
        )
        .prop_map(str::to_owned),
        (1_usize..400).prop_map(|digits| "9".repeat(digits)),
    ]
}

/// A text in quotes. Now and then an escape that stands for itself, or for nothing.
fn quoted(text: &str, odd: Option<&str>) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            it if (it as u32) < 0x20 => drop(write!(out, "\\u{:04x}", it as u32)),
            it => out.push(it),
        }
    }
    out.push_str(odd.unwrap_or_default());
    out.push('"');
    out
}

fn string(texts: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let odd = select(
        &[
            "\\ud800",
            "\\udc00\\ud800",
            "\\u0000",
            "\\u002e",
            "\\ufdfa",
            "\\x",
            "\\",
            "\\ud83d\\ude00",
        ][..],
    );
    let odd = prop_oneof![9 => Just(None), 1 => odd.prop_map(Some)];
    (texts, odd).prop_map(|(text, odd)| quoted(&text, odd))
}

/// JSON as it is written, valid more often than not, with these names and texts among others.
pub fn json(
    names: &'static [&'static str],
    words: &'static [&'static str],
) -> BoxedStrategy<String> {
    let strings = string(text_of(words).boxed()).boxed();
    let name = prop_oneof![
        6 => select(names).prop_map(|it| quoted(it, None)),
        1 => strings.clone(),
    ]
    .boxed();
    let leaf = prop_oneof![
        2 => select(&["null", "true", "false", "\"\"", "[]", "{}"][..]).prop_map(str::to_owned),
        1 => number(),
        3 => strings,
    ];
    let deep = (leaf.clone(), name.clone(), 1..LEVELS_MAX, any::<bool>());
    let deep = deep.prop_map(|(inner, name, levels, list)| {
        let (open, close) = if list {
            ("[".to_owned(), "]")
        } else {
            (format!("{{{name}:"), "}")
        };
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    });
    let leaf = prop_oneof![19 => leaf, 1 => deep];
    leaf.prop_recursive(5, 60, 7, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..7).prop_map(|items| format!("[{}]", items.join(","))),
            (inner.clone(), 0_usize..40).prop_map(|(item, times)| {
                format!("[{}]", vec![item.as_str(); times].join(","))
            }),
            object(name.clone(), inner.clone()),
            object(name.clone(), inner),
        ]
    })
    .boxed()
}

/// An object as it is written; names may be doubled.
pub fn object(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    vec((name, value), 0..9).prop_map(|fields| {
        let fields: Vec<String> = fields.iter().map(|(n, v)| format!("{n}:{v}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

/// One change of bytes: where, how many, and what.
type Change = (Index, usize, u8, Vec<u8>);

/// Mostly as they are; else with a few changes.
pub fn mutated(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let few = vec(
        prop_oneof![
            any::<u8>(),
            select(&b"\0\x7f\xff\xc3\"\\{}[]:,.;%&=/?#<>\r\n -"[..]),
        ],
        0..5,
    );
    let change = (any::<Index>(), 0_usize..12, 0_u8..4, few);
    let changes = prop_oneof![2 => Just(Vec::new()), 1 => vec(change, 1..4)];
    (bytes, changes).prop_map(|(mut bytes, changes)| {
        for change in changes {
            mutate(&mut bytes, change);
        }
        bytes
    })
}

fn mutate(bytes: &mut Vec<u8>, (at, count, kind, new): Change) {
    let at = at.index(bytes.len() + 1);
    let end = bytes.len().min(at + count);
    match kind {
        0 => bytes.truncate(at),
        1 => drop(bytes.splice(at..end, new)),
        2 => drop(bytes.splice(at..at, new)),
        _ => {
            let again = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, again));
        }
    }
}
