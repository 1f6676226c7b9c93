//! Calls a running server as any other client would, with an API key.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};
use url::Url;

use crate::{Failure, args::ServerArgs, settings::given};

const TIMEOUT: Duration = Duration::from_secs(30);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// A server and the right to command it.
pub(crate) struct Client<'a> {
    http: reqwest::Client,
    url: &'a Url,
    key: &'a str,
}

impl<'a> Client<'a> {
    pub(crate) fn new(server: &'a ServerArgs) -> Result<Self, Failure> {
        let key = given(server.key.as_ref()).ok_or_else(|| {
            Failure::Usage(
                "a setting is missing:\n  INSULA_KEY: set it to an API key; in development mode: \
                 INSULA_KEY=$(cat .insula/root.key)"
                    .to_owned(),
            )
        })?;
        Ok(Self {
            http: http(TIMEOUT)?,
            url: &server.url,
            key,
        })
    }

    /// One GraphQL operation. Answers its `data`; refusals are told with their violations.
    pub(crate) async fn graphql(&self, query: &str, variables: Value) -> Result<Value, Failure> {
        let url = at(self.url, "graphql");
        let sent = self
            .http
            .post(url.clone())
            .bearer_auth(self.key)
            .json(&json!({"query": query, "variables": variables}))
            .send()
            .await
            .map_err(|error| Failure::of(&error))?;
        let status = sent.status();
        let Ok(mut answer) = sent.json::<Value>().await else {
            return Err(Failure::Failed(format!(
                "{url} answered {status} and no JSON"
            )));
        };
        let refused = answer["errors"]
            .as_array()
            .is_some_and(|errors| !errors.is_empty());
        match answer.get_mut("data") {
            Some(data) if !refused && !data.is_null() => Ok(data.take()),
            _ => Err(refusal(&answer, status)),
        }
    }
}

/// GraphQL errors, or the error envelope of the REST surfaces.
fn refusal(answer: &Value, status: reqwest::StatusCode) -> Failure {
    let mut text = String::new();
    for error in answer["errors"].as_array().into_iter().flatten() {
        let message = error["message"]
            .as_str()
            .unwrap_or("refused without a reason");
        let _ = match error["extensions"]["code"].as_str() {
            Some(code) => writeln!(text, "{message} ({code})"),
            None => writeln!(text, "{message}"),
        };
        for violation in error["extensions"]["violations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let field = |name: &str| violation[name].as_str().unwrap_or_default().to_owned();
            let _ = writeln!(text, "  {}: {}", field("pointer"), field("message"));
        }
    }
    if text.is_empty() {
        let message = answer["error"]["message"]
            .as_str()
            .unwrap_or("no reason given");
        text = format!("the server answered {status}: {message}");
    }
    Failure::Failed(text.trim_end().to_owned())
}

/// `insula health`.
pub(crate) async fn health(url: &Url) -> Result<(), Failure> {
    let url = at(url, "health/ready");
    let sent = http(HEALTH_TIMEOUT)?.get(url.clone()).send().await;
    let status = sent.map_err(|error| Failure::of(&error))?.status();
    if status.is_success() {
        return Ok(());
    }
    Err(Failure::Failed(format!("{url} answered {status}")))
}

fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{path}"));
    url
}

#[expect(
    clippy::disallowed_methods,
    reason = "calls what the person at the keyboard named, on no project's behalf"
)]
fn http(timeout: Duration) -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder()
        .timeout(timeout)
        // A key goes to the server that was named and to no other.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Failure::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_violations() {
        let answer = json!({"data": null, "errors": [{"message": "the configuration is not valid",
            "extensions": {"code": "INVALID_INPUT", "violations": [{"pointer": "/a/b", "message": "unknown key"}]}}]});
        let Failure::Failed(text) = refusal(&answer, reqwest::StatusCode::OK) else {
            panic!("another failure");
        };
        assert_eq!(
            text,
            "the configuration is not valid (INVALID_INPUT)\n  /a/b: unknown key"
        );
    }

    #[test]
    fn a_path_before_ours_is_kept() {
        let url = Url::parse("https://id.example.com/insula/").unwrap();
        assert_eq!(
            at(&url, "graphql").as_str(),
            "https://id.example.com/insula/graphql"
        );
    }
}
