//! Go templates of the original, as far as they only fill in: `{{ .To }}`, `{{ $.Identity.traits.email }}`,
//! with `{{-` and `-}}`. Whatever does more is named, so that somebody can write it anew.

/// A construct that is more than a placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// From 1.
    pub(super) line: usize,
    /// As written, shortened.
    pub(super) construct: String,
}

const SHOWN_MAX: usize = 60;

/// The same template in minijinja.
pub(super) fn convert(source: &str) -> Result<String, Unknown> {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{{") {
        literal(&mut out, &rest[..start]);
        let at = source.len() - rest.len() + start;
        let tag = &rest[start..];
        let unknown = |text: &str| Unknown {
            line: 1 + source[..at].matches('\n').count(),
            construct: text.chars().take(SHOWN_MAX).collect(),
        };
        // A comment may hold braces.
        if let Some(comment) = tag
            .strip_prefix("{{/*")
            .or_else(|| tag.strip_prefix("{{- /*"))
        {
            let end = comment.find("}}").ok_or_else(|| unknown(tag))?;
            rest = &comment[end + 2..];
            continue;
        }
        let end = tag.find("}}").ok_or_else(|| unknown(tag))?;
        let (whole, inner) = (&tag[..end + 2], &tag[2..end]);
        let (inner, before) = strip(inner, inner.strip_prefix('-'));
        let (inner, after) = strip(inner, inner.strip_suffix('-'));
        let path = path(inner.trim()).ok_or_else(|| unknown(whole))?;
        out.push_str(if before { "{{- " } else { "{{ " });
        out.push_str(path);
        out.push_str(if after { " -}}" } else { " }}" });
        rest = &tag[end + 2..];
    }
    literal(&mut out, rest);
    Ok(out)
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
            ("a\nb {{ if .X }}c{{ end }}", 2, "{{ if .X }}"),
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
            assert_eq!(convert(go), Err(Unknown { line, construct }), "{go}");
        }
    }
}
