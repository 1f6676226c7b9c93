//! The recovery flow: whoever proves to read an address of an account is let in, to choose a new way to
//! sign in. Two forms of it: one address is asked for, or one of several is chosen
//! (`feature_flags.choose_recovery_address`). Administrators can begin one for somebody as well.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::{
    Identity, Session,
    identities::{self, State},
    one_time::{self, Errand, Purpose},
    schema::{Address, Via},
    sessions::{SessionConfig, store as session_store, token},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenants::Fault;
use uuid::Uuid;

use crate::{
    begin::{self, Init},
    challenge::{self, Challenge, Memory, Notice, Proof, Turn},
    config::{ChallengeConfig, FeatureFlags, Pages, SelfService, Use, with_query},
    continue_with::ContinueWith,
    cx::{ClientInfo, Cx},
    decision::{Error, Halt, Refusal, Write},
    flow::{CHOOSE_METHOD, Flow, Kind, Opening, PASSED, SENT, Transport},
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

/// An address to choose, not told in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// What the form sends.
    pub token: String,
    /// What it shows.
    pub masked: String,
    /// How it is reached.
    pub via: Via,
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
        let identity = owner(cx, &proof).await?;
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
async fn owner(cx: &Cx<'_>, proof: &Proof) -> Result<Arc<Identity>, Halt> {
    let mut tx = cx.project.begin().await?;
    let found = identities::store::get(&mut tx, proof.identity_id).await?;
    drop(tx);
    let refuse = |message: Message| Halt::refused(Refusal::form(message));
    let mut identity = found.ok_or_else(|| refuse(text::wrong_recovery_code()))?;
    if identity.state == State::Inactive {
        return Err(refuse(text::account_disabled()));
    }
    if let Some(proved) = &proof.address {
        let now = cx.project.now();
        let addresses = &mut identity.verifiable_addresses;
        for address in addresses.iter_mut() {
            if address.via == proved.via && address.value == proved.value && !address.verified {
                address.verified = true;
                address.verified_at = Some(now);
                "completed".clone_into(&mut address.status);
            }
        }
    }
    Ok(Arc::new(identity))
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
    let settings = match flow.state.skip_settings {
        true => None,
        false => Some(settings_of(cx, flow, &ending).await?),
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
        write::carry_out(&mut tx, &crate::decision::Effects(vec![verified]), None).await?;
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

/// What an administrator asks for somebody.
#[derive(Clone, Debug)]
pub struct Handover {
    /// For whom.
    pub identity_id: Uuid,
    /// A code to type, or a link to follow.
    pub method: Use,
    /// In which kind of client.
    pub transport: Transport,
    /// The absolute URL of the request.
    pub request_url: String,
    /// Judged already.
    pub return_to: Option<String>,
    /// How long it is good; as configured for the method otherwise.
    pub lifespan: Option<std::time::Duration>,
}

/// What an administrator hands over.
pub struct HandedOver {
    /// Where it is used.
    pub link: String,
    /// The digits, or the token that is in the link already.
    pub secret: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for HandedOver {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandedOver")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Begin a recovery for somebody. `None`: there is no such identity.
pub async fn hand_over(cx: &Cx<'_>, handover: Handover) -> Result<Option<HandedOver>, Error> {
    let method = handover.method;
    let lifespan = handover
        .lifespan
        .unwrap_or_else(|| crate::letters::lifespan(cx, method));
    let mut flow = handed_over_flow(cx, &handover, lifespan);
    begin::draw(cx, &mut flow).await?;
    let errand = Errand {
        flow_id: flow.id,
        purpose: Purpose::Recovery,
        identity_id: Some(handover.identity_id),
        address: Address {
            via: Via::Email,
            value: String::new(),
        },
        expires_at: flow.expires_at,
    };
    let minted = match method {
        Use::Code => one_time::code(cx.project, errand),
        Use::Link => one_time::token(cx.project, errand),
    };
    let mut tx = cx.project.begin().await?;
    let found = identities::store::get(&mut tx, handover.identity_id).await?;
    if found.is_none() {
        return Ok(None);
    }
    store::insert_row(&mut tx, &NewFlow::of(&flow)?).await?;
    one_time::insert(&mut tx, &minted.code).await?;
    tx.commit().await?;
    let secret = minted.secret.to_string();
    Ok(Some(HandedOver {
        link: match method {
            Use::Code => page_of(cx, flow.id),
            Use::Link => format!(
                "{}/self-service/recovery?flow={}&token={secret}",
                cx.project.base_url(),
                flow.id
            ),
        },
        secret,
        expires_at: flow.expires_at,
    }))
}

fn handed_over_flow(
    cx: &Cx<'_>,
    handover: &Handover,
    lifespan: std::time::Duration,
) -> Flow<Recovery> {
    let state = RecoveryState {
        memory: Memory {
            method: handover.method,
            ..Memory::default()
        },
        by_administrator: true,
        ..RecoveryState::default()
    };
    let opening = Opening {
        transport: handover.transport,
        request_url: handover.request_url.clone(),
        return_to: handover.return_to.clone(),
        identity_schema: None,
        lifespan,
        state,
    };
    let mut flow = Flow::<Recovery>::new(cx, opening);
    let step = match handover.method {
        Use::Code => SENT,
        Use::Link => CHOOSE_METHOD,
    };
    flow.go_to(step);
    flow
}

/// The page of a recovery flow.
pub fn page_of(cx: &Cx<'_>, id: Uuid) -> String {
    let config = cx.project.config::<SelfService>();
    let page = Pages::of(cx.project).page(config.flows.recovery.ui_url.as_deref(), "recovery");
    with_query(&page, "flow", &id.to_string())
}

/// Enough of an address for its owner to know it: the first characters of the local part, or the ends of
/// a number. What is too short for that is shown.
pub(crate) fn masked(address: &str) -> String {
    let shown: Vec<char> = address.chars().collect();
    match address.rsplit_once('@') {
        Some((local, domain)) if local.chars().count() > 2 => {
            let start: String = local.chars().take(2).collect();
            format!("{start}****@{domain}")
        }
        None if shown.len() > 5 => {
            let start: String = shown[..3].iter().collect();
            let end: String = shown[shown.len() - 2..].iter().collect();
            format!("{start}****{end}")
        }
        _ => address.to_owned(),
    }
}

/// What stands for an address in the form that lets people choose.
pub(crate) fn token_of(address: &Address) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use sha2::{Digest as _, Sha256};
    STANDARD.encode(Sha256::digest(&address.value))
}

/// The addresses of whoever has that one; empty for an address that nobody has.
pub(crate) async fn addresses_of(cx: &Cx<'_>, address: &Address) -> Result<Vec<Choice>, Fault> {
    let mut tx = cx.project.begin().await?;
    let id = identity::addresses::owner_of_recovery(&mut tx, address).await?;
    let owner = identities::store::get(&mut tx, id.unwrap_or(Uuid::nil())).await?;
    let all = owner.map(|owner| owner.recovery_addresses);
    let choice = |a: identities::RecoveryAddress| Choice {
        masked: masked(&a.value),
        via: a.via,
        token: token_of(&Address {
            via: a.via,
            value: a.value,
        }),
    };
    Ok(all.unwrap_or_default().into_iter().map(choice).collect())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_is_told_to_its_owner_alone() {
        for (address, shown) in [
            ("ada@example.org", "ad****@example.org"),
            ("ab@example.org", "ab@example.org"),
            ("jörg@example.org", "jö****@example.org"),
            ("+4915112345678", "+49****78"),
            ("+4915", "+4915"),
            ("", ""),
        ] {
            assert_eq!(masked(address), shown);
        }
    }
}
