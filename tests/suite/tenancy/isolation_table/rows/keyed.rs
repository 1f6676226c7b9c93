//! What needs a key.

use serde_json::json;

use super::{
    Ask, KEY, Row,
    Then::{Ignored, Refused},
    reads, writes,
};
use crate::tenancy::isolation_table::hand::Thing;

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
    // The same for every caller.
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
