//! The recovery flow: who proves to read an address of an account is let in, to choose a new way to
//! sign in. Two forms of it: one address is asked for, or one of several is chosen
//! (`feature_flags.choose_recovery_address`). Administrators can begin one for an account as well.

mod choice;
mod data;
mod finish;
mod handover;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::one_time::Purpose;
use serde::Deserialize;
use serde_json::{Map, Value};
use tenants::{Project, Section};

pub use choice::Choice;
pub(crate) use choice::{addresses_of, masked, token_of};
pub use data::RecoveryData;
pub(crate) use data::{ASK, CONFIRM, ENTER, PICK};
pub use finish::Recovered;
pub use handover::{HandedOver, Handover, hand_over};

use crate::{
    engine::{
        address_proof::{
            self, AddressProof, AddressProofConfig, DeliveryMethod, Notice, Proof, ProofData,
        },
        after::HookConfig,
        attempt::Attempt,
        begin::{Init, signed_in_already},
        cx::Cx,
        decision::{Effects, Error, Halt, Refusal},
        flags::FeatureFlags,
        flow::{CHOOSE_METHOD, Flow, NewFlow},
        kind::{Ending, Kind},
        submission::Submission,
    },
    ui::{Message, Ui, text},
};

/// Get back into an account.
#[derive(Clone, Debug)]
pub struct Recovery;

/// `selfservice.flows.recovery`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct RecoveryConfig(pub AddressProofConfig);

impl Section for RecoveryConfig {
    const POINTER: &'static str = "/selfservice/flows/recovery";
}

/// What a visitor asks of a new recovery.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecoveryParams {
    /// End at the return URL rather than in the settings.
    pub skip_settings: bool,
}

#[async_trait]
impl Kind for Recovery {
    const NAME: &'static str = "recovery";
    type Params = RecoveryParams;
    type Data = RecoveryData;
    type Decision = Proof;
    type Rest = Proof;
    type Done = Recovered;

    fn ui_url(project: &Project) -> Option<String> {
        project.config::<RecoveryConfig>().0.ui_url.clone()
    }

    fn lifespan(cx: &Cx<'_>) -> std::time::Duration {
        Self::config(cx).lifespan
    }

    fn serve(cx: &Cx<'_>) -> Result<(), Error> {
        address_proof::serve::<Self>(cx)
    }

    /// A visitor who is signed in has nothing to recover.
    fn open(cx: &Cx<'_>, init: Init, params: &RecoveryParams) -> Result<NewFlow<Self>, Error> {
        Self::serve(cx)?;
        if cx.session.is_some() {
            return Err(signed_in_already(cx, None));
        }
        let mut new = address_proof::open::<Self>(cx, init)?;
        new.data.skip_settings = params.skip_settings;
        Ok(new)
    }

    fn renewed(cx: &Cx<'_>, _former: &Flow<Self>) -> (RecoveryData, &'static str) {
        Self::fresh(cx)
    }

    fn expired(at: DateTime<Utc>) -> Message {
        text::recovery_expired(at)
    }

    fn common_nodes(_cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        if flow.data.by_administrator {
            ui.set_value("csrf_token", "".into());
        }
    }

    fn notices(flow: &mut Flow<Self>) {
        let proof = &flow.data.proof;
        let message = match (proof.notice, flow.state.as_str()) {
            (Some(Notice::WrongCode), _) => text::wrong_recovery_code(),
            (_, PICK) => text::choose_recovery_address(),
            (_, CONFIRM) => text::enter_full_address(),
            (Some(Notice::Sent), ENTER) => text::recovery_code_sent_to(&masked(&proof.address)),
            (Some(Notice::Sent), _) if proof.method == DeliveryMethod::Link => {
                text::recovery_link_sent()
            }
            (Some(Notice::Sent), _) => text::recovery_code_sent(),
            (Some(Notice::Passed) | None, _) => return,
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
        text::no_recovery_strategy()
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
        _attempt: &mut Attempt,
        ending: &mut Ending<Self>,
    ) -> Result<Recovered, Halt> {
        finish::finish(cx, flow, ending).await
    }
}

impl AddressProof for Recovery {
    const PURPOSE: Purpose = Purpose::Recovery;

    fn config(cx: &Cx<'_>) -> AddressProofConfig {
        cx.project.config::<RecoveryConfig>().0.clone()
    }

    fn proof(data: &RecoveryData) -> &ProofData {
        &data.proof
    }

    fn proof_mut(data: &mut RecoveryData) -> &mut ProofData {
        &mut data.proof
    }

    fn fresh(cx: &Cx<'_>) -> (RecoveryData, &'static str) {
        let method = Self::config(cx).method;
        let flags = cx.project.config::<FeatureFlags>();
        let first = if method == DeliveryMethod::Code && flags.choose_recovery_address {
            ASK
        } else {
            CHOOSE_METHOD
        };
        (RecoveryData::by(method), first)
    }

    fn completed() -> Message {
        text::recovery_completed()
    }

    fn wrong_link() -> Message {
        text::wrong_recovery_link()
    }
}
