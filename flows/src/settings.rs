//! The settings flow: what somebody who is signed in changes about themselves. Begin, read, submit, and go
//! on with a change that waited for its owner to authenticate once more.

mod commit;
mod config;
pub mod pending;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use identity::{Identity, Session, schemas::Schemas, sessions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use config::SettingsConfig;

use crate::{
    begin::{self, Init},
    config::{Pages, with_query},
    continue_with::ContinueWith,
    cx::Cx,
    decision::{Effects, Error, Halt, Judged, Refusal},
    flow::{Flow, Kind, Opening, Transport},
    login::second_factor_url,
    methods::{self, Strategy},
    store,
    submission::Submission,
    submit::{self, Judgement},
    ui::{Ui, order, text},
};

const SHOW_FORM: &str = "show_form";
const SUCCESS: &str = "success";

/// Change what is stored.
#[derive(Debug)]
pub struct Settings;

/// What a settings flow remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SettingsState {
    /// Whose settings these are.
    pub identity_id: Uuid,
    /// As they may see themselves, as of the last drawing.
    pub identity: Value,
    /// What the profile's fields show: what is stored, or what was typed and refused.
    #[serde(default)]
    pub traits: Value,
    /// The submission being judged waited since then for its owner to authenticate.
    #[serde(skip)]
    pub(crate) waited_since: Option<DateTime<Utc>>,
}

impl SettingsState {
    /// Of that identity, with nothing typed.
    fn of(cx: &Cx<'_>, identity: &Identity) -> Self {
        Self {
            identity_id: identity.id,
            identity: identity.public_view(cx.project.base_url()),
            traits: identity.traits.clone(),
            waited_since: None,
        }
    }

    /// Which of the project's schemas the traits follow.
    pub(crate) fn schema_id(&self) -> &str {
        self.identity["schema_id"].as_str().unwrap_or_default()
    }
}

/// What a method wants changed.
#[derive(Debug)]
pub struct Change {
    /// Which method.
    pub method: &'static str,
    /// Who it is about, as judged.
    pub before: Arc<Identity>,
    /// As they will be; `None`: they will be gone.
    pub after: Option<Identity>,
    /// A credential that must still be the one that was judged.
    pub judged: Option<Judged>,
    /// What is written.
    pub effects: Effects,
    /// It waits for an address to be verified: how clients hear of that. What is written is that
    /// verification, and not the change.
    pub held: Option<ContinueWith>,
}

impl Kind for Settings {
    const NAME: &'static str = "settings";
    const FIRST_STEP: &'static str = SHOW_FORM;
    type Decision = Change;
    type State = SettingsState;

    fn strategies() -> &'static [&'static dyn Strategy<Self>] {
        methods::SETTINGS
    }

    fn frame(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}

    fn sort(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        let schemas = Schemas::of(cx.project);
        let schema = schemas.get(flow.state.schema_id());
        let keys = schema.map(|s| s.schema.fields()).unwrap_or_default();
        order::settings(&mut ui.nodes, keys.iter().map(|field| field.name.as_str()));
        methods::account::sort_last(ui);
    }

    fn show(flow: &Flow<Self>, view: &mut Map<String, Value>) {
        view.insert("identity".into(), json!(flow.state.identity));
    }
}

/// What came of a change.
#[derive(Debug)]
pub struct Saved {
    /// What a client does next, but for the redirect that a browser ends with.
    pub continue_with: Vec<ContinueWith>,
    /// Verifications that began with the change.
    pub announced: Vec<ContinueWith>,
    /// Where a browser goes.
    pub target: String,
    /// The account is gone, and its sessions with it.
    pub is_gone: bool,
    /// Nothing is changed yet, so there is nowhere to go but to the verification.
    pub is_held: bool,
}

/// How a submission was answered.
#[derive(Debug)]
pub enum SettingsOutcome {
    /// The form again, with something to say.
    Again(Box<Flow<Settings>>),
    /// Nothing was done, and there is no more to say than the flow does.
    Unchanged(Box<Flow<Settings>>),
    /// Done.
    Saved(Box<Flow<Settings>>, Saved),
}

/// The page of a project's settings.
pub fn page(cx: &Cx<'_>) -> String {
    let config = cx.project.config::<SettingsConfig>();
    Pages::of(cx.project).page(config.ui_url.as_deref(), Settings::NAME)
}

/// Begin settings.
pub async fn begin(cx: &Cx<'_>, init: Init) -> Result<Flow<Settings>, Error> {
    let asked = init.return_to.as_deref().filter(|url| !url.is_empty());
    let Some(session) = cx.session else {
        let login = format!("{}/self-service/login/browser", cx.project.base_url());
        let login = asked.map_or_else(|| login.clone(), |to| with_query(&login, "return_to", to));
        return Err(Error::SessionInactive { login });
    };
    // Only who said where to end up comes back here.
    let back = asked.filter(|_| init.transport == Transport::Browser);
    check_aal(cx, session, back.map(|_| init.request_url.as_str()))?;
    let return_to = begin::return_to(cx, asked)?;
    pending::drop_former(cx).await?;
    let flow = open(cx, session, (init.transport, init.request_url, return_to)).await?;
    store::insert(cx.project, &flow).await?;
    Ok(flow)
}

/// A settings flow of that session's identity, drawn but not stored: for the end of a recovery, which
/// stores it in its own commit.
pub async fn open(
    cx: &Cx<'_>,
    session: &Session,
    (transport, request_url, return_to): (Transport, String, Option<String>),
) -> Result<Flow<Settings>, Error> {
    let mut flow = Flow::<Settings>::new(
        cx,
        Opening {
            transport,
            request_url,
            return_to,
            identity_schema: None,
            lifespan: cx.project.config::<SettingsConfig>().lifespan,
            state: SettingsState::of(cx, &session.identity),
        },
    );
    begin::draw(cx, &mut flow).await?;
    Ok(flow)
}

/// Read a settings flow of one's own; any number of times.
pub async fn read(cx: &Cx<'_>, id: Option<Uuid>) -> Result<Flow<Settings>, Error> {
    let (mut flow, session) = load_own(cx, id).await?;
    let back = with_query(&page(cx), "flow", &flow.id.to_string());
    check_aal(cx, session, Some(&back))?;
    flow.state.identity = session.identity.public_view(cx.project.base_url());
    Ok(flow)
}

/// Submit settings. A body that could not be decoded is a message on the form.
pub async fn submit(
    cx: &Cx<'_>,
    id: Uuid,
    submission: Result<Submission, String>,
) -> Result<SettingsOutcome, Error> {
    let (flow, session) = load_own(cx, Some(id)).await?;
    check_aal(cx, session, Some(&flow.ui.action))?;
    Box::pin(go(cx, flow, submission)).await
}

/// Go on after the detour: carry out what waited for this flow. Whatever waited for another flow, or for
/// somebody else, is dropped.
pub async fn resume(cx: &Cx<'_>, id: Uuid) -> Result<SettingsOutcome, Error> {
    let (mut flow, session) = match load_own(cx, Some(id)).await {
        Err(error @ (Error::IdentityMismatch | Error::NotFound)) => {
            pending::drop_former(cx).await?;
            return Err(error);
        }
        own => own?,
    };
    check_aal(cx, session, Some(&flow.ui.action))?;
    let waiting = pending::take(cx).await?;
    let waiting = waiting.filter(|p| p.flow_id == id && p.identity_id == session.identity.id);
    if let Some(waiting) = waiting {
        flow.state.waited_since = Some(waiting.asked_at);
        return Box::pin(go(cx, flow, Ok(waiting.submission))).await;
    }
    // A browser that asks twice comes here when the change is made.
    if flow.step == SUCCESS {
        return Ok(SettingsOutcome::Unchanged(Box::new(flow)));
    }
    let gone = text::generic("Your change was not kept. Please make it again.");
    again(cx, flow, Refusal::form(gone), Effects::default()).await
}

/// A flow of the identity that is signed in.
async fn load_own<'r>(
    cx: &Cx<'r>,
    id: Option<Uuid>,
) -> Result<(Flow<Settings>, &'r Arc<Session>), Error> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    let flow = match id {
        Some(id) => store::load::<Settings>(cx.project, id).await?,
        None => None,
    };
    let flow = flow.ok_or(Error::NotFound)?;
    if flow.state.identity_id != session.identity.id {
        return Err(Error::IdentityMismatch);
    }
    Ok((flow, session))
}

/// Does the session reach the level that settings ask for? `back`: where to return to from the detour.
pub fn check_aal(cx: &Cx<'_>, session: &Session, back: Option<&str>) -> Result<(), Error> {
    let required = cx.project.config::<SettingsConfig>().required_aal;
    if session.satisfies(required, sessions::code_as_factor(cx.project)) {
        return Ok(());
    }
    Err(Error::AalTooLow {
        redirect_to: second_factor_url(cx.project, back),
    })
}

/// May something be changed that its owner signs in with or is reached at? Only soon after they
/// authenticated, or when they did so for this very change. A maximum of nothing asks each time; `or_never`:
/// it asks never (contract, self-service 5.4).
pub(crate) fn check_privileged(
    cx: &Cx<'_>,
    flow: &Flow<Settings>,
    or_never: bool,
) -> Result<(), Halt> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    let max_age = cx
        .project
        .config::<SettingsConfig>()
        .privileged_session_max_age;
    let is_fresh = cx.project.now() <= session.authenticated_at + max_age;
    let waited = flow.state.waited_since;
    let for_this = waited.is_some_and(|since| session.authenticated_at > since);
    if is_fresh || for_this || (or_never && max_age.is_zero()) {
        return Ok(());
    }
    let login = format!(
        "{}/self-service/login/browser?refresh=true",
        cx.project.base_url()
    );
    Err(Error::RefreshRequired {
        redirect_to: with_query(&login, "return_to", &flow.ui.action),
        continuity: None,
    }
    .into())
}

/// Judge and write; judge once more when what was judged changed meanwhile.
async fn go(
    cx: &Cx<'_>,
    mut flow: Flow<Settings>,
    submission: Result<Submission, String>,
) -> Result<SettingsOutcome, Error> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    if flow.is_expired(cx.project.now()) {
        let state = SettingsState::of(cx, &session.identity);
        let message = text::settings_expired(flow.expires_at);
        let lifespan = cx.project.config::<SettingsConfig>().lifespan;
        return Err(submit::replace(cx, &flow, state, (lifespan, message)).await);
    }
    let (id, waited_since) = (flow.id, flow.state.waited_since);
    for _ in 0..2 {
        SHOW_FORM.clone_into(&mut flow.step);
        flow.state.identity = session.identity.public_view(cx.project.base_url());
        flow.state.waited_since = waited_since;
        let judged = judge(cx, flow, session, submission.clone()).await?;
        let (mut judged, mut change) = match judged {
            Judgement::Again(flow) => return Ok(SettingsOutcome::Again(Box::new(flow))),
            Judgement::Decided(flow, change, _) => (flow, change),
        };
        match commit::settle(cx, &mut judged, &mut change).await {
            Ok(Some(saved)) => return Ok(SettingsOutcome::Saved(Box::new(judged), saved)),
            Ok(None) => flow = load_own(cx, Some(id)).await?.0,
            Err(Halt::Refused(refusal, effects)) => {
                // The flow may have moved meanwhile; what was typed is kept.
                let mut fresh = load_own(cx, Some(id)).await?.0;
                SHOW_FORM.clone_into(&mut fresh.step);
                fresh.state = judged.state;
                fresh.state.identity = session.identity.public_view(cx.project.base_url());
                fresh.transient_payload = judged.transient_payload;
                return again(cx, fresh, refusal, effects).await;
            }
            Err(Halt::Stopped(error)) => return Err(error),
        }
    }
    let busy = text::generic("This account was changed at the same moment. Please try again.");
    SHOW_FORM.clone_into(&mut flow.step);
    again(cx, flow, Refusal::form(busy), Effects::default()).await
}

/// As every flow, but what a session is too old for waits until its owner has authenticated once more: in
/// browsers; API clients send it again.
async fn judge(
    cx: &Cx<'_>,
    flow: Flow<Settings>,
    session: &Session,
    submission: Result<Submission, String>,
) -> Result<Judgement<Settings>, Error> {
    let (id, transport) = (flow.id, flow.transport);
    let sent = submission.clone();
    match submit::judge(cx, flow, submission, text::no_settings_strategy).await {
        Err(Error::RefreshRequired { redirect_to, .. }) => {
            let continuity = match sent {
                Ok(sent) if transport == Transport::Browser => {
                    pending::keep(cx, (id, session), &sent).await?
                }
                _ => None,
            };
            Err(Error::RefreshRequired {
                redirect_to,
                continuity,
            })
        }
        judged => judged,
    }
}

async fn again(
    cx: &Cx<'_>,
    flow: Flow<Settings>,
    refusal: Refusal,
    effects: Effects,
) -> Result<SettingsOutcome, Error> {
    let is_mild = refusal.is_mild;
    let flow = Box::new(submit::refuse(cx, flow, refusal, effects).await?);
    Ok(if is_mild {
        SettingsOutcome::Unchanged(flow)
    } else {
        SettingsOutcome::Again(flow)
    })
}
