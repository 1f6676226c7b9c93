//! Documents through the whole judgement, and the windows on them.

use std::time::Duration;

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

const PRESETS: &[&str] = &["preset://email", "preset://username"];

fn cx() -> ValidateCx<'static> {
    ValidateCx {
        environment: Environment::Production,
        slug: "acme",
        import: false,
        presets: PRESETS,
        schema_check: &|_, schema| match schema.get("bad") {
            Some(_) => vec![("/bad".to_owned(), "is bad".to_owned())],
            None => Vec::new(),
        },
        sections: &[],
        checks: &[],
    }
}

fn refused(document: Value) -> Vec<(String, String)> {
    refused_by(document, &cx())
}

fn refused_by(document: Value, cx: &ValidateCx<'_>) -> Vec<(String, String)> {
    let violations = ConfigDoc::validate(document, cx).expect_err("ought to be refused");
    violations
        .into_iter()
        .map(|it| (it.pointer, it.message))
        .collect()
}

/// Exactly one violation, at this place, whose text holds this.
fn refused_once(document: Value, pointer: &str, text: &str) {
    let found = refused(document);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, pointer, "{found:?}");
    assert!(found[0].1.contains(text), "{found:?}");
}

/// `{"a": {"b": value}}` for `a.b`.
fn at(path: &str, value: Value) -> Value {
    path.rsplit('.')
        .fold(value, |inner, name| json!({ name: inner }))
}

#[test]
fn the_schemas_own_examples_are_accepted() {
    let schema: Value = serde_json::from_str(SCHEMA_TEXT).unwrap();
    let examples = schema["examples"].as_array().unwrap();
    assert!(examples.len() >= 3);
    for example in examples {
        let accepted = ConfigDoc::validate(example.clone(), &cx());
        assert!(accepted.is_ok(), "{accepted:?}");
    }
}

#[test]
fn defaults_in_the_schema_fit_their_own_rules() {
    fn collect(node: &Value, path: &str, found: &mut Vec<(String, Value)>) {
        for (name, next) in node["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            if let Some(default) = next.get("default") {
                found.push((path.clone(), default.clone()));
            }
            collect(next, &path, found);
        }
    }
    let mut defaults = Vec::new();
    collect(
        &serde_json::from_str(SCHEMA_TEXT).unwrap(),
        "",
        &mut defaults,
    );
    assert!(defaults.len() > 30);
    for (path, default) in defaults {
        let accepted = ConfigDoc::validate(at(&path, default), &cx());
        assert!(accepted.is_ok(), "{path}: {accepted:?}");
    }
}

#[test]
fn keys_that_are_not_listed_say_where_they_stand() {
    let rows = [
        ("oauth2_provider.url", "/oauth2_provider", "not served yet"),
        (
            "session.whoami.tokenizer.templates",
            "/session/whoami/tokenizer",
            "not served yet",
        ),
        (
            "selfservice.methods.totp.config.issuer",
            "/selfservice/methods/totp/config",
            "not served yet",
        ),
        (
            "selfservice.flows.settings.after.totp.hooks",
            "/selfservice/flows/settings/after/totp",
            "not served yet",
        ),
        (
            "selfservice.flows.login.after.oidc.hooks",
            "/selfservice/flows/login/after/oidc",
            "not served yet",
        ),
        (
            "clients.web_hook.header_allowlist",
            "/clients/web_hook",
            "not served yet",
        ),
        (
            "clients.http.disallow_private_ip_ranges",
            "/clients/http",
            "belongs to the installation",
        ),
        ("clients.ftp", "/clients/ftp", "unknown key `clients.ftp`"),
        ("dsn", "/dsn", "DATABASE_URL"),
        ("dev", "/dev", "DEVELOPMENT"),
        ("serve.public.port", "/serve/public/port", "--listen"),
        (
            "serve.admin.base_url",
            "/serve/admin",
            "belongs to the installation",
        ),
        ("ciphers.algorithm", "/ciphers", "always encrypted"),
        ("organizations", "/organizations", "commercial"),
        ("nonsense", "/nonsense", "unknown key `nonsense`"),
        ("logs", "/logs", "unknown key"),
        (
            "selfservice.flows.login.colour",
            "/selfservice/flows/login/colour",
            "unknown key",
        ),
        ("insula.anything", "/insula/anything", "unknown key"),
        ("a/b~c", "/a~1b~0c", "unknown key `a/b~c`"),
    ];
    for (path, pointer, text) in rows {
        refused_once(at(path, json!(1)), pointer, text);
    }
    refused_once(json!({"clients": {}}), "/clients", "not served yet");
}

#[test]
fn what_is_off_may_be_said_and_what_is_on_may_not() {
    let off = json!({
        "selfservice": {
            "methods": {
                "totp": {"enabled": false},
                "lookup_secret": {"enabled": false}, "webauthn": {"enabled": false},
                "passkey": {"enabled": false}, "oidc": {"enabled": false}
            },
            "flows": {
                "settings": {"ui_url": "https://app.example/settings"},
                "logout": {"clear_browser_data": false}
            }
        }
    });
    assert!(ConfigDoc::validate(off, &cx()).is_ok());
    for path in [
        "selfservice.methods.totp.enabled",
        "feature_flags.faster_session_extend",
        "selfservice.flows.registration.login_hints",
    ] {
        let text = format!("`{path}` is not served yet: only false is accepted");
        refused_once(
            at(path, json!(true)),
            &format!("/{}", path.replace('.', "/")),
            &text,
        );
    }
}

#[test]
fn what_a_flow_sends_is_switched_on() {
    let flow = |method: &str, on: bool| {
        json!({"selfservice": {
            "methods": {method: {"enabled": on}},
            "flows": {"verification": {"enabled": true, "use": method}},
        }})
    };
    let pointer = "/selfservice/flows/verification/use";
    assert!(ConfigDoc::validate(flow("link", true), &cx()).is_ok());
    assert!(ConfigDoc::validate(flow("code", true), &cx()).is_ok());
    refused_once(flow("link", false), pointer, "which is not enabled");
    refused_once(flow("code", false), pointer, "which is not enabled");
    let mut implied = flow("code", false);
    implied["selfservice"]["methods"]["code"]["passwordless_enabled"] = json!(true);
    assert!(ConfigDoc::validate(implied, &cx()).is_ok());
}

#[test]
fn a_code_is_one_factor() {
    let code = |first: bool, second: bool| {
        at(
            "selfservice.methods.code",
            json!({"passwordless_enabled": first, "mfa_enabled": second}),
        )
    };
    let pointer = "/selfservice/methods/code/mfa_enabled";
    refused_once(code(true, true), pointer, "the first factor already");
    assert!(ConfigDoc::validate(code(true, false), &cx()).is_ok());
    assert!(ConfigDoc::validate(code(false, true), &cx()).is_ok());
}

#[test]
fn hooks_are_served_known_or_unknown() {
    let hooks = |path: &str, name: &str| at(path, json!([{"hook": name}]));
    let after_login = "selfservice.flows.login.after.hooks";
    let pointer = "/selfservice/flows/login/after/hooks/0/hook";
    assert!(ConfigDoc::validate(hooks(after_login, "revoke_active_sessions"), &cx()).is_ok());
    refused_once(
        hooks(after_login, "web_hook"),
        pointer,
        "not served here yet",
    );
    refused_once(hooks(after_login, "b2b_sso"), pointer, "unknown hook");
    refused_once(
        hooks("selfservice.flows.registration.before.hooks", "web_hook"),
        "/selfservice/flows/registration/before/hooks/0/hook",
        "served: none so far",
    );
    let web_hook = json!([{"hook": "web_hook", "config": {"url": "https://x.example"}}]);
    let found = refused(at(after_login, web_hook));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found
            .iter()
            .all(|(_, message)| message.contains("not served")),
        "{found:?}"
    );
    let twice = json!([{"hook": "revoke_active_sessions"}, {"hook": "revoke_active_sessions"}]);
    refused_once(
        at(after_login, twice),
        "/selfservice/flows/login/after/hooks",
        "must differ",
    );
}

#[test]
fn values_have_shapes() {
    let rows = [
        ("session.lifespan", json!("1d"), "duration"),
        ("session.lifespan", json!("0s"), "above zero"),
        ("session.lifespan", json!(60), "type string"),
        (
            "session.whoami.required_aal",
            json!("aal2"),
            "\"aal1\", \"highest_available\"",
        ),
        (
            "selfservice.default_browser_return_url",
            json!("javascript:alert(1)"),
            "http",
        ),
        ("serve.public.cors.max_age", json!(-1), "at least 0"),
        (
            "selfservice.methods.password.config.min_password_length",
            json!(5),
            "at least 6",
        ),
        (
            "selfservice.methods.password.config.max_breaches",
            json!(101),
            "at most 100",
        ),
        (
            "selfservice.methods.password.config.haveibeenpwned_host",
            json!("https://x"),
            "host name",
        ),
        ("session.cookie.name", json!("a b"), "cookie's name"),
        ("cookies.secure", json!(true), "\"true\", \"false\""),
        ("hashers.bcrypt", json!({}), "lacks \"cost\""),
        ("hashers.bcrypt.cost", json!(15), "at most 14"),
        ("identity.schemas", json!([]), "at least 1 items"),
    ];
    for (path, value, text) in rows {
        refused_once(
            at(path, value),
            &format!("/{}", path.replace('.', "/")),
            text,
        );
    }
    let found = refused(at("secrets.default", json!(["hunter2"])));
    assert!(
        found
            .iter()
            .all(|(_, message)| !message.contains("hunter2")),
        "{found:?}"
    );
    refused_once(json!([]), "", "must be an object");
    refused_once(
        at("revision", json!("x".repeat(2 << 20))),
        "",
        "longer than",
    );
    refused_once(at(&vec!["a"; 70].join("."), json!({})), "", "deeper");
}

#[test]
fn carelessness_is_for_development() {
    let development = ValidateCx {
        environment: Environment::Development,
        ..cx()
    };
    let rows = [
        (at("cookies.secure", json!("false")), "/cookies/secure"),
        (
            at("session.cookie.secure", json!("false")),
            "/session/cookie/secure",
        ),
        (
            at("hashers.argon2.memory", json!("18MB")),
            "/hashers/argon2/memory",
        ),
        (
            at("hashers.argon2.iterations", json!(1)),
            "/hashers/argon2/iterations",
        ),
        (at("hashers.bcrypt.cost", json!(11)), "/hashers/bcrypt/cost"),
        (
            at(
                "selfservice.methods.password.config.haveibeenpwned_host",
                json!("http://127.0.0.1:8080"),
            ),
            "/selfservice/methods/password/config/haveibeenpwned_host",
        ),
    ];
    for (document, pointer) in rows {
        refused_once(document.clone(), pointer, "DEVELOPMENT projects only");
        assert!(ConfigDoc::validate(document, &development).is_ok());
    }
    let one_heavy_pass = json!({"hashers": {"argon2": {"memory": "128MB", "iterations": 1}}});
    assert!(ConfigDoc::validate(one_heavy_pass, &cx()).is_ok());
    for memory in ["257MB", "7KB"] {
        let found = refused_by(at("hashers.argon2.memory", json!(memory)), &development);
        assert_eq!(found[0].0, "/hashers/argon2/memory", "{memory}");
    }
}

#[test]
fn cookies_stay_within_the_project() {
    refused_once(
        at("cookies.domain", json!("acme.example")),
        "/cookies/domain",
        "share hosts",
    );
    refused_once(
        at("session.cookie.domain", json!("a.example")),
        "/session/cookie/domain",
        "share",
    );
    assert!(
        ConfigDoc::validate(at("session.cookie.name", json!("ory_session_acme")), &cx()).is_ok()
    );
    for name in ["ory_session_other", "csrf_token_1", "ory_continuity_acme"] {
        let document = at("session.cookie.name", json!(name));
        refused_once(
            document,
            "/session/cookie/name",
            "`ory_session_acme` is this project's own",
        );
    }
}

#[test]
fn identity_schemas_are_named_found_and_judged() {
    let with = |url: &str| json!({"identity": {"schemas": [{"id": "a", "url": url}]}});
    let encoded = |text: &str| {
        format!(
            "base64://{}",
            base64::engine::general_purpose::STANDARD.encode(text)
        )
    };
    let url = "/identity/schemas/0/url";
    assert!(ConfigDoc::validate(with(&encoded("{}")), &cx()).is_ok());
    assert!(ConfigDoc::validate(with("preset://username"), &cx()).is_ok());
    refused_once(with("preset://nobody"), url, "preset://email");
    refused_once(
        with(&encoded("{\"bad\": 1}")),
        url,
        "the schema at /bad: is bad",
    );
    refused_once(with(&encoded("{")), url, "not JSON");
    refused_once(with("base64://!"), url, "padded standard base64");
    refused_once(with("file:///etc/passwd"), url, "the command that imports");
    refused_once(
        with("https://a.example/s.json"),
        url,
        "could not be fetched",
    );
    refused_once(with("./schema.json"), url, "must begin with");

    let twice = json!([{"id": "a", "url": "preset://email"}, {"id": "a", "url": "preset://email"}]);
    refused_once(
        at("identity.schemas", twice),
        "/identity/schemas/1/id",
        "another schema",
    );
    let pointer = "/identity/default_schema_id";
    refused_once(
        at("identity.default_schema_id", json!("b")),
        pointer,
        "neither",
    );
    assert!(
        ConfigDoc::validate(
            at("identity.default_schema_id", json!("preset://email")),
            &cx()
        )
        .is_ok()
    );
}

#[test]
fn remote_sources_are_listed_and_inlined() {
    let mut document = json!({"identity": {"schemas": [
        {"id": "a", "url": "preset://email"}, {"id": "b", "url": "https://a.example/b.json"}]}});
    let listed = ConfigDoc::remote_sources(&document);
    assert_eq!(
        listed,
        [(
            "/identity/schemas/1/url".into(),
            "https://a.example/b.json".into()
        )]
    );
    assert!(ConfigDoc::inline(&mut document, &listed[0].0, b"{}"));
    assert!(!ConfigDoc::inline(&mut document, "/nowhere", b"{}"));
    assert_eq!(ConfigDoc::remote_sources(&document), []);
    let undecided = ConfigDoc::validate(document.clone(), &cx()).unwrap_err();
    assert_eq!(
        undecided[0].pointer, "/identity/schemas",
        "which of the two?"
    );
    document["identity"]["default_schema_id"] = json!("b");
    assert!(ConfigDoc::validate(document, &cx()).is_ok());
}

#[test]
fn an_import_leaves_out_what_is_not_the_projects() {
    let document = json!({
        "version": "v26.2.0", "dsn": "memory", "dev": true, "log": {"level": "debug"},
        "serve": {"public": {"base_url": "https://a.example", "port": 4433,
                             "cors": {"enabled": true, "allowed_origins": ["https://b.example"]}},
                  "admin": {"base_url": "https://a.example"}},
        "clients": {"http": {"disallow_private_ip_ranges": true}},
        "ciphers": {"algorithm": "aes"},
        "identity": {"schemas": [{"id": "default", "url": "preset://email"}]},
        "selfservice": {"flows": {"login": {"after": {"hooks": [
            {"hook": "revoke_active_sessions"}, {"hook": "b2b_sso", "config": {}}]}}}}
    });
    let importing = ValidateCx {
        import: true,
        ..cx()
    };
    let doc = ConfigDoc::validate(document.clone(), &importing).unwrap();
    assert_eq!(
        doc.plain(),
        &json!({
            "version": "v26.2.0",
            "serve": {"public": {"cors": {"enabled": true, "allowed_origins": ["https://b.example"]}}},
            "identity": {"schemas": [{"id": "default", "url": "preset://email"}], "default_schema_id": "default"},
            "selfservice": {"flows": {"login": {"after": {"hooks": [{"hook": "revoke_active_sessions"}]}}}}
        })
    );
    assert_eq!(doc.notes().len(), 10, "{:?}", doc.notes());
    assert!(refused(document).len() >= 9);

    let found = refused_by(
        json!({"clients": {"http": {"a": 1}, "web_hook": {}}}),
        &importing,
    );
    assert_eq!(
        found,
        [(
            "/clients/web_hook".to_owned(),
            "`clients.web_hook` is not served yet".to_owned()
        )]
    );
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct SessionWindow {
    #[serde(with = "units::duration")]
    lifespan: Duration,
    #[serde(with = "units::optional_duration")]
    earliest_possible_extend: Option<Duration>,
}

impl Section for SessionWindow {
    const POINTER: &'static str = "/session";
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Misread {
    #[serde(rename = "lifespan")]
    _lifespan: u32,
}

impl Section for Misread {
    const POINTER: &'static str = "/session";
}

#[test]
fn sections_are_parsed_once_and_checked_when_written() {
    let doc = ConfigDoc::validate(at("session.lifespan", json!("1h30m")), &cx()).unwrap();
    let window = doc.section::<SessionWindow>();
    assert_eq!(window.lifespan, Duration::from_mins(90));
    assert!(std::sync::Arc::ptr_eq(
        &window,
        &doc.section::<SessionWindow>()
    ));
    assert_eq!(
        *ConfigDoc::default().section::<SessionWindow>(),
        SessionWindow::default()
    );

    let strict = ValidateCx {
        sections: &[section_check::<SessionWindow>(), section_check::<Misread>()],
        ..cx()
    };
    assert_eq!(
        refused_by(at("session.lifespan", json!("1h")), &strict)[0].0,
        "/session"
    );
}
