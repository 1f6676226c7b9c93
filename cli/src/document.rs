//! Documents that people write: JSON or YAML from a file or standard input, or `key.path=value` on the command
//! line; and the files that a configuration names.
//!
//! What a document may say is judged by the server alone.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tenants::config::ConfigDoc;

use crate::{Failure, output};

/// Standard input, as a file name.
const STDIN: &str = "-";

/// A configuration document or merge patch from a file or `-`, with what it names by `file://` read and put in
/// its place, and without what a `kratos.yml` says to the installation. Paths are relative to the document, or to this folder for standard input.
pub(crate) fn config(file: &Path) -> Result<Value, Failure> {
    let mut document = read(file)?;
    let folder = match file.parent() {
        Some(folder) if file != Path::new(STDIN) => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    for left_out in ConfigDoc::leave_out_foreign(&mut document) {
        output::note(&left_out);
    }
    inline(&mut document, &folder)?;
    Ok(document)
}

/// A JSON or YAML object from a file or `-`.
pub(crate) fn read(file: &Path) -> Result<Value, Failure> {
    let name = if file == Path::new(STDIN) {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let told = |error: &dyn std::fmt::Display| Failure::Failed(format!("{name}: {error}"));
    let text = if file == Path::new(STDIN) {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.map_err(|error| told(&error))?;
    let document = parse(&text).map_err(|error| told(&error))?;
    if document.is_object() {
        return Ok(document);
    }
    Err(told(&"is no object of keys and values"))
}

/// What begins like JSON is JSON, so that a mistake in it is told as one.
fn parse(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"));
    }
    // As YAML 1.2 has it: `on` and `yes` are texts.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| format!("no YAML: {error}"))
}

/// The object that `a.b=value …` says. A value is JSON, or else a text as it stands.
pub(crate) fn pairs(pairs: &[String]) -> Result<Value, Failure> {
    let mut whole = Value::Object(Map::new());
    for pair in pairs {
        let wrong = |why: &str| Failure::Usage(format!("{pair:?}: {why}"));
        let (path, value) = pair
            .split_once('=')
            .ok_or_else(|| wrong("is no KEY.PATH=VALUE"))?;
        let mut place = &mut whole;
        for key in path.split('.') {
            if key.is_empty() {
                return Err(wrong("a key is missing"));
            }
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            let members = place
                .as_object_mut()
                .ok_or_else(|| wrong("an earlier pair sets a key above this one"))?;
            place = members.entry(key).or_insert(Value::Null);
        }
        *place = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    }
    Ok(whole)
}

/// Sources by `file://` lie on this machine, so they are read here.
pub(crate) fn inline(document: &mut Value, folder: &Path) -> Result<(), Failure> {
    for (pointer, url) in ConfigDoc::file_sources(document) {
        let path = folder.join(url.trim_start_matches("file://"));
        let bytes = fs::read(&path)
            .map_err(|error| Failure::Failed(format!("{} ({pointer}): {error}", path.display())))?;
        ConfigDoc::inline(document, &pointer, &bytes);
        output::note(&format!("{pointer}: {} was read", path.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sources_by_file_are_read_relative_to_the_document() {
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
        let schemas = urls.map(|url| json!({"id": "x", "url": url}));
        let document = json!({"identity": {"schemas": schemas}, "name": "file://a.json"});
        let file = folder.join("config.json");
        fs::write(&file, document.to_string()).unwrap();
        let document = config(&file).unwrap();
        let read = document["identity"]["schemas"].as_array().unwrap().iter();
        let read: Vec<_> = read.map(|it| it["url"].as_str().unwrap()).collect();
        let expected = [
            "base64://e30=",
            "base64://e30=",
            "base64://W10=",
            "preset://email",
        ];
        assert_eq!(read, expected);
        assert_eq!(document["name"], "file://a.json", "no source");
        let mut missing = json!({"identity": {"schemas": [{"url": "file://none.json"}]}});
        let Err(Failure::Failed(text)) = inline(&mut missing, &folder) else {
            panic!("accepted");
        };
        assert!(
            text.contains("none.json (/identity/schemas/0/url)"),
            "{text}"
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = "session:\n  lifespan: 1h\n  cookie: {persistent: false}\nlist:\n- id: a\n  n: 5\n# no\nnone: ~\non: yes\n";
        let expected = json!({"session": {"lifespan": "1h", "cookie": {"persistent": false}},
            "list": [{"id": "a", "n": 5}], "none": null, "on": "yes"});
        assert_eq!(parse(yaml).unwrap(), expected);
        assert_eq!(parse(&expected.to_string()).unwrap(), expected);
        assert!(parse("{\"a\": }").unwrap_err().contains("no JSON"));
        assert!(parse("a: [1").unwrap_err().contains("no YAML"));
        let names: Vec<_> = expected.as_object().unwrap().keys().cloned().collect();
        let read = parse(yaml).unwrap();
        assert_eq!(
            read.as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>(),
            names
        );
    }

    #[test]
    fn pairs_make_a_patch() {
        let given = |texts: &[&str]| pairs(&texts.iter().map(|&it| it.into()).collect::<Vec<_>>());
        let made = given(&[
            "session.lifespan=2h",
            "session.cookie.persistent=false",
            "a=null",
            "b=x=y",
        ]);
        assert_eq!(
            made.unwrap(),
            json!({"session": {"lifespan": "2h", "cookie": {"persistent": false}}, "a": null, "b": "x=y"})
        );
        assert_eq!(given(&[r#"n="5""#]).unwrap(), json!({"n": "5"}));
        for bad in [&["a"][..], &["=1"], &["a..b=1"], &["a=1", "a.b=2"]] {
            assert!(matches!(given(bad), Err(Failure::Usage(_))), "{bad:?}");
        }
    }
}
