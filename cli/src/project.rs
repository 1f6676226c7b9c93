//! `insula project`: projects of a running server, by its API.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{Failure, args::CreateArgs, client::Client};

const CREATE: &str = "mutation ($input: CreateProjectInput!) { createProject(input: $input) {
  project { id slug name environment publicUrl adminUrl configRevision }
  apiKey { id name role token } } }";

/// `insula project create`.
pub(crate) async fn create(args: CreateArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let mut input = Map::new();
    input.insert("slug".to_owned(), json!(args.slug));
    input.insert(
        "name".to_owned(),
        json!(args.name.as_ref().unwrap_or(&args.slug)),
    );
    if let Some(environment) = args.environment {
        input.insert("environment".to_owned(), json!(environment.as_str()));
    }
    if let Some(file) = &args.config {
        input.insert("config".to_owned(), document(file)?);
    }
    let data = client.graphql(CREATE, json!({"input": input})).await?;
    let made = &data["createProject"];
    if args.json {
        println!("{made:#}");
        return Ok(());
    }
    let (project, key) = (&made["project"], &made["apiKey"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    println!(
        "project  {} ({}, {})\nURL      {}\nkey      {}\n         role {}; it is shown only now",
        text(&project["slug"]),
        text(&project["environment"]),
        text(&project["id"]),
        text(&project["publicUrl"]),
        text(&key["token"]),
        text(&key["role"]),
    );
    Ok(())
}

/// Read a configuration document and the identity schemas it names by `file://`.
fn document(file: &Path) -> Result<Value, Failure> {
    let text = read(file)?;
    let mut document: Value = serde_json::from_slice(&text)
        .map_err(|error| Failure::Failed(format!("{}: no JSON: {error}", file.display())))?;
    inline(&mut document, file.parent().unwrap_or(Path::new(".")))?;
    Ok(document)
}

/// Sources by `file://` lie on this machine, so they are read here; paths are relative to the document.
fn inline(document: &mut Value, folder: &Path) -> Result<(), Failure> {
    let schemas = document
        .pointer_mut("/identity/schemas")
        .and_then(Value::as_array_mut);
    for schema in schemas.into_iter().flatten() {
        let Some(url) = schema.get_mut("url") else {
            continue;
        };
        if let Some(path) = url.as_str().and_then(|url| url.strip_prefix("file://")) {
            let bytes = read(&folder.join(path))?;
            *url = json!(format!("base64://{}", STANDARD.encode(bytes)));
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_by_file_are_read_relative_to_the_document() {
        let folder = std::env::temp_dir().join(format!("insula-inline-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let absolute = folder.join("b.json");
        fs::write(folder.join("a.json"), "{}").unwrap();
        fs::write(&absolute, "[]").unwrap();
        let urls = [
            "file://./a.json",
            "file://a.json",
            &format!("file://{}", absolute.display()),
            "preset://email",
        ];
        let mut document =
            json!({"identity": {"schemas": urls.map(|url| json!({"id": "x", "url": url}))}});
        inline(&mut document, &folder).unwrap();
        let read = document["identity"]["schemas"].as_array().unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|schema| schema["url"].as_str().unwrap())
            .collect();
        assert_eq!(
            read,
            [
                "base64://e30=",
                "base64://e30=",
                "base64://W10=",
                "preset://email"
            ]
        );
        let mut missing = json!({"identity": {"schemas": [{"url": "file://none.json"}]}});
        assert!(inline(&mut missing, &folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
