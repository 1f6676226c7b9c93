//! What stands in front of two replicas. It passes a request on to one of them, says whose it is in
//! `X-Forwarded-For`, and knows as much of their state as such programs do: one that tries the next replica when
//! the first refuses (nginx), or one that asks each for its readiness and tries no other (most balancers).

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::Done;

/// How long a request may take, the wait for a place included.
const PATIENCE: Duration = Duration::from_mins(1);
/// Shorter than the server's, which closes what is idle for 10 s.
const IDLE: Duration = Duration::from_secs(8);
/// nginx: `max_fails=1 fail_timeout=1s`.
const LEFT_OUT: Duration = Duration::from_secs(1);
/// How often a balancer asks.
pub(crate) const ASKED_EVERY: Duration = Duration::from_secs(1);

/// Which replica gets a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// In turn; the other one when it refuses, or when it breaks off what may be asked twice.
    NextOnRefusal,
    /// In turn, of those that said that they are ready; no other.
    ByReadiness,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) body: Option<Value>,
    /// Of a session.
    pub(crate) token: Option<&'a str>,
    /// Of an administrator.
    pub(crate) key: Option<&'a str>,
    /// The visitor's address.
    pub(crate) from: &'a str,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            body: None,
            token: None,
            key: None,
            from: "192.0.2.1",
        }
    }

    pub(crate) fn post(path: &'a str, body: Value) -> Self {
        Self {
            method: Method::POST,
            body: Some(body),
            ..Self::get(path)
        }
    }

    pub(crate) fn by(self, token: Option<&'a str>) -> Self {
        Self { token, ..self }
    }
}

/// Why there is no answer, or one that nobody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No replica took it.
    Refused,
    /// A replica took it and hung up.
    BrokenOff(String),
    TimedOut,
    /// 429 and above.
    Status(u16, String),
}

impl Trouble {
    /// For counting.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Refused => "refused".to_owned(),
            Self::BrokenOff(_) => "broken off".to_owned(),
            Self::TimedOut => "timed out".to_owned(),
            Self::Status(status, _) => status.to_string(),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BrokenOff(text) | Self::Status(_, text) => write!(to, "{}: {text}", self.kind()),
            other => to.write_str(&other.kind()),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The text at that pointer; empty when there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        let found = self.body.pointer(pointer);
        found.and_then(Value::as_str).unwrap_or_default()
    }
}

struct Backend {
    origin: String,
    is_ready: AtomicBool,
    left_out_until: Mutex<Option<Instant>>,
}

impl Backend {
    fn is_left_out(&self) -> bool {
        let until = *self
            .left_out_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn leave_out(&self) {
        let until = Some(Instant::now() + LEFT_OUT);
        *self
            .left_out_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = until;
    }
}

/// See the head of the file.
pub(crate) struct Proxy {
    http: reqwest::Client,
    backends: [Backend; 2],
    turn: AtomicUsize,
    by_readiness: AtomicBool,
    slowest_micros: AtomicU64,
}

impl Proxy {
    #[expect(
        clippy::disallowed_methods,
        reason = "a client on loopback; the ban is on calls that projects cause"
    )]
    pub(crate) fn new(addresses: [&str; 2]) -> Done<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self {
            http,
            backends: addresses.map(|address| Backend {
                origin: format!("http://{address}"),
                is_ready: AtomicBool::new(true),
                left_out_until: Mutex::default(),
            }),
            turn: AtomicUsize::new(0),
            by_readiness: AtomicBool::new(false),
            slowest_micros: AtomicU64::new(0),
        })
    }

    pub(crate) fn choose(&self, choice: Choice) {
        let by_readiness = choice == Choice::ByReadiness;
        self.by_readiness.store(by_readiness, Ordering::Relaxed);
    }

    /// Pass it on.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let began = Instant::now();
        let answer = self.pass_on(ask).await;
        if answer.is_ok() {
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.slowest_micros.fetch_max(micros, Ordering::Relaxed);
        }
        answer
    }

    /// How long the slowest took that was answered since the last look.
    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_micros.swap(0, Ordering::Relaxed))
    }

    async fn pass_on(&self, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % 2;
        let mut order = [turn, 1 - turn];
        if self.by_readiness.load(Ordering::Relaxed) {
            let ready = order
                .into_iter()
                .find(|&at| self.backends[at].is_ready.load(Ordering::Relaxed));
            return self.send_to(ready.unwrap_or(turn), ask).await;
        }
        if self.backends[turn].is_left_out() {
            order.reverse();
        }
        let mut answer = Err(Trouble::Refused);
        for at in order {
            answer = self.send_to(at, ask.clone()).await;
            let next = match &answer {
                Err(Trouble::Refused) => true,
                Err(Trouble::BrokenOff(_)) => ask.method == Method::GET,
                _ => false,
            };
            if !next {
                break;
            }
            self.backends[at].leave_out();
        }
        answer
    }

    /// Ask that replica and no other.
    pub(crate) async fn send_to(&self, at: usize, ask: Ask<'_>) -> Result<Answer, Trouble> {
        let url = format!("{}{}", self.backends[at].origin, ask.path);
        let mut request = self
            .http
            .request(ask.method, url)
            .header("accept", "application/json")
            .header("x-forwarded-for", ask.from)
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "id.example.com");
        if let Some(token) = ask.token {
            request = request.header("x-session-token", token);
        }
        if let Some(key) = ask.key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = ask.body {
            let json = body.to_string();
            request = request
                .header("content-type", "application/json")
                .body(json);
        }
        let response = request.send().await.map_err(|error| trouble(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| trouble(&error))?;
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Trouble::Status(status.as_u16(), text));
        }
        Ok(Answer {
            status: status.as_u16(),
            body: serde_json::from_str(&text).unwrap_or_default(),
        })
    }

    /// Whatever is at that address, past the replicas.
    pub(crate) async fn read(&self, url: &str) -> Result<String, reqwest::Error> {
        self.http.get(url).send().await?.text().await
    }

    /// What that replica says of its readiness: the status, and why not.
    pub(crate) async fn readiness(&self, at: usize) -> Result<(), Trouble> {
        self.send_to(at, Ask::get("/health/ready")).await.map(drop)
    }

    /// Ask both whether they are ready, again and again, as a balancer does.
    pub(crate) async fn ask_for_readiness(&self) {
        let mut every = tokio::time::interval(ASKED_EVERY);
        loop {
            every.tick().await;
            for at in [0, 1] {
                let is_ready = self.readiness(at).await.is_ok();
                self.backends[at]
                    .is_ready
                    .store(is_ready, Ordering::Relaxed);
            }
        }
    }
}

fn trouble(error: &reqwest::Error) -> Trouble {
    if error.is_connect() {
        Trouble::Refused
    } else if error.is_timeout() {
        Trouble::TimedOut
    } else {
        let mut text = error.to_string();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Trouble::BrokenOff(text)
    }
}
