//! Identities and sessions as administrators see them.
//!
//! Looks inside: the tables.

mod access;
mod creation;
mod lists;
mod sessions;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tenants::Project;
use tests::{ADA, Answer, Client, Kind, PASSWORD, Site, story};

const IDENTITIES: &str = "/admin/identities";
const UNKNOWN: &str = "11111111-1111-4111-8111-111111111111";
const NIL: &str = "00000000-0000-0000-0000-000000000000";
const WHOAMI: &str = "/sessions/whoami";

async fn made(admin: &Client, body: Value) -> Value {
    let answer = admin.post(IDENTITIES, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.body
}

/// A session of an API client: its token, its id.
async fn session(site: &Site, project: &Project, email: &str) -> (String, String) {
    let client = site.client(project, Kind::Api);
    let done = client.sign_in(email, PASSWORD).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&done.body["session_token"]),
        text(&done.body["session"]["id"]),
    )
}

fn person(email: &str) -> Value {
    json!({"traits": {"email": email}, "credentials": {"password": {"config": {"password": PASSWORD}}}})
}

fn ids(answer: &Answer) -> Vec<String> {
    let items = answer.body.as_array().unwrap();
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

/// The target of a link, as a path below the base.
fn link(answer: &Answer, project: &Project, rel: &str) -> Option<String> {
    let links = answer.headers.get("link")?.to_str().ok()?;
    let one = links
        .split(',')
        .find(|l| l.ends_with(&format!("rel=\"{rel}\"")))?;
    let target = &one[1..one.find('>')?];
    let below = target.strip_prefix(&format!("/p/{}", project.slug()));
    Some(
        below
            .unwrap_or_else(|| panic!("not below the base: {target}"))
            .to_owned(),
    )
}

async fn count(admin: &Client) -> usize {
    ids(&admin.get(IDENTITIES).await).len()
}

/// Every text and list in the traits, without a limit of its own.
pub(crate) fn open_schema() -> Value {
    let identifier = json!({"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}});
    let schema = json!({"properties": {"traits": {"type": "object", "properties": {
        "name": identifier, "names": {"type": "array", "items": identifier},
    }}}});
    let url = format!("base64://{}", STANDARD.encode(schema.to_string()));
    json!({"identity": {"default_schema_id": "open", "schemas": [{"id": "open", "url": url}]}})
}

/// W13.1, W13.7, W13.18.
#[story]
async fn reading_an_identity(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let identity = made(&admin, person(ADA)).await;
    let path = format!("{IDENTITIES}/{}", identity["id"].as_str().unwrap());
    for unknown in [UNKNOWN, "not-a-uuid", "%20"] {
        for query in ["", "?include_credential=profile"] {
            let answer = admin.get(&format!("{IDENTITIES}/{unknown}{query}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
            let error = &answer.body["error"];
            assert!(error.get("id").is_none() && error.get("reason").is_none());
        }
    }
    for wrong in ["profile", "zzz", "", "password,oidc"] {
        let answer = admin
            .get(&format!("{path}?include_credential={wrong}"))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(answer.body["error"]["reason"].is_string());
    }
    let hidden = admin
        .get(&format!(
            "{path}?include_credential=totp&include_credential=oidc"
        ))
        .await;
    assert!(
        hidden.body["credentials"]["password"]
            .get("config")
            .is_none()
    );
    let shown = admin
        .get(&format!(
            "{path}?include_credential=totp&include_credential=password"
        ))
        .await;
    let hash = &shown.body["credentials"]["password"]["config"]["hashed_password"];
    assert!(hash.as_str().unwrap().starts_with("$argon2id$"), "{hash}");
    assert_eq!(
        admin.get("/admin/sessions/not-a-uuid").await.status,
        StatusCode::BAD_REQUEST
    );
}

/// W13.14: everything goes, and at once.
#[story]
async fn deleting_an_identity(site: Site) {
    let project = site.project().await;
    let admin = site.admin(&project);
    let client = site.client(&project, Kind::Api);
    let identity = made(&admin, person(ADA)).await;
    made(&admin, person("bob@example.org")).await;
    let (token, _) = session(&site, &project, ADA).await;
    let (other, _) = session(&site, &project, "bob@example.org").await;
    assert!(client.is_signed_in_by(&token).await && client.is_signed_in_by(&other).await);

    let path = format!("{IDENTITIES}/{}", identity["id"].as_str().unwrap());
    let gone = admin.delete(&path).await;
    assert_eq!(
        (gone.status, gone.text.as_str()),
        (StatusCode::NO_CONTENT, "")
    );
    assert!(
        !client.is_signed_in_by(&token).await,
        "not even from memory"
    );
    assert!(client.is_signed_in_by(&other).await);
    for path in [
        &path,
        &format!("{IDENTITIES}/{UNKNOWN}"),
        &format!("{IDENTITIES}/zz"),
    ] {
        assert_eq!(admin.delete(path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND);
    let sessions = admin.get(&format!("{path}/sessions")).await;
    assert_eq!(sessions.body, json!([]));
    let mut tx = project.begin().await.unwrap();
    for table in ["credentials", "identifiers", "addresses", "sessions"] {
        let sql = format!("select count(*) from {table} where identity_id = $1");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(
                identity["id"]
                    .as_str()
                    .unwrap()
                    .parse::<uuid::Uuid>()
                    .unwrap(),
            )
            .fetch_one(tx.conn())
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    drop(tx);
    // The name is free for another person.
    let again = made(&admin, person(ADA)).await;
    assert_ne!(again["id"], identity["id"]);
}
