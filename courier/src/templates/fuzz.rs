//! Any template, of a Kratos or of ours, at hostile data: it is refused in words or rendered, within the limits and on
//! half of a stack, and nothing of the data becomes markup.

use ::fuzz::{fuzz, hostile};
use minijinja::{Value as Jinja, context};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseResult};

use super::{
    engine::{self, Mode, OUTPUT_BYTES_MAX},
    go_template,
    restrict::restrict,
};

/// In the data, and in no template.
const MARKUP: &str = "<marker a='\"'>";
const LITERALS: &[&str] = &[
    "{",
    "}",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{#-",
    "-#}",
    "{{/*",
    "*/}}",
    "{{- /* x */ -}}",
    "\n",
    " ",
    "Hi",
    "<a href=\"",
    "\">",
    "<script>",
    "{{{",
    "}}}",
    "{ {",
    "\\",
    "'",
    "{%-",
    "+%}",
];
const EXPRESSIONS: &[&str] = &[
    ".To",
    "$.Identity.traits.email",
    ".a.b.c",
    "a",
    "o.k",
    "o.list",
    "o['k']",
    "o[a]",
    "long",
    "many",
    "a | upper",
    "a | first",
    "o.list | last",
    "a[1:]",
    "a[::-1]",
    "a | default('x')",
    "nobody.x",
    "a | escape | trim",
    "not a",
    "a is defined",
    "o.k - 1",
    "o.k // 0",
    "o.k % 0",
    "- o.k",
    "1 if a else 2",
    "a | urlencode",
    "a == 'x'",
    "loop.index",
    "loop(a)",
    "a in o.list",
    "a ~ a",
    "a * 9",
    "[a]",
    "{'a': 1}",
    "a | safe",
    "a | replace('a', a)",
    "range(9)",
    "a.b()",
    "9999999999999999999999",
    "1e999",
    "'\\u{ffff}'",
    "'",
    "\"\\",
    "(((((((((a",
    "a|",
    "self",
    "caller()",
    "debug()",
    "o.items()",
    "a.upper()",
    "namespace()",
];
const BLOCKS: &[&str] = &[
    "if a",
    "elif o.k",
    "else",
    "endif",
    "for x in many",
    "for x in o.list",
    "for k in o",
    "endfor",
    "for x in many recursive",
    "for x in a",
    "for a, b in o",
    "set x = a",
    "raw",
    "endraw",
    "macro m()",
    "endmacro",
    "include 'x'",
    "block b",
    "filter upper",
    "autoescape false",
    "endautoescape",
    "break",
    "for x in many if x",
    "if many",
    "call m()",
    "do a",
    "extends 'x'",
    "import 'x' as y",
];

fn template() -> impl Strategy<Value = String> {
    let dashes = select(&["", "-", "+", " "][..]);
    let tag = (dashes.clone(), select(EXPRESSIONS), dashes.clone());
    let tag = tag.prop_map(|(before, it, after)| format!("{{{{{before} {it} {after}}}}}"));
    let block = (dashes.clone(), select(BLOCKS), dashes);
    let block = block.prop_map(|(before, it, after)| format!("{{%{before} {it} {after}%}}"));
    let whole = select(
        &[
            ("if a", "endif"),
            ("for x in many", "endfor"),
            ("if 0", "else %}{% endif"),
        ][..],
    );
    let piece = prop_oneof![
        2 => select(LITERALS).prop_map(str::to_owned),
        1 => hostile::text_of(LITERALS),
        4 => tag,
        1 => block,
    ];
    let inner = vec(piece, 0..7).prop_map(|pieces| pieces.concat());
    let nested = (inner, vec(whole, 0..70)).prop_map(|(inner, around)| {
        around.into_iter().fold(inner, |inner, (open, close)| {
            format!("{{% {open} %}}{inner}{{% {close} %}}")
        })
    });
    let parts = prop_oneof![4 => vec(nested.clone(), 1..3), 1 => (nested, 1..300_usize).prop_map(|(it, times)| vec![it; times])];
    hostile::mutated(parts.prop_map(|it| it.concat().into_bytes()))
        .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn data(text: &str) -> Jinja {
    let many: Vec<u32> = (0..3_000).collect();
    let hostile = format!("{text}{MARKUP}");
    context! {
        To => MARKUP, a => hostile, many, long => MARKUP.repeat(7_000),
        Identity => context! { traits => context! { email => MARKUP } },
        o => context! { k => 1, list => vec![MARKUP.to_owned(), text.to_owned()], map => [(MARKUP, MARKUP)].into_iter().collect::<Jinja>() },
    }
}

/// What comes out of a text that was judged as the product judges it.
fn rendered(source: &str, name: &'static str, data: &Jinja, mode: Mode) -> Result<String, String> {
    restrict(source)?;
    let mut env = engine::environment(mode);
    let added = env.add_template_owned(name, source.to_owned());
    added.map_err(|error| engine::explain(&error))?;
    engine::free_names(&env, name);
    engine::render(&env, name, data)
}

fn within_limits(source: &str, data: &Jinja) -> TestCaseResult {
    for (name, mode) in [
        ("t.html", Mode::DryRun),
        ("t.html", Mode::Sending),
        ("t.txt", Mode::Strict),
    ] {
        match rendered(source, name, data, mode) {
            Ok(text) => {
                prop_assert!(text.len() <= OUTPUT_BYTES_MAX);
                prop_assert!(name != "t.html" || !text.contains("<marker"), "{}", text);
            }
            Err(why) => prop_assert!(!why.is_empty() && !why.contains(MARKUP), "{}", why),
        }
    }
    Ok(())
}

fn check(source: &str, text: &str) -> TestCaseResult {
    let data = data(text);
    within_limits(source, &data)?;
    if let Ok(converted) = go_template::convert(source) {
        within_limits(&converted, &data)?;
        if !source.contains("{{") {
            let said = rendered(&converted, "t.txt", &data, Mode::Strict);
            // The engine takes one line end away.
            let same = said
                .as_deref()
                .is_ok_and(|said| source.strip_prefix(said).is_some_and(|it| it.len() <= 2));
            let bounded =
                |why: &String| why.ends_with("takes too long") || why.contains("it is longer than");
            prop_assert!(same || said.as_ref().is_err_and(bounded), "{:?}", said);
        }
    }
    Ok(())
}

#[test]
fn templates() {
    let both = (template(), hostile::text());
    fuzz("templates", &both, |(source, text)| {
        let small = std::thread::Builder::new().stack_size(1 << 20);
        let checked = small.spawn(move || check(&source, &text)).unwrap().join();
        checked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
}
