//! Forms: begin a flow, read it, submit it, and see the form that came out, each as the client's kind does.
//!
//! There are four ways to submit. [`Client::submit`] gives the answer as it is. The others end at a form,
//! for a browser behind the redirect to its page: [`Client::submit_and_follow`] at whichever it is,
//! [`Client::submit_and_stay`] at the same one, [`Client::submit_and_go_on`] at one that asks for more.

use reqwest::StatusCode;
use serde_json::Value;

use crate::{Answer, Client, Kind};

impl Answer {
    /// `login`, `registration`, …: the kind of this flow, by where its form is submitted.
    fn flow_kind(&self) -> &str {
        let action = self.body["ui"]["action"].as_str().unwrap_or_default();
        let (_, below) = action
            .split_once("/self-service/")
            .unwrap_or_else(|| panic!("no form of a flow: {}", self.text));
        below.split('?').next().unwrap_or_default()
    }

    /// The id of this flow.
    pub fn flow_id(&self) -> &str {
        let id = self.body["id"].as_str();
        id.unwrap_or_else(|| panic!("no flow: {}", self.text))
    }
}

impl Client {
    /// Begins a flow, and reads it.
    pub async fn begin(&self, flow: &str, query: &str) -> Answer {
        let transport = if self.kind() == Kind::Api {
            "api"
        } else {
            "browser"
        };
        let answer = self
            .get(&format!("/self-service/{flow}/{transport}{query}"))
            .await;
        if self.kind() != Kind::Html || answer.status != StatusCode::SEE_OTHER {
            return answer;
        }
        let id = answer.location_query("flow").unwrap_or_default();
        self.flow(flow, &id).await
    }

    /// Reads the flow of that kind and id.
    pub async fn flow(&self, kind: &str, id: &str) -> Answer {
        self.get(&format!("/self-service/{kind}/flows?id={id}"))
            .await
    }

    /// The flow of that form as it is now.
    pub async fn reread(&self, form: &Answer) -> Answer {
        self.flow(form.flow_kind(), form.flow_id()).await
    }

    /// Reads the flow that an answer sends to with 303: see [`Client::shown`].
    pub async fn landed(&self, kind: &str, answer: &Answer) -> Answer {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        self.behind(kind, answer).await
    }

    /// The form that an answer shows: itself, or what is read behind its redirect.
    pub async fn shown(&self, kind: &str, answer: Answer) -> Answer {
        if !answer.status.is_redirection() {
            return answer;
        }
        self.behind(kind, &answer).await
    }

    /// Behind a redirect is a page that reads the flow, or, unless the client is a browser, the flow itself.
    async fn behind(&self, kind: &str, answer: &Answer) -> Answer {
        let (place, id) = if self.kind() == Kind::Html {
            (format!("/ui/{kind}?"), "flow")
        } else {
            (format!("/self-service/{kind}/flows?"), "id")
        };
        let at = answer.location();
        assert!(at.contains(&place), "sent to {at}, not to {place}");
        self.flow(kind, &answer.location_query(id).unwrap()).await
    }

    /// Submits a flow with these fields and its CSRF token: a form in a browser, JSON elsewhere.
    pub async fn submit(&self, form: &Answer, fields: Value) -> Answer {
        let action = form.body["ui"]["action"].as_str();
        let action = action.unwrap_or_else(|| panic!("no form: {} {}", form.status, form.text));
        let action = action.to_owned();
        let mut fields = fields;
        if self.kind() != Kind::Api && fields.get("csrf_token").is_none() {
            fields["csrf_token"] = form.node("csrf_token")["attributes"]["value"].clone();
        }
        if self.kind() == Kind::Html {
            let pairs = flat("", &fields);
            let pairs: Vec<(&str, &str)> = pairs
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            return self.form(&action, &pairs).await;
        }
        self.post(&action, fields).await
    }

    /// Submits, and reads the form that comes out: this flow's, or that of one which took its place.
    pub async fn submit_and_follow(&self, form: &Answer, fields: Value) -> Answer {
        let answer = self.submit(form, fields).await;
        if answer.status != StatusCode::SEE_OTHER {
            return answer;
        }
        self.landed(form.flow_kind(), &answer).await
    }

    /// Submits, and reads the same flow again: it was saved, or refused, or goes on.
    pub async fn submit_and_stay(&self, form: &Answer, fields: Value) -> Answer {
        let answer = self.submit(form, fields).await;
        if self.kind() != Kind::Html {
            return answer;
        }
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        assert_eq!(
            answer.location_query("flow").as_deref(),
            Some(form.flow_id()),
            "back to the form, not {}",
            answer.location()
        );
        self.reread(form).await
    }

    /// Submits, and reads a form that asks for more: with a message, or on its next screen. Of a login and a
    /// registration, scripts and API clients get it with 400.
    pub async fn submit_and_go_on(&self, form: &Answer, fields: Value) -> Answer {
        let answer = self.submit(form, fields).await;
        let next = self.shown(form.flow_kind(), answer).await;
        let status = self.kind().reads(400);
        assert_eq!(next.status.as_u16(), status, "{}", next.text);
        next
    }
}

/// Nested fields as dotted form keys.
fn flat(prefix: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(fields) => {
            let name = |key: &str| {
                if prefix.is_empty() {
                    key.to_owned()
                } else {
                    format!("{prefix}.{key}")
                }
            };
            fields
                .iter()
                .flat_map(|(key, value)| flat(&name(key), value))
                .collect()
        }
        Value::String(text) => vec![(prefix.to_owned(), text.clone())],
        Value::Null => Vec::new(),
        other => vec![(prefix.to_owned(), other.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_knows_its_flow() {
        let body = json!({
            "id": "one",
            "ui": {"action": "http://127.0.0.1/p/x/self-service/settings?flow=one"},
        });
        let form = Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            text: body.to_string(),
            body,
        };
        assert_eq!(form.flow_kind(), "settings");
        assert_eq!(form.flow_id(), "one");
    }

    #[test]
    fn nested_fields_are_dotted_keys() {
        let fields =
            json!({"method": "x", "traits": {"name": {"first": "A"}, "age": 1, "none": null}});
        let pairs = flat("", &fields);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(
            pairs,
            [
                ("method", "x"),
                ("traits.name.first", "A"),
                ("traits.age", "1")
            ]
        );
    }

    #[test]
    fn a_browser_reads_forms_on_pages() {
        assert_eq!(Kind::Html.reads(400), 200);
        assert_eq!(Kind::Spa.reads(400), 400);
        assert_eq!(Kind::Api.reads(400), 400);
    }
}
