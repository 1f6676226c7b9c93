//! The snapshot, and what can be judged of the document by itself. What the server really answers is held
//! against it by the suite.

use std::{collections::BTreeSet, env, fs};

use serde_json::Value;

use crate::openapi as document;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/openapi.json");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every operation, as `METHOD path`.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = METHODS.iter().filter_map(|m| Some((*m, item.get(m)?)));
            methods.map(move |(method, op)| (format!("{} {path}", method.to_uppercase()), op))
        })
        .collect()
}

/// Every value of that key, wherever it stands, with the path to it.
fn each<'v>(value: &'v Value, at: &str, found: &mut impl FnMut(&str, &'v Value)) {
    found(at, value);
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| each(value, &format!("{at}/{key}"), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, value)| each(value, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

#[test]
fn the_snapshot_is_current() {
    let now = format!("{:#}\n", document());
    if env::var_os("UPDATE").is_some() {
        fs::write(SNAPSHOT, &now).unwrap();
    }
    let kept = fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert!(
        kept == now,
        "schemas/openapi.json is old: UPDATE=1 cargo test -p api the_snapshot renews it"
    );
}

#[test]
fn it_describes_every_route() {
    let document = document();
    let described: BTreeSet<String> = operations(&document).into_iter().map(|(n, _)| n).collect();
    let (project, installation) = crate::routes();
    let below = |route: &String| {
        let (method, path) = route.split_once(' ').unwrap();
        format!("{method} /p/{{slug}}{path}")
    };
    let served: BTreeSet<String> = project.iter().map(below).chain(installation).collect();
    assert_eq!(described, served);
}

/// What a stranger needs of every operation to call it.
#[test]
fn every_operation_is_complete() {
    let document = document();
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id), "{name}: {id:?}");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!((5..=60).contains(&summary.len()), "{name}: {summary:?}");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(tags.contains(tag), "{name}: {tag:?}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|s| s < &"400".to_owned()), "{name}");
        for (status, response) in responses {
            let says = response["description"]
                .as_str()
                .is_some_and(|d| d.len() > 4);
            assert!(says || response.get("$ref").is_some(), "{name} {status}");
            let bodiless = matches!(status.as_str(), "204" | "302" | "303" | "304" | "307");
            assert_eq!(
                response.get("content").is_none() && response.get("$ref").is_none(),
                bodiless,
                "{name} {status}: a body and its shape"
            );
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let says = parameter["description"]
                .as_str()
                .is_some_and(|d| d.len() > 4);
            assert!(says, "{name}: {}", parameter["name"]);
            assert_ne!(parameter["schema"], Value::Null, "{name}");
        }
    }
}

#[test]
fn every_parameter_of_a_path_is_declared() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        let in_path: BTreeSet<&str> = path
            .split('/')
            .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        for method in METHODS.iter().filter(|m| item.get(m).is_some()) {
            let own = item[method]["parameters"].as_array().into_iter().flatten();
            let shared = item["parameters"].as_array().into_iter().flatten();
            let declared: BTreeSet<&str> = own
                .chain(shared)
                .map(|p| match p["$ref"].as_str() {
                    Some(to) => document.pointer(&to[1..]).unwrap(),
                    None => p,
                })
                .filter(|p| p["in"] == "path" && p["required"] == true)
                .map(|p| p["name"].as_str().unwrap())
                .collect();
            assert_eq!(declared, in_path, "{method} {path}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = document();
    let mut used = BTreeSet::new();
    each(&document, "", &mut |at, value| {
        let Some(to) = value.get("$ref").and_then(Value::as_str) else {
            return;
        };
        let target = to.strip_prefix('#').and_then(|to| document.pointer(to));
        assert!(target.is_some(), "{at}: {to}");
        used.insert(to.to_owned());
    });
    for kind in ["schemas", "responses", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let to = format!("#/components/{kind}/{name}");
            assert!(used.contains(&to), "{to} is used by nothing");
        }
    }
}

/// Names that generated clients of Kratos-compatible servers call by. Set beside the SDKs by hand.
#[test]
fn operations_bear_the_names_of_the_sdks() {
    let document = document();
    let ids: BTreeSet<&str> = operations(&document)
        .iter()
        .map(|(_, op)| op["operationId"].as_str().unwrap())
        .collect();
    for id in [
        "createBrowserLoginFlow",
        "createNativeLoginFlow",
        "getLoginFlow",
        "updateLoginFlow",
        "createBrowserRegistrationFlow",
        "createNativeRegistrationFlow",
        "getRegistrationFlow",
        "updateRegistrationFlow",
        "createBrowserLogoutFlow",
        "updateLogoutFlow",
        "performNativeLogout",
        "toSession",
        "listMySessions",
        "disableMyOtherSessions",
        "disableMySession",
        "getFlowError",
        "listIdentitySchemas",
        "getIdentitySchema",
        "listIdentities",
        "getIdentity",
        "createIdentity",
        "deleteIdentity",
        "listIdentitySessions",
        "deleteIdentitySessions",
        "listSessions",
        "getSession",
        "disableSession",
        "isAlive",
        "isReady",
        "getVersion",
    ] {
        assert!(ids.contains(id), "{id}");
    }
}
