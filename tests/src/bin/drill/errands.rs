//! What a visitor does at a project, as a native application does it: each errand is a few requests, of which the
//! last one writes. Says where it was stopped, because only what was asked last may have happened unsaid.

use reqwest::Method;
use serde_json::{Value, json};

use crate::proxy::{Answer, Ask, Proxy, Trouble};

/// Why an errand did not come to its end.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// Before anything was asked for that writes what the visitor wants.
    Before(Trouble),
    /// That was asked for, and whether it was done is not known.
    Unsaid(Trouble),
    /// Answered, but not as it should be.
    Refused(Answer),
}

impl Stop {
    pub(crate) fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Before(trouble) | Self::Unsaid(trouble) => Some(trouble),
            Self::Refused(_) => None,
        }
    }
}

impl std::fmt::Display for Stop {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Before(trouble) | Self::Unsaid(trouble) => trouble.fmt(to),
            Self::Refused(answer) => {
                let said: String = answer.body.to_string().chars().take(400).collect();
                write!(to, "answered {}: {said}", answer.status)
            }
        }
    }
}

/// Who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Entered {
    pub(crate) token: String,
    pub(crate) id: String,
}

/// A visitor at a project, before the proxy or before one replica.
#[derive(Clone, Copy)]
pub(crate) struct Visitor<'a> {
    pub(crate) proxy: &'a Proxy,
    pub(crate) slug: &'a str,
    pub(crate) from: &'a str,
    /// That replica alone.
    pub(crate) at: Option<usize>,
}

impl Visitor<'_> {
    async fn send(&self, path: &str, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let path = format!("/p/{}{path}", self.slug);
        let from = self.from;
        let ask = Ask {
            path: &path,
            from,
            ..ask
        };
        match self.at {
            Some(at) => self.proxy.send_to(at, ask).await,
            None => self.proxy.send(ask).await,
        }
    }

    /// The id of a new flow.
    async fn begin(&self, flow: &str, token: Option<&str>) -> Result<String, Stop> {
        let path = format!("/self-service/{flow}/api");
        let begun = self.send(&path, Ask::get("").by(token)).await;
        let begun = begun.map_err(Stop::Before)?;
        if begun.status == 200 {
            Ok(begun.text("/id").to_owned())
        } else {
            Err(Stop::Refused(begun))
        }
    }

    async fn submit(
        &self,
        (flow, id): (&str, &str),
        token: Option<&str>,
        fields: Value,
    ) -> Result<Answer, Stop> {
        let path = format!("/self-service/{flow}?flow={id}");
        let done = self.send(&path, Ask::post("", fields).by(token)).await;
        let done = done.map_err(Stop::Unsaid)?;
        if done.status == 200 {
            Ok(done)
        } else {
            Err(Stop::Refused(done))
        }
    }

    async fn enter(&self, flow: &str, fields: Value) -> Result<Entered, Stop> {
        let id = self.begin(flow, None).await?;
        let done = self.submit((flow, &id), None, fields).await?;
        Ok(Entered {
            token: done.text("/session_token").to_owned(),
            id: done.text("/session/identity/id").to_owned(),
        })
    }

    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Result<Entered, Stop> {
        let fields =
            json!({"method": "password", "password": password, "traits": {"email": email}});
        self.enter("registration", fields).await
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<Entered, Stop> {
        let fields = json!({"method": "password", "password": password, "identifier": email});
        self.enter("login", fields).await
    }

    pub(crate) async fn change_password(&self, token: &str, password: &str) -> Result<(), Stop> {
        let id = self.begin("settings", Some(token)).await?;
        self.change_password_in(&id, token, password).await
    }

    async fn change_password_in(&self, id: &str, token: &str, password: &str) -> Result<(), Stop> {
        let fields = json!({"method": "password", "password": password});
        let done = self.submit(("settings", id), Some(token), fields).await?;
        if done.text("/state") == "success" {
            Ok(())
        } else {
            Err(Stop::Refused(done))
        }
    }

    pub(crate) async fn sign_out(&self, token: &str) -> Result<(), Stop> {
        let ask = Ask {
            method: Method::DELETE,
            ..Ask::post("", json!({"session_token": token}))
        };
        let done = self.send("/self-service/logout/api", ask).await;
        let done = done.map_err(Stop::Unsaid)?;
        if done.status == 204 {
            Ok(())
        } else {
            Err(Stop::Refused(done))
        }
    }

    /// Ask for the mail that lets back in. The flow in which its code is good.
    pub(crate) async fn ask_for_mail(&self, email: &str) -> Result<String, Stop> {
        let id = self.begin("recovery", None).await?;
        let fields = json!({"method": "code", "email": email});
        let sent = self.submit(("recovery", &id), None, fields).await?;
        if sent.text("/state") == "sent_email" {
            Ok(id)
        } else {
            Err(Stop::Refused(sent))
        }
    }

    /// The session that the code opens, and the flow in which a new password can be set.
    pub(crate) async fn come_back(&self, flow: &str, code: &str) -> Result<(String, String), Stop> {
        let fields = json!({"method": "code", "code": code});
        let passed = self.submit(("recovery", flow), None, fields).await?;
        let steps = passed.body["continue_with"].as_array();
        let find = |key: &str| {
            steps.and_then(|steps| steps.iter().find_map(|step| step.pointer(key)?.as_str()))
        };
        match (find("/ory_session_token"), find("/flow/id")) {
            (Some(token), Some(settings)) => Ok((token.to_owned(), settings.to_owned())),
            _ => Err(Stop::Refused(passed)),
        }
    }

    /// The last step after [`Visitor::come_back`].
    pub(crate) async fn set_password(
        &self,
        (token, settings): (&str, &str),
        password: &str,
    ) -> Result<(), Stop> {
        self.change_password_in(settings, token, password).await
    }

    /// The id of whose session this is; `None`: of nobody.
    pub(crate) async fn whoami(&self, token: &str) -> Result<Option<String>, Stop> {
        let answer = self
            .send("/sessions/whoami", Ask::get("").by(Some(token)))
            .await;
        let answer = answer.map_err(Stop::Before)?;
        match answer.status {
            200 => Ok(Some(answer.text("/identity/id").to_owned())),
            401 => Ok(None),
            _ => Err(Stop::Refused(answer)),
        }
    }
}
