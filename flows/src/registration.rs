//! The registration flow: begin, submit, and what follows from a method's decision.

use std::sync::Arc;

use identity::{
    Session,
    identities::create::InsertError,
    schemas::Schemas,
    sessions::{SessionConfig, store as session_store, token},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    begin::{self, Init},
    config::{SelfService, Style},
    continue_with::ContinueWith,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal, SignUp},
    flow::{Flow, Kind, Opening, RegistrationState, Resident, Screen},
    guard, hooks,
    methods::{self, Strategy},
    store,
    submission::Submission,
    submit::{self, Judgement},
    ui::{Group, InputType, Message, Ui, order, text, traits},
    write,
};

/// Sign up.
#[derive(Debug)]
pub struct Registration;

impl Kind for Registration {
    const NAME: &'static str = "registration";
    type Decision = SignUp;
    type State = RegistrationState;

    fn strategies() -> &'static [&'static dyn Strategy<Self>] {
        methods::REGISTRATION
    }

    /// The traits: fields on the first screen, hidden on the second.
    fn frame(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        let schemas = Schemas::of(cx.project);
        let Some(schema) = schemas.get(flow.identity_schema.as_deref().unwrap_or_default()) else {
            return;
        };
        for mut node in traits::nodes(schema.schema.fields(), &flow.state.traits, Group::Default) {
            if (flow.state.screen == Screen::Credentials || flow.has_sent_code())
                && let Some(input) = node.input_mut()
            {
                input.kind = InputType::Hidden;
            }
            ui.push(node);
        }
        traits::fill(ui, &flow.state.traits, Group::Default);
    }

    fn sort(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        let schemas = Schemas::of(cx.project);
        let schema = schemas.get(flow.identity_schema.as_deref().unwrap_or_default());
        let keys = schema.map(|s| s.schema.fields()).unwrap_or_default();
        order::registration(&mut ui.nodes, keys.iter().map(|field| field.name.as_str()));
    }

    fn resident(flow: &Flow<Self>) -> Option<Resident> {
        flow.has_sent_code().then_some(Resident {
            method: "code",
            alone: true,
        })
    }

    /// What is wrong with the traits is said first.
    fn unclaimed(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        submission: &Submission,
        nobody: Message,
    ) -> Halt {
        let schema = match methods::schema_of(cx, flow) {
            Ok(schema) => schema,
            Err(halt) => return halt,
        };
        let traits = submission.traits(schema.schema.fields());
        flow.remember_traits(&traits);
        match schema.schema.derive(&traits) {
            Ok(_) => Halt::refused(Refusal::form(nobody)),
            Err(violations) => Halt::refused(Refusal {
                violations,
                ..Refusal::default()
            }),
        }
    }

    fn greet(flow: &mut Flow<Self>) {
        if flow.awaits_code() {
            flow.ui.messages.push(text::registration_code_sent());
        } else if flow.state.screen == Screen::Credentials {
            flow.ui.messages.push(text::choose_credential());
        }
    }

    fn show(_flow: &Flow<Self>, _view: &mut Map<String, Value>) {}
}

impl Flow<Registration> {
    /// Keep what was typed: a field absent from a later submission keeps its value.
    pub(crate) fn remember_traits(&mut self, typed: &Value) {
        let mut all = self.state.traits.clone();
        merge(&mut all, typed);
        if traits::is_storable(&all) {
            self.state.traits = all;
        } else if traits::is_storable(typed) {
            self.state.traits = typed.clone();
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        // Something that is no object at all is not what a form can show.
        (into, from) if into.is_null() || !from.is_null() => into.clone_from(from),
        _ => {}
    }
}

/// Somebody signed up.
pub struct SignedUp {
    /// Who, and their first session.
    pub session: Arc<Session>,
    /// Only when the `session` hook hands the session out.
    pub token: Option<String>,
    /// Where a browser goes.
    pub target: String,
    /// Where a page goes instead, before it goes there.
    pub detour: Option<String>,
    /// Verifications that began with it.
    pub announced: Vec<ContinueWith>,
    /// What clients are told to do next, besides going to the target.
    pub continue_with: Vec<ContinueWith>,
}

impl std::fmt::Debug for SignedUp {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedUp")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// How a submission was answered.
#[derive(Debug)]
pub enum RegistrationOutcome {
    /// The form again: another screen, or something to say.
    Again(Box<Flow<Registration>>),
    /// Done.
    SignedUp(Box<Flow<Registration>>, SignedUp),
}

/// Begin a registration.
pub async fn begin(cx: &Cx<'_>, init: Init) -> Result<Flow<Registration>, Error> {
    let config = cx.project.config::<SelfService>();
    let config = &config.flows.registration;
    if !config.enabled {
        return Err(Error::FlowDisabled);
    }
    let return_to = begin::return_to(cx, init.return_to.as_deref())?;
    let identity_schema = begin::identity_schema(cx, init.identity_schema.as_deref())?;
    if cx.session.is_some() {
        return Err(Error::AlreadySignedIn {
            target: begin::signed_in_target(cx, return_to.as_deref()),
        });
    }
    let one_step = config.enable_legacy_one_step || config.style == Style::Unified;
    let screen = if one_step {
        Screen::OneStep
    } else {
        Screen::Profile
    };
    let mut flow = Flow::<Registration>::new(
        cx,
        Opening {
            transport: init.transport,
            request_url: init.request_url,
            return_to,
            identity_schema,
            lifespan: config.lifespan,
            state: RegistrationState {
                screen,
                traits: Value::Null,
            },
        },
    );
    begin::draw(cx, &mut flow).await?;
    store::insert(cx.project, &flow).await?;
    Ok(flow)
}

/// Submit a registration. A body that could not be decoded is a message on the form.
pub async fn submit(
    cx: &Cx<'_>,
    id: Uuid,
    submission: Result<Submission, String>,
) -> Result<RegistrationOutcome, Error> {
    let config = cx.project.config::<SelfService>();
    if !config.flows.registration.enabled {
        return Err(Error::FlowDisabled);
    }
    let flow = store::load::<Registration>(cx.project, id)
        .await?
        .ok_or(Error::NotFound)?;
    if cx.session.is_some() {
        return Err(Error::AlreadySignedIn {
            target: begin::signed_in_target(cx, None),
        });
    }
    if flow.is_expired(cx.project.now()) {
        let state = RegistrationState {
            screen: first_screen(&flow),
            traits: Value::Null,
        };
        let message = text::registration_expired(flow.expires_at);
        return Err(submit::replace(
            cx,
            &flow,
            state,
            (config.flows.registration.lifespan, message),
        )
        .await);
    }
    let judged = submit::judge(cx, flow, submission, text::no_registration_strategy).await?;
    let (mut flow, mut decision) = match judged {
        Judgement::Again(flow) => return Ok(RegistrationOutcome::Again(Box::new(flow))),
        Judgement::Decided(flow, decision, _) => (flow, decision),
    };
    match settle(cx, &mut flow, &mut decision).await {
        Ok(signed_up) => Ok(RegistrationOutcome::SignedUp(Box::new(flow), signed_up)),
        Err(Halt::Refused(refusal, effects)) => {
            // The flow may have moved meanwhile; what was typed is kept.
            let mut fresh = store::load::<Registration>(cx.project, id)
                .await?
                .ok_or(Error::NotFound)?;
            fresh.state = flow.state;
            fresh.transient_payload = flow.transient_payload;
            let again = submit::refuse(cx, fresh, refusal, effects).await?;
            Ok(RegistrationOutcome::Again(Box::new(again)))
        }
        Err(Halt::Stopped(error)) => Err(error),
    }
}

fn first_screen(flow: &Flow<Registration>) -> Screen {
    if flow.state.screen == Screen::OneStep {
        Screen::OneStep
    } else {
        Screen::Profile
    }
}

/// Hooks, then the one transaction.
async fn settle(
    cx: &Cx<'_>,
    flow: &mut Flow<Registration>,
    decision: &mut SignUp,
) -> Result<SignedUp, Halt> {
    let config = cx.project.config::<SelfService>();
    let after = &config.flows.registration.after;
    // Judged before anything is written: nobody is half registered because of where they wanted to go.
    let target = guard::target(cx, flow, after.return_url_of(&decision.amr.method))?;
    let hooks = hooks::after_registration(after.hooks_of(&decision.amr.method));
    for hook in &hooks {
        hook.weigh(cx, flow, decision).await?;
    }
    hooks::verification::after_sign_up(cx, flow, decision).await?;
    let mut signed_up = commit(cx, flow, decision, target).await?;
    for hook in &hooks {
        hook.settle(cx, &mut signed_up).await?;
    }
    Ok(signed_up)
}

async fn commit(
    cx: &Cx<'_>,
    flow: &mut Flow<Registration>,
    decision: &SignUp,
    target: String,
) -> Result<SignedUp, Halt> {
    let identity = Arc::new(decision.prepared.identity.clone());
    let lifespan = cx.project.config::<SessionConfig>().lifespan;
    let session = Session::begin(identity, decision.amr.clone(), cx.client.device(), lifespan);
    let token = token::mint();
    flow.updated_at = cx.project.now();
    let mut tx = cx.project.begin().await?;
    if !store::save(&mut tx, flow).await? {
        let busy =
            text::generic("This form was submitted twice at the same moment. Please try again.");
        return Err(Halt::refused(Refusal::form(busy)));
    }
    match decision.prepared.insert(&mut tx).await {
        Ok(()) => {}
        Err(InsertError::Conflict(_)) => {
            return Err(Halt::Refused(
                Refusal::form(text::identifier_taken()),
                Effects::default(),
            ));
        }
        Err(InsertError::Fault(fault)) => return Err(fault.into()),
    }
    session_store::insert(&mut tx, &session, &token).await?;
    write::carry_out(&mut tx, &decision.effects, Some(&session)).await?;
    tx.commit().await?;
    // The `session` hook alone hands the token out; without it nobody ever learns it.
    let hands_out = hooks::hands_out_session(cx, &decision.amr.method);
    Ok(SignedUp {
        session: Arc::new(session),
        token: hands_out.then_some(token),
        target,
        detour: None,
        announced: decision.announced.clone(),
        continue_with: hooks::verification::told_anyway(cx, &decision.announced),
    })
}
