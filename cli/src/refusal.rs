//! What a server refused, in the words of the person at the keyboard: what went wrong, and what to do next.

use std::fmt::Write as _;

use reqwest::StatusCode;
use serde_json::Value;

use crate::Failure;

/// A refusal as it came, by GraphQL or by REST.
#[derive(Debug)]
pub(crate) struct Refused {
    /// As in GraphQL's `extensions.code`, also where it came by REST.
    pub(crate) code: String,
    text: String,
    extensions: Value,
}

impl Refused {
    /// GraphQL errors, or the error envelope of the REST surfaces.
    pub(crate) fn read(answer: &Value, status: StatusCode) -> Self {
        match answer["errors"].as_array().map(Vec::as_slice) {
            Some(errors @ [first, ..]) => Self::of_graphql(errors, first),
            _ => Self::of_rest(&answer["error"], status),
        }
    }

    fn of_graphql(errors: &[Value], first: &Value) -> Self {
        let mut text = String::new();
        for error in errors {
            let message = error["message"].as_str();
            let _ = write!(text, "{}", message.unwrap_or("refused without a reason"));
            let _ = match error["extensions"]["code"].as_str() {
                Some(code) => writeln!(text, " ({code})"),
                None => writeln!(text),
            };
            let violations = error["extensions"]["violations"].as_array();
            for violation in violations.into_iter().flatten() {
                let field = |name: &str| violation[name].as_str().unwrap_or_default();
                let _ = writeln!(text, "  {}: {}", field("pointer"), field("message"));
            }
        }
        let code = first["extensions"]["code"].as_str().unwrap_or_default();
        Self {
            code: code.to_owned(),
            text: text.trim_end().to_owned(),
            extensions: first["extensions"].clone(),
        }
    }

    fn of_rest(error: &Value, status: StatusCode) -> Self {
        let code = match (status, error["id"].as_str()) {
            (_, Some("project_suspended")) => "SUSPENDED",
            (StatusCode::UNAUTHORIZED, _) => "UNAUTHENTICATED",
            (StatusCode::FORBIDDEN, _) => "FORBIDDEN",
            (StatusCode::NOT_FOUND, _) => "NOT_FOUND",
            (StatusCode::CONFLICT, _) => "CONFLICT",
            (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => "UNAVAILABLE",
            _ => "",
        };
        let said = ["reason", "message"].map(|name| error[name].as_str());
        let said = said.into_iter().flatten().find(|text| !text.is_empty());
        let text = match said {
            Some(said) => format!("{said} ({status})"),
            None => format!("the server answered {status}"),
        };
        Self {
            code: code.to_owned(),
            text,
            extensions: error.clone(),
        }
    }

    /// What to do next, where that does not depend on who asked for what.
    fn advice(&self) -> Option<String> {
        Some(match &*self.code {
            "NOT_FOUND" if self.text.contains("key") => {
                "`insula keys list` shows the keys, with --project those of a project".to_owned()
            }
            "NOT_FOUND" if self.text.contains("revision") => {
                "`insula project config history SLUG` shows the revisions".to_owned()
            }
            "NOT_FOUND" if self.text.contains("project") => {
                "`insula project list` shows the projects that this key can see".to_owned()
            }
            "SLUG_TAKEN" => {
                "a slug is given out once and for ever, also that of a deleted project: take another"
                    .to_owned()
            }
            "REVISION_CONFLICT" => format!(
                "somebody was faster: look at `insula project config history SLUG`, then try again{}",
                match self.extensions["latestRevision"].as_i64() {
                    Some(latest) => format!(" with --expected-revision {latest}"),
                    None => String::new(),
                }
            ),
            "CONFLICT" => {
                "`insula identities list --identifier TEXT` shows who has that identifier".to_owned()
            }
            "SUSPENDED" => "`insula project resume SLUG` lets it serve again".to_owned(),
            "UNAVAILABLE" => match self.extensions["retryAfterSeconds"].as_i64() {
                Some(seconds) => format!("try again in {seconds} s"),
                None => "try again soon".to_owned(),
            },
            "INTERNAL" => format!(
                "the server's log tells the cause, under the request id {}",
                self.extensions["requestId"].as_str().unwrap_or("-")
            ),
            "QUERY_TOO_COMPLEX" => "ask for less at once, with --first".to_owned(),
            _ => return None,
        })
    }

    /// How the command ends; `advice` goes before what we would say.
    pub(crate) fn failure(self, advice: Option<String>) -> Failure {
        let text = match advice.or_else(|| self.advice()) {
            Some(advice) => format!("{}\n  {advice}", self.text),
            None => self.text,
        };
        match &*self.code {
            "NOT_FOUND" => Failure::NotFound(text),
            "UNAVAILABLE" => Failure::Unreachable(text),
            _ => Failure::Failed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(answer: &Value, status: u16) -> Failure {
        Refused::read(answer, StatusCode::from_u16(status).unwrap()).failure(None)
    }

    #[test]
    fn a_refusal_names_its_violations() {
        let answer = json!({"data": null, "errors": [{"message": "the configuration is not valid",
            "extensions": {"code": "INVALID_INPUT", "violations": [{"pointer": "/a/b", "message": "unknown key"}]}}]});
        let Failure::Failed(text) = told(&answer, 200) else {
            panic!("another failure");
        };
        assert_eq!(
            text,
            "the configuration is not valid (INVALID_INPUT)\n  /a/b: unknown key"
        );
    }

    #[test]
    fn a_refusal_says_what_to_do_next() {
        let graphql = |message: &str, extensions: Value| json!({"errors": [{"message": message, "extensions": extensions}]});
        let conflict = json!({"code": "REVISION_CONFLICT", "latestRevision": 7});
        let Failure::Failed(text) = told(&graphql("too late", conflict), 200) else {
            panic!("another failure");
        };
        assert!(text.contains("--expected-revision 7"), "{text}");
        let absent = graphql("there is no such project", json!({"code": "NOT_FOUND"}));
        let Failure::NotFound(text) = told(&absent, 200) else {
            panic!("another failure");
        };
        assert!(text.contains("insula project list"), "{text}");
        let busy = json!({"code": "UNAVAILABLE", "retryAfterSeconds": 5});
        let Failure::Unreachable(text) = told(&graphql("not now", busy), 200) else {
            panic!("another failure");
        };
        assert!(text.contains("in 5 s"), "{text}");
    }

    #[test]
    fn the_other_surface_speaks_the_same_words() {
        let envelope =
            |id: &str, reason: &str| json!({"error": {"id": id, "reason": reason, "message": "m"}});
        let Failure::Failed(text) = told(&envelope("project_suspended", "It rests."), 403) else {
            panic!("another failure");
        };
        assert!(text.starts_with("It rests. (403 Forbidden)"), "{text}");
        assert!(text.contains("project resume"), "{text}");
        assert!(
            matches!(told(&envelope("", ""), 404), Failure::NotFound(text) if text == "m (404 Not Found)")
        );
        assert!(matches!(told(&json!(null), 503), Failure::Unreachable(_)));
    }
}
