//! The texts that come with the product, in every language of [`super::language::BUILT_IN`].

use std::sync::LazyLock;

use minijinja::Environment;

use super::{engine, language, layout};

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        /// Template type, English, German.
        const TEXTS: &[(&str, [&str; 2])] = &[$(($name, [
            include_str!(concat!("../../templates/", $name, "/en.txt")),
            include_str!(concat!("../../templates/", $name, "/de.txt")),
        ])),*];
    };
}

texts![
    "recovery_valid",
    "recovery_invalid",
    "recovery_code_valid",
    "recovery_code_invalid",
    "verification_valid",
    "verification_invalid",
    "verification_code_valid",
    "verification_code_invalid",
    "login_code_valid",
    "registration_code_valid",
    "verifiable_address_changed",
];

/// `{type}.{language}.{part}`, where a part is `subject`, `txt`, `html` or `sms`.
pub(super) static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = engine::environment(engine::Mode::Strict);
    let mut add = |name: String, source: String| {
        #[expect(clippy::expect_used, reason = "a test compiles every one")]
        env.add_template_owned(name, source)
            .expect("the built-in texts are templates");
    };
    for (kind, texts) in TEXTS {
        for (language, text) in language::BUILT_IN.iter().zip(texts) {
            let made = layout::sources(text, language);
            add(format!("{kind}.{language}.subject"), made.subject);
            // A template without a text message of its own sends the mail's words.
            let sms = made.sms.unwrap_or_else(|| made.plaintext.clone());
            add(format!("{kind}.{language}.sms"), sms);
            add(format!("{kind}.{language}.txt"), made.plaintext);
            add(format!("{kind}.{language}.html"), made.html);
        }
    }
    env
});

/// Every template type.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_whole() {
        assert_eq!(kinds().count(), 11);
        for (kind, texts) in TEXTS {
            for text in texts {
                // `{{ … }}` is escaped by the engine; the words around it are not.
                assert!(!text.contains(['<', '>', '&']), "{kind}");
                let made = layout::sources(text, "en");
                assert!(
                    made.subject.len() > 10 && !made.subject.contains('\n'),
                    "{kind}"
                );
                let codes = kind.ends_with("_code_valid");
                assert_eq!(text.contains("[code] "), codes, "{kind}");
                assert!(made.sms.is_some() || !codes, "{kind} lacks a text message");
            }
        }
        assert_eq!(ENGINE.templates().count(), 11 * 2 * 4);
    }
}
