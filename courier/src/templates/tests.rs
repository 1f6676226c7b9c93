//! Every text in every language, and what comes of a project's own.

use identity::schema::Via;
use serde_json::{Value, json};

use super::{
    engine::Mode,
    language::{self, BUILT_IN},
    project_templates::{self, ProjectTemplates},
    render::compose,
    sample_messages::samples,
    variables::About,
};
use crate::{
    config::{CourierConfig, TextConfig},
    message::OutgoingMessage,
    store::Content,
    tests::{base64, violations},
};

fn about() -> About {
    About {
        name: "Tom & Söhne <Shop>".to_owned(),
        logo_light_url: Some("https://cdn.example.org/logo.png?a=1&b=2".to_owned()),
        logo_dark_url: None,
    }
}

fn built_in(message: &OutgoingMessage, language: &str) -> Content {
    let rendered = compose(
        &ProjectTemplates::new(Mode::Sending),
        message,
        &[language.to_owned()],
        &about(),
    );
    rendered.unwrap_or_else(|(part, why)| {
        panic!(
            "{} {language} {part}: {why}",
            message.template.template_type()
        )
    })
}

/// The codes and links that this message is about.
fn secrets(data: &Value) -> Vec<&str> {
    let names = [
        "recovery_code",
        "verification_code",
        "login_code",
        "registration_code",
        "recovery_url",
        "verification_url",
    ];
    names
        .iter()
        .filter_map(|name| data[name].as_str())
        .collect()
}

#[test]
fn every_message_says_in_every_language_what_it_must() {
    for message in samples() {
        let kind = message.template.template_type();
        let mut seen = Vec::new();
        for language in BUILT_IN {
            let content = built_in(&message, language);
            let sms = message.to.via == Via::Sms;
            let html = content.html.clone().unwrap_or_default();
            assert_eq!(html.is_empty(), sms, "{kind}");
            assert_eq!(content.subject.is_empty(), sms, "{kind}");
            let data = &content.template_data;
            for secret in secrets(data) {
                assert!(content.body.contains(secret), "{kind} {language}: {secret}");
                let escaped = secret.replace('&', "&amp;").replace('/', "&#x2f;");
                assert!(
                    sms || html.contains(&escaped),
                    "{kind} {language}: {secret}\n{html}"
                );
            }
            if data.get("expires_in_minutes").is_some() {
                let lifetime = if language == "de" {
                    "15 Minuten"
                } else {
                    "15 minutes"
                };
                assert!(content.body.contains(lifetime), "{kind} {language}");
                assert!(sms || html.contains(lifetime), "{kind} {language}");
            }
            for text in [&content.subject, &content.body, &html] {
                for odd in ["{{", "{%", "undefined", "None", "null"] {
                    assert!(!text.contains(odd), "{kind} {language}: {odd} in {text}");
                }
            }
            assert!(
                !html.contains("<Shop>") && (sms || html.contains("Tom &amp; Söhne &lt;Shop&gt;"))
            );
            assert!(content.body.contains("Tom & Söhne <Shop>"));
            seen.push(content.body);
        }
        seen.dedup();
        assert_eq!(seen.len(), BUILT_IN.len(), "{kind} is not translated");
    }
}

#[test]
fn a_phone_fills_in_the_code_of_its_site() {
    for message in samples()
        .iter()
        .filter(|message| message.to.via == Via::Sms)
    {
        let content = built_in(message, "en");
        if content.body.contains("123456") {
            assert!(
                content.body.ends_with("\n\n@id.example.com #123456"),
                "{}",
                content.body
            );
        }
    }
}

#[test]
fn a_date_is_written_as_it_is_read() {
    let all = samples();
    let mut all = all.iter();
    let notice =
        all.find(|message| message.template.template_type() == "verifiable_address_changed");
    for (language, date) in [
        ("de", "am 01.01.1970 um 00:00 Uhr (UTC) geändert"),
        ("en", "on 1970-01-01 at 00:00 UTC"),
    ] {
        let body = built_in(notice.unwrap(), language).body;
        assert!(body.contains(date), "{body}");
    }
}

/// W15.3.
#[test]
fn delivery_services_get_the_names_of_kratos() {
    let names = |message: &OutgoingMessage| {
        let data = built_in(message, "en").template_data;
        let mut names: Vec<_> = data.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    let all = samples();
    let find = |kind: &str, via| {
        let mut all = all.iter();
        names(
            all.find(|m| m.template.template_type() == kind && m.to.via == via)
                .unwrap(),
        )
    };
    for (kind, via, expected) in [
        (
            "recovery_code_valid",
            Via::Email,
            "expires_in_minutes identity recovery_code request_url to transient_payload",
        ),
        (
            "recovery_code_valid",
            Via::Sms,
            "expires_in_minutes identity request_url request_url_domain to transient_payload verification_code",
        ),
        (
            "recovery_valid",
            Via::Email,
            "expires_in_minutes identity recovery_url request_url to transient_payload",
        ),
        (
            "recovery_invalid",
            Via::Email,
            "request_url to transient_payload",
        ),
        (
            "verification_code_valid",
            Via::Email,
            "expires_in_minutes identity request_url to transient_payload verification_code verification_url",
        ),
        (
            "verification_code_valid",
            Via::Sms,
            "expires_in_minutes identity request_url to transient_payload verification_code",
        ),
        (
            "login_code_valid",
            Via::Sms,
            "expires_in_minutes identity login_code request_url to transient_payload",
        ),
    ] {
        assert_eq!(find(kind, via), expected, "{kind}");
    }
}

/// W15.3.
#[test]
fn delivery_services_get_the_traits_of_a_sign_up() {
    let mut sign_up = samples();
    for message in &mut sign_up {
        message.identity = None;
    }
    let sign_up = |via| {
        let mut all = sign_up.iter();
        all.find(|m| m.template.template_type() == "registration_code_valid" && m.to.via == via)
            .unwrap()
            .clone()
    };
    assert_eq!(
        built_in(&sign_up(Via::Email), "en").template_data["traits"]["email"],
        "ada@example.org"
    );
    assert_eq!(
        built_in(&sign_up(Via::Sms), "en").template_data["identity"]["email"],
        "ada@example.org"
    );
}

/// What a project's texts say to a recipient whose browser asks for these languages.
fn own(document: &Value, accept: &str, kind: &str) -> Content {
    assert_eq!(violations(document), []);
    let read = |pointer| {
        document
            .pointer(pointer)
            .cloned()
            .unwrap_or_else(|| json!({}))
    };
    let courier: CourierConfig = serde_json::from_value(read("/courier")).unwrap();
    let texts: TextConfig = serde_json::from_value(read("/insula/courier")).unwrap();
    let mut templates = ProjectTemplates::new(Mode::Sending);
    for text in project_templates::texts(&courier, &texts) {
        templates.add(&text).unwrap();
    }
    let all = samples();
    let message = all
        .iter()
        .find(|message| message.template.template_type() == kind && message.to.via == Via::Email)
        .unwrap();
    let chain = language::chain(&texts, &Value::Null, Some(accept));
    compose(&templates, message, &chain, &about()).unwrap()
}

#[test]
fn a_project_has_words_of_its_own() {
    let go = json!({"courier": {"templates": {"login_code": {"valid": {"email": {
        "subject": base64("  Code\n{{ .LoginCode }} for {{ .Identity.traits.email }} "),
        "body": {
            "plaintext": base64("{{- .LoginCode -}} {{ .ExpiresInMinutes }} {{ .Identity.traits.name.first }}!"),
            "html": base64("<b>{{ .Identity.traits.email }}</b>{{ .RequestURL }}"),
        },
    }}}}}});
    let content = own(&go, "de", "login_code_valid");
    assert_eq!(content.subject, "Code 123456 for ada@example.org");
    // A trait that the identity lacks locks it out of nothing.
    assert_eq!(content.body, "12345615 !");
    assert!(
        content
            .html
            .unwrap()
            .starts_with("<b>ada@example.org</b>https:")
    );
    // Only this type.
    assert!(own(&go, "de", "recovery_valid").body.contains("Konto"));

    let ours = json!({"insula": {"courier": {"templates": {"login_code_valid": {
        "de-AT": {"subject": "Servus: {{ login_code }}", "html": "<p>{{ lifetime }} {{ Identity.id }}</p>"},
        "fr": {"subject": "Code", "plaintext": "Le code : {{ login_code }}"},
    }}}}});
    let content = own(&ours, "de-AT, en", "login_code_valid");
    assert_eq!(content.subject, "Servus: 123456");
    assert!(
        content.body.contains("Anmelden"),
        "the rest is built in: {}",
        content.body
    );
    assert!(content.html.unwrap().starts_with("<p>15 Minuten 0000"));
    let content = own(&ours, "fr-CH", "login_code_valid");
    assert_eq!((&*content.body, content.html), ("Le code : 123456", None));
    assert!(
        own(&ours, "de", "login_code_valid")
            .subject
            .contains("Anmeldecode")
    );
}

#[test]
fn a_subject_that_says_nothing_is_the_built_in_one() {
    let ours = json!({"insula": {"courier": {"templates": {"login_code_valid": {
        "en": {"subject": "{{ transient_payload.subject }} ", "plaintext": "{{ login_code }}"},
    }}}}});
    let content = own(&ours, "en", "login_code_valid");
    assert!(
        content.subject.contains("sign-in code"),
        "{}",
        content.subject
    );
    assert_eq!(content.body, "123456");
}

#[test]
fn words_in_one_language_leave_the_others_alone() {
    let subject = |document: &Value, accept| own(document, accept, "recovery_code_valid").subject;
    let ours = json!({"insula": {"courier": {"templates": {"recovery_code_valid": {
        "en": {"subject": "Ours: {{ recovery_code }}"},
    }}}}});
    for accept in ["de", "de-AT, en", "fr, de;q=0.5, en;q=0.1"] {
        assert!(subject(&ours, accept).contains("ist Ihr"), "{accept}");
    }
    for accept in ["en-GB, de", "fr", ""] {
        assert_eq!(subject(&ours, accept), "Ours: 123456", "{accept}");
    }
    // Kratos has one language, and texts brought along from there are meant to be sent.
    let go = json!({"courier": {"templates": {"recovery_code": {"valid": {"email": {
        "subject": base64("Go: {{ .RecoveryCode }}"),
    }}}}}});
    assert_eq!(subject(&go, "de"), "Go: 123456");
    let french = json!({"insula": {"courier": {"templates": {"recovery_code_valid": {
        "fr": {"subject": "Le code", "plaintext": "{{ recovery_code }}"},
    }}}}});
    let both = tenants::config::merged(&go, &french);
    assert_eq!(subject(&both, "fr, de"), "Le code");
    assert_eq!(subject(&both, "de, fr"), "Le code");
    assert_eq!(subject(&both, "de"), "Go: 123456");
}

#[test]
fn a_template_that_cannot_work_is_told_when_it_is_written() {
    let text = |text: &str| json!({"insula": {"courier": {"templates": {"login_code_valid": {"en": {"plaintext": text}}}}}});
    let pointer = "/insula/courier/templates/login_code_valid/en/plaintext";
    for (source, why) in [
        ("{{ login_code", "line 1: "),
        (
            "\n{{ logincode }}",
            "nothing is called logincode here; there are ExpiresInMinutes, ",
        ),
        ("{{ recovery_code }}", "nothing is called recovery_code"),
        ("{% set a = 1 %}", "line 1: `{% set %}` is not served"),
        ("\n{{ To ~ To }}", "line 2: `~` is not served"),
        ("{{ To | shout }}", "line 1: "),
        (
            "{{ Identity }}",
            "line 1: a list or an object cannot be printed",
        ),
    ] {
        let found = violations(&text(source));
        assert_eq!(
            (found.len(), &*found[0].0),
            (1, pointer),
            "{source}: {found:?}"
        );
        assert!(found[0].1.starts_with(why), "{source}: {found:?}");
    }
    let go = json!({"courier": {"templates": {"recovery_code": {"valid": {"email": {
        "subject": "file:///etc/passwd",
        "body": {"plaintext": base64("a\n{{ if .To }}x{{ end }}"), "html": "base64://%%"},
    }}, "invalid": {"email": {
        "subject": base64(&"x".repeat((128 << 10) + 1)),
        "body": {"plaintext": base64(&format!("a\n{{{{ .Identity{} }}}}", ".a".repeat(30_000)))},
    }}}}}});
    let found = violations(&go);
    let of = |which: &str, key: &str| {
        let pointer = format!("/courier/templates/recovery_code/{which}/email/{key}");
        &found.iter().find(|it| it.0 == pointer).unwrap().1
    };
    let at = |key: &str| of("valid", key);
    assert_eq!(of("invalid", "subject"), "is longer than 131072 bytes");
    assert!(of("invalid", "body/plaintext").starts_with("line 2: a tag has more than 100"));
    assert_eq!(
        at("body/plaintext"),
        "the template recovery_code.valid holds more than placeholders; write it anew under insula.courier.templates: line 2: `{{ if .To }}`, line 2: `{{ end }}`"
    );
    assert!(at("subject").starts_with("must be base64://") && at("body/html").contains("base64"));
    let subject = |text: &str| json!({"insula": {"courier": {"templates": {"login_code_valid": {"en": {"subject": text}}}}}});
    for blank in [" ", "{{ Identity.traits.nobody }}\n", "{# later #}"] {
        let found = violations(&subject(blank));
        let why = "nothing comes out: a mail needs a subject";
        assert_eq!((found.len(), &*found[0].1), (1, why), "{blank}");
    }
    let half =
        json!({"insula": {"courier": {"templates": {"login_code_valid": {"fr": {"html": "x"}}}}}});
    assert_eq!(
        violations(&half)[0].1,
        "nothing is built in for the language fr: give subject and plaintext too"
    );
}

/// For looking at: `INSULA_TEST_MAILS=<folder>` writes every built-in mail there.
#[test]
fn mails_can_be_looked_at() {
    let Ok(folder) = std::env::var("INSULA_TEST_MAILS") else {
        return;
    };
    let about = About {
        name: "Example".to_owned(),
        ..About::default()
    };
    for message in samples()
        .iter()
        .filter(|message| message.to.via == Via::Email)
    {
        for language in BUILT_IN {
            let content = compose(
                &ProjectTemplates::new(Mode::Sending),
                message,
                &[language.to_owned()],
                &about,
            )
            .unwrap();
            let name = format!("{folder}/{}.{language}", message.template.template_type());
            std::fs::write(format!("{name}.html"), content.html.unwrap()).unwrap();
            std::fs::write(format!("{name}.txt"), content.body).unwrap();
        }
    }
}
