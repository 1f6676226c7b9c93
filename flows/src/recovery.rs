//! The recovery flow: whoever proves to read an address of an account is let in, to choose a new way to
//! sign in. Two forms of it: one address is asked for, or one of several is chosen
//! (`feature_flags.choose_recovery_address`). Administrators can begin one for somebody as well.

mod choice;
mod handover;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::{
    Identity, Session, addresses,
    identities::{self, State},
    one_time::{self, Purpose},
    sessions::{SessionConfig, store as session_store, token},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenants::{Fault, Tx};
use uuid::Uuid;

pub use choice::Choice;
pub(crate) use choice::{addresses_of, masked, token_of};
pub use handover::{HandedOver, Handover, hand_over};

use crate::{
    begin::{self, Init},
    challenge::{self, Challenge, Memory, Notice, Proof, Turn},
    config::{ChallengeConfig, FeatureFlags, Pages, SelfService, Use, with_query},
    continue_with::ContinueWith,
    cx::{ClientInfo, Cx},
    decision::{Effects, Error, Halt, Refusal, Write},
    flow::{CHOOSE_METHOD, Flow, Kind, PASSED, Transport},
    guard, hooks,
    methods::{self, Strategy},
    settings::{self, SettingsConfig},
    store::{self, NewFlow},
    submission::Submission,
    submit,
    ui::{Message, Ui, text},
    write,
};

/// The steps of the newer form.
pub(crate) const ASK: &str = "recovery_awaiting_address";
/// Somebody has several addresses.
pub(crate) const PICK: &str = "recovery_awaiting_address_choice";
/// The picked one has to be typed in full.
pub(crate) const CONFIRM: &str = "recovery_confirming_address";
/// A code is on its way.
pub(crate) const ENTER: &str = "recovery_awaiting_code";

/// Get back into an account.
#[derive(Clone, Debug)]
pub struct Recovery;

/// What a recovery flow remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RecoveryState {
    /// What was sent where.
    pub memory: Memory,
    /// Begun by an administrator, who handed the secret over: nothing is sent, and whoever has it may
    /// come from anywhere.
    pub by_administrator: bool,
    /// End at the return URL rather than in the settings.
    pub skip_settings: bool,
    /// The address first typed, in the newer form.
    pub entered: String,
    /// The addresses to choose from, in the newer form.
    pub choices: Vec<Choice>,
    /// The token of the choice that was made, else of the address first typed.
    pub chosen: String,
}

impl Kind for Recovery {
    const NAME: &'static str = "recovery";
    type Decision = Proof;
    type State = RecoveryState;

    fn strategies() -> &'static [&'static dyn Strategy<Self>] {
        methods::RECOVERY
    }

    fn frame(_cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        if flow.state.by_administrator {
            ui.set_value("csrf_token", "".into());
        }
    }

    /// As drawn.
    fn sort(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}

    fn unclaimed(
        cx: &Cx<'_>,
        _flow: &mut Flow<Self>,
        submission: &Submission,
        nobody: Message,
    ) -> Halt {
        challenge::unclaimed(cx, submission, nobody)
    }

    fn greet(flow: &mut Flow<Self>) {
        let memory = &flow.state.memory;
        let message = match (memory.notice, flow.step.as_str()) {
            (Some(Notice::WrongCode), _) => text::wrong_recovery_code(),
            (_, PICK) => text::choose_recovery_address(),
            (_, CONFIRM) => text::enter_full_address(),
            (Some(Notice::Sent), ENTER) => text::recovery_code_sent_to(&masked(&memory.address)),
            (Some(Notice::Sent), _) if memory.method == Use::Link => text::recovery_link_sent(),
            (Some(Notice::Sent), _) => text::recovery_code_sent(),
            (Some(Notice::Passed) | None, _) => return,
        };
        flow.ui.messages.push(message);
    }

    fn show(flow: &Flow<Self>, view: &mut Map<String, Value>) {
        view.shift_remove("organization_id");
        // Preset, so that clients know what will be sent.
        let method = flow.state.memory.method.as_str();
        view.entry("active").or_insert_with(|| method.into());
    }
}

/// Somebody is back in their account.
pub struct Recovered {
    /// Who; privileged, because it has just begun.
    pub session: Arc<Session>,
    /// Its token.
    pub token: String,
    /// The settings flow in which they go on, and its page; `None` where that is skipped.
    pub settings: Option<(Uuid, String)>,
    /// Where a browser goes.
    pub target: String,
}

impl std::fmt::Debug for Recovered {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovered")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Recovered {
    /// What clients are told to do next.
    pub fn continue_with(&self, transport: Transport) -> Vec<ContinueWith> {
        let mut next = Vec::new();
        if transport == Transport::Api {
            next.push(ContinueWith::SetSessionToken(self.token.clone()));
        }
        if let Some((flow_id, url)) = &self.settings {
            next.push(ContinueWith::ShowSettingsUi {
                flow_id: *flow_id,
                url: url.clone(),
            });
        }
        next
    }
}

#[async_trait]
impl Challenge for Recovery {
    const PURPOSE: Purpose = Purpose::Recovery;
    type Done = Recovered;

    fn config(cx: &Cx<'_>) -> ChallengeConfig {
        cx.project.config::<SelfService>().flows.recovery.clone()
    }

    fn memory(state: &RecoveryState) -> &Memory {
        &state.memory
    }

    fn memory_mut(state: &mut RecoveryState) -> &mut Memory {
        &mut state.memory
    }

    fn fresh(cx: &Cx<'_>) -> (RecoveryState, &'static str) {
        let method = Self::config(cx).method;
        let flags = cx.project.config::<FeatureFlags>();
        let first = if method == Use::Code && flags.choose_recovery_address {
            ASK
        } else {
            CHOOSE_METHOD
        };
        let state = RecoveryState {
            memory: Memory {
                method,
                ..Memory::default()
            },
            ..RecoveryState::default()
        };
        (state, first)
    }

    fn nobody() -> Message {
        text::no_recovery_strategy()
    }

    fn expired(at: DateTime<Utc>) -> Message {
        text::recovery_expired(at)
    }

    fn completed() -> Message {
        text::recovery_completed()
    }

    fn wrong_link() -> Message {
        text::wrong_recovery_link()
    }

    async fn settle(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        mut proof: Proof,
    ) -> Result<Option<Recovered>, Halt> {
        let identity = owner(cx, flow, &proof).await?;
        let after = Self::config(cx).after;
        let return_url = after.default_browser_return_url.as_deref();
        let target = guard::target(cx, flow, return_url)?;
        for hook in hooks::after_recovery(&after.hooks) {
            hook.weigh(cx, flow, &mut proof).await?;
        }
        let method = format!("{}_recovery", flow.state.memory.method.as_str());
        let lifespan = cx.project.config::<SessionConfig>().lifespan;
        let device = cx.client.device();
        let session = Session::begin(identity, cx.completed(&method), device, lifespan);
        let ending = Ending {
            session: Arc::new(session),
            token: token::mint(),
            target,
        };
        commit(cx, flow, &proof, ending).await
    }
}

/// Whoever the secret was made for, with the address that it proves.
async fn owner(cx: &Cx<'_>, flow: &Flow<Recovery>, proof: &Proof) -> Result<Arc<Identity>, Halt> {
    let mut tx = cx.project.begin().await?;
    let found = identities::store::get(&mut tx, proof.identity_id).await?;
    let is_theirs = is_still_theirs(&mut tx, proof).await?;
    drop(tx);
    let found = found.filter(|_| is_theirs);
    let mut identity = found.ok_or_else(|| no_more(flow))?;
    if identity.state == State::Inactive {
        return Err(Halt::refused(Refusal::form(text::account_disabled())));
    }
    if let Some(proved) = &proof.address {
        identity.note_verified(proved, cx.project.now());
    }
    Ok(Arc::new(identity))
}

/// Does the account still go by the address that the secret was sent to? Whoever took a stranger's address
/// out of it must not let them in by what they were sent before.
async fn is_still_theirs(tx: &mut Tx, proof: &Proof) -> Result<bool, Fault> {
    match &proof.address {
        Some(address) => {
            let owner = addresses::owner_of_recovery(tx, address).await?;
            Ok(owner == Some(proof.identity_id))
        }
        None => Ok(true),
    }
}

/// What the secret was sent for is no more: it is as good as a wrong one.
fn no_more(flow: &Flow<Recovery>) -> Halt {
    let message = match flow.state.memory.method {
        Use::Code => text::wrong_recovery_code(),
        Use::Link => text::wrong_recovery_link(),
    };
    let forget = Write::DropCodes { flow_id: flow.id };
    Halt::Refused(Refusal::form(message).mild(), Effects(vec![forget]))
}

/// How a recovery ends, once it is written.
struct Ending {
    session: Arc<Session>,
    token: String,
    target: String,
}

async fn commit(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    proof: &Proof,
    ending: Ending,
) -> Result<Option<Recovered>, Halt> {
    let settings = if flow.state.skip_settings {
        None
    } else {
        Some(settings_of(cx, flow, &ending).await?)
    };
    let mut passed = flow.clone();
    passed.go_to(PASSED);
    passed.state.memory.notice = Some(Notice::Passed);
    passed.active = Some(passed.state.memory.method.as_str().to_owned());
    submit::redrawn(cx, &mut passed, None).await?;
    let session = &ending.session;
    let identity_id = session.identity.id;
    let mut tx = cx.project.begin().await?;
    let still_true = store::save(&mut tx, &passed).await?
        && identities::store::is_still_active(&mut tx, identity_id).await? == Some(true)
        && is_still_theirs(&mut tx, proof).await?
        && one_time::consume(&mut tx, proof.code_id).await?;
    if !still_true {
        return Ok(None);
    }
    session_store::insert(&mut tx, session, &ending.token).await?;
    if let Some(address) = &proof.address {
        let address = address.clone();
        let verified = Write::AddressVerified {
            identity_id,
            address,
        };
        write::carry_out(&mut tx, &Effects(vec![verified]), None).await?;
    }
    if let Some((row, _)) = &settings {
        store::insert_row(&mut tx, row).await?;
    }
    write::carry_out(&mut tx, &proof.effects, Some(session)).await?;
    tx.commit().await?;
    *flow = passed;
    let settings = settings.map(|(row, url)| (row.id(), url));
    Ok(Some(Recovered {
        target: settings
            .as_ref()
            .map_or(ending.target, |(_, url)| url.clone()),
        session: ending.session,
        token: ending.token,
        settings,
    }))
}

/// The settings flow in which a recovered account goes on, under the CSRF secret that the answer hands out.
async fn settings_of(
    cx: &Cx<'_>,
    flow: &Flow<Recovery>,
    ending: &Ending,
) -> Result<(NewFlow, String), Error> {
    let client = ClientInfo {
        csrf_secret: cx.client.next_csrf_secret,
        ..cx.client.clone()
    };
    let cx = &Cx {
        client: &client,
        session: Some(&ending.session),
        ..*cx
    };
    let opening = (
        flow.transport,
        flow.request_url.clone(),
        flow.return_to.clone(),
    );
    let mut settings = settings::open(cx, &ending.session, opening).await?;
    let config = cx.project.config::<SettingsConfig>();
    let until = ending.session.authenticated_at + config.privileged_session_max_age;
    settings.ui.messages.push(text::recovered(until));
    let url = with_query(&settings::page(cx), "flow", &settings.id.to_string());
    Ok((NewFlow::of(&settings)?, url))
}

/// How a submission was answered.
#[derive(Debug)]
pub enum RecoveryOutcome {
    /// The form as it stands; `complains` when something has to be mended.
    Form {
        /// The flow.
        flow: Box<Flow<Recovery>>,
        /// Something has to be mended.
        complains: bool,
    },
    /// Somebody is back.
    Recovered(Box<Flow<Recovery>>, Box<Recovered>),
}

/// Begin a recovery by hand. Who is signed in has nothing to recover.
pub async fn begin(cx: &Cx<'_>, init: Init, skip_settings: bool) -> Result<Flow<Recovery>, Error> {
    if !Recovery::config(cx).enabled {
        return Err(challenge::disabled::<Recovery>());
    }
    if cx.session.is_some() {
        return Err(signed_in(cx));
    }
    challenge::begin(cx, init, |state: &mut RecoveryState| {
        state.skip_settings = skip_settings;
    })
    .await
}

/// The answer to who asks for a recovery although signed in.
pub(crate) fn signed_in(cx: &Cx<'_>) -> Error {
    Error::AlreadySignedIn {
        target: begin::signed_in_target(cx, None),
    }
}

/// A flow to be read, whatever its age.
pub async fn read(cx: &Cx<'_>, id: Option<Uuid>) -> Result<Flow<Recovery>, Error> {
    challenge::read(cx, id).await
}

/// Submit an address or a code. A body that could not be decoded is a message on the form.
pub async fn submit(
    cx: &Cx<'_>,
    id: Uuid,
    submission: Result<Submission, String>,
) -> Result<RecoveryOutcome, Error> {
    Ok(
        match challenge::submit::<Recovery>(cx, id, &submission).await? {
            Turn::Form { flow, complains } => RecoveryOutcome::Form {
                flow: Box::new(flow),
                complains,
            },
            Turn::Done(flow, recovered) => {
                RecoveryOutcome::Recovered(Box::new(flow), Box::new(recovered))
            }
        },
    )
}

/// Follow the link of a mail, or of an administrator: it is used.
pub async fn redeem(cx: &Cx<'_>, id: Uuid, token: &str) -> Result<Recovered, Error> {
    let (_, recovered) = challenge::redeem::<Recovery>(cx, id, token).await?;
    Ok(recovered)
}

/// The page of a recovery flow.
pub fn page_of(cx: &Cx<'_>, id: Uuid) -> String {
    let config = cx.project.config::<SelfService>();
    let page = Pages::of(cx.project).page(config.flows.recovery.ui_url.as_deref(), "recovery");
    with_query(&page, "flow", &id.to_string())
}
