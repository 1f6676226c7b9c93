//! What people call.

use serde_json::json;

use super::{
    Ask, COOKIE, Row, TOKEN,
    Then::{Ignored, Refused},
    reads, writes,
};
use crate::tenancy::isolation_table::hand::Thing;

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
    // The form says that nothing was submitted.
    writes(
        "GET /self-service/login",
        400,
        &[(Thing::NativeFlow, Refused(404))],
        |h| {
            let path = format!("/self-service/login?flow={}", h.native_flow);
            Ask::get(path).header("accept", "application/json".to_owned())
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
    // An address that the neighbour knows is unknown here.
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
    writes(
        "GET /self-service/registration",
        400,
        &[(Thing::RegistrationFlow, Refused(404))],
        |h| {
            Ask::get(format!(
                "/self-service/registration?flow={}",
                h.registration_flow
            ))
            .visitor(h)
        },
    ),
    reads(
        "GET /.well-known/change-password",
        303,
        &[(Thing::Cookie, Ignored(303))],
        |h| Ask::get("/.well-known/change-password").page(h),
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
    // Begun by any visitor; a session changes nothing.
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
    // An address that the neighbour knows is unknown here, and looks like any other.
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
    // Sessions of others and such as never existed: done, and nothing happens (W12.6).
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
    // Open to every caller: what else is sent changes nothing.
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
    // The account pages are the same for every visitor, and no file of theirs is a project's own.
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
