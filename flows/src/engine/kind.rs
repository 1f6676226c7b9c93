//! What makes a kind of flow: what it remembers, what its form is, when a submission is admitted, and how
//! it ends. The machine ([`super::run`]) is the same for all of them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tenants::Project;

use super::{
    after::HookConfig,
    attempt::Attempt,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal},
    flow::{CHOOSE_METHOD, Flow, NewFlow},
    hook::{Hook, Next, Subject},
    init::Init,
    strategy::Strategy,
    submission::Submission,
};
use crate::ui::{Message, Ui};

/// The methods and hooks that a kind of flow has. Implemented in `catalog.rs`, above the methods, so that no
/// kind names a method.
pub trait Listed: Sized + Send + Sync + 'static {
    /// The kind that a method may go on as, when it turns out to be about something else: a login whose
    /// person is unknown is a registration. Itself, where there is none.
    type Counterpart: Kind + Listed<Counterpart = Self>;

    /// The methods that take part, in the order in which they are drawn and asked.
    fn strategies() -> &'static [&'static dyn Strategy<Self>]
    where
        Self: Kind;

    /// A hook that may follow this kind of flow; `None` for a name that it does not have.
    fn hook(configured: &HookConfig) -> Option<Box<dyn Hook>>;
}

/// A kind of flow.
#[async_trait]
pub trait Kind: Listed {
    /// `login`, `registration` …, as paths and tables have it.
    const NAME: &'static str;
    /// Its `state` when it begins.
    const FIRST_STATE: &'static str = CHOOSE_METHOD;
    /// What the init request asks for, beyond what every kind can be asked.
    type Params: Default + Send + Sync;
    /// What is remembered between two requests.
    type Data: Serialize + DeserializeOwned + Default + Clone + Send + Sync + std::fmt::Debug;
    /// What a method hands over that is satisfied.
    type Decision: Send;
    /// What of a decision the last transaction needs besides the subject.
    type Rest: Send;
    /// What a completed flow hands back.
    type Done: AsMut<Next> + Send + std::fmt::Debug;

    /// The address of its page as configured, if it is.
    fn ui_url(project: &Project) -> Option<String>;
    /// How long a flow can be used.
    fn lifespan(cx: &Cx<'_>) -> std::time::Duration;
    /// May this request have anything to do with such a flow? Asked before one is loaded.
    fn serve(_cx: &Cx<'_>) -> Result<(), Error> {
        Ok(())
    }
    /// A flow as the init request wants it, not drawn yet; or why there is none.
    fn open(cx: &Cx<'_>, init: Init, params: &Self::Params) -> Result<NewFlow<Self>, Error>;
    /// What takes the place of a flow that is of no further use: its data and its state.
    fn renewed(cx: &Cx<'_>, former: &Flow<Self>) -> (Self::Data, &'static str);
    /// What such a successor says when the former one expired.
    fn expired(at: DateTime<Utc>) -> Message;

    /// Nodes that belong to no single method, drawn first.
    fn common_nodes(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}
    /// The order on the page; as drawn, unless a kind says otherwise.
    fn order_nodes(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}
    /// What a new form says.
    fn welcome(_cx: &Cx<'_>, _flow: &mut Flow<Self>) {}
    /// What a screen says that was asked for, rather than refused.
    fn notices(_flow: &mut Flow<Self>) {}
    /// Keys that only this kind shows to clients.
    fn extra_fields(_flow: &Flow<Self>, _view: &mut Map<String, Value>) {}
    /// `active` of a form that was refused, unless the refusal names a method.
    fn active(flow: &Flow<Self>) -> Option<String> {
        flow.active_screen().map(|screen| screen.method.to_owned())
    }

    /// May this flow be submitted by this visitor? What every judgement begins with is set here.
    fn admit(cx: &Cx<'_>, flow: &mut Flow<Self>) -> Result<(), Halt>;
    /// What the form says when no strategy claims the submission.
    fn no_strategy() -> Message;
    /// The answer when no strategy claims the submission.
    async fn unclaimed(_cx: &Cx<'_>, _flow: &mut Flow<Self>, _submission: &Submission) -> Halt {
        Halt::refused(Refusal::form(Self::no_strategy()))
    }
    /// What becomes of a refusal when the browser came back from elsewhere, instead of submitting a form.
    fn refused_return(refusal: Refusal, effects: Effects) -> Halt {
        Halt::Refused(refusal, effects)
    }

    /// The hooks that are configured to follow `method`, in order.
    fn hooks(cx: &Cx<'_>, method: &str) -> Vec<HookConfig>;
    /// The hooks that come before such a flow, in order.
    fn hooks_before(_cx: &Cx<'_>) -> Vec<HookConfig> {
        Vec::new()
    }
    /// From what a method decided to what will be written: who it is about, with final ids, and where the
    /// browser goes. Nothing is written yet.
    async fn prepare(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        decision: Self::Decision,
    ) -> Result<Ending<Self>, Halt>;
    /// The one transaction. [`Halt::Outdated`] when what was judged is not true any more.
    async fn finish(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        attempt: &mut Attempt,
        ending: &mut Ending<Self>,
    ) -> Result<Self::Done, Halt>;
}

/// How a flow is about to end: hooks see and amend the subject, then it is written.
pub struct Ending<K: Kind> {
    /// What the last transaction needs besides.
    pub rest: K::Rest,
    /// Who it is about, and what is written.
    pub subject: Subject,
    /// Where the browser goes.
    pub target: String,
}
