//! The login flow: begin, submit, and what follows from a method's decision.

use std::sync::Arc;

use identity::{
    Session, credentials, identities,
    sessions::{self, Aal, SessionConfig, store as session_store, token},
};
use serde_json::{Map, Value, json};
use tenants::{Fault, Tx};
use uuid::Uuid;

use crate::{
    begin::{self, Init},
    config::{LoginStyle, Pages, SelfService, with_query},
    continue_with::ContinueWith,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal, SignIn, Write},
    flow::{Flow, Kind, LoginScreen, LoginState, Opening, Resident},
    guard, hooks,
    methods::{self, Strategy, code, identifier_first},
    store,
    submission::Submission,
    submit::{self, Judgement},
    ui::{Ui, order, text},
    write,
};

/// Sign in, authenticate again, or add a second factor.
#[derive(Debug)]
pub struct Login;

impl Kind for Login {
    const NAME: &'static str = "login";
    type Decision = SignIn;
    type State = LoginState;

    fn strategies() -> &'static [&'static dyn Strategy<Self>] {
        methods::LOGIN
    }

    fn frame(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}

    fn sort(_cx: &Cx<'_>, _flow: &Flow<Self>, ui: &mut Ui) {
        order::login(&mut ui.nodes);
    }

    fn resident(flow: &Flow<Self>) -> Option<Resident> {
        let (method, alone) = match flow.state.screen {
            _ if flow.has_sent_code() => ("code", true),
            LoginScreen::Choose(_) => (identifier_first::ID, false),
            LoginScreen::Methods | LoginScreen::Identify => return None,
        };
        Some(Resident { method, alone })
    }

    fn greet(flow: &mut Flow<Self>) {
        if flow.awaits_code() {
            let known = flow.state.refresh || flow.state.requested_aal == Aal::Aal2;
            flow.ui.messages.push(if known {
                text::second_factor_code_sent()
            } else {
                text::login_code_sent()
            });
        }
    }

    fn show(flow: &Flow<Self>, view: &mut Map<String, Value>) {
        view.insert("created_at".into(), json!(flow.issued_at));
        view.insert("updated_at".into(), json!(flow.updated_at));
        view.insert("refresh".into(), json!(flow.state.refresh));
        view.insert("requested_aal".into(), json!(flow.state.requested_aal));
    }
}

/// What a visitor asks of a new login.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Authenticate again.
    pub refresh: bool,
    /// `aal1`, `aal2`, or nothing.
    pub aal: Option<String>,
    /// The trait whose address a code of a second factor goes to.
    pub via: Option<String>,
}

/// Somebody is signed in.
pub struct SignedIn {
    /// Who, how sure, until when.
    pub session: Arc<Session>,
    /// The token: of a new session, or the one the request carried.
    pub token: Option<String>,
    /// Nobody, or somebody else, was signed in before: old forms must die.
    pub is_new: bool,
    /// Where a browser goes.
    pub target: String,
    /// Where a page goes instead, before it goes there.
    pub detour: Option<String>,
    /// Verifications that began with it.
    pub announced: Vec<ContinueWith>,
    /// What clients are told to do next, besides going to the target.
    pub continue_with: Vec<ContinueWith>,
    /// The session is below the level that the project asks of this identity.
    pub needs_second_factor: bool,
}

impl std::fmt::Debug for SignedIn {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Where somebody goes to add a second factor.
pub fn second_factor_url(project: &tenants::Project, return_to: Option<&str>) -> String {
    let url = format!("{}/self-service/login/browser?aal=aal2", project.base_url());
    return_to.map_or_else(
        || url.clone(),
        |return_to| with_query(&url, "return_to", return_to),
    )
}

/// How a submission was answered.
#[derive(Debug)]
pub enum LoginOutcome {
    /// The form again, with something to say.
    Again(Box<Flow<Login>>),
    /// Done.
    SignedIn(Box<Flow<Login>>, SignedIn),
}

/// Begin a login.
pub async fn begin(cx: &Cx<'_>, init: Init, wish: Wish) -> Result<Flow<Login>, Error> {
    let requested_aal = match wish.aal.as_deref() {
        None | Some("" | "aal1") => Aal::Aal1,
        Some("aal2") => Aal::Aal2,
        Some(other) => {
            return Err(Error::BadRequest(format!(
                "Unable to parse AuthenticationMethod Assurance Level (AAL): {other:?} is neither aal1 nor aal2."
            )));
        }
    };
    let config = cx.project.config::<SelfService>();
    let return_to = begin::return_to(cx, init.return_to.as_deref())?;
    let identity_schema = begin::identity_schema(cx, init.identity_schema.as_deref())?;
    let refresh = wish.refresh && cx.session.is_some();
    match cx.session {
        None if requested_aal == Aal::Aal2 => return Err(Error::FirstFactorMissing),
        Some(session) if !refresh && requested_aal <= session.aal => {
            return Err(Error::AlreadySignedIn {
                target: begin::signed_in_target(cx, return_to.as_deref()),
            });
        }
        _ => {}
    }
    let mut flow = Flow::<Login>::new(
        cx,
        Opening {
            transport: init.transport,
            request_url: init.request_url,
            return_to,
            identity_schema,
            lifespan: config.flows.login.lifespan,
            state: LoginState {
                refresh,
                requested_aal,
                screen: first_screen(cx, refresh, requested_aal),
                ..LoginState::default()
            },
        },
    );
    let sent = code::send_at_init(cx, &mut flow, wish.via.as_deref()).await?;
    begin::draw(cx, &mut flow).await?;
    if sent.is_some() {
        Login::greet(&mut flow);
    } else {
        if refresh {
            flow.ui.messages.push(text::confirm_it_is_you());
        }
        if cx
            .session
            .is_some_and(|session| requested_aal > session.aal)
        {
            flow.ui.messages.push(text::second_factor_wanted());
        }
    }
    begin::insert(cx, &flow, &sent.unwrap_or_default()).await?;
    Ok(flow)
}

fn first_screen(cx: &Cx<'_>, refresh: bool, requested_aal: Aal) -> LoginScreen {
    let style = cx.project.config::<SelfService>().flows.login.style;
    match style {
        LoginStyle::IdentifierFirst if !refresh && requested_aal == Aal::Aal1 => {
            LoginScreen::Identify
        }
        _ => LoginScreen::Methods,
    }
}

/// Submit a login. A body that could not be decoded is a message on the form.
pub async fn submit(
    cx: &Cx<'_>,
    id: Uuid,
    submission: Result<Submission, String>,
) -> Result<LoginOutcome, Error> {
    let flow = store::load::<Login>(cx.project, id)
        .await?
        .ok_or(Error::NotFound)?;
    if let Some(session) = cx.session
        && !flow.state.refresh
        && flow.state.requested_aal <= session.aal
    {
        if !cx.client.json && flow.transport == crate::flow::Transport::Browser {
            let target = Pages::of(cx.project).return_to().default_url().to_string();
            return Err(Error::AlreadySignedIn { target });
        }
        let refusal = Refusal::form(text::generic(
            "A session was found already; there is nothing to sign in to.",
        ));
        let again = submit::refuse(cx, flow, refusal, Effects::default()).await?;
        return Ok(LoginOutcome::Again(Box::new(again)));
    }
    if cx.session.is_none() && flow.state.requested_aal == Aal::Aal2 {
        return Err(Error::FirstFactorMissing);
    }
    if flow.is_expired(cx.project.now()) {
        return expired(cx, flow).await;
    }
    let judged = submit::judge(cx, flow, submission, text::no_login_strategy).await?;
    let (mut flow, mut decision, submission) = match judged {
        Judgement::Again(flow) => return Ok(LoginOutcome::Again(Box::new(flow))),
        Judgement::Decided(flow, decision, submission) => (flow, decision, submission),
    };
    for attempt in 0..2 {
        match settle(cx, &mut flow, &mut decision).await {
            Ok(Some(signed_in)) => return Ok(LoginOutcome::SignedIn(Box::new(flow), signed_in)),
            // What was judged changed meanwhile: judge it once more.
            Ok(None) if attempt == 0 => {
                let fresh = store::load::<Login>(cx.project, id)
                    .await?
                    .ok_or(Error::NotFound)?;
                match submit::judge(cx, fresh, Ok(submission.clone()), text::no_login_strategy)
                    .await?
                {
                    Judgement::Again(flow) => return Ok(LoginOutcome::Again(Box::new(flow))),
                    Judgement::Decided(fresh, again, _) => (flow, decision) = (fresh, again),
                }
            }
            Ok(None) => break,
            Err(Halt::Refused(refusal, effects)) => {
                // Nothing was written, so the flow is where it was; what was typed is kept.
                let mut fresh = store::load::<Login>(cx.project, id)
                    .await?
                    .ok_or(Error::NotFound)?;
                fresh.state = flow.state;
                fresh.transient_payload = flow.transient_payload;
                let again = submit::refuse(cx, fresh, refusal, effects).await?;
                return Ok(LoginOutcome::Again(Box::new(again)));
            }
            Err(Halt::Stopped(error)) => return Err(stopped(cx, error).await),
        }
    }
    let busy = Refusal::form(text::generic(
        "This account was changed at the same moment. Please try again.",
    ));
    let flow = store::load::<Login>(cx.project, id)
        .await?
        .ok_or(Error::NotFound)?;
    Ok(LoginOutcome::Again(Box::new(
        submit::refuse(cx, flow, busy, Effects::default()).await?,
    )))
}

/// A sign-in that has to wait for a verification begins it all the same.
async fn stopped(cx: &Cx<'_>, error: Error) -> Error {
    let Error::AddressUnverified(unverified) = &error else {
        return error;
    };
    let written = async {
        let mut tx = cx.project.begin().await?;
        write::carry_out(&mut tx, &unverified.effects, None).await?;
        Ok::<_, Halt>(tx.commit().await?)
    };
    match written.await {
        Err(Halt::Stopped(fault)) => fault,
        Ok(()) | Err(Halt::Refused(..)) => error,
    }
}

/// An expired login is replaced by a fresh first-factor login; a refresh is not: its form says so.
async fn expired(cx: &Cx<'_>, flow: Flow<Login>) -> Result<LoginOutcome, Error> {
    let message = text::login_expired(flow.expires_at);
    if cx.session.is_some() {
        let refusal = Refusal::form(text::generic(
            "The flow has expired; a session was found already.",
        ));
        let again = submit::refuse(cx, flow, refusal, Effects::default()).await?;
        return Ok(LoginOutcome::Again(Box::new(again)));
    }
    let lifespan = cx.project.config::<SelfService>().flows.login.lifespan;
    let state = LoginState {
        screen: first_screen(cx, false, Aal::Aal1),
        ..LoginState::default()
    };
    Err(submit::replace(cx, &flow, state, (lifespan, message)).await)
}

/// Hooks, then the one transaction. `None`: what was judged is not true any more.
async fn settle(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    decision: &mut SignIn,
) -> Result<Option<SignedIn>, Halt> {
    if !decision.identity.is_active() {
        let mut ids = methods::LOGIN.iter().map(|strategy| strategy.id());
        let refusal = Refusal {
            active: ids.find(|id| *id == decision.amr.method),
            ..Refusal::form(text::account_disabled())
        };
        if !flow.has_sent_code() {
            flow.state.identifier = String::new();
        }
        return Err(Halt::refused(refusal));
    }
    let config = cx.project.config::<SelfService>();
    let after = &config.flows.login.after;
    let target = guard::target(cx, flow, after.return_url_of(&decision.amr.method))?;
    let hooks = hooks::after_login(after.hooks_of(&decision.amr.method));
    for hook in &hooks {
        hook.weigh(cx, flow, decision).await?;
    }
    let Some(mut signed_in) = commit(cx, flow, decision, target).await? else {
        return Ok(None);
    };
    for hook in &hooks {
        hook.settle(cx, &mut signed_in).await?;
    }
    Ok(Some(signed_in))
}

async fn commit(
    cx: &Cx<'_>,
    flow: &mut Flow<Login>,
    decision: &SignIn,
    target: String,
) -> Result<Option<SignedIn>, Halt> {
    flow.updated_at = cx.project.now();
    let mut tx = cx.project.begin().await?;
    // The identity first, as everything that changes or deletes one locks it first.
    let still_true = store::save(&mut tx, flow).await?
        && identities::store::is_still_active(&mut tx, decision.identity.id).await? == Some(true)
        && is_unchanged(&mut tx, decision).await?;
    if !still_true {
        return Ok(None);
    }
    // Somebody authenticating again keeps their session; anybody else gets one of their own.
    let kept = cx
        .session
        .filter(|session| session.identity.id == decision.identity.id);
    let lifespan = cx.project.config::<SessionConfig>().lifespan;
    let (identity, amr) = (Arc::clone(&decision.identity), decision.amr.clone());
    let (session, minted) = if let Some(kept) = kept {
        let Some(kept) = session_store::lock(&mut tx, kept.id).await? else {
            return Ok(None);
        };
        let session = kept.authenticated_again(identity, amr, lifespan);
        session_store::renew(&mut tx, &session).await?;
        (session, None)
    } else {
        let session = Session::begin(identity, amr, cx.client.device(), lifespan);
        let token = token::mint();
        session_store::insert(&mut tx, &session, &token).await?;
        (session, Some(token))
    };
    write::carry_out(&mut tx, &decision.effects, Some(&session)).await?;
    tx.commit().await?;
    let required = cx.project.config::<SessionConfig>().whoami.required_aal;
    let needs_second_factor = !session.satisfies(required, sessions::code_as_factor(cx.project));
    Ok(Some(SignedIn {
        session: Arc::new(session),
        is_new: minted.is_some(),
        token: minted.or_else(|| cx.session_token.map(str::to_owned)),
        target,
        detour: None,
        announced: decision.announced.clone(),
        continue_with: hooks::verification::told_anyway(cx, &decision.announced),
        needs_second_factor,
    }))
}

/// Is the credential still the one that was judged? What a code proves is consumed instead.
async fn is_unchanged(tx: &mut Tx, decision: &SignIn) -> Result<bool, Fault> {
    let Some(judged) = &decision.judged else {
        return Ok(true);
    };
    let rewrites = decision.effects.0.iter().any(Write::changes_credential);
    let credential = (decision.identity.id, judged.kind);
    credentials::store::is_unchanged(tx, credential, judged.revision, rewrites).await
}
