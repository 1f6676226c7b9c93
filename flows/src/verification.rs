//! The verification flow: somebody proves to read an address. Begun by hand, or by whatever makes an
//! address known ([`announce`]). It signs nobody in.

mod announce;
mod held;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::{
    addresses,
    one_time::{self, Purpose},
    schema::{Address, Via},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub(crate) use announce::hold;
pub use announce::{Announcement, Occasion, announce};
pub(crate) use held::{Held, is_taken, send_again};

use crate::{
    begin::Init,
    challenge::{self, Challenge, Memory, Notice, Proof, Turn},
    config::{ChallengeConfig, SelfService, Use},
    cx::Cx,
    decision::{Error, Halt, Refusal, Write},
    flow::{CHOOSE_METHOD, Flow, Kind, PASSED, SENT, Transport},
    guard,
    methods::{self, Strategy},
    store,
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
    /// Whose change waits for it: it goes when they go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<Uuid>,
    /// The change that waits for it, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
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

    /// API flows have no CSRF field, not even an empty one.
    fn frame(_cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        if flow.transport == Transport::Api {
            ui.remove("csrf_token");
        }
    }

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

    fn unclaimed(
        cx: &Cx<'_>,
        _flow: &mut Flow<Self>,
        submission: &Submission,
        nobody: Message,
    ) -> Halt {
        challenge::unclaimed(cx, submission, nobody)
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
        let held = match flow.state.held {
            Some(_) => match held::ready(cx, flow).await? {
                Some(ready) => Some(ready),
                None => return Err(no_more(flow, proof.code_id)),
            },
            None => None,
        };
        let passed = passed(cx, flow, target, address).await?;
        let mut tx = cx.project.begin().await?;
        if !store::save(&mut tx, &passed).await? {
            return Ok(None);
        }
        if let Some(held) = &held
            && !held.is_true(&mut tx).await?
        {
            return Err(no_more(flow, proof.code_id));
        }
        if !one_time::consume(&mut tx, proof.code_id).await? {
            return Ok(None);
        }
        if let Some(held) = &held {
            let written = held.new.write(&mut tx).await;
            written.map_err(|error| used_up(write::taken(error), proof.code_id))?;
        }
        if !addresses::mark_verified(&mut tx, proof.identity_id, address).await? {
            // It was theirs when the code was sent.
            return Err(no_more(flow, proof.code_id));
        }
        if let Some(held) = &held {
            write::carry_out(&mut tx, &held.effects, None).await?;
        }
        write::carry_out(&mut tx, &proof.effects, None).await?;
        tx.commit().await?;
        *flow = passed;
        Ok(Some(()))
    }
}

/// The flow once its secret was right.
async fn passed(
    cx: &Cx<'_>,
    flow: &Flow<Verification>,
    target: String,
    address: &Address,
) -> Result<Flow<Verification>, Error> {
    let mut passed = flow.clone();
    passed.go_to(PASSED);
    passed.ui.action = target;
    passed.state.held = None;
    let memory = &mut passed.state.memory;
    memory.address.clone_from(&address.value);
    memory.notice = Some(Notice::Passed);
    passed.active = Some(memory.method.as_str().to_owned());
    crate::submit::redrawn(cx, &mut passed, None).await?;
    Ok(passed)
}

/// What the secret was sent for is no more: it is as good as a wrong one, and nothing waits any longer.
fn no_more(flow: &mut Flow<Verification>, code_id: Uuid) -> Halt {
    flow.state.held = None;
    let message = match flow.state.memory.method {
        Use::Code => text::wrong_verification_code(),
        Use::Link => text::wrong_verification_link(),
    };
    used_up(Halt::refused(Refusal::form(message).mild()), code_id)
}

/// The same refusal, and the secret is good for nothing else.
fn used_up(halt: Halt, id: Uuid) -> Halt {
    match halt {
        Halt::Refused(refusal, mut effects) => {
            effects.0.push(Write::ConsumeCode { id });
            Halt::Refused(refusal, effects)
        }
        stopped @ Halt::Stopped(_) => stopped,
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
