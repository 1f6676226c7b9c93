//! What a request may cost. Looked at before anything runs, and first of all before the parser, which
//! recurses as deep as the text nests.
//!
//! The library's own limits stand behind these: it has none on the number of fields, and expands fragments
//! before it counts.

use async_graphql::{
    ObjectType, SchemaBuilder, SubscriptionType,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};

use super::errors::Refusal;

/// The text of a document, without variables.
const DOCUMENT_BYTES_MAX: usize = 20_000;
/// Braces, brackets and parentheses inside each other. Unoptimised, the parser exhausts a stack of 2 MiB
/// at about 300.
const NESTING_MAX: usize = 48;
/// Fields, fragments and inline fragments, each spread counted anew.
const SELECTIONS_MAX: usize = 200;
/// The same, inside `__schema` and `__type`: the query that tools send has about 250.
const SCHEMA_SELECTIONS_MAX: usize = 500;
/// Fields inside each other.
const DEPTH_MAX: usize = 10;
/// Inside `__schema` and `__type`, where the type of a field unwraps level by level.
const SCHEMA_DEPTH_MAX: usize = 20;
/// Lists of a schema inside each other: each multiplies the answer by what the schema holds.
const SCHEMA_LISTS_MAX: usize = 3;
/// Sum over all fields; lists weigh by [`list_cost`].
const COMPLEXITY_MAX: usize = 500;
/// Selection sets inside each other, fragments included.
const RECURSION_MAX: usize = 32;
/// Directives on one field.
const DIRECTIVES_MAX: usize = 4;

/// The limits that the library keeps itself.
pub(super) fn apply<Q, M, S>(builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    builder
        .limit_depth(SCHEMA_DEPTH_MAX)
        .limit_complexity(COMPLEXITY_MAX)
        .limit_recursive_depth(RECURSION_MAX)
        .limit_directives(DIRECTIVES_MAX)
}

/// What a list costs: its query, and what is asked of its items once per ten of them, because rows of one
/// statement are cheap and statements are not.
pub(super) fn list_cost(first: Option<i32>, query: usize, items: usize) -> usize {
    // What is out of range is refused by name when it runs; here it only must not wrap.
    let first = super::connection::size_of(first).unwrap_or(super::connection::SIZE_MAX);
    query.saturating_add(items.saturating_mul(first.div_ceil(10)))
}

/// Before the parser sees it: size, and how deep it nests.
pub(super) fn check_text(document: &str) -> Result<(), Refusal> {
    if document.len() > DOCUMENT_BYTES_MAX {
        let why =
            format!("a document has at most {DOCUMENT_BYTES_MAX} bytes: put data into variables");
        return Err(Refusal::TooComplex(why));
    }
    if nesting(document) > NESTING_MAX {
        let why = format!("a document nests at most {NESTING_MAX} levels");
        return Err(Refusal::TooComplex(why));
    }
    Ok(())
}

/// The deepest nesting of brackets outside strings and comments.
fn nesting(document: &str) -> usize {
    let mut rest = document;
    let (mut level, mut deepest) = (0_usize, 0);
    while let Some(at) = rest.find(['{', '[', '(', '}', ']', ')', '"', '#']) {
        rest = &rest[at..];
        match rest.as_bytes()[0] {
            b'"' => rest = after_string(rest),
            b'#' => rest = &rest[rest.find(['\n', '\r']).unwrap_or(rest.len())..],
            b'{' | b'[' | b'(' => {
                level += 1;
                deepest = deepest.max(level);
                rest = &rest[1..];
            }
            _ => {
                level = level.saturating_sub(1);
                rest = &rest[1..];
            }
        }
    }
    deepest
}

/// `text` begins with a quote: what follows that string. A string that does not end goes to the end of its
/// line, where the parser will complain.
fn after_string(text: &str) -> &str {
    if let Some(mut rest) = text.strip_prefix("\"\"\"") {
        while let Some(at) = rest.find("\"\"\"") {
            let escaped = rest[..at].ends_with('\\');
            rest = &rest[at + 3..];
            if !escaped {
                return rest;
            }
        }
        return "";
    }
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return &text[at + 1..],
            '\n' | '\r' => return &text[at..],
            _ => {}
        }
    }
    ""
}

/// Before it is validated: how many selections there are with every fragment in its place, and how deep.
/// Ends as soon as a limit is passed, so fragments that double each other cost nothing.
pub(super) fn check_document(document: &ExecutableDocument) -> Result<(), Refusal> {
    let mut count = Count {
        document,
        data: 0,
        schema: 0,
    };
    for (_, operation) in document.operations.iter() {
        count.add_set(&operation.node.selection_set.node, Place::default())?;
    }
    // Unused ones too: validation will walk them before it says so.
    for fragment in document.fragments.values() {
        count.data += fragment.node.selection_set.node.items.len();
    }
    count.judge()
}

struct Count<'d> {
    document: &'d ExecutableDocument,
    data: usize,
    schema: usize,
}

/// Where in a document.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    lists: usize,
    in_schema: bool,
}

impl Count<'_> {
    fn add_set(&mut self, set: &SelectionSet, place: Place) -> Result<(), Refusal> {
        for item in &set.items {
            if place.in_schema {
                self.schema += 1;
            } else {
                self.data += 1;
            }
            self.judge()?;
            match &item.node {
                Selection::Field(field) => self.add_field(&field.node, place)?,
                Selection::InlineFragment(inline) => {
                    self.add_set(&inline.node.selection_set.node, place)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name) {
                        self.add_set(&fragment.node.selection_set.node, place)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_field(&mut self, field: &Field, outer: Place) -> Result<(), Refusal> {
        let name = field.name.node.as_str();
        let in_schema = outer.in_schema || matches!(name, "__schema" | "__type");
        let lists = ["fields", "inputFields", "interfaces", "possibleTypes"];
        let place = Place {
            depth: outer.depth + 1,
            lists: outer.lists + usize::from(in_schema && lists.contains(&name)),
            in_schema,
        };
        let depth_max = if in_schema {
            SCHEMA_DEPTH_MAX
        } else {
            DEPTH_MAX
        };
        if place.depth > depth_max || place.lists >= SCHEMA_LISTS_MAX {
            let why = format!("fields nest at most {DEPTH_MAX} levels");
            return Err(Refusal::TooComplex(why));
        }
        self.add_set(&field.selection_set.node, place)
    }

    fn judge(&self) -> Result<(), Refusal> {
        if self.data > SELECTIONS_MAX || self.schema > SCHEMA_SELECTIONS_MAX {
            let why = format!("a document selects at most {SELECTIONS_MAX} fields");
            return Err(Refusal::TooComplex(why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn counted(document: &str) -> Result<(), Refusal> {
        check_document(&parse_query(document).unwrap())
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_nest() {
        assert_eq!(nesting("{ a(b: [1, {c: 2}]) { d } }"), 4);
        assert_eq!(nesting("{ a(b: \"{{{{\") }"), 2);
        assert_eq!(nesting("{ a(b: \"\\\"{{{{\") }"), 2);
        assert_eq!(nesting("{ a(b: \"\"\" {{\" {{ \\\"\"\" [[ \"\"\") }"), 2);
        assert_eq!(nesting("{ a # {{{{\n { b } }"), 2);
        // A closing bracket in a string must not hide an opening one.
        let hidden = "[\"]\",".repeat(100);
        assert_eq!(nesting(&hidden), 100);
        let unterminated = format!("\"\n{}", "{".repeat(60));
        assert_eq!(nesting(&unterminated), 60);
    }

    #[test]
    fn what_would_exhaust_the_parser_never_reaches_it() {
        assert!(check_text(&"{a".repeat(5_000)).is_err());
        assert!(check_text(&format!("{{a(b:{}", "[".repeat(15_000))).is_err());
        assert!(check_text(&" ".repeat(DOCUMENT_BYTES_MAX + 1)).is_err());
        assert!(check_text("{ viewer { id } }").is_ok());
    }

    #[test]
    fn what_is_let_through_does_not_exhaust_the_parser() {
        let nest = |open: &str, close: &str, n: usize| open.repeat(n) + "a" + &close.repeat(n);
        for document in [
            nest("{a", "}", NESTING_MAX),
            format!("{{a(b:{})}}", nest("[", "]", NESTING_MAX - 2)),
            format!("{{a(b:{})}}", nest("{a:", "}", NESTING_MAX - 2)),
            format!(
                "query($a:Int={}){{a}}",
                nest("[{a:", "}]", NESTING_MAX / 2 - 1)
            ),
            format!("query($a:{}){{a}}", nest("[", "]", NESTING_MAX - 1)),
            format!("{{a(b:[{}])}}", "[[[[[[[[]]]]]]]]".repeat(1_200)),
            format!("{{a(b:\"{}\")}}", "{".repeat(19_000)),
        ] {
            assert!(check_text(&document).is_ok(), "{document:.80}");
            // Good or not: what counts is that it returns, on a thread with two mebibytes of stack.
            drop(parse_query(&document));
        }
    }

    #[test]
    fn selections_are_counted_through_fragments() {
        let aliases = |n: usize| (0..n).fold(String::new(), |all, i| format!("{all} a{i}: viewer"));
        assert!(counted(&format!("{{ {} }}", aliases(200))).is_ok());
        assert!(counted(&format!("{{ {} }}", aliases(201))).is_err());
        let fragment = format!("fragment f on Query {{ {} }}", aliases(60));
        assert!(counted(&format!("{{ ...f }} {fragment}")).is_ok());
        assert!(counted(&format!("{{ ...f ...f ...f }} {fragment}")).is_err());
    }

    #[test]
    fn fragments_that_double_or_go_in_circles_end() {
        let mut document = "{ ...f0 }".to_owned();
        for i in 0..60 {
            let next = i + 1;
            let twice = format!("...f{next} ...f{next}");
            document = format!("{document} fragment f{i} on Query {{ {twice} }}");
        }
        document += " fragment f60 on Query { viewer }";
        assert!(counted(&document).is_err());
        assert!(counted("{ ...f } fragment f on Query { ...f }").is_err());
    }

    #[test]
    fn depth_is_counted_through_fragments() {
        let nested = |n: usize| format!("{}a{}", "a { ".repeat(n - 1), " }".repeat(n - 1));
        assert!(counted(&format!("{{ {} }}", nested(10))).is_ok());
        assert!(counted(&format!("{{ {} }}", nested(11))).is_err());
        let through = format!("{{ a {{ ...f }} }} fragment f on T {{ {} }}", nested(10));
        assert!(counted(&through).is_err());
    }

    #[test]
    fn a_schema_may_be_asked_for_but_not_multiplied() {
        let of_type = "ofType { ".repeat(9) + "name" + &" }".repeat(9);
        let usual = format!(
            "{{ __schema {{ types {{ fields {{ args {{ type {{ {of_type} }} }} }} }} }} }}"
        );
        assert!(counted(&usual).is_ok());
        let multiplied = "fields { type { ".repeat(3) + "name" + &" } }".repeat(3);
        let multiplied = format!("{{ __schema {{ types {{ {multiplied} }} }} }}");
        assert!(counted(&multiplied).is_err());
    }

    #[test]
    fn a_list_weighs_by_its_length_and_never_wraps() {
        assert_eq!(list_cost(None, 10, 5), 20);
        assert_eq!(list_cost(Some(1), 10, 5), 15);
        assert_eq!(list_cost(Some(100), 10, 5), 60);
        assert_eq!(list_cost(Some(-1), 10, 5), 60);
        assert_eq!(list_cost(Some(i32::MAX), 10, 5), 60);
        assert_eq!(list_cost(Some(100), 10, usize::MAX), usize::MAX);
    }
}
