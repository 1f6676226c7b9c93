//! The verification flow: somebody proves to read an address. Begun by hand, or by whatever makes an
//! address known ([`announce`]). It signs nobody in.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::{
    Identity, addresses,
    identities::VerifiableAddress,
    one_time::{self, Purpose},
    schema::{Address, Via},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

use crate::{
    begin::{self, Init},
    challenge::{self, Challenge, Memory, Notice, Proof, Turn},
    config::{ChallengeConfig, FeatureFlags, Pages, SelfService, Use, with_query},
    continue_with::ContinueWith,
    cx::{ClientInfo, Cx},
    decision::{Effects, Error, Halt, Refusal, Write},
    flow::{CHOOSE_METHOD, Flow, Kind, Opening, PASSED, SENT, Transport},
    guard,
    letters::{self, Letter},
    limits,
    methods::{self, Strategy, code::CodeConfig},
    store::{self, NewFlow},
    submission::Submission,
    ui::{Message, Ui, text},
    write,
};

/// More is no code, and is not shown in a form.
const CODE_BYTES_MAX: usize = 16;

/// Prove an address.
#[derive(Clone, Debug)]
pub struct Verification;

/// What a verification flow remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct VerificationState {
    /// What was sent where.
    pub memory: Memory,
    /// The code of a link that was followed, to be shown in the form.
    pub prefilled: Option<String>,
    /// Begun by us rather than by the visitor: the button that sends again is named after its channel.
    pub announced: bool,
}

impl VerificationState {
    /// How the address is reached.
    pub(crate) fn via(&self) -> Via {
        addresses::read_typed(&self.memory.address).via
    }
}

impl Kind for Verification {
    const NAME: &'static str = "verification";
    type Decision = Proof;
    type State = VerificationState;

    fn strategies() -> &'static [&'static dyn Strategy<Self>] {
        methods::VERIFICATION
    }

    fn frame(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}

    /// Not sorted, but the CSRF field of codes stands after what is to be filled in.
    fn sort(_cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        if flow.state.memory.method == Use::Link || flow.step == PASSED {
            return;
        }
        let Some(at) = ui.nodes.iter().position(|node| node.id() == "csrf_token") else {
            return;
        };
        let token = ui.nodes.remove(at);
        let resend = |node: &crate::ui::Node| matches!(node.id(), "email" | "sms");
        let before = ui.nodes.iter().position(resend);
        let end = ui.nodes.len();
        let place = before.filter(|_| flow.step == SENT).unwrap_or(end);
        ui.nodes.insert(place, token);
    }

    fn greet(flow: &mut Flow<Self>) {
        let message = match (flow.state.memory.notice, flow.state.via()) {
            (None, _) => return,
            (Some(Notice::Sent), _) if flow.state.memory.method == Use::Link => {
                text::verification_link_sent()
            }
            (Some(Notice::Sent), Via::Email) => text::verification_code_mailed(),
            (Some(Notice::Sent), Via::Sms) => text::verification_code_texted(),
            (Some(Notice::WrongCode), _) => text::wrong_verification_code(),
            (Some(Notice::Passed), Via::Email) => text::email_verified(),
            (Some(Notice::Passed), Via::Sms) => text::phone_verified(),
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

#[async_trait]
impl Challenge for Verification {
    const PURPOSE: Purpose = Purpose::Verification;
    type Done = ();

    fn config(cx: &Cx<'_>) -> ChallengeConfig {
        cx.project
            .config::<SelfService>()
            .flows
            .verification
            .clone()
    }

    fn memory(state: &VerificationState) -> &Memory {
        &state.memory
    }

    fn memory_mut(state: &mut VerificationState) -> &mut Memory {
        &mut state.memory
    }

    fn fresh(cx: &Cx<'_>) -> (VerificationState, &'static str) {
        let state = VerificationState {
            memory: Memory {
                method: Self::config(cx).method,
                ..Memory::default()
            },
            ..VerificationState::default()
        };
        (state, CHOOSE_METHOD)
    }

    fn nobody() -> Message {
        text::no_verification_strategy()
    }

    fn expired(at: DateTime<Utc>) -> Message {
        text::verification_expired(at)
    }

    fn completed() -> Message {
        text::verification_completed()
    }

    fn wrong_link() -> Message {
        text::wrong_verification_link()
    }

    async fn settle(cx: &Cx<'_>, flow: &mut Flow<Self>, proof: Proof) -> Result<Option<()>, Halt> {
        let after = Self::config(cx).after;
        let target = guard::target(cx, flow, after.default_browser_return_url.as_deref())?;
        let Some(address) = &proof.address else {
            return Ok(None);
        };
        let mut passed = flow.clone();
        passed.go_to(PASSED);
        passed.ui.action = target;
        let memory = &mut passed.state.memory;
        memory.address.clone_from(&address.value);
        memory.notice = Some(Notice::Passed);
        passed.active = Some(memory.method.as_str().to_owned());
        crate::submit::redrawn(cx, &mut passed, None).await?;
        let mut tx = cx.project.begin().await?;
        if !store::save(&mut tx, &passed).await?
            || !one_time::consume(&mut tx, proof.code_id).await?
        {
            return Ok(None);
        }
        if !addresses::mark_verified(&mut tx, proof.identity_id, address).await? {
            // It was theirs when the code was sent.
            return Err(Halt::refused(
                Refusal::form(text::wrong_verification_code()),
            ));
        }
        write::carry_out(&mut tx, &proof.effects, None).await?;
        tx.commit().await?;
        *flow = passed;
        Ok(Some(()))
    }
}

/// How a submission was answered.
#[derive(Debug)]
pub struct VerificationOutcome {
    /// The form as it stands.
    pub flow: Box<Flow<Verification>>,
    /// Something has to be mended.
    pub complains: bool,
}

/// Begin a verification by hand.
pub async fn begin(cx: &Cx<'_>, init: Init) -> Result<Flow<Verification>, Error> {
    challenge::begin(cx, init, |_| {}).await
}

/// A flow to be read, whatever its age.
pub async fn read(cx: &Cx<'_>, id: Option<Uuid>) -> Result<Flow<Verification>, Error> {
    challenge::read(cx, id).await
}

/// Submit an address or a code. A body that could not be decoded is a message on the form.
pub async fn submit(
    cx: &Cx<'_>,
    id: Uuid,
    submission: Result<Submission, String>,
) -> Result<VerificationOutcome, Error> {
    let turn = challenge::submit::<Verification>(cx, id, &submission).await?;
    let (flow, complains) = match turn {
        Turn::Form { flow, complains } => (flow, complains),
        Turn::Done(flow, ()) => (flow, false),
    };
    let flow = Box::new(flow);
    Ok(VerificationOutcome { flow, complains })
}

/// Follow the link of a mail with a code: it is shown in the form, not used. Whoever follows it may be
/// in another browser than the one that began; the form is theirs from now on.
pub async fn prefill(cx: &Cx<'_>, id: Uuid, code: &str) -> Result<Flow<Verification>, Error> {
    let mut flow = challenge::open::<Verification>(cx, id).await?;
    let is_code = code.len() <= CODE_BYTES_MAX && code.bytes().all(|b| b.is_ascii_alphanumeric());
    if flow.step != SENT || flow.state.memory.method != Use::Code || !is_code {
        return Ok(flow);
    }
    flow.state.prefilled = Some(code.to_owned());
    crate::submit::redrawn(cx, &mut flow, None).await?;
    let mut tx = cx.project.begin().await?;
    // Lost to another submission of the flow: that one has more to say.
    if store::save(&mut tx, &flow).await? {
        tx.commit().await?;
    }
    Ok(flow)
}

/// Follow the link of a mail with a token: it is used.
pub async fn redeem(cx: &Cx<'_>, id: Uuid, token: &str) -> Result<Flow<Verification>, Error> {
    let (flow, ()) = challenge::redeem::<Verification>(cx, id, token).await?;
    Ok(flow)
}

/// What makes an address known: a flow that is about to be written.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Who began that flow.
    pub transport: Transport,
    /// The absolute URL of its init request.
    pub request_url: &'a str,
    /// Where it ends, as it was asked for.
    pub return_to: Option<&'a str>,
    /// As the client sent it.
    pub transient_payload: Option<&'a Value>,
    /// What the visitor's CSRF cookie will hold once this is answered.
    pub csrf_secret: [u8; 32],
}

impl<'a> Occasion<'a> {
    /// That flow; the visitor keeps their CSRF cookie.
    pub fn of<K: Kind>(cx: &Cx<'_>, flow: &'a Flow<K>) -> Self {
        Self {
            transport: flow.transport,
            request_url: &flow.request_url,
            return_to: flow.return_to.as_deref(),
            transient_payload: flow.transient_payload.as_ref(),
            csrf_secret: cx.client.csrf_secret,
        }
    }

    /// The same for an answer that hands out the next CSRF secret.
    #[must_use]
    pub fn with_next_csrf(self, cx: &Cx<'_>) -> Self {
        Self {
            csrf_secret: cx.client.next_csrf_secret,
            ..self
        }
    }
}

/// Verifications that begin with something else.
#[derive(Debug, Default)]
pub struct Announcement {
    /// To be written with it.
    pub effects: Effects,
    /// How clients hear of them.
    pub shown: Vec<ContinueWith>,
}

/// Begin the verification of the first of somebody's addresses that `wants` it (of each, with the flag
/// `legacy_continue_with_verification_ui`), and mark it as sent. Nothing while verification is off.
pub async fn announce(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    identity: &mut Identity,
    wants: impl Fn(&VerifiableAddress) -> bool + Send,
) -> Result<Announcement, Halt> {
    let mut announcement = Announcement::default();
    if !Verification::config(cx).enabled {
        return Ok(announcement);
    }
    let each = cx
        .project
        .config::<FeatureFlags>()
        .legacy_continue_with_verification_ui;
    let wanted: Vec<usize> = (0..identity.verifiable_addresses.len())
        .filter(|at| wants(&identity.verifiable_addresses[*at]))
        .take(if each { usize::MAX } else { 1 })
        .collect();
    for at in wanted {
        let address = &mut identity.verifiable_addresses[at];
        if address.status == "pending" {
            "sent".clone_into(&mut address.status);
        }
        let address = Address {
            via: address.via,
            value: address.value.clone(),
        };
        limits::mail(cx, &address).await?;
        announce_one(cx, occasion, identity, &address, &mut announcement).await?;
    }
    Ok(announcement)
}

async fn announce_one(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    identity: &Identity,
    address: &Address,
    announcement: &mut Announcement,
) -> Result<(), Error> {
    let client = ClientInfo {
        csrf_secret: occasion.csrf_secret,
        ..cx.client.clone()
    };
    let cx = &Cx {
        client: &client,
        ..*cx
    };
    let mut flow = announced_flow(cx, occasion, address)?;
    let letter = Letter {
        flow_id: flow.id,
        purpose: Purpose::Verification,
        method: flow.state.memory.method,
        address,
        owner: Some(identity),
        request_url: occasion.request_url,
        transient_payload: occasion.transient_payload,
        notify_unknown: false,
    };
    let (letter, good_until) = letters::post(cx, &letter)?;
    flow.state.memory.good_until = Some(good_until);
    crate::submit::redrawn(cx, &mut flow, None).await?;
    let writes = &mut announcement.effects.0;
    writes.push(Write::BeginFlow(Box::new(NewFlow::of(&flow)?)));
    writes.extend(letter.0);
    let config = cx.project.config::<SelfService>();
    let page = config.flows.verification.ui_url.as_deref();
    let page = Pages::of(cx.project).page(page, "verification");
    announcement.shown.push(ContinueWith::ShowVerificationUi {
        flow_id: flow.id,
        address: address.value.clone(),
        url: with_query(&page, "flow", &flow.id.to_string()),
    });
    Ok(())
}

fn announced_flow(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    address: &Address,
) -> Result<Flow<Verification>, Error> {
    let (mut state, _) = Verification::fresh(cx);
    // A text message carries no link.
    if address.via == Via::Sms && cx.project.config::<CodeConfig>().is_enabled() {
        state.memory.method = Use::Code;
    }
    state.memory.address.clone_from(&address.value);
    state.memory.notice = Some(Notice::Sent);
    state.announced = true;
    let opening = Opening {
        transport: occasion.transport,
        request_url: occasion.request_url.to_owned(),
        return_to: return_to(cx, occasion),
        identity_schema: None,
        lifespan: Verification::config(cx).lifespan,
        state,
    };
    let mut flow = Flow::<Verification>::new(cx, opening);
    flow.go_to(SENT);
    flow.active = Some(flow.state.memory.method.as_str().to_owned());
    Ok(flow)
}

/// `after_verification_return_to` of the init request, else where that flow ends; neither when it is not
/// allowed.
fn return_to(cx: &Cx<'_>, occasion: Occasion<'_>) -> Option<String> {
    let asked = Url::parse(occasion.request_url).ok().and_then(|url| {
        let mut pairs = url.query_pairs();
        let found = pairs.find(|(name, _)| name == "after_verification_return_to");
        found.map(|(_, value)| value.into_owned())
    });
    let asked = asked.filter(|url| !url.is_empty());
    let asked = asked.or_else(|| occasion.return_to.map(str::to_owned));
    begin::return_to(cx, asked.as_deref()).ok().flatten()
}
