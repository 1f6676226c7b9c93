//! A world that serves HTTP on a port of its own, and clients of the three kinds.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use api::{ApiSettings, App};
use identity::People;
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE},
};
use serde_json::{Value, json};
use tenants::{Environment, NewKey, Project, Settings};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use crate::{Database, World};

/// The key of the installation that every site accepts.
pub const ROOT_KEY: &str = "ins_root_key_of_the_suite_0123456789";

/// A world and its server.
#[derive(Debug)]
pub struct Site {
    /// Projects, clock and database.
    pub world: World,
    /// `http://127.0.0.1:port`.
    pub origin: String,
    server: JoinHandle<()>,
}

impl Site {
    /// In the shared database.
    pub async fn new() -> Self {
        Self::on(Database::shared().await, |_| {}, ApiSettings::default()).await
    }

    /// In that database, with settings that differ from the suite's.
    pub async fn on(
        database: Database,
        adjust: impl FnOnce(&mut Settings),
        api: ApiSettings,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let origin = format!("http://{address}");
        let public_url: Url = origin.parse().unwrap();
        let world = World::on(database, |settings| {
            settings.public_url = public_url;
            settings.root_key = Some(ROOT_KEY.to_owned());
            settings.connections = 8;
            adjust(settings);
        })
        .await;
        let app = App::new(
            world.installation().clone(),
            Arc::new(People::new()),
            api,
            None,
        );
        let server = tokio::spawn(async move {
            api::serve(app, listener, std::future::pending())
                .await
                .unwrap();
        });
        Self {
            world,
            origin,
            server,
        }
    }

    /// A DEVELOPMENT project whose registrations sign in at once, in one step.
    pub async fn project(&self) -> Project {
        self.project_with(json!({})).await
    }

    /// The same with a merge patch on its configuration.
    pub async fn project_with(&self, patch: Value) -> Project {
        let signs_in = json!({"selfservice": {
            "flows": {"registration": {"style": "unified", "after": {"password": {"hooks": [{"hook": "session"}]}}}},
        }});
        self.world
            .project_with(tenants::config::merged(&signs_in, &patch))
            .await
    }

    /// A project with its first key.
    pub async fn project_with_key(&self) -> (Project, NewKey) {
        self.world
            .create(Environment::Development, cheap(json!({})))
            .await
    }

    /// A browser, a script or an API client at a project.
    pub fn client(&self, project: &Project, kind: Kind) -> Client {
        Client::new(project.base_url(), kind)
    }

    /// An administrator of every project.
    pub fn admin(&self, project: &Project) -> Client {
        let mut client = Client::new(project.base_url(), Kind::Api);
        client.set_header("authorization", &format!("Bearer {ROOT_KEY}"));
        client
    }

    /// One GraphQL operation with that key.
    pub async fn graphql(&self, key: &str, query: &str, variables: Value) -> Value {
        let mut client = Client::new(&self.origin, Kind::Spa);
        client.set_header("authorization", &format!("Bearer {key}"));
        client
            .json(
                Method::POST,
                "/graphql",
                &json!({"query": query, "variables": variables}),
            )
            .await
            .body
    }

    /// The world's last looks.
    pub async fn finish(self) {
        self.server.abort();
        self.world.finish().await;
    }
}

/// Cheap hashing and no call to the breach service, as every project of the suite.
pub fn cheap(patch: Value) -> Value {
    let cheap = json!({
        "hashers": {"argon2": {"memory": "64KB", "iterations": 1, "parallelism": 1}},
        "selfservice": {
            "methods": {"password": {"config": {"haveibeenpwned_enabled": false}}},
            "flows": {"registration": {"style": "unified", "after": {"password": {"hooks": [{"hook": "session"}]}}}},
        },
    });
    tenants::config::merged(&cheap, &patch)
}

/// The three kinds of client (contract, self-service 1.1).
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

/// What came back.
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

impl Client {
    /// A visitor with an empty jar.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test client on loopback; the ban is on calls that projects cause"
    )]
    pub fn new(base: &str, kind: Kind) -> Self {
        let http = reqwest::Client::builder()
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
        self.keep(&headers);
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

    fn keep(&self, headers: &HeaderMap) {
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

    /// Begin a flow as this kind of client does, and read it.
    pub async fn begin(&self, flow: &str, query: &str) -> Answer {
        let transport = if self.kind == Kind::Api {
            "api"
        } else {
            "browser"
        };
        let answer = self
            .get(&format!("/self-service/{flow}/{transport}{query}"))
            .await;
        if self.kind != Kind::Html || answer.status != StatusCode::SEE_OTHER {
            return answer;
        }
        let id = answer.location_query("flow").unwrap_or_default();
        self.get(&format!("/self-service/{flow}/flows?id={id}"))
            .await
    }

    /// Submit a flow with these fields and its CSRF token: a form in a browser, JSON elsewhere.
    pub async fn submit(&self, flow: &Answer, fields: Value) -> Answer {
        let action = flow.body["ui"]["action"].as_str().unwrap().to_owned();
        let mut fields = fields;
        if self.kind != Kind::Api && fields.get("csrf_token").is_none() {
            fields["csrf_token"] = flow.node("csrf_token")["attributes"]["value"].clone();
        }
        if self.kind == Kind::Html {
            let pairs = flat("", &fields);
            let pairs: Vec<(&str, &str)> = pairs
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            return self.form(&action, &pairs).await;
        }
        self.post(&action, fields).await
    }

    /// Sign up with e-mail and password in one step.
    pub async fn sign_up(&self, email: &str, password: &str) -> Answer {
        let flow = self.begin("registration", "").await;
        self.submit(
            &flow,
            json!({"method": "password", "password": password, "traits": {"email": email}}),
        )
        .await
    }

    /// Sign in with identifier and password.
    pub async fn sign_in(&self, identifier: &str, password: &str) -> Answer {
        let flow = self.begin("login", "").await;
        self.submit(
            &flow,
            json!({"method": "password", "identifier": identifier, "password": password}),
        )
        .await
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
