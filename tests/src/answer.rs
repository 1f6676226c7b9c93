//! What came back: the answer to one request, and what a test asks of it.

use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION, SET_COOKIE},
};
use serde_json::Value;
use url::Url;

/// The answer to one request.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// The JSON body, or null.
    pub body: Value,
    /// The body as it is.
    pub text: String,
}

impl Answer {
    /// Where it redirects to.
    pub fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    }

    /// The value of a query parameter of the redirect's target.
    pub fn location_query(&self, name: &str) -> Option<String> {
        let url: Url = self.location().parse().ok()?;
        url.query_pairs()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.into_owned())
    }

    /// `error.id`.
    pub fn error_id(&self) -> Option<&str> {
        self.body["error"]["id"].as_str()
    }

    /// Ids of the form's messages.
    pub fn messages(&self) -> Vec<u64> {
        ids(&self.body["ui"]["messages"])
    }

    /// What tells the form's messages that share an id apart.
    pub fn reasons(&self) -> Vec<&str> {
        let messages = self.body["ui"]["messages"].as_array();
        let contexts = messages.into_iter().flatten().map(|m| &m["context"]);
        contexts
            .filter_map(|context| context["insula_reason"].as_str())
            .collect()
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> &Value {
        let nodes = self.body["ui"]["nodes"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        nodes
            .iter()
            .find(|n| n["attributes"]["name"] == name)
            .unwrap_or(&Value::Null)
    }

    /// Ids of a node's messages.
    pub fn node_messages(&self, name: &str) -> Vec<u64> {
        ids(&self.node(name)["messages"])
    }

    /// `group/name`, and `=value` for submits, in the order shown.
    pub fn outline(&self) -> Vec<String> {
        let nodes = self.body["ui"]["nodes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let line = |n: &Value| {
            let attributes = &n["attributes"];
            let value = if attributes["type"] == "submit" {
                format!("={}", attributes["value"].as_str().unwrap_or_default())
            } else {
                String::new()
            };
            format!(
                "{}/{}{value}",
                n["group"].as_str().unwrap_or_default(),
                attributes["name"].as_str().unwrap_or_default()
            )
        };
        nodes.iter().map(line).collect()
    }

    /// Cookies it sets, by name.
    pub fn set_cookies(&self) -> Vec<String> {
        let lines = self
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok());
        lines
            .map(|l| l.split('=').next().unwrap_or_default().to_owned())
            .collect()
    }
}

fn ids(messages: &Value) -> Vec<u64> {
    messages
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|m| m["id"].as_u64())
        .collect()
}
