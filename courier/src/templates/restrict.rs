//! What a project's template may not hold, judged before the engine reads it. Fuel counts steps, not bytes,
//! so nothing may double a text (`a ~ a`, `{% set %}` around it) or a list. And the engine compiles by
//! recursion, along every chain within a tag and into every block, without a limit on most of them: what
//! is deeper than its stack would end the process. A little stricter than the engine's own reading, never
//! laxer.

/// Words, texts and signs of one tag: no chain (`a.b.c`, `- - 1`, `a | trim | trim`) is longer than these.
const TAG_PARTS_MAX: usize = 100;
/// Brackets within each other, each of which takes all of the engine's levels of precedence.
const BRACKETS_DEPTH_MAX: usize = 8;
/// Blocks within each other. An `elif` is one within the block before it.
const BLOCKS_DEPTH_MAX: usize = 64;
/// The engine counts columns in 16 bits, and beyond these its complaints overflow.
const LINE_CHARS_MAX: usize = 60_000;
const BLOCKS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];
/// After these a bracket begins a list.
const KEYWORDS: [&str; 9] = ["in", "and", "or", "not", "if", "else", "elif", "is", "for"];

/// Why this template is not served, with its line.
pub(super) fn restrict(source: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut rest = source;
    while let Some((_, tag)) = rest.split_once('{') {
        let judged = match tag.chars().next() {
            // `{#}` only begins a comment.
            Some('#') => Ok(tag[1..].split_once("#}").map_or("", |(_, after)| after)),
            Some('{') => expression(&tag[1..], "}}"),
            Some('%') => block(&tag[1..], &mut open).and_then(|()| expression(&tag[1..], "%}")),
            _ => Ok(tag),
        };
        rest = judged.map_err(|why| {
            let before = &source[..source.len() - tag.len()];
            format!("line {}: {why}", 1 + before.matches('\n').count())
        })?;
    }
    no_long_line(source)
}

fn no_long_line(source: &str) -> Result<(), String> {
    let mut lines = (1..).zip(source.lines());
    let long = lines.find(|(_, line)| line.chars().count() > LINE_CHARS_MAX);
    long.map_or(Ok(()), |(number, _)| {
        Err(format!(
            "line {number}: it is longer than {LINE_CHARS_MAX} characters"
        ))
    })
}

/// Only `if` and `for`, and not too deep: `open` holds how deep each open block is with its `elif`s.
fn block(inner: &str, open: &mut Vec<usize>) -> Result<(), String> {
    let word = inner.trim_start_matches(['-', '+']).trim_start();
    let end = word.find(|c: char| !c.is_ascii_alphanumeric());
    let word = &word[..end.unwrap_or(word.len())];
    if !BLOCKS.contains(&word) {
        return Err(format!(
            "`{{% {word} %}}` is not served: there are if and for"
        ));
    }
    match word {
        "if" | "for" => open.push(1),
        "elif" => {
            if let Some(depth) = open.last_mut() {
                *depth += 1;
            }
        }
        "else" => {}
        _ => drop(open.pop()),
    }
    if open.iter().sum::<usize>() > BLOCKS_DEPTH_MAX {
        return Err(format!(
            "more than {BLOCKS_DEPTH_MAX} blocks stand within each other; an elif counts as one"
        ));
    }
    Ok(())
}

/// What follows the tag, if nothing in it may grow.
fn expression<'a>(inner: &'a str, close: &str) -> Result<&'a str, String> {
    let mut quote = None;
    let mut word = String::new();
    let mut after_value = false;
    let mut escaped = false;
    let (mut parts, mut brackets) = (0, 0_usize);
    for (at, c) in inner.char_indices() {
        if let Some(open) = quote {
            if c == open && !escaped {
                quote = None;
                after_value = false;
            }
            escaped = c == '\\' && !escaped;
            continue;
        }
        if inner[at..].starts_with(close) {
            return Ok(&inner[at + close.len()..]);
        }
        match c {
            '~' | '*' | '{' | ',' => return Err(not_served(c)),
            // `{%+` keeps white space.
            '+' if at > 0 => return Err(not_served(c)),
            '[' if !after_value || KEYWORDS.contains(&&*word) => return Err(not_served(c)),
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            '"' | '\'' => quote = Some(c),
            _ => {}
        }
        after_value = c.is_alphanumeric() || matches!(c, '_' | ']');
        let in_word = c.is_alphanumeric() || c == '_';
        parts += usize::from(!c.is_whitespace() && (!in_word || word.is_empty()));
        if parts > TAG_PARTS_MAX || brackets > BRACKETS_DEPTH_MAX {
            return Err(format!(
                "a tag has more than {TAG_PARTS_MAX} words and signs, or more than {BRACKETS_DEPTH_MAX} \
                 brackets within each other"
            ));
        }
        if in_word {
            word.push(c);
        } else {
            word.clear();
        }
    }
    Ok("")
}

fn not_served(c: char) -> String {
    format!("`{c}` is not served inside tags: print the parts one after another")
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::{super::engine, *};

    /// Every chain that the engine follows by recursion: what begins it, a link, what ends it.
    const CHAINS: [(&str, &str, &str); 19] = [
        ("{{ ", "-", "1 }}"),
        ("{% if ", "-", "1 %}a{% endif %}"),
        ("{{ ", "not ", "1 }}"),
        ("{{ o", ".a", " }}"),
        ("{{ o", "['a']", " }}"),
        ("{{ o", "[o", " }}"),
        ("{{ o", "()", " }}"),
        ("{{ ", "(", "1 }}"),
        ("{{ 'a'", "|trim", " }}"),
        ("{{ 1", "-1", " }}"),
        ("{{ 1", "//1", " }}"),
        ("{{ 1", " and 1", " }}"),
        ("{{ 1", " or 1", " }}"),
        ("{{ 1", " is defined", " }}"),
        ("{{ 1", " if 1", " }}"),
        ("{{ 1", " if 1 else 1", " }}"),
        ("{{ o", "[1:o", " }}"),
        ("{{ ((((((((", "-", "1)))))))) }}"),
        ("{% for x in o", ".a", " %}{% endfor %}"),
    ];

    fn chain((before, link, after): (&str, &str, &str), links: usize) -> String {
        format!("{before}{}{after}", link.repeat(links))
    }

    #[test]
    fn no_chain_is_longer_than_the_engines_stack() {
        for it in CHAINS {
            for links in [101, 9_000, 30_000] {
                let said = restrict(&chain(it, links)).unwrap_err();
                assert!(
                    said.contains("more than 100 words and signs"),
                    "{it:?}: {said}"
                );
            }
        }
        for it in [
            ("{% if 0 %}", "{% elif 0 %}", "{% endif %}"),
            ("", "{% if 1 %}", ""),
            ("", "{% for x in o %}", ""),
            ("", "{% if 1 %}{% elif 1 %}", ""),
            ("", "{% if 1 %}{% endif %}{% for x in o %}{% else %}", ""),
        ] {
            for links in [65, 5_000] {
                let said = restrict(&chain(it, links)).unwrap_err();
                assert!(said.contains("more than 64 blocks"), "{it:?}: {said}");
            }
        }
    }

    #[test]
    fn no_line_is_longer_than_the_engine_counts() {
        let line = "x".repeat(60_000);
        assert_eq!(restrict(&format!("{line}\n{line}")), Ok(()));
        let said = restrict(&format!("a\n{line}x")).unwrap_err();
        assert!(said.starts_with("line 2: it is longer"), "{said}");
    }

    #[test]
    fn what_is_beside_another_counts_by_itself() {
        for source in [
            "{{ o.a }}".repeat(1_000),
            "{% if o %}{% elif o.a %}{% else %}{% endif %}".repeat(1_000),
            format!("{{{{ '{}' }}}}", "- ".repeat(1_000)),
            format!("{{# {} #}}", "- ".repeat(1_000)),
        ] {
            assert_eq!(restrict(&source), Ok(()));
        }
    }

    /// Half of what a thread of the server has, without optimisation.
    #[test]
    fn the_deepest_that_passes_fits_into_a_stack() {
        let deep = |inner: &str| {
            let (before, after) = ("{% if 1 %}".repeat(64), "{% endif %}".repeat(64));
            format!("{before}{inner}{after}")
        };
        let elifs = format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(63));
        let longest = |it| {
            (1..100)
                .map(|links| chain(it, links))
                .rfind(|it| restrict(it).is_ok())
        };
        let mut sources: Vec<String> = CHAINS.into_iter().map(|it| longest(it).unwrap()).collect();
        sources.retain(|it| it.starts_with("{{"));
        sources = sources.iter().map(|it| deep(it)).collect();
        sources.push(elifs);
        let small = std::thread::Builder::new().stack_size(1 << 20);
        let compiled = small.spawn(move || {
            for source in sources {
                restrict(&source).unwrap();
                let mut env = engine::environment(engine::Mode::Sending);
                if env.add_template_owned("t.txt", source).is_ok() {
                    engine::free_names(&env, "t.txt");
                    engine::render(&env, "t.txt", &context! { o => context! {} }).ok();
                }
            }
        });
        compiled.unwrap().join().unwrap();
    }

    /// What is a comment or a text to us alone would hide the rest from us.
    #[test]
    fn comments_end_where_the_engine_ends_them() {
        let hidden = "{#} {{ ' #}{{ a ~ a }}{# ' }} #}";
        assert!(restrict(hidden).unwrap_err().contains('~'));
        assert_eq!(restrict("{#} ~ #}{#- ~ -#}{{ a }}{# ~"), Ok(()));
    }
}
