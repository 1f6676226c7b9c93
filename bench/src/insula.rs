//! Projects of an Insula, made by its management API. The only file that knows of it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    Failure,
    args::Argon2,
    client::{Base, Call, Wire},
};

const CREATE: &str =
    "mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }";
/// A schema for a new project may have to be made first.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Make projects that begin a session at registration, hash as told, and call no other server. Slugs begin with
/// `prefix`.
pub(crate) async fn projects(
    origin: &str,
    key: &str,
    prefix: &str,
    (count, argon2): (u32, Argon2),
) -> Result<Vec<Base>, Failure> {
    let origin = origin.trim_end_matches('/');
    let base = Base::parse(origin)?;
    let mut wire = Wire::default();
    let mut made = Vec::new();
    for number in 0..count {
        let slug = format!("{prefix}-{number}");
        let input = json!({"slug": slug, "name": slug, "environment": "DEVELOPMENT", "config": config(argon2)});
        create(&mut wire, &base, key, &input).await?;
        made.push(Base::parse(&format!("{origin}/p/{slug}"))?);
    }
    Ok(made)
}

/// Make one project for attacks: every method that takes a name, and a schema that multiplies.
pub(crate) async fn hostile(origin: &str, key: &str, slug: &str) -> Result<Base, Failure> {
    let origin = origin.trim_end_matches('/');
    let schema = STANDARD.encode(dear_schema().to_string());
    let config = json!({
        "identity": {
            "schemas": [{"id": "dear", "url": format!("base64://{schema}")}],
            "default_schema_id": "dear",
        },
        "selfservice": {
            "methods": {
                "password": {"config": {"haveibeenpwned_enabled": false}},
                "code": {"passwordless_enabled": true},
            },
            "flows": {"recovery": {"enabled": true}, "registration": {"style": "unified"}},
        },
    });
    let input = json!({"slug": slug, "name": slug, "environment": "DEVELOPMENT", "config": config});
    create(&mut Wire::default(), &Base::parse(origin)?, key, &input).await?;
    Base::parse(&format!("{origin}/p/{slug}"))
}

/// What a project may write that costs most at what a visitor may send.
fn dear_schema() -> Value {
    let names: Vec<String> = (0..1_000).map(|n| format!("name {n}")).collect();
    let identifier = json!({"credentials": {"password": {"identifier": true}}});
    let traits = json!({
        "name": {"type": "string", "ory.sh/kratos": identifier},
        "bits": {"type": "string", "pattern": "^[01]*1[01]{8000}$"},
        "noise": {"type": "string", "pattern": "^[01]*1[01]{300}$"},
        "rows": {"items": {"allOf": vec![json!({"$ref": "#/definitions/many"}); 300]}},
        "lacking": {"items": {"required": names}},
        "note": {"type": "string"},
    });
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"many": {"allOf": vec![json!({"minimum": 0}); 300]}},
        "properties": {"traits": {"type": "object", "properties": traits}},
    })
}

async fn create(wire: &mut Wire, base: &Base, key: &str, input: &Value) -> Result<(), Failure> {
    let body = json!({"query": CREATE, "variables": {"input": input}});
    let mut said = String::new();
    for _ in 0..TRIES {
        let call = Call {
            key: Some(key),
            ..Call::post("/graphql", &body)
        };
        let answer = wire
            .send(base, call)
            .await
            .map_err(|trouble| Failure(format!("createProject: {}", trouble.tell())))?;
        let result: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if result.pointer("/data/createProject/project/id").is_some() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&answer.body).into_owned();
        if result.pointer("/errors/0/extensions/code") != Some(&json!("UNAVAILABLE")) {
            break;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Err(Failure(format!("createProject: {said}")))
}

fn config(argon2: Argon2) -> Value {
    json!({
        "hashers": {"argon2": {
            "memory": format!("{}KB", argon2.memory_kib),
            "iterations": argon2.iterations,
            "parallelism": argon2.lanes,
        }},
        "selfservice": {
            "methods": {"password": {"config": {"haveibeenpwned_enabled": false}}},
            "flows": {"registration": {"after": {"password": {"hooks": [{"hook": "session"}]}}}},
        },
    })
}
