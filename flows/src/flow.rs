//! A flow: one person's errand, from the first page to its end. Five kinds, one struct, one table.

use chrono::{DateTime, Utc};
use identity::sessions::Aal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use tenants::ids;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    cx::Cx,
    decision::{Halt, Refusal},
    methods::Strategy,
    submission::Submission,
    ui::{InputNode, Message, Ui},
};

/// A kind of flow: what a finished method hands back, and what the flow remembers meanwhile.
pub trait Kind: Send + Sync + Sized + 'static {
    /// `login`, `registration` …
    const NAME: &'static str;
    /// Its state as clients see it, when it begins.
    const FIRST_STEP: &'static str = CHOOSE_METHOD;
    /// What a method decides.
    type Decision: Send;
    /// What is remembered between two requests.
    type State: Serialize + DeserializeOwned + Default + Clone + Send + Sync + std::fmt::Debug;

    /// The methods that take part, in the order in which they are asked.
    fn strategies() -> &'static [&'static dyn Strategy<Self>];
    /// Nodes that belong to no single method, drawn first.
    fn frame(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui);
    /// The order on the page.
    fn sort(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui);
    /// The method whose screen is shown, if one has taken the form over.
    fn resident(_flow: &Flow<Self>) -> Option<Resident> {
        None
    }
    /// What somebody hears whose submission no method takes; `nobody` says just that.
    fn unclaimed(
        _cx: &Cx<'_>,
        _flow: &mut Flow<Self>,
        _submission: &Submission,
        nobody: Message,
    ) -> Halt {
        Halt::refused(Refusal::form(nobody))
    }
    /// What a screen says that was asked for, rather than refused.
    fn greet(_flow: &mut Flow<Self>) {}
    /// Keys that only this kind shows.
    fn show(flow: &Flow<Self>, view: &mut Map<String, Value>);
}

/// A method that has taken the form over. What it draws keeps its order, unless a refusal is said on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Which.
    pub method: &'static str,
    /// No other method draws on its screen.
    pub alone: bool,
}

/// `state` before anything was chosen.
pub const CHOOSE_METHOD: &str = "choose_method";
/// `state` once a code is on its way, whatever the channel.
pub const SENT: &str = "sent_email";
/// `state` once the code came back.
pub const PASSED: &str = "passed_challenge";

/// Whether a browser or an API client began it; fixed by the init endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FlowType)]
pub enum Transport {
    /// Cookies and CSRF tokens.
    Browser,
    /// Session tokens.
    Api,
}

/// One flow. Stored as JSON, so that five kinds share five queries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Flow<K: Kind> {
    /// UUIDv4.
    pub id: Uuid,
    /// Goes up with each submission; not part of the stored JSON.
    #[serde(skip)]
    pub version: i32,
    /// Who began it.
    pub transport: Transport,
    /// The absolute URL of the init request.
    pub request_url: String,
    /// Where to go at the end, as it was asked for.
    pub return_to: Option<String>,
    /// When it began.
    pub issued_at: DateTime<Utc>,
    /// When it can no longer be submitted.
    pub expires_at: DateTime<Utc>,
    /// The method last used.
    pub active: Option<String>,
    /// `choose_method`, `sent_email` …
    pub step: String,
    /// Sent along by the client with the last submission.
    pub transient_payload: Option<Value>,
    /// The schema chosen at init, when it is not the default.
    pub identity_schema: Option<String>,
    /// What this kind remembers.
    pub state: K::State,
    /// The form as it was last drawn.
    pub ui: Ui,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a flow is begun with.
#[derive(Clone, Debug)]
pub struct Opening<S> {
    /// Who begins it.
    pub transport: Transport,
    /// The absolute URL of the init request.
    pub request_url: String,
    /// Judged already.
    pub return_to: Option<String>,
    /// Judged already.
    pub identity_schema: Option<String>,
    /// How long it lives.
    pub lifespan: std::time::Duration,
    /// What its kind remembers.
    pub state: S,
}

impl<K: Kind> Flow<K> {
    /// A flow not yet drawn or stored.
    pub fn new(cx: &Cx<'_>, opening: Opening<K::State>) -> Self {
        let (id, now) = (ids::v4(), cx.project.now());
        let action = format!(
            "{}/self-service/{}?flow={id}",
            cx.project.base_url(),
            K::NAME
        );
        Self {
            id,
            version: 1,
            transport: opening.transport,
            request_url: opening.request_url,
            return_to: opening.return_to,
            issued_at: now,
            expires_at: now + opening.lifespan,
            active: None,
            step: K::FIRST_STEP.to_owned(),
            transient_payload: None,
            identity_schema: opening.identity_schema,
            state: opening.state,
            ui: Ui::new(action),
            updated_at: now,
        }
    }

    /// Draw the form anew: no message survives, values come from the state.
    pub async fn draw(&mut self, cx: &Cx<'_>) -> Result<(), Halt> {
        let mut ui = Ui::new(self.ui.action.clone());
        ui.push(self.csrf_node(cx));
        K::frame(cx, self, &mut ui);
        let resident = K::resident(self);
        if resident.is_some() {
            K::sort(cx, self, &mut ui);
        }
        let alone = resident.filter(|resident| resident.alone);
        for strategy in K::strategies() {
            if alone.is_none_or(|resident| resident.method == strategy.id()) {
                strategy.draw(cx, self, &mut ui).await?;
            }
        }
        if resident.is_none() {
            K::sort(cx, self, &mut ui);
        }
        self.ui = ui;
        Ok(())
    }

    /// The masked token that the form carries; empty in api flows.
    pub fn csrf_token(&self) -> &str {
        let node = self.ui.find("csrf_token").and_then(|node| node.input());
        node.and_then(|input| input.value.as_ref())
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A code is on its way, and the form waits for it.
    pub fn awaits_code(&self) -> bool {
        self.step == SENT
    }

    /// A code was sent, whether it came back or not: its screen stays.
    pub fn has_sent_code(&self) -> bool {
        self.awaits_code() || self.step == PASSED
    }

    /// The CSRF field with a fresh mask; empty in api flows.
    pub(crate) fn csrf_node(&self, cx: &Cx<'_>) -> InputNode {
        crate::ui::csrf_token(match self.transport {
            Transport::Browser => cx.client.masked_csrf(),
            Transport::Api => String::new(),
        })
    }

    /// Go on to another step.
    pub fn go_to(&mut self, step: &str) {
        step.clone_into(&mut self.step);
    }

    /// Past its time?
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at < now
    }

    /// As clients see it (contract, self-service 5.2).
    pub fn view(&self) -> Value {
        let mut view = Map::new();
        view.insert("id".into(), json!(self.id));
        // Always there, null when unset: strict clients look for the key.
        view.insert("organization_id".into(), Value::Null);
        view.insert("type".into(), json!(self.transport));
        view.insert("expires_at".into(), json!(self.expires_at));
        view.insert("issued_at".into(), json!(self.issued_at));
        view.insert("request_url".into(), json!(self.request_url));
        let optional = [
            ("return_to", self.return_to.as_ref().map(|v| json!(v))),
            ("active", self.active.as_ref().map(|v| json!(v))),
            (
                "identity_schema",
                self.identity_schema.as_ref().map(|v| json!(v)),
            ),
            ("transient_payload", self.transient_payload.clone()),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                view.insert(key.into(), value);
            }
        }
        view.insert("ui".into(), json!(self.ui));
        view.insert("state".into(), json!(self.step));
        K::show(self, &mut view);
        Value::Object(view)
    }
}

/// What a login flow remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginState {
    /// Authenticate again although signed in.
    pub refresh: bool,
    /// The level asked for: aal1 or aal2.
    pub requested_aal: Aal,
    /// The identifier last typed.
    pub identifier: String,
    /// What is on the screen before a code is sent.
    #[serde(default)]
    pub screen: LoginScreen,
    /// The only address that a code of a second factor may go to, if one was asked for (`via`).
    #[serde(default)]
    pub via: Option<String>,
}

/// The screens of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginScreen {
    /// Every method at once.
    #[default]
    Methods,
    /// The identifier, before any method.
    Identify,
    /// The methods of that identifier; every one there is when nobody shall learn which.
    Choose(Option<Vec<String>>),
}

impl LoginScreen {
    /// May that method be drawn?
    pub fn offers(&self, method: &str) -> bool {
        match self {
            Self::Methods | Self::Choose(None) => true,
            Self::Identify => false,
            Self::Choose(Some(methods)) => methods.iter().any(|offered| offered == method),
        }
    }
}

impl Default for LoginState {
    fn default() -> Self {
        Self {
            refresh: false,
            requested_aal: Aal::Aal1,
            identifier: String::new(),
            screen: LoginScreen::default(),
            via: None,
        }
    }
}

/// What a registration flow remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RegistrationState {
    /// What is on the screen.
    pub screen: Screen,
    /// The traits last typed; null before the first submission. While a code is awaited: those that it
    /// was sent for.
    pub traits: Value,
}

/// The screens of a registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// Traits and credentials together.
    #[default]
    OneStep,
    /// Traits, before credentials.
    Profile,
    /// Credentials, the traits hidden.
    Credentials,
}
