//! HTTP/1.1 over connections that stay open: one per server and [`Wire`], one request at a time.
//!
//! No pool, no redirects, no cookies, no TLS: whatever the tool does costs the machine it measures on.

use std::{collections::HashMap, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{net::TcpStream, time::timeout};
use url::Url;

use crate::Failure;

/// For connecting and for each request.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Where a project is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// `host:port`.
    pub(crate) authority: String,
    /// `/p/demo`, or empty.
    pub(crate) prefix: String,
}

impl Base {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let url = Url::parse(text).map_err(|error| Failure::of(text, error))?;
        match (url.scheme(), url.host_str(), url.port_or_known_default()) {
            ("http", Some(host), Some(port)) => Ok(Self {
                authority: format!("{host}:{port}"),
                prefix: url.path().trim_end_matches('/').to_owned(),
            }),
            _ => Err(Failure(format!("{text}: an http:// URL is wanted"))),
        }
    }
}

/// Why an operation did not end as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("connection lost")]
    Lost(#[from] hyper::Error),
    #[error("no answer in {} s", PATIENCE.as_secs())]
    TimedOut,
    #[error("{what}: status {status}")]
    Status {
        what: &'static str,
        status: u16,
        body: Bytes,
    },
    #[error("{0}: an answer that is not understood")]
    Unexpected(&'static str),
    #[error("not sent: the backlog outlived the run")]
    NotSent,
}

impl Trouble {
    /// With what the server said, for people.
    pub(crate) fn tell(&self) -> String {
        match self {
            Self::Status { body, .. } => {
                let said: String = String::from_utf8_lossy(body).chars().take(600).collect();
                format!("{self}: {said}")
            }
            Self::Connect(error) => format!("{self}: {error}"),
            Self::Lost(error) => format!("{self}: {error}"),
            _ => self.to_string(),
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Itself, if it has that status.
    pub(crate) fn expect(self, what: &'static str, status: u16) -> Result<Self, Trouble> {
        if self.status == status {
            return Ok(self);
        }
        Err(Trouble::Status {
            what,
            status: self.status,
            body: self.body,
        })
    }
}

/// What to send.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// `X-Session-Token`.
    pub(crate) session: Option<&'a str>,
    /// `Authorization: Bearer`.
    pub(crate) key: Option<&'a str>,
    /// JSON.
    pub(crate) body: Option<Vec<u8>>,
}

impl<'a> Call<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            session: None,
            key: None,
            body: None,
        }
    }

    pub(crate) fn post(path: &'a str, body: &serde_json::Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body.to_string().into_bytes()),
            ..Self::get(path)
        }
    }
}

/// One visitor's line to each server it talks to.
#[derive(Default)]
pub(crate) struct Wire {
    open: HashMap<String, SendRequest<Full<Bytes>>>,
}

impl Wire {
    pub(crate) async fn send(&mut self, base: &Base, call: Call<'_>) -> Result<Answer, Trouble> {
        let answer = timeout(PATIENCE, self.try_send(base, call)).await;
        let answer = answer.unwrap_or(Err(Trouble::TimedOut));
        if answer.is_err() {
            // Half a request may be on it.
            self.open.remove(&base.authority);
        }
        answer
    }

    async fn try_send(&mut self, base: &Base, call: Call<'_>) -> Result<Answer, Trouble> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", base.prefix, call.path))
            .header(HOST, &base.authority)
            .header(ACCEPT, "application/json");
        if let Some(token) = call.session {
            request = request.header("x-session-token", token);
        }
        if let Some(key) = call.key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::from(call.body.unwrap_or_default()))
            .map_err(|_| Trouble::Unexpected("the address"))?;
        let sender = self.line(base).await?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body })
    }

    /// The open connection, or a new one where the server has closed it.
    async fn line(&mut self, base: &Base) -> Result<&mut SendRequest<Full<Bytes>>, Trouble> {
        let usable = match self.open.get_mut(&base.authority) {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let sender = connect(&base.authority).await?;
            self.open.insert(base.authority.clone(), sender);
        }
        self.open
            .get_mut(&base.authority)
            .ok_or(Trouble::Unexpected("the connection"))
    }
}

async fn connect(authority: &str) -> Result<SendRequest<Full<Bytes>>, Trouble> {
    let stream = TcpStream::connect(authority)
        .await
        .map_err(Trouble::Connect)?;
    stream.set_nodelay(true).map_err(Trouble::Connect)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Its end shows in the next request.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_taken_apart() {
        let of = |text| Base::parse(text).map(|base| (base.authority, base.prefix));
        let parts = |a: &str, p: &str| (a.to_owned(), p.to_owned());
        assert_eq!(
            of("http://localhost:4433/p/demo/").unwrap(),
            parts("localhost:4433", "/p/demo")
        );
        assert_eq!(of("http://id.example").unwrap(), parts("id.example:80", ""));
        assert!(of("https://id.example").is_err() && of("localhost:4433").is_err());
    }
}
