//! What one person of a project, and its administrator, hold: cookies, tokens, keys and ids. The rows of
//! the table call with a hand in which one thing was swapped.
//!
//! Looks inside: the tables, `courier`, `flows`.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use tenants::{Actor, Installation, KeyRequest, Project, Role, ids};
use tests::{Client, Kind, PASSWORD, Site, mailbox};

/// Everything that a request can carry.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    pub(crate) slug: String,
    /// Whose cookie, token and session these are, whatever was swapped.
    pub(crate) holder: String,
    /// Of the person who holds the cookie, the token and the session.
    pub(crate) email: String,
    pub(crate) password: String,
    /// An address that the project has not seen.
    pub(crate) newcomer: String,
    pub(crate) identity: String,
    /// A session of that person besides those of cookie and token.
    pub(crate) session: String,
    pub(crate) cookie_name: String,
    pub(crate) cookie: String,
    pub(crate) csrf_name: String,
    pub(crate) csrf_cookie: String,
    pub(crate) csrf_token: String,
    pub(crate) token: String,
    pub(crate) key: String,
    /// The id of another key.
    pub(crate) key_id: String,
    pub(crate) installation_key: String,
    /// Begun by the person, to confirm who they are.
    pub(crate) login_flow: String,
    /// A client without cookies, that has begun nothing.
    pub(crate) native_flow: String,
    pub(crate) registration_flow: String,
    /// Begun by the person in the browser.
    pub(crate) settings_flow: String,
    /// Begun by a visitor; the code is the one that was sent in it.
    pub(crate) verification_flow: String,
    pub(crate) verification_code: String,
    /// The same of a recovery; begun by a visitor and by an application.
    pub(crate) recovery_flow: String,
    pub(crate) recovery_native_flow: String,
    pub(crate) recovery_code: String,
    /// Of a flow by link, handed over by an administrator.
    pub(crate) recovery_link_flow: String,
    pub(crate) recovery_token: String,
    pub(crate) logout_token: String,
    pub(crate) error: String,
    pub(crate) schema: String,
    /// Sent to the person.
    pub(crate) message: String,
}

/// What is swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// The value of the session cookie, under the name that the project reads.
    Cookie,
    /// The session cookie as a browser sends it to the neighbour on the same host.
    CookieByName,
    CsrfCookie,
    CsrfToken,
    Token,
    Key,
    InstallationKey,
    Identity,
    Session,
    LoginFlow,
    NativeFlow,
    RegistrationFlow,
    SettingsFlow,
    VerificationFlow,
    VerificationCode,
    RecoveryFlow,
    RecoveryNativeFlow,
    RecoveryCode,
    RecoveryLinkFlow,
    RecoveryToken,
    LogoutToken,
    ErrorId,
    Schema,
    Message,
    /// A person's address and password.
    Person,
    Newcomer,
    Slug,
}

impl Hand {
    /// What was never given out.
    pub(crate) fn never() -> Self {
        let id = || ids::v4().to_string();
        let some = || ids::alphanumeric(32);
        let key = || {
            let secret = ids::alphanumeric(43);
            format!("ins_01{}_{secret}", ids::v4().simple())
        };
        let slug = tests::fresh_slug();
        let email = format!("{}@example.org", some().to_lowercase());
        Self {
            holder: email.clone(),
            email,
            password: PASSWORD.to_owned(),
            newcomer: format!("{}@example.org", some().to_lowercase()),
            identity: id(),
            session: id(),
            cookie_name: format!("ory_session_{slug}"),
            cookie: URL_SAFE_NO_PAD.encode(some().repeat(5)),
            csrf_name: format!("csrf_token_{}", some()),
            csrf_cookie: STANDARD.encode(some()),
            csrf_token: STANDARD.encode(some().repeat(2)),
            token: format!("ory_st_{}", some()),
            key: key(),
            key_id: id(),
            installation_key: key(),
            login_flow: id(),
            native_flow: id(),
            registration_flow: id(),
            settings_flow: id(),
            verification_flow: id(),
            verification_code: some(),
            recovery_flow: id(),
            recovery_native_flow: id(),
            recovery_code: some(),
            recovery_link_flow: id(),
            recovery_token: some(),
            logout_token: format!("ory_lo_{}", some()),
            error: id(),
            schema: format!("people-{}", some()),
            message: id(),
            slug,
        }
    }

    /// This hand with one thing of another.
    pub(crate) fn with(&self, thing: Thing, other: &Self) -> Self {
        let mut hand = self.clone();
        let from = other.clone();
        match thing {
            Thing::Cookie => hand.cookie = from.cookie,
            Thing::CookieByName => {
                (hand.cookie_name, hand.cookie) = (from.cookie_name, from.cookie);
            }
            Thing::CsrfCookie => hand.csrf_cookie = from.csrf_cookie,
            Thing::CsrfToken => hand.csrf_token = from.csrf_token,
            Thing::Token => hand.token = from.token,
            Thing::Key => hand.key = from.key,
            Thing::InstallationKey => hand.installation_key = from.installation_key,
            Thing::Identity => hand.identity = from.identity,
            Thing::Session => hand.session = from.session,
            Thing::LoginFlow => hand.login_flow = from.login_flow,
            Thing::NativeFlow => hand.native_flow = from.native_flow,
            Thing::RegistrationFlow => hand.registration_flow = from.registration_flow,
            Thing::SettingsFlow => hand.settings_flow = from.settings_flow,
            Thing::VerificationFlow => hand.verification_flow = from.verification_flow,
            Thing::VerificationCode => hand.verification_code = from.verification_code,
            Thing::RecoveryFlow => hand.recovery_flow = from.recovery_flow,
            Thing::RecoveryNativeFlow => hand.recovery_native_flow = from.recovery_native_flow,
            Thing::RecoveryCode => hand.recovery_code = from.recovery_code,
            Thing::RecoveryLinkFlow => hand.recovery_link_flow = from.recovery_link_flow,
            Thing::RecoveryToken => hand.recovery_token = from.recovery_token,
            Thing::LogoutToken => hand.logout_token = from.logout_token,
            Thing::ErrorId => hand.error = from.error,
            Thing::Schema => hand.schema = from.schema,
            Thing::Message => hand.message = from.message,
            Thing::Person => (hand.email, hand.password) = (from.email, from.password),
            Thing::Newcomer => hand.newcomer = from.newcomer,
            Thing::Slug => hand.slug = from.slug,
        }
        hand
    }

    /// What an answer may repeat of the request, and whose names differ from hand to hand.
    pub(crate) fn given(&self, thing: Thing) -> [&str; 4] {
        let others = [&self.holder, &self.email, &self.newcomer].map(String::as_str);
        [self.text(thing), others[0], others[1], others[2]]
    }

    /// The text of a thing, which an answer may repeat.
    pub(crate) fn text(&self, thing: Thing) -> &str {
        match thing {
            Thing::Cookie | Thing::CookieByName => &self.cookie,
            Thing::CsrfCookie => &self.csrf_cookie,
            Thing::CsrfToken => &self.csrf_token,
            Thing::Token => &self.token,
            Thing::Key => &self.key,
            Thing::InstallationKey => &self.installation_key,
            Thing::Identity => &self.identity,
            Thing::Session => &self.session,
            Thing::LoginFlow => &self.login_flow,
            Thing::NativeFlow => &self.native_flow,
            Thing::RegistrationFlow => &self.registration_flow,
            Thing::SettingsFlow => &self.settings_flow,
            Thing::VerificationFlow => &self.verification_flow,
            Thing::VerificationCode => &self.verification_code,
            Thing::RecoveryFlow => &self.recovery_flow,
            Thing::RecoveryNativeFlow => &self.recovery_native_flow,
            Thing::RecoveryCode => &self.recovery_code,
            Thing::RecoveryLinkFlow => &self.recovery_link_flow,
            Thing::RecoveryToken => &self.recovery_token,
            Thing::LogoutToken => &self.logout_token,
            Thing::ErrorId => &self.error,
            Thing::Schema => &self.schema,
            Thing::Message => &self.message,
            Thing::Person => &self.email,
            Thing::Newcomer => &self.newcomer,
            Thing::Slug => &self.slug,
        }
    }
}

/// Deals hands of one project.
#[derive(Debug)]
pub(crate) struct Dealer {
    pub(crate) installation: Installation,
    pub(crate) project: Project,
    pub(crate) schema: &'static str,
    pub(crate) key: String,
    /// Sends what it is told, and no cookie by itself.
    pub(crate) wire: Client,
    browser: Client,
    installation_key: String,
}

impl Dealer {
    /// A project with a schema and keys of its own.
    pub(crate) async fn new(site: &Site, schema: &'static str, patch: Value) -> Self {
        let own = json!({
            "identity": {"default_schema_id": "preset://email", "schemas": [
                {"id": "preset://email", "url": "preset://email"},
                {"id": schema, "url": "preset://email"},
            ]},
            "selfservice": {
                "methods": {"link": {"enabled": true}},
                "flows": {"verification": {"enabled": true}, "recovery": {"enabled": true}},
            },
            // Nothing is sent here; outside development there must be a way all the same.
            "courier": {"smtp": {
                "connection_uri": "smtp://relay.example.org:587", "from_address": "people@example.org",
            }},
            "insula": {
                "account": {"delete": true, "download": true},
                "limits": {"mails": {"per_address": 1000, "per_network": 1_000_000}},
            },
        });
        let project = site
            .project_with(tenants::config::merged(&own, &patch))
            .await;
        let installation = site.world.installation();
        Self {
            key: new_key(installation, Some(&project), Role::Owner).await.0,
            installation_key: new_key(installation, None, Role::Viewer).await.0,
            installation: installation.clone(),
            wire: site.client(&project, Kind::Api),
            browser: site.client(&project, Kind::Spa),
            schema,
            project,
        }
    }

    /// A new person signs up, signs in twice more with tokens, and begins a flow of each kind.
    pub(crate) async fn deal(&self) -> Hand {
        let never = Hand::never();
        self.browser.forget_cookies();
        let made = self.browser.sign_up(&never.email, PASSWORD).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let (token, _) = self.token_of(&never.email).await;
        let (_, session) = self.token_of(&never.email).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let login = self.browser.begin("login", "?refresh=true").await;
        let settings = self.browser.begin("settings", "").await;
        let logout = self.browser.get("/self-service/logout/browser").await;
        let cookies = self.browser.cookies();
        let named = |prefix: &str| {
            let found = cookies.iter().find(|(name, _)| name.starts_with(prefix));
            let (name, value) = found.unwrap();
            (name.clone(), value.clone())
        };
        let (cookie_name, cookie) = named("ory_session_");
        let (csrf_name, csrf_cookie) = named("csrf_token_");
        let visitor = format!("{csrf_name}={csrf_cookie}");
        let script = [("cookie", &*visitor), ("accept", "application/json")];
        let registration = "/self-service/registration/browser";
        let registration = self
            .wire
            .send(reqwest::Method::GET, registration, None, &script);
        let verification = self.browser.begin("verification", "").await;
        let address = json!({"method": "code", "email": never.email});
        self.browser.submit(&verification, address).await;
        let verification_code = mailbox::code(&self.project).await;
        let (recovery, recovery_code) = self.recovery(&visitor, &never.email).await;
        let handed = self.handed_over(&text(&made.body["identity"]["id"])).await;
        let error =
            json!({"code": 500, "status": "Internal Server Error", "message": "kept for a page"});
        Hand {
            slug: self.project.slug().to_owned(),
            identity: text(&made.body["identity"]["id"]),
            csrf_token: text(&login.node("csrf_token")["attributes"]["value"]),
            key: self.key.clone(),
            key_id: new_key(&self.installation, Some(&self.project), Role::Viewer)
                .await
                .1,
            installation_key: self.installation_key.clone(),
            login_flow: text(&login.body["id"]),
            native_flow: text(&self.wire.begin("login", "").await.body["id"]),
            registration_flow: text(&registration.await.body["id"]),
            settings_flow: text(&settings.body["id"]),
            verification_flow: text(&verification.body["id"]),
            verification_code,
            recovery_flow: recovery,
            recovery_native_flow: text(&self.wire.begin("recovery", "").await.body["id"]),
            recovery_code,
            recovery_link_flow: handed.0,
            recovery_token: handed.1,
            logout_token: text(&logout.body["logout_token"]),
            error: flows::errors::keep(&self.project, &error)
                .await
                .unwrap()
                .to_string(),
            schema: self.schema.to_owned(),
            message: self.message_to(&never.email).await,
            session,
            cookie_name,
            cookie,
            csrf_name,
            csrf_cookie,
            token,
            ..never
        }
    }

    /// A recovery in which a code was sent, in the browser with that cookie: the flow and the code.
    async fn recovery(&self, cookie: &str, email: &str) -> (String, String) {
        let script = [("cookie", cookie), ("accept", "application/json")];
        let path = "/self-service/recovery/browser";
        let begun = self
            .wire
            .send(reqwest::Method::GET, path, None, &script)
            .await;
        let body = json!({
            "method": "code", "email": email,
            "csrf_token": begun.node("csrf_token")["attributes"]["value"],
        });
        let body = Some(("application/json", body.to_string().into_bytes()));
        let path = begun.body["ui"]["action"].as_str().unwrap();
        let sent = self
            .wire
            .send(reqwest::Method::POST, path, body, &script)
            .await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        let code = mailbox::code(&self.project).await;
        (sent.body["id"].as_str().unwrap().to_owned(), code)
    }

    /// A recovery link for that identity: its flow and its token.
    async fn handed_over(&self, identity: &str) -> (String, String) {
        let body = json!({"identity_id": identity}).to_string().into_bytes();
        let body = Some(("application/json", body));
        let key = format!("Bearer {}", self.key);
        let headers = [("authorization", key.as_str())];
        let path = "/admin/recovery/link";
        let made = self
            .wire
            .send(reqwest::Method::POST, path, body, &headers)
            .await;
        assert_eq!(made.status, 200, "{}", made.text);
        let link: url::Url = made.body["recovery_link"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let part = |name: &str| {
            let found = link.query_pairs().find(|(n, _)| n == name);
            found.unwrap().1.into_owned()
        };
        (part("flow"), part("token"))
    }

    /// A message that was stored and is not sent.
    async fn message_to(&self, email: &str) -> String {
        let message = tests::mail::login_code(&self.project, email);
        let mut tx = self.project.begin().await.unwrap();
        courier::store::insert(&mut tx, &message).await.unwrap();
        tx.commit().await.unwrap();
        message.id.to_string()
    }

    /// A session by token: the token, and the id of the session.
    async fn token_of(&self, email: &str) -> (String, String) {
        let answer = self.wire.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&answer.body["session_token"]),
            text(&answer.body["session"]["id"]),
        )
    }
}

/// Token and id of a new key: of that project, or of the installation.
pub(crate) async fn new_key(
    at: &Installation,
    of: Option<&Project>,
    role: Role,
) -> (String, String) {
    let request = KeyRequest {
        project: of.map(Project::id),
        name: "a key".to_owned(),
        role,
        expires_at: None,
    };
    let by = Actor::system();
    let made = at.create_key(&by, &request).await.unwrap();
    (made.token, made.id.to_string())
}
