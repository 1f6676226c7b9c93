//! The language of a message: the identity's, else the one that the browser asks for, else the project's.

use serde_json::Value;

use crate::config::TextConfig;

/// Languages that the built-in texts are written in.
pub(super) const BUILT_IN: [&str; 2] = ["en", "de"];
const TRAITS: [&str; 3] = ["traits.locale", "traits.language", "traits.lang"];
/// More than any browser sends.
const ACCEPTED_MAX: usize = 16;

/// Languages to try, best first: `de-at`, `de`, …, the project's own, `en`. Lower case.
pub(super) fn chain(config: &TextConfig, person: &Value, accept: Option<&str>) -> Vec<String> {
    let mut chain = Vec::new();
    let said = match &config.language_trait {
        Some(path) => text_at(person, path),
        None => TRAITS.iter().find_map(|path| text_at(person, path)),
    };
    if let Some(said) = said {
        add(&mut chain, said);
    }
    for tag in accepted(accept.unwrap_or_default()) {
        add(&mut chain, tag);
    }
    add(&mut chain, &config.default_language);
    add(&mut chain, "en");
    chain
}

/// `de-AT` and `de_AT` are tried as `de-at`, then as `de`.
fn add(chain: &mut Vec<String>, tag: &str) {
    let mut tag = tag.trim().replace('_', "-").to_ascii_lowercase();
    // `de_AT.UTF-8`, as operating systems say it.
    tag.truncate(tag.find(['.', '@']).unwrap_or(tag.len()));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if tag.len() > 35 || !tag.chars().all(plain) {
        return;
    }
    while !tag.is_empty() {
        if !chain.contains(&tag) {
            chain.push(tag.clone());
        }
        tag.truncate(tag.rfind('-').unwrap_or(0));
    }
}

fn text_at<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    let found = path
        .split('.')
        .try_fold(value, |value, name| value.get(name))?;
    found.as_str().filter(|text| !text.is_empty())
}

/// The tags of an `Accept-Language`, best first; those of quality nought are not wanted.
fn accepted(header: &str) -> Vec<&str> {
    let mut tags: Vec<(&str, f32)> = header
        .split(',')
        .take(ACCEPTED_MAX)
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let tag = parts.next().filter(|tag| !tag.is_empty() && *tag != "*")?;
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            Some((tag, quality.unwrap_or(1.0)))
        })
        .filter(|(_, quality)| *quality > 0.0)
        .collect();
    // Stable: equals stay in the order given.
    tags.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    tags.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn first(config: &TextConfig, person: &Value, accept: &str) -> String {
        chain(config, person, Some(accept)).join(" ")
    }

    #[test]
    fn a_trait_comes_before_the_browser_and_the_project() {
        let config = TextConfig::default();
        let austrian = json!({"traits": {"locale": "de_AT"}});
        assert_eq!(
            first(&config, &austrian, "fr;q=0.5, it"),
            "de-at de it fr en"
        );
        assert_eq!(first(&config, &json!({}), "*, sv;q=0, EN-us"), "en-us en");
        let nested = TextConfig {
            language_trait: Some("metadata_public.settings.language".to_owned()),
            default_language: "pt-BR".to_owned(),
            ..TextConfig::default()
        };
        let person =
            json!({"traits": {"lang": "de"}, "metadata_public": {"settings": {"language": "da"}}});
        assert_eq!(first(&nested, &person, ""), "da pt-br pt en");
    }

    #[test]
    fn nonsense_is_passed_over() {
        let config = TextConfig::default();
        let odd = json!({"traits": {"locale": "../../etc", "language": 7, "lang": "de.UTF-8"}});
        assert_eq!(first(&config, &odd, "<script>;q=x,,;q=1"), "en");
        let long = json!({"traits": {"lang": "x".repeat(200)}});
        assert_eq!(first(&config, &long, ""), "en");
    }
}
