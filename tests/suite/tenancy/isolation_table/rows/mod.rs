//! The table's REST half: how each route is called, what it takes, and what it must answer when that is
//! the neighbour's. `routes_are_covered.rs` compares it with the routers.

mod keyed;
mod public;

pub(crate) use self::{
    keyed::{ADMIN, INSTALLATION},
    public::PUBLIC,
};
use Then::Refused;
use reqwest::Method;
use serde_json::Value;

use super::hand::{Hand, Thing};

/// One way to call one route.
pub(crate) struct Row {
    /// As `api::routes` names it.
    pub(crate) route: &'static str,
    /// The request, from what the hand holds.
    pub(crate) ask: fn(&Hand) -> Ask,
    /// The status with the project's own.
    pub(crate) own: u16,
    /// Does that change the project's rows?
    pub(crate) writes: bool,
    /// What is swapped, one at a time, and what comes of it.
    pub(crate) swaps: &'static [(Thing, Then)],
}

/// What a thing of the neighbour's comes to, just as one that never existed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// That status, and the project's own rows stay as well.
    Refused(u16),
    /// That status: the request is carried out as if the thing had not been sent, or by a stranger.
    Ignored(u16),
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

impl Ask {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::POST, path).body(body)
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// As a script in a signed-in browser.
    fn script(self, h: &Hand) -> Self {
        self.page(h).header("accept", "application/json".to_owned())
    }

    /// As a page in a signed-in browser.
    fn page(self, h: &Hand) -> Self {
        let (session, csrf) = ((&h.cookie_name, &h.cookie), (&h.csrf_name, &h.csrf_cookie));
        let line = format!("{}={}; {}={}", session.0, session.1, csrf.0, csrf.1);
        self.header("cookie", line)
    }

    /// As a script in a browser without a session.
    fn visitor(self, h: &Hand) -> Self {
        self.header("cookie", format!("{}={}", h.csrf_name, h.csrf_cookie))
            .header("accept", "application/json".to_owned())
    }

    fn token(self, h: &Hand) -> Self {
        self.header("x-session-token", h.token.clone())
    }

    fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    fn key(self, h: &Hand) -> Self {
        self.bearer(&h.key)
    }
}

const fn reads(
    route: &'static str,
    own: u16,
    swaps: &'static [(Thing, Then)],
    ask: fn(&Hand) -> Ask,
) -> Row {
    Row {
        route,
        ask,
        own,
        writes: false,
        swaps,
    }
}

const fn writes(
    route: &'static str,
    own: u16,
    swaps: &'static [(Thing, Then)],
    ask: fn(&Hand) -> Ask,
) -> Row {
    Row {
        route,
        ask,
        own,
        writes: true,
        swaps,
    }
}

/// A key of another project is known and refused; one that never existed is not known
/// (the runner expects 401 of that).
const KEY: (Thing, Then) = (Thing::Key, Refused(403));
const COOKIE: (Thing, Then) = (Thing::Cookie, Refused(401));
const TOKEN: (Thing, Then) = (Thing::Token, Refused(401));
