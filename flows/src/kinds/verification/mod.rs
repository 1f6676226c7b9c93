//! The verification flow: an address is proved to be read by its owner. Begun by hand, or by whatever makes an
//! address known ([`announce`]). It signs nobody in.

mod announce;
mod data;
mod finish;
mod held;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::{one_time::Purpose, schema::Via};
use serde::Deserialize;
use serde_json::{Map, Value};
use tenants::{Project, Section};
use uuid::Uuid;

pub use announce::{Announcement, Occasion, announce};
pub use data::VerificationData;
pub use finish::Verified;
pub(crate) use held::{Held, hold, is_taken, send_again};

use crate::{
    engine::{
        address_proof::{
            self, AddressProof, AddressProofConfig, DeliveryMethod, Notice, Proof, ProofData,
        },
        after::HookConfig,
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Error, Halt, Refusal},
        flow::{CHOOSE_METHOD, Flow, NewFlow, PASSED, SENT, Transport},
        form,
        init::Init,
        kind::{Ending, Kind},
        run, store,
        submission::Submission,
    },
    ui::{Message, Ui, text},
};

/// More is no code, and is not shown in a form.
const CODE_BYTES_MAX: usize = 16;

/// Prove an address.
#[derive(Clone, Debug)]
pub struct Verification;

/// `selfservice.flows.verification`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct VerificationConfig(pub AddressProofConfig);

impl Section for VerificationConfig {
    const POINTER: &'static str = "/selfservice/flows/verification";
}

#[async_trait]
impl Kind for Verification {
    const NAME: &'static str = "verification";
    type Params = ();
    type Data = VerificationData;
    type Decision = Proof;
    type Rest = Proof;
    type Done = Verified;

    fn ui_url(project: &Project) -> Option<String> {
        project.config::<VerificationConfig>().0.ui_url.clone()
    }

    fn lifespan(cx: &Cx<'_>) -> std::time::Duration {
        Self::config(cx).lifespan
    }

    fn serve(cx: &Cx<'_>) -> Result<(), Error> {
        address_proof::serve::<Self>(cx)
    }

    fn open(cx: &Cx<'_>, init: Init, (): &()) -> Result<NewFlow<Self>, Error> {
        Self::serve(cx)?;
        address_proof::open(cx, init)
    }

    fn renewed(cx: &Cx<'_>, _former: &Flow<Self>) -> (VerificationData, &'static str) {
        Self::fresh(cx)
    }

    fn expired(at: DateTime<Utc>) -> Message {
        text::verification_expired(at)
    }

    /// API flows have no CSRF field, not even an empty one.
    fn common_nodes(_cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        if flow.transport == Transport::Api {
            ui.remove("csrf_token");
        }
    }

    /// Not sorted, but the CSRF field of codes stands after what is to be filled in.
    fn order_nodes(_cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        if flow.data.proof.method == DeliveryMethod::Link || flow.state == PASSED {
            return;
        }
        let Some(at) = ui.nodes.iter().position(|node| node.id() == "csrf_token") else {
            return;
        };
        let token = ui.nodes.remove(at);
        let resend = |node: &crate::ui::Node| matches!(node.id(), "email" | "sms");
        let before = ui.nodes.iter().position(resend);
        let end = ui.nodes.len();
        let place = before.filter(|_| flow.state == SENT).unwrap_or(end);
        ui.nodes.insert(place, token);
    }

    fn notices(flow: &mut Flow<Self>) {
        let message = match (flow.data.proof.notice, flow.data.via()) {
            (None, _) => return,
            (Some(Notice::Sent), _) if flow.data.proof.method == DeliveryMethod::Link => {
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

    fn extra_fields(flow: &Flow<Self>, view: &mut Map<String, Value>) {
        address_proof::extra_fields(flow, view);
    }

    fn active(flow: &Flow<Self>) -> Option<String> {
        Some(flow.data.proof.method.as_str().to_owned())
    }

    fn admit(cx: &Cx<'_>, flow: &mut Flow<Self>) -> Result<(), Halt> {
        address_proof::admit(cx, flow)
    }

    fn no_strategy() -> Message {
        text::no_verification_strategy()
    }

    async fn unclaimed(cx: &Cx<'_>, _flow: &mut Flow<Self>, submission: &Submission) -> Halt {
        address_proof::unclaimed::<Self>(cx, submission)
    }

    fn refused_return(refusal: Refusal, effects: Effects) -> Halt {
        address_proof::refused_return::<Self>(refusal, effects)
    }

    fn hooks(cx: &Cx<'_>, _method: &str) -> Vec<HookConfig> {
        Self::config(cx).after.hooks
    }

    async fn prepare(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        proof: Proof,
    ) -> Result<Ending<Self>, Halt> {
        finish::prepare(cx, flow, proof).await
    }

    async fn finish(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        attempt: &mut Attempt,
        ending: &mut Ending<Self>,
    ) -> Result<Verified, Halt> {
        finish::finish(cx, flow, attempt, ending).await
    }
}

impl AddressProof for Verification {
    const PURPOSE: Purpose = Purpose::Verification;

    fn config(cx: &Cx<'_>) -> AddressProofConfig {
        cx.project.config::<VerificationConfig>().0.clone()
    }

    fn proof(data: &VerificationData) -> &ProofData {
        &data.proof
    }

    fn proof_mut(data: &mut VerificationData) -> &mut ProofData {
        &mut data.proof
    }

    fn fresh(cx: &Cx<'_>) -> (VerificationData, &'static str) {
        let proof = ProofData {
            method: Self::config(cx).method,
            ..ProofData::default()
        };
        let data = VerificationData {
            proof,
            ..VerificationData::default()
        };
        (data, CHOOSE_METHOD)
    }

    fn completed() -> Message {
        text::verification_completed()
    }

    fn wrong_link() -> Message {
        text::wrong_verification_link()
    }
}

/// Follow the link of a mail with a code: it is shown in the form, not used. It may be followed in another browser
/// than the one that began; the form belongs to that one from now on.
pub async fn prefill(cx: &Cx<'_>, id: Uuid, code: &str) -> Result<Flow<Verification>, Error> {
    let (mut flow, tx) = run::load::<Verification>(cx, id).await?;
    drop(tx);
    let former_active = flow.active.clone();
    if let Err(halt) = Verification::admit(cx, &mut flow) {
        return Err(run::ended(cx, &flow, halt).await);
    }
    flow.active = former_active;
    let is_code = code.len() <= CODE_BYTES_MAX && code.bytes().all(|b| b.is_ascii_alphanumeric());
    if flow.state != SENT || flow.data.proof.method != DeliveryMethod::Code || !is_code {
        return Ok(flow);
    }
    flow.data.prefilled = Some(code.to_owned());
    form::redraw(cx, &mut flow, None).await?;
    let mut tx = cx.project.begin().await?;
    // Lost to another submission of the flow: that one has more to say.
    if store::save(&mut tx, &flow).await? {
        tx.commit().await?;
    }
    Ok(flow)
}
