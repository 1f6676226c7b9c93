//! Holds answers against the published description: each one that a `Client` of the suite gets must have a
//! status, a kind of body, and fields that the description names. So it cannot say less, or other, than what
//! is served. Undocumented methods and addresses are not looked at here.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::Answer;

static DESCRIBED: LazyLock<Described> = LazyLock::new(|| Described::new(&api::openapi()));

/// Fails when the answer is not what the description says of `method` at `path`.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let wrong = DESCRIBED.wrong(method, path, answer);
    assert!(
        wrong.is_empty(),
        "{method} {path} answered {} otherwise than schemas/openapi.json says: {}\n{}",
        answer.status,
        wrong.join("; "),
        answer.text
    );
}

struct Described {
    /// With objects that hold nothing but what is named.
    document: Value,
    /// By where the response stands.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Described {
    fn new(document: &Value) -> Self {
        let mut document = document.clone();
        let schemas = document["components"]["schemas"].as_object_mut();
        for schema in schemas.into_iter().flat_map(serde_json::Map::values_mut) {
            if schema.get("properties").is_some() {
                schema["additionalProperties"] = json!(false);
            }
        }
        Self {
            document,
            validators: Mutex::default(),
        }
    }

    fn wrong(&self, method: &Method, path: &str, answer: &Answer) -> Vec<String> {
        let method = method.as_str().to_lowercase();
        let Some(template) = self.template(path) else {
            return Vec::new();
        };
        let at = format!("/paths/{}/{method}", escaped(template));
        let Some(operation) = self.document.pointer(&at) else {
            return Vec::new();
        };
        let status = answer.status.as_str();
        let (at, response) = match &operation["responses"][status] {
            Value::Null => return vec![format!("{status} is not documented")],
            response => match response["$ref"].as_str() {
                Some(to) => (to[1..].to_owned(), self.document.pointer(&to[1..]).unwrap()),
                None => (format!("{at}/responses/{status}"), response),
            },
        };
        self.body(&at, response, answer)
    }

    fn body(&self, at: &str, response: &Value, answer: &Answer) -> Vec<String> {
        let Some(content) = response["content"].as_object() else {
            let empty = answer.text.is_empty();
            return if empty {
                Vec::new()
            } else {
                vec!["there is a body".to_owned()]
            };
        };
        let media = answer
            .headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        let media = media
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default();
        if !content.contains_key(media) {
            return vec![format!("the body is {media:?}")];
        }
        if media != "application/json" {
            return Vec::new();
        }
        self.validator(at, &content[media]["schema"])
            .iter_errors(&answer.body)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, at: &str, schema: &Value) -> Arc<Validator> {
        let mut all = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let made = all.entry(at.to_owned()).or_insert_with(|| {
            let mut root = schema.clone();
            root["components"] = self.document["components"].clone();
            let options = jsonschema::options().should_validate_formats(true);
            Arc::new(options.build(&root).unwrap())
        });
        Arc::clone(made)
    }

    /// The address as documented; one without variables goes first.
    fn template(&self, path: &str) -> Option<&str> {
        let path = path.split('?').next().unwrap_or_default();
        let fits = |template: &str| {
            let mut parts = template.split('/').zip(path.split('/'));
            template.split('/').count() == path.split('/').count()
                && parts.all(|(part, segment)| {
                    part == segment || (part.starts_with('{') && !segment.is_empty())
                })
        };
        let templates = self.document["paths"].as_object()?.keys();
        templates
            .map(String::as_str)
            .filter(|template| fits(template))
            .min_by_key(|template| template.matches('{').count())
    }
}

/// A key as a step of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use reqwest::{StatusCode, header::HeaderMap};

    use super::*;

    fn wrong(path: &str, status: u16, media: &'static str, text: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, media.parse().unwrap());
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: serde_json::from_str(text).unwrap_or_default(),
            text: text.to_owned(),
        };
        DESCRIBED.wrong(&Method::GET, path, &answer)
    }

    #[test]
    fn what_is_not_described_is_seen() {
        let (json, base) = ("application/json; charset=utf-8", "/p/some-project");
        let alive = format!("{base}/health/alive?x=1");
        let none = Vec::<String>::new();
        assert_eq!(wrong(&alive, 200, json, r#"{"status": "ok"}"#), none);
        assert_eq!(wrong("/nowhere", 200, json, "{}"), none);
        let ready = r#"{"errors": {"clock": "it is off"}}"#;
        assert_eq!(wrong("/health/ready", 503, json, ready), none);
        let error = r#"{"error": {"code": 404, "status": "Not Found", "message": "No."}}"#;
        assert_eq!(wrong(&alive, 404, json, error), none);
        for (status, media, text) in [
            (202, json, r#"{"status": "ok"}"#),
            (200, "text/plain", r#"{"status": "ok"}"#),
            (200, json, r#"{"status": 1}"#),
            (200, json, "{}"),
            (200, json, r#"{"status": "ok", "more": 1}"#),
            (
                404,
                json,
                r#"{"error": {"code": 404, "status": "Not Found"}}"#,
            ),
        ] {
            assert_eq!(wrong(&alive, status, media, text).len(), 1, "{text}");
        }
        let page = format!("{base}/ui/login");
        assert_eq!(wrong(&page, 200, "text/html; charset=utf-8", "<p>"), none);
        let config = format!("{base}/ui/config.json");
        assert_eq!(wrong(&config, 200, "text/html", "<p>").len(), 1);
    }
}
