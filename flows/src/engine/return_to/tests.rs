//! One table of what may be asked for, one of what may be configured.

use super::*;

const PUBLIC: &str = "https://auth.example.com/p/acme";
const DEFAULT: &str = "https://app.example.com/welcome?from=login";
const ALLOWED: &[&str] = &[
    "https://app.example.com",
    "https://docs.example.com/app",
    "HTTPS://Upper.Example.com/Path",
    "https://*.preview.example.com/",
    "https://*.ports.example.com:8443",
    "http://localhost:3000",
    "http://[::1]:3000",
    "com.example.app://callback",
    "opaque:done",
    "https://bücher.example/",
    "https://*.straße.example/",
    "/p/acme/after",
    "below",
    "",
];

fn list() -> ReturnTo {
    ReturnTo::new(&PUBLIC.parse().unwrap(), DEFAULT, ALLOWED).unwrap()
}

#[test]
fn allowed() {
    let same = [
        "https://app.example.com/",
        "https://app.example.com/a/b?c=d&e=https://evil.example#f",
        "https://docs.example.com/app",
        "https://docs.example.com/app/x",
        "https://docs.example.com/apple", // W3.9: a plain prefix
        "https://upper.example.com/Path/x",
        "https://pr-1.preview.example.com/",
        "https://a.b.preview.example.com/x",
        "https://a.ports.example.com:8443/",
        "http://localhost:3000/cb",
        "http://[::1]:3000/cb",
        "com.example.app://callback",
        "com.example.app://callback/x?code=1",
        "opaque:done?x=1",
        "https://xn--bcher-kva.example/",
        "https://auth.example.com/p/acme/self-service/login/browser?aal=aal2",
        "https://auth.example.com/p/acme/ui/settings",
        "https://auth.example.com/p/acme/after",
        "https://auth.example.com/p/acme/below",
    ];
    for raw in same {
        assert_eq!(
            list().check(raw).map(String::from),
            Ok(raw.to_owned()),
            "{raw}"
        );
    }
}

#[test]
fn normalised() {
    let cases = [
        ("", DEFAULT),
        ("https://app.example.com", "https://app.example.com/"),
        ("HTTPS://APP.EXAMPLE.COM/X", "https://app.example.com/X"),
        ("https://app.example.com:443/", "https://app.example.com/"),
        ("/settings?x=1", "https://app.example.com/settings?x=1"),
        ("?x=1", "https://app.example.com/?x=1"),
        ("#top", "https://app.example.com/#top"),
        ("/.//evil.example", "https://app.example.com//evil.example"),
        (
            "https://docs.example.com/x/../app/y",
            "https://docs.example.com/app/y",
        ),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER。example/", "https://xn--bcher-kva.example/"),
        (
            "https://shop.straße.example/",
            "https://shop.xn--strae-oqa.example/",
        ),
        ("COM.example.app://CALLBACK", "com.example.app://CALLBACK"),
    ];
    for (raw, url) in cases {
        assert_eq!(
            list().check(raw).map(String::from),
            Ok(url.to_owned()),
            "{raw}"
        );
    }
}

const FORBIDDEN: &[&str] = &[
    // elsewhere
    "https://evil.example/",
    "http://app.example.com/",
    "https://app.example.com:8443/",
    "https://app.example.com.evil.example/",
    "https://evilapp.example.com/",
    "https://app.example.com./",
    "https://docs.example.com/",
    "https://docs.example.com/App",
    "https://upper.example.com/path",
    "https://auth.example.com/p/acme/",
    "https://auth.example.com/p/acme/ui",
    "https://auth.example.com/p/other/ui/settings",
    "https://auth.example.com/self-service/login",
    "http://localhost/",
    "https://xn--bchr-0qa.example/",
    "https://bucher.example/",
    // wildcards
    "https://preview.example.com/",
    "https://.preview.example.com/",
    "https://evilpreview.example.com/",
    "https://*.preview.example.com/",
    "https://a.ports.example.com/",
    "https://a.preview.example.com:8443/",
    "https://a.preview.example.com.evil.example/",
    // another URL to a browser than to a careless reader
    "//evil.example",
    "//app.example.com/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:\\\\app.example.com/",
    "https://app.example.com\\@evil.example/",
    "https:app.example.com/",
    "https:/app.example.com/",
    "https:///app.example.com/",
    "https://app.example.com@evil.example/",
    "https://user:secret@app.example.com/",
    "https://user@app.example.com/",
    "https://@app.example.com/",
    "https://evil.example#@app.example.com/",
    "https://evil.example?app.example.com/",
    "https://evil.example%2f.app.example.com/",
    " https://app.example.com/",
    "https://app.example.com/ ",
    "https://app.exam\tple.com/",
    "https://app.example.com/\r\nSet-Cookie: a=b",
    "https://app.example.com/\u{0}",
    "https://app.example.com/\u{a0}",
    "https://app.example.com/\u{2028}",
    "https://app.example.com/\u{85}",
    "/\t/evil.example",
    // dots
    "https://docs.example.com/app/../admin",
    "https://docs.example.com/app/%2e%2e/admin",
    "https://docs.example.com/app/.%2E/admin",
    "https://docs.example.com/app/..%2fadmin",
    "https://docs.example.com/app/x%2f..%2f..%2fadmin",
    "https://docs.example.com/app/%2e%2e%5cadmin",
    // schemes
    "javascript:alert(1)",
    "JaVaScRiPt://app.example.com/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "ftp://app.example.com/",
    "file:///etc/passwd",
    "blob:https://app.example.com/1",
    "com.example.app2://callback",
    "com.example.app://other",
    "com.example.app:callback",
    "opaque:undone",
    // no URL
    "app.example.com",
    "app.example.com:443/",
    "welcome",
    "./welcome",
    "../welcome",
    ":",
    "https://",
    "https://[::1/",
    "https://app.example.com:99999/",
];

#[test]
fn forbidden() {
    for raw in FORBIDDEN {
        assert_eq!(
            list().check(raw).map(String::from),
            Err(Forbidden),
            "{raw:?}"
        );
    }
}

#[test]
fn unbounded_wildcards_and_active_schemes_are_ignored() {
    let useless = [
        "*",
        "*.example.com",
        "https://*",
        "https://*/",
        "https://*foo.com",
        "https://*.com",
        "https://*.co.uk",
        "https://*.vercel.app",
        "https://*.localhost",
        "https://*.公司.cn",
        "https://*.*.example.com",
        "https://a.*.example.com",
        "https://a*.example.com",
        "https://www.example.*",
        "https://*.1.2.3.4",
        "https://user@example.com",
        "https://",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///tmp",
    ];
    let list = ReturnTo::new(&PUBLIC.parse().unwrap(), DEFAULT, &useless).unwrap();
    assert_eq!(list.ignored(), useless);
    for raw in [
        "https://evilfoo.com/",
        "https://a.com/",
        "https://x.vercel.app/",
        "javascript:alert(1)",
        "file:///tmp",
    ] {
        assert_eq!(list.check(raw), Err(Forbidden), "{raw}");
    }
    let below_a_suffix = ["https://*.example.co.uk"];
    let list = ReturnTo::new(&PUBLIC.parse().unwrap(), DEFAULT, &below_a_suffix).unwrap();
    assert!(list.check("https://a.example.co.uk/").is_ok());
}

#[test]
fn the_default_may_be_relative() {
    let default = |public: &str, default: &str| {
        ReturnTo::new::<&str>(&public.parse().unwrap(), default, &[])
            .map(|list| list.default_url().to_string())
    };
    let cases = [
        (
            PUBLIC,
            "ui/session",
            "https://auth.example.com/p/acme/ui/session",
        ),
        (
            "https://auth.example.com/p/acme/",
            "ui/session",
            "https://auth.example.com/p/acme/ui/session",
        ),
        (PUBLIC, "/welcome", "https://auth.example.com/welcome"),
        (
            "https://auth.example.com",
            "/welcome",
            "https://auth.example.com/welcome",
        ),
        (
            PUBLIC,
            "https://elsewhere.example/x",
            "https://elsewhere.example/x",
        ),
    ];
    for (public, given, expected) in cases {
        assert_eq!(
            default(public, given).as_deref(),
            Ok(expected),
            "{public} {given}"
        );
    }
    assert!(default(PUBLIC, "https://").is_err());
}

#[test]
fn with_an_empty_list_only_our_own_pages_are_allowed() {
    let list = ReturnTo::new::<&str>(&PUBLIC.parse().unwrap(), "ui/session", &[]).unwrap();
    assert!(list.check("/p/acme/ui/settings").is_ok());
    assert!(list.check("/p/acme/self-service/settings/browser").is_ok());
    assert_eq!(list.check("/p/acme"), Err(Forbidden));
    assert_eq!(list.check("/p/acme/uix"), Err(Forbidden));
}
