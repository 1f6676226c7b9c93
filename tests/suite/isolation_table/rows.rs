//! The table's REST half: how each route is called, what it takes, and what it must answer when that is
//! the neighbour's. `routes_are_covered.rs` compares it with the routers.

use reqwest::Method;
use serde_json::{Value, json};

use super::hand::{Hand, Thing};

/// One way to call one route.
pub(crate) struct Row {
    /// As `api::routes` names it.
    pub(crate) route: &'static str,
    /// The request, from what the hand holds.
    pub(crate) ask: fn(&Hand) -> Ask,
    /// The status with the project's own.
    pub(crate) own: u16,
    /// Does that change the project's rows?
    pub(crate) writes: bool,
    /// What is swapped, one at a time, and what comes of it.
    pub(crate) swaps: &'static [(Thing, Then)],
}

/// What a thing of the neighbour's comes to, just as one that never existed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// That status, and the project's own rows stay as well.
    Refused(u16),
    /// That status: the request is carried out as if the thing had not been sent, or for nobody known.
    Ignored(u16),
}

use Then::{Ignored, Refused};

/// A request.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

impl Ask {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path).body(body)
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// As a script in a signed-in browser.
    fn script(self, h: &Hand) -> Self {
        self.page(h).header("accept", "application/json".to_owned())
    }

    /// As a page in a signed-in browser.
    fn page(self, h: &Hand) -> Self {
        let (session, csrf) = ((&h.cookie_name, &h.cookie), (&h.csrf_name, &h.csrf_cookie));
        let line = format!("{}={}; {}={}", session.0, session.1, csrf.0, csrf.1);
        self.header("cookie", line)
    }

    /// As a script in a browser in which nobody is signed in.
    fn visitor(self, h: &Hand) -> Self {
        self.header("cookie", format!("{}={}", h.csrf_name, h.csrf_cookie))
            .header("accept", "application/json".to_owned())
    }

    fn token(self, h: &Hand) -> Self {
        self.header("x-session-token", h.token.clone())
    }

    fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    fn key(self, h: &Hand) -> Self {
        self.bearer(&h.key)
    }
}

const fn reads(
    route: &'static str,
    own: u16,
    swaps: &'static [(Thing, Then)],
    ask: fn(&Hand) -> Ask,
) -> Row {
    Row {
        route,
        ask,
        own,
        writes: false,
        swaps,
    }
}

const fn writes(
    route: &'static str,
    own: u16,
    swaps: &'static [(Thing, Then)],
    ask: fn(&Hand) -> Ask,
) -> Row {
    Row {
        route,
        ask,
        own,
        writes: true,
        swaps,
    }
}

/// A key of another project is known and refused; one that never existed is not known
/// (the runner expects 401 of that).
const KEY: (Thing, Then) = (Thing::Key, Refused(403));
const COOKIE: (Thing, Then) = (Thing::Cookie, Refused(401));
const TOKEN: (Thing, Then) = (Thing::Token, Refused(401));

/// Of a project, self-service.
pub(crate) const PUBLIC: &[Row] = &[
    // Begun for the person of the session; with any other cookie or token, for a stranger.
    writes(
        "GET /self-service/login/browser",
        200,
        &[(Thing::Cookie, Ignored(200))],
        |h| Ask::get("/self-service/login/browser?refresh=true").script(h),
    ),
    writes(
        "GET /self-service/login/api",
        200,
        &[(Thing::Token, Ignored(200))],
        |h| Ask::get("/self-service/login/api?refresh=true").token(h),
    ),
    reads(
        "GET /self-service/login/flows",
        200,
        &[
            (Thing::LoginFlow, Refused(404)),
            (Thing::CsrfCookie, Refused(403)),
        ],
        |h| Ask::get(format!("/self-service/login/flows?id={}", h.login_flow)).script(h),
    ),
    writes(
        "POST /self-service/login",
        200,
        &[
            (Thing::LoginFlow, Refused(404)),
            (Thing::CsrfToken, Refused(403)),
            (Thing::CsrfCookie, Refused(403)),
            (Thing::Cookie, Ignored(200)),
            (Thing::Person, Ignored(400)),
        ],
        |h| {
            let path = format!("/self-service/login?flow={}", h.login_flow);
            let body = json!({"method": "password", "identifier": h.email, "password": h.password, "csrf_token": h.csrf_token});
            Ask::post(path, body).script(h)
        },
    ),
    writes(
        "POST /self-service/login",
        200,
        &[
            (Thing::NativeFlow, Refused(404)),
            (Thing::Person, Ignored(400)),
        ],
        |h| {
            let path = format!("/self-service/login?flow={}", h.native_flow);
            let body = json!({"method": "password", "identifier": h.email, "password": h.password});
            Ask::post(path, body)
        },
    ),
    // Who is signed in has nothing to sign up for and is sent on.
    reads(
        "GET /self-service/registration/browser",
        303,
        &[(Thing::Cookie, Ignored(303))],
        |h| Ask::get("/self-service/registration/browser").page(h),
    ),
    reads(
        "GET /self-service/registration/api",
        400,
        &[(Thing::Token, Ignored(200))],
        |h| Ask::get("/self-service/registration/api").token(h),
    ),
    reads(
        "GET /self-service/registration/flows",
        200,
        &[
            (Thing::RegistrationFlow, Refused(404)),
            (Thing::CsrfCookie, Refused(403)),
        ],
        |h| {
            let path = format!(
                "/self-service/registration/flows?id={}",
                h.registration_flow
            );
            Ask::get(path).visitor(h)
        },
    ),
    // An address that the neighbour knows is one that nobody knows.
    writes(
        "POST /self-service/registration",
        200,
        &[
            (Thing::RegistrationFlow, Refused(404)),
            (Thing::CsrfToken, Refused(403)),
            (Thing::CsrfCookie, Refused(403)),
            (Thing::Newcomer, Ignored(200)),
        ],
        |h| {
            let path = format!("/self-service/registration?flow={}", h.registration_flow);
            let body = json!({"method": "password", "password": h.password, "traits": {"email": h.newcomer}, "csrf_token": h.csrf_token});
            Ask::post(path, body).visitor(h)
        },
    ),
    writes("GET /self-service/settings/browser", 200, &[COOKIE], |h| {
        Ask::get("/self-service/settings/browser").script(h)
    }),
    writes("GET /self-service/settings/api", 200, &[TOKEN], |h| {
        Ask::get("/self-service/settings/api").token(h)
    }),
    reads(
        "GET /self-service/settings/flows",
        200,
        &[COOKIE, (Thing::SettingsFlow, Refused(404))],
        |h| {
            Ask::get(format!(
                "/self-service/settings/flows?id={}",
                h.settings_flow
            ))
            .script(h)
        },
    ),
    writes(
        "POST /self-service/settings",
        200,
        &[
            COOKIE,
            (Thing::SettingsFlow, Refused(404)),
            (Thing::CsrfToken, Refused(403)),
            (Thing::CsrfCookie, Refused(403)),
        ],
        |h| {
            let path = format!("/self-service/settings?flow={}", h.settings_flow);
            let body = json!({"method": "profile", "traits": {"email": h.newcomer}, "csrf_token": h.csrf_token});
            Ask::post(path, body).script(h)
        },
    ),
    writes(
        "POST /self-service/settings",
        200,
        &[
            COOKIE,
            (Thing::SettingsFlow, Refused(404)),
            (Thing::CsrfToken, Refused(403)),
        ],
        |h| {
            let path = format!("/self-service/settings?flow={}", h.settings_flow);
            let body = json!({"method": "account", "account_confirmation": h.holder, "csrf_token": h.csrf_token});
            Ask::post(path, body).script(h)
        },
    ),
    // Nothing waits: the form says so.
    writes(
        "GET /self-service/settings",
        400,
        &[COOKIE, (Thing::SettingsFlow, Refused(404))],
        |h| Ask::get(format!("/self-service/settings?flow={}", h.settings_flow)).script(h),
    ),
    reads(
        "GET /self-service/insula/account/data",
        200,
        &[COOKIE],
        |h| Ask::get("/self-service/insula/account/data").script(h),
    ),
    reads(
        "GET /self-service/insula/account/data",
        200,
        &[TOKEN],
        |h| {
            Ask::get("/self-service/insula/account/data")
                .token(h)
                .header("accept", "application/json".to_owned())
        },
    ),
    // Who is signed in has nothing to recover.
    reads(
        "GET /self-service/recovery/browser",
        400,
        &[(Thing::Cookie, Ignored(200))],
        |h| Ask::get("/self-service/recovery/browser").script(h),
    ),
    reads(
        "GET /self-service/recovery/api",
        400,
        &[(Thing::Token, Ignored(200))],
        |h| Ask::get("/self-service/recovery/api").token(h),
    ),
    reads(
        "GET /self-service/recovery/flows",
        200,
        &[
            (Thing::RecoveryFlow, Refused(404)),
            (Thing::CsrfCookie, Refused(403)),
        ],
        |h| {
            let id = &h.recovery_flow;
            Ask::get(format!("/self-service/recovery/flows?id={id}")).visitor(h)
        },
    ),
    writes(
        "POST /self-service/recovery",
        200,
        &[
            (Thing::RecoveryNativeFlow, Refused(404)),
            (Thing::Person, Ignored(200)),
        ],
        |h| {
            let path = format!("/self-service/recovery?flow={}", h.recovery_native_flow);
            Ask::post(path, json!({"method": "code", "email": h.email}))
        },
    ),
    // The neighbour's code is a wrong one, and counts as such.
    writes(
        "POST /self-service/recovery",
        422,
        &[
            (Thing::RecoveryFlow, Refused(404)),
            (Thing::CsrfToken, Refused(403)),
            (Thing::CsrfCookie, Refused(403)),
            (Thing::RecoveryCode, Ignored(200)),
        ],
        |h| {
            let path = format!("/self-service/recovery?flow={}", h.recovery_flow);
            let body =
                json!({"method": "code", "code": h.recovery_code, "csrf_token": h.csrf_token});
            Ask::post(path, body).visitor(h)
        },
    ),
    // A flow that is of no use leads to another one.
    writes(
        "GET /self-service/recovery",
        303,
        &[
            (Thing::RecoveryLinkFlow, Refused(404)),
            (Thing::RecoveryToken, Ignored(303)),
        ],
        |h| {
            let (flow, token) = (&h.recovery_link_flow, &h.recovery_token);
            let path = format!("/self-service/recovery?flow={flow}&token={token}");
            Ask::get(path).visitor(h)
        },
    ),
    reads(
        "POST /recovery/code",
        307,
        &[(Thing::Key, Ignored(307))],
        |h| Ask::post("/recovery/code", json!({"identity_id": h.identity})).key(h),
    ),
    reads(
        "POST /recovery/link",
        307,
        &[(Thing::Key, Ignored(307))],
        |h| Ask::post("/recovery/link", json!({"identity_id": h.identity})).key(h),
    ),
    // Begun by anybody; who is signed in changes nothing.
    writes(
        "GET /self-service/verification/browser",
        200,
        &[(Thing::Cookie, Ignored(200))],
        |h| Ask::get("/self-service/verification/browser").script(h),
    ),
    writes(
        "GET /self-service/verification/api",
        200,
        &[(Thing::Token, Ignored(200))],
        |h| Ask::get("/self-service/verification/api").token(h),
    ),
    reads(
        "GET /self-service/verification/flows",
        200,
        &[
            (Thing::VerificationFlow, Refused(404)),
            (Thing::CsrfCookie, Refused(403)),
        ],
        |h| {
            let id = &h.verification_flow;
            Ask::get(format!("/self-service/verification/flows?id={id}")).script(h)
        },
    ),
    // An address that the neighbour knows is one that nobody knows, and looks like any other.
    writes(
        "POST /self-service/verification",
        200,
        &[
            (Thing::VerificationFlow, Refused(404)),
            (Thing::CsrfToken, Refused(403)),
            (Thing::CsrfCookie, Refused(403)),
            (Thing::Person, Ignored(200)),
        ],
        |h| {
            let path = format!("/self-service/verification?flow={}", h.verification_flow);
            let body = json!({"method": "code", "email": h.email, "csrf_token": h.csrf_token});
            Ask::post(path, body).script(h)
        },
    ),
    // Its code is a wrong one, and counts as such.
    writes(
        "POST /self-service/verification",
        200,
        &[
            (Thing::VerificationFlow, Refused(404)),
            (Thing::VerificationCode, Ignored(200)),
        ],
        |h| {
            let path = format!("/self-service/verification?flow={}", h.verification_flow);
            let body = json!({"method": "code", "code": h.verification_code});
            Ask::post(path, body).script(h)
        },
    ),
    writes(
        "GET /self-service/verification",
        303,
        &[(Thing::VerificationFlow, Refused(404))],
        |h| {
            let (flow, code) = (&h.verification_flow, &h.verification_code);
            let path = format!("/self-service/verification?flow={flow}&code={code}");
            Ask::get(path).script(h)
        },
    ),
    reads("GET /self-service/logout/browser", 200, &[COOKIE], |h| {
        Ask::get("/self-service/logout/browser").script(h)
    }),
    writes(
        "GET /self-service/logout",
        204,
        &[COOKIE, (Thing::LogoutToken, Refused(403))],
        |h| Ask::get(format!("/self-service/logout?token={}", h.logout_token)).script(h),
    ),
    writes(
        "DELETE /self-service/logout/api",
        204,
        &[(Thing::Token, Refused(403))],
        |h| Ask::delete("/self-service/logout/api").body(json!({"session_token": h.token})),
    ),
    reads("GET /sessions/whoami", 200, &[COOKIE], |h| {
        Ask::get("/sessions/whoami").script(h)
    }),
    reads("GET /sessions/whoami", 200, &[TOKEN], |h| {
        Ask::get("/sessions/whoami").token(h)
    }),
    reads("GET /sessions/whoami", 200, &[TOKEN], |h| {
        Ask::get("/sessions/whoami").bearer(&h.token)
    }),
    reads("GET /sessions", 200, &[COOKIE], |h| {
        Ask::get("/sessions").script(h)
    }),
    reads("GET /sessions", 200, &[TOKEN], |h| {
        Ask::get("/sessions").token(h)
    }),
    writes("DELETE /sessions", 200, &[COOKIE], |h| {
        Ask::delete("/sessions").script(h)
    }),
    writes("DELETE /sessions", 200, &[TOKEN], |h| {
        Ask::delete("/sessions").token(h)
    }),
    // Sessions of others and of nobody: done, and nothing happens (contract, self-service 9).
    writes(
        "DELETE /sessions/{id}",
        204,
        &[COOKIE, (Thing::Session, Refused(204))],
        |h| Ask::delete(format!("/sessions/{}", h.session)).script(h),
    ),
    writes("DELETE /sessions/{id}", 204, &[TOKEN], |h| {
        Ask::delete(format!("/sessions/{}", h.session)).token(h)
    }),
    reads(
        "GET /self-service/errors",
        200,
        &[(Thing::ErrorId, Refused(404))],
        |h| Ask::get(format!("/self-service/errors?id={}", h.error)),
    ),
    // Open to everybody: whatever else is sent changes nothing.
    reads("GET /schemas", 200, &[(Thing::Cookie, Ignored(200))], |h| {
        Ask::get("/schemas").script(h)
    }),
    reads(
        "GET /schemas/{id}",
        200,
        &[(Thing::Schema, Refused(404))],
        |h| Ask::get(format!("/schemas/{}", h.schema)),
    ),
    reads(
        "GET /health/alive",
        200,
        &[(Thing::Cookie, Ignored(200))],
        |h| Ask::get("/health/alive").script(h),
    ),
    reads(
        "GET /health/ready",
        200,
        &[(Thing::Cookie, Ignored(200))],
        |h| Ask::get("/health/ready").script(h),
    ),
    reads("GET /version", 200, &[(Thing::Cookie, Ignored(200))], |h| {
        Ask::get("/version").script(h)
    }),
    // The account pages are the same for everybody, and no file of theirs is anybody's own.
    reads(
        "GET /ui/{page}",
        200,
        &[(Thing::Cookie, Ignored(200))],
        |h| Ask::get("/ui/login").page(h),
    ),
    reads(
        "GET /ui/config.json",
        200,
        &[(Thing::Cookie, Ignored(200))],
        |h| Ask::get("/ui/config.json").script(h),
    ),
    reads(
        "GET /ui/assets/{file}",
        404,
        &[(Thing::Cookie, Ignored(404))],
        |h| Ask::get("/ui/assets/none.js").page(h),
    ),
    // In development mode alone.
    reads("GET /ui/mail", 404, &[(Thing::Cookie, Ignored(404))], |h| {
        Ask::get("/ui/mail").page(h)
    }),
    reads(
        "GET /ui/mail/{id}",
        404,
        &[(Thing::Message, Refused(404))],
        |h| Ask::get(format!("/ui/mail/{}", h.message)).page(h),
    ),
];

/// Of a project, administration.
pub(crate) const ADMIN: &[Row] = &[
    reads(
        "GET /admin/identities",
        200,
        &[KEY, (Thing::Identity, Refused(200))],
        |h| Ask::get(format!("/admin/identities?ids={}", h.identity)).key(h),
    ),
    reads(
        "GET /admin/identities",
        200,
        &[KEY, (Thing::Person, Refused(200))],
        |h| {
            Ask::get(format!(
                "/admin/identities?credentials_identifier={}",
                h.email
            ))
            .key(h)
        },
    ),
    writes(
        "POST /admin/identities",
        201,
        &[
            KEY,
            (Thing::Newcomer, Ignored(201)),
            (Thing::Schema, Refused(400)),
        ],
        |h| {
            let body = json!({"schema_id": h.schema, "traits": {"email": h.newcomer}});
            Ask::post("/admin/identities", body).key(h)
        },
    ),
    reads(
        "GET /admin/identities/{id}",
        200,
        &[KEY, (Thing::Identity, Refused(404))],
        |h| Ask::get(format!("/admin/identities/{}", h.identity)).key(h),
    ),
    writes(
        "DELETE /admin/identities/{id}",
        204,
        &[KEY, (Thing::Identity, Refused(404))],
        |h| Ask::delete(format!("/admin/identities/{}", h.identity)).key(h),
    ),
    reads(
        "GET /admin/identities/{id}/sessions",
        200,
        &[KEY, (Thing::Identity, Refused(200))],
        |h| Ask::get(format!("/admin/identities/{}/sessions", h.identity)).key(h),
    ),
    writes(
        "DELETE /admin/identities/{id}/sessions",
        204,
        &[KEY, (Thing::Identity, Refused(404))],
        |h| Ask::delete(format!("/admin/identities/{}/sessions", h.identity)).key(h),
    ),
    reads("GET /admin/sessions", 200, &[KEY], |h| {
        Ask::get("/admin/sessions?page_size=1").key(h)
    }),
    reads(
        "GET /admin/sessions/{id}",
        200,
        &[KEY, (Thing::Session, Refused(404))],
        |h| Ask::get(format!("/admin/sessions/{}?expand=identity", h.session)).key(h),
    ),
    writes(
        "DELETE /admin/sessions/{id}",
        204,
        &[KEY, (Thing::Session, Refused(404))],
        |h| Ask::delete(format!("/admin/sessions/{}", h.session)).key(h),
    ),
    writes(
        "POST /admin/recovery/code",
        201,
        &[KEY, (Thing::Identity, Refused(404))],
        |h| Ask::post("/admin/recovery/code", json!({"identity_id": h.identity})).key(h),
    ),
    writes(
        "POST /admin/recovery/link",
        200,
        &[KEY, (Thing::Identity, Refused(400))],
        |h| Ask::post("/admin/recovery/link", json!({"identity_id": h.identity})).key(h),
    ),
    reads(
        "GET /admin/courier/messages",
        200,
        &[KEY, (Thing::Person, Refused(200))],
        |h| Ask::get(format!("/admin/courier/messages?recipient={}", h.email)).key(h),
    ),
    reads(
        "GET /admin/courier/messages/{id}",
        200,
        &[KEY, (Thing::Message, Refused(404))],
        |h| Ask::get(format!("/admin/courier/messages/{}", h.message)).key(h),
    ),
];

/// Of the installation.
pub(crate) const INSTALLATION: &[Row] = &[
    reads(
        "GET /health/alive",
        200,
        &[(Thing::Key, Ignored(200))],
        |h| Ask::get("/health/alive").key(h),
    ),
    reads(
        "GET /health/ready",
        200,
        &[(Thing::Key, Ignored(200))],
        |h| Ask::get("/health/ready").key(h),
    ),
    reads("GET /version", 200, &[(Thing::Key, Ignored(200))], |h| {
        Ask::get("/version").key(h)
    }),
    reads(
        "GET /metrics",
        200,
        &[(Thing::InstallationKey, Refused(403))],
        |h| Ask::get("/metrics").bearer(&h.installation_key),
    ),
    // The same for everybody.
    reads(
        "GET /openapi.json",
        200,
        &[(Thing::Key, Ignored(200))],
        |h| Ask::get("/openapi.json").key(h),
    ),
    reads("GET /docs", 200, &[(Thing::Key, Ignored(200))], |h| {
        Ask::get("/docs").key(h)
    }),
    // Field by field in `fields.rs`.
    reads("POST /graphql", 200, &[(Thing::Slug, Refused(200))], |h| {
        let query = "query($slug: String!) { project(slug: $slug) { id name config } }";
        let body = json!({"query": query, "variables": {"slug": h.slug}});
        Ask::post("/graphql", body).key(h)
    }),
];
