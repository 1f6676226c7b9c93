//! A visitor of one of the three kinds, and the requests it sends.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, SET_COOKIE},
};
use serde_json::Value;
use url::Url;

use crate::Answer;

/// The three kinds of client (docs/wire.md, W1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A browser that posts forms.
    Html,
    /// A script in a browser.
    Spa,
    /// No cookies; session tokens.
    Api,
}

impl Kind {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Html, Self::Spa, Self::Api];

    /// The status with which the form is read that a submission led to. Scripts and API clients find it in the
    /// answer itself, which has this status; a browser is sent to its page, and reads it there with 200.
    pub fn reads(self, status: u16) -> u16 {
        if self == Self::Html { 200 } else { status }
    }
}

/// One visitor. Cookies are kept and sent back, except by API clients; redirects are not followed.
#[derive(Debug)]
pub struct Client {
    base: String,
    kind: Kind,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
    headers: HeaderMap,
}

impl Client {
    /// A visitor with an empty jar.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test client on loopback; the ban is on calls that projects cause"
    )]
    pub fn new(base: &str, kind: Kind) -> Self {
        let http = reqwest::Client::builder()
            // Before the server closes what nothing was sent on for 10 s.
            .pool_idle_timeout(Duration::from_secs(4))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            base: base.to_owned(),
            kind,
            http,
            cookies: Mutex::default(),
            headers: HeaderMap::new(),
        }
    }

    /// Which kind of client this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Send this header with every request.
    pub fn set_header(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, value.parse().unwrap());
    }

    /// The cookies kept, by name.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keep this cookie.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let mut jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        jar.insert(name.to_owned(), value.to_owned());
    }

    /// Lose every cookie.
    pub fn forget_cookies(&self) {
        self.cookies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// GET a path below the base, or an absolute URL.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, &[]).await
    }

    /// Any method with a JSON body.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(
            method,
            path,
            Some(("application/json", body.to_string().into_bytes())),
            &[],
        )
        .await
    }

    /// POST a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, &body).await
    }

    /// POST a form.
    pub async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.send(
            Method::POST,
            path,
            Some(("application/x-www-form-urlencoded", body.into_bytes())),
            &[],
        )
        .await
    }

    /// Anything at all. The answer is one that the published description of the interface allows.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let url: Url = url.parse().unwrap();
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .headers(self.headers.clone());
        match self.kind {
            Kind::Html => {
                request = request.header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
            }
            Kind::Spa => request = request.header(ACCEPT, "application/json"),
            Kind::Api => {}
        }
        let jar = self.cookies();
        if self.kind != Kind::Api && !jar.is_empty() {
            let line: Vec<String> = jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(COOKIE, line.join("; "));
        }
        if let Some((media, bytes)) = body {
            request = request.header(CONTENT_TYPE, media).body(bytes);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        self.keep_cookies(&headers);
        let text = response.text().await.unwrap();
        assert!(status.as_u16() != 500, "a fault: {text}");
        let answer = Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        };
        crate::openapi::check(&method, url.path(), &answer);
        answer
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        for line in headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|v| v.to_str().ok())
        {
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap_or_default();
            let mut jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            if line.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
