//! What recovery and verification have in common: a secret is sent to an address and has to come back.
//! Both answer alike whether any account has the address or not.

mod send;

use chrono::{DateTime, Utc};
use identity::{
    normalize,
    one_time::{self, Judged, Purpose},
    schema::Address,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use tenants::{Tx, config::units};
use uuid::Uuid;

pub(crate) use send::{SendSecret, send, send_to};

use super::{
    after::After,
    attempt::Attempt,
    begin::return_to,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal},
    flow::{Flow, NewFlow},
    init::Init,
    kind::Kind,
    limits,
    run::{self, Arrival, Outcome},
    store,
    strategy::Step,
    submission::Submission,
};
use crate::ui::{Message, text};

/// `selfservice.flows.{recovery,verification}.*`: a secret is sent to an address and has to come back.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct AddressProofConfig {
    /// Is it served?
    pub enabled: bool,
    /// Default: the project's own page.
    pub ui_url: Option<String>,
    /// How long a flow can be used.
    #[serde(with = "units::duration")]
    pub lifespan: Duration,
    /// What is sent.
    #[serde(rename = "use")]
    pub method: DeliveryMethod,
    /// Is an address that no account has told so by mail?
    pub notify_unknown_recipients: bool,
    /// What happens at its end.
    pub after: After,
}

impl Default for AddressProofConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            ui_url: None,
            lifespan: Duration::from_hours(1),
            method: DeliveryMethod::Code,
            notify_unknown_recipients: false,
            after: After::default(),
        }
    }
}

/// What is sent to an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryMethod {
    /// Digits to type.
    #[default]
    Code,
    /// A link to follow.
    Link,
}

impl DeliveryMethod {
    /// The method's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
        }
    }
}

/// What such a flow remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProofData {
    /// What is sent; fixed when the flow begins.
    pub method: DeliveryMethod,
    /// Where it was sent, as the visitor typed it.
    pub address: String,
    /// What the form says when nothing was refused.
    pub notice: Option<Notice>,
    /// Until when what was sent last is good.
    pub good_until: Option<DateTime<Utc>>,
}

/// What a form says that was asked for, rather than refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Something is on its way.
    Sent,
    /// The code is not right; it may be tried again.
    WrongCode,
    /// It was right.
    Passed,
}

/// A secret came back.
#[derive(Debug)]
pub struct Proof {
    /// The secret, still to be consumed.
    pub code_id: Uuid,
    /// The identity that it was made for.
    pub identity_id: Uuid,
    /// Where it was sent; `None` when an administrator handed it over.
    pub address: Option<Address>,
    /// What is written with it.
    pub effects: Effects,
}

/// A kind of flow that sends a secret and waits for it.
pub trait AddressProof: Kind<Decision = Proof> {
    /// What secrets of this kind prove.
    const PURPOSE: Purpose;

    /// Its part of the configuration.
    fn config(cx: &Cx<'_>) -> AddressProofConfig;
    /// What is remembered of what was sent.
    fn proof(data: &Self::Data) -> &ProofData;
    /// The same, to be changed.
    fn proof_mut(data: &mut Self::Data) -> &mut ProofData;
    /// The data and the state that a new flow begins with.
    fn fresh(cx: &Cx<'_>) -> (Self::Data, &'static str);
    /// The flow was completed before.
    fn completed() -> Message;
    /// The link is none of this flow's, or was used.
    fn wrong_link() -> Message;
}

/// These flows are off until the project switches them on.
pub(crate) fn serve<K: AddressProof>(cx: &Cx<'_>) -> Result<(), Error> {
    if K::config(cx).enabled {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "The {} flow is disabled in this project.",
        K::NAME
    )))
}

/// A flow as its init request wants it.
pub(crate) fn open<K: AddressProof>(cx: &Cx<'_>, init: Init) -> Result<NewFlow<K>, Error> {
    let (data, state) = K::fresh(cx);
    Ok(NewFlow {
        transport: init.transport,
        request_url: init.request_url,
        return_to: return_to(cx, init.return_to.as_deref())?,
        identity_schema: None,
        lifespan: K::config(cx).lifespan,
        data,
        state,
    })
}

/// What both show: `active` is preset, so that clients know what will be sent.
pub(crate) fn extra_fields<K: AddressProof>(flow: &Flow<K>, view: &mut Map<String, Value>) {
    view.shift_remove("organization_id");
    let method = K::proof(&flow.data).method.as_str();
    view.entry("active").or_insert_with(|| method.into());
}

/// A flow to be read, whatever its age.
pub async fn read<K: AddressProof>(cx: &Cx<'_>, id: Option<Uuid>) -> Result<Flow<K>, Error> {
    K::serve(cx)?;
    let id = id.ok_or(Error::NotFound)?;
    let flow = store::load::<K>(cx.project, id).await?;
    flow.ok_or(Error::NotFound)
}

/// Follow the link of a mail: its token is used.
pub async fn redeem<K: AddressProof>(
    cx: &Cx<'_>,
    id: Uuid,
    token: &str,
) -> Result<Outcome<K>, Error> {
    let token = [("token".to_owned(), token.to_owned())];
    let arrival = Arrival::Return {
        method: DeliveryMethod::Link.as_str(),
        brings: Submission::from_form(token.to_vec()),
    };
    run::run(cx, id, arrival).await
}

/// An expired flow is replaced.
pub(crate) fn admit<K: AddressProof>(cx: &Cx<'_>, flow: &mut Flow<K>) -> Result<(), Halt> {
    if flow.is_expired(cx.project.now()) {
        return Err(Halt::Expired(flow.expires_at));
    }
    // Every answer is in the method that sends.
    flow.active = K::active(flow);
    Ok(())
}

/// A method that is switched off is not there; for any other there is only the form.
pub(crate) fn unclaimed<K: AddressProof>(cx: &Cx<'_>, submission: &Submission) -> Halt {
    let mut strategies = K::strategies().iter();
    let named = strategies.find(|strategy| submission.method() == Some(strategy.id()));
    if named.is_some_and(|strategy| !strategy.is_enabled(cx)) {
        return Error::MethodDisabled.into();
    }
    Halt::refused(Refusal::form(K::no_strategy()))
}

/// There is no form on which to say why a link is refused: a new one does.
pub(crate) fn refused_return<K: AddressProof>(refusal: Refusal, effects: Effects) -> Halt {
    let said = refusal.complaints.into_iter().next().map(|(_, said)| said);
    Halt::Replaced(Box::new(said.unwrap_or_else(K::wrong_link)), effects)
}

/// How long a secret of that method is good in this kind of flow.
pub(crate) fn lifespan<K: AddressProof>(cx: &Cx<'_>, method: DeliveryMethod) -> Duration {
    let mut strategies = K::strategies().iter();
    let strategy = strategies.find(|strategy| strategy.id() == method.as_str());
    let lifespan = strategy.and_then(|strategy| strategy.lifespan(cx));
    lifespan.unwrap_or_default()
}

/// The code was right, once.
pub(crate) fn used() -> Halt {
    Halt::replaced(text::code_used())
}

/// Judge a code that came back. The try is counted first, and stays counted.
pub(crate) async fn use_code<K: AddressProof>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    attempt: &mut Attempt,
    mut tx: Tx,
    (code, tries_max): (&str, i32),
) -> Result<Step<K>, Halt> {
    // What an administrator handed over went to no address.
    let tried_for = match K::proof(&flow.data).address.as_str() {
        "" => flow.id.to_string(),
        typed => normalize::identifier(typed),
    };
    let tries = limits::code_try(attempt, &mut tx, flow.id).await?;
    let (mut tx, guess) = limits::guess_code(cx, attempt, tx, &tried_for).await?;
    let judged = one_time::judge(&mut tx, (flow.id, K::PURPOSE), code.trim()).await?;
    tx.commit().await?;
    if tries > guess.tries_max(tries_max) {
        return Err(Halt::replaced(text::code_tried_too_often()));
    }
    match judged {
        Judged::Used => Err(used()),
        Judged::Right(found) => match proof(found) {
            Some(mut proof) => {
                proof.effects.push(guess.forgive);
                Ok(Step::Decided(proof))
            }
            None => Ok(wrong_code(flow)),
        },
        Judged::Expired => Ok(wrong_code(flow)),
        Judged::Wrong => {
            limits::wrong(cx).await?;
            Ok(wrong_code(flow))
        }
    }
}

fn proof(found: one_time::Found) -> Option<Proof> {
    Some(Proof {
        code_id: found.id,
        identity_id: found.identity_id?,
        address: Some(found.address).filter(|address| !address.value.is_empty()),
        effects: Effects::default(),
    })
}

fn wrong_code<K: AddressProof>(flow: &mut Flow<K>) -> Step<K> {
    K::proof_mut(&mut flow.data).notice = Some(Notice::WrongCode);
    Step::Ask(Effects::default())
}

/// Judge the token of a link that was followed.
pub(crate) async fn use_link<K: AddressProof>(
    flow: &Flow<K>,
    mut tx: Tx,
    token: &str,
) -> Result<Step<K>, Halt> {
    let judged = one_time::judge(&mut tx, (flow.id, K::PURPOSE), token).await?;
    drop(tx);
    let data = K::proof(&flow.data);
    let proof = match judged {
        Judged::Right(found) if data.method == DeliveryMethod::Link => proof(found),
        Judged::Expired => {
            return Err(Halt::Expired(data.good_until.unwrap_or(flow.expires_at)));
        }
        _ => None,
    };
    let proof = proof.ok_or_else(|| Halt::replaced(K::wrong_link()))?;
    Ok(Step::Decided(proof))
}
