//! People: an administrator makes them, or they sign up; they sign in, and ask who they are.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenants::Project;

use crate::{Answer, Client, Kind, Site};

/// One person's address.
pub const ADA: &str = "ada@example.org";
/// Another's.
pub const BOB: &str = "bob@example.org";
/// The password of both.
pub const PASSWORD: &str = "correct-horse-battery";
/// One to change it to.
pub const OTHER_PASSWORD: &str = "a-better-staple-now";

const WHOAMI: &str = "/sessions/whoami";
const SESSION_TOKEN: &str = "x-session-token";

impl Answer {
    /// The session token that an API client was given.
    pub fn session_token(&self) -> Option<&str> {
        self.body["session_token"].as_str()
    }
}

impl Client {
    /// Signs up with e-mail and password in one step.
    pub async fn sign_up(&self, email: &str, password: &str) -> Answer {
        let flow = self.begin("registration", "").await;
        let fields =
            json!({"method": "password", "password": password, "traits": {"email": email}});
        self.submit(&flow, fields).await
    }

    /// Signs in with identifier and password.
    pub async fn sign_in(&self, identifier: &str, password: &str) -> Answer {
        self.sign_in_by("", identifier, password).await
    }

    /// Authenticates once more with the password, in the same session.
    pub async fn refresh(&self, identifier: &str, password: &str) -> Answer {
        self.sign_in_by("?refresh=true", identifier, password).await
    }

    async fn sign_in_by(&self, query: &str, identifier: &str, password: &str) -> Answer {
        let flow = self.begin("login", query).await;
        let fields = json!({"method": "password", "identifier": identifier, "password": password});
        self.submit(&flow, fields).await
    }

    /// Sends this token with every request from now on.
    pub fn set_token(&mut self, token: &str) {
        self.set_header(SESSION_TOKEN, token);
    }

    /// Goes on as the one who was just signed in: a browser has its cookie, an API client keeps the token.
    pub fn keep_token(&mut self, answer: &Answer) {
        if self.kind() == Kind::Api {
            let token = answer.session_token();
            self.set_token(token.unwrap_or_else(|| panic!("no session: {}", answer.text)));
        }
    }

    /// The session of this client, as a check of it answers.
    pub async fn whoami(&self) -> Answer {
        self.get(WHOAMI).await
    }

    /// The session of that token.
    pub async fn whoami_by(&self, token: &str) -> Answer {
        let headers = [(SESSION_TOKEN, token)];
        self.send(Method::GET, WHOAMI, None, &headers).await
    }

    /// The session that this answer began: by its token, or by the cookie that is kept.
    pub async fn whoami_after(&self, answer: &Answer) -> Answer {
        match answer.session_token() {
            None => self.whoami().await,
            Some(token) => self.whoami_by(token).await,
        }
    }

    /// Does that token belong to a session?
    pub async fn is_signed_in_by(&self, token: &str) -> bool {
        self.whoami_by(token).await.status == StatusCode::OK
    }

    /// The traits of the person who is signed in.
    pub async fn traits(&self) -> Value {
        self.whoami().await.body["identity"]["traits"].clone()
    }
}

impl Site {
    /// A client whose owner just signed up, and is signed in.
    pub async fn signed_up(&self, project: &Project, kind: Kind, email: &str) -> Client {
        let mut client = self.client(project, kind);
        let done = client.sign_up(email, PASSWORD).await;
        client.keep_token(&done);
        client
    }

    /// A client whose owner signs in.
    pub async fn signed_in(&self, project: &Project, kind: Kind, identifier: &str) -> Client {
        let mut client = self.client(project, kind);
        let done = client.sign_in(identifier, PASSWORD).await;
        client.keep_token(&done);
        client
    }

    /// Does that password open the account?
    pub async fn opens(&self, project: &Project, identifier: &str, password: &str) -> bool {
        let stranger = self.client(project, Kind::Spa);
        stranger.sign_in(identifier, password).await.status == StatusCode::OK
    }

    /// An administrator makes an identity; the answer.
    pub async fn make(&self, project: &Project, identity: Value) -> Answer {
        let made = self
            .admin(project)
            .post("/admin/identities", identity)
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made
    }

    /// An administrator makes a person with a password, who is sent nothing; the id.
    pub async fn person(&self, project: &Project, email: &str) -> String {
        let made = self.make(project, person(json!({"email": email}))).await;
        made.body["id"].as_str().unwrap().to_owned()
    }
}

/// An identity with these traits and the [`PASSWORD`], as administrators make one.
pub fn person(traits: Value) -> Value {
    json!({"traits": traits, "credentials": {"password": {"config": {"password": PASSWORD}}}})
}
