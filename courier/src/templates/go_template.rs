//! Kratos's Go templates, as far as they only fill in: `{{ .To }}`, `{{ $.Identity.traits.email }}`, with `{{-`
//! and `-}}`. Whatever does more is named, so that its author can write it anew.

/// A construct that is more than a placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// Counted from 1.
    pub(super) line: usize,
    /// As written, shortened.
    pub(super) construct: String,
}

const SHOWN_MAX: usize = 60;

/// The same template in minijinja, or all that is more than a placeholder.
pub(super) fn convert(source: &str) -> Result<String, Vec<Unknown>> {
    let mut out = String::with_capacity(source.len());
    let mut unknown = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find("{{") {
        literal(&mut out, &rest[..start]);
        let at = source.len() - rest.len() + start;
        let tag = &rest[start..];
        // A comment may hold braces.
        let comment = tag
            .strip_prefix("{{/*")
            .or_else(|| tag.strip_prefix("{{- /*"));
        let end = comment.unwrap_or(tag).find("}}");
        let end = end.map(|end| end + 2 + comment.map_or(0, |comment| tag.len() - comment.len()));
        let whole = &tag[..end.unwrap_or(tag.len())];
        if end.is_none() || (comment.is_none() && !placeholder(&mut out, whole)) {
            unknown.push(Unknown {
                line: 1 + source[..at].matches('\n').count(),
                construct: whole.chars().take(SHOWN_MAX).collect(),
            });
        }
        rest = &tag[whole.len()..];
    }
    literal(&mut out, rest);
    if unknown.is_empty() {
        Ok(out)
    } else {
        Err(unknown)
    }
}

/// `{{- .To -}}`, if it is one.
fn placeholder(out: &mut String, tag: &str) -> bool {
    let inner = tag
        .strip_prefix("{{")
        .and_then(|tag| tag.strip_suffix("}}"))
        .unwrap_or_default();
    let (inner, before) = strip(inner, inner.strip_prefix('-'));
    let (inner, after) = strip(inner, inner.strip_suffix('-'));
    let Some(path) = path(inner.trim()) else {
        return false;
    };
    out.push_str(if before { "{{- " } else { "{{ " });
    out.push_str(path);
    out.push_str(if after { " -}}" } else { " }}" });
    true
}

fn strip<'a>(text: &'a str, stripped: Option<&'a str>) -> (&'a str, bool) {
    stripped.map_or((text, false), |text| (text, true))
}

/// `Identity.traits.email` out of `.Identity.traits.email` or `$.Identity.traits.email`.
fn path(expression: &str) -> Option<&str> {
    let path = expression
        .strip_prefix("$.")
        .or_else(|| expression.strip_prefix('.'))?;
    let name = |part: &str| {
        let first = part.chars().next();
        first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    path.split('.').all(name).then_some(path)
}

/// What means nothing to Go may mean something to minijinja.
fn literal(out: &mut String, text: &str) {
    out.push_str(&text.replace("{%", "{{ '{%' }}").replace("{#", "{{ '{#' }}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_converted() {
        for (go, ours) in [
            ("Hi {{ .To }},", "Hi {{ To }},"),
            ("{{.A.b.c_1}}{{ $.X }}", "{{ A.b.c_1 }}{{ X }}"),
            ("a {{- .X -}} b", "a {{- X -}} b"),
            ("a {{ .X -}} b", "a {{ X -}} b"),
            ("x{{/* a note */}}y{{- /* } */ -}}z", "xyz"),
            (
                "p {% q {#id{color:red}}",
                "p {{ '{%' }} q {{ '{#' }}id{color:red}}",
            ),
            ("", ""),
        ] {
            assert_eq!(convert(go).as_deref(), Ok(ours), "{go}");
        }
    }

    #[test]
    fn the_rest_is_named_with_its_line() {
        for (go, line, construct) in [
            ("a\nb {{ if .X }}c", 2, "{{ if .X }}"),
            ("{{/* { ", 1, "{{/* { "),
            ("{{ .X | upper }}", 1, "{{ .X | upper }}"),
            ("\n\n{{ define \"x\" }}", 3, "{{ define \"x\" }}"),
            ("{{ . }}", 1, "{{ . }}"),
            ("{{ .X.1 }}", 1, "{{ .X.1 }}"),
            (
                "{{ index .Identity.traits \"a\" }}",
                1,
                "{{ index .Identity.traits \"a\" }}",
            ),
            ("{{ .X", 1, "{{ .X"),
            ("{{ $x := .To }}", 1, "{{ $x := .To }}"),
        ] {
            let construct = construct.to_owned();
            assert_eq!(convert(go), Err(vec![Unknown { line, construct }]), "{go}");
        }
    }

    #[test]
    fn all_of_it_is_named_at_once() {
        let found =
            convert("{{ if .X }}\n{{ .To }}{{/* {{ */}}{{ else }}\n{{ end }} {{ .X").unwrap_err();
        let found: Vec<_> = found.iter().map(|it| (it.line, &*it.construct)).collect();
        let all = [
            (1, "{{ if .X }}"),
            (2, "{{ else }}"),
            (3, "{{ end }}"),
            (3, "{{ .X"),
        ];
        assert_eq!(found, all);
    }
}
