//! What recovery and verification have in common: a secret is sent to an address and has to come back.
//! Both answer alike whether anybody has the address or not. A submission that meets a newer state of
//! its flow is judged again, never laid over it.

mod send;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::{
    limits::Bucket,
    normalize,
    one_time::{self, Judged, Purpose},
    schema::Address,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use send::{send, send_to};

use crate::{
    config::{ChallengeConfig, Use},
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal, Step, Write},
    flow::{Flow, Kind, Opening},
    limits,
    methods::{code::CodeConfig, link::LinkConfig},
    store,
    submission::Submission,
    submit,
    ui::{Message, text},
    write,
};

/// Submissions of one flow at the same moment take turns this often before one is told to try again.
const TURNS_MAX: u32 = 12;
const TOO_OFTEN: &str = "A code was tried too often. Please ask for another one.";
const USED: &str = "This code was used already. Please ask for another one.";

/// What such a flow remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// What is sent; fixed when the flow begins.
    pub method: Use,
    /// Where it was sent, as somebody typed it.
    pub address: String,
    /// What the form says when nothing was refused.
    pub notice: Option<Notice>,
    /// Until when what was sent last is good.
    pub good_until: Option<DateTime<Utc>>,
    /// What was counted of the submission being judged.
    #[serde(skip)]
    pub(crate) counted: Counted,
}

/// A submission that is judged again, because another was faster, is not counted again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// How often a code was tried in this flow, this time included.
    tries: Option<i32>,
    /// The guess at whoever has the address.
    guess: Vec<Bucket>,
    /// The message that it causes.
    mail: bool,
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
    /// Whose it is.
    pub identity_id: Uuid,
    /// Where it was sent; `None` when an administrator handed it over.
    pub address: Option<Address>,
    /// What is written with it.
    pub effects: Effects,
}

/// A kind of flow that sends a secret and waits for it.
#[async_trait]
pub(crate) trait Challenge: Kind<Decision = Proof> {
    /// What secrets of this kind prove.
    const PURPOSE: Purpose;
    /// What a completed flow hands back.
    type Done: Send;

    fn config(cx: &Cx<'_>) -> ChallengeConfig;
    fn memory(state: &Self::State) -> &Memory;
    fn memory_mut(state: &mut Self::State) -> &mut Memory;
    /// The state and the step that a new flow begins with.
    fn fresh(cx: &Cx<'_>) -> (Self::State, &'static str);

    /// No method took the submission.
    fn nobody() -> Message;
    fn expired(at: DateTime<Utc>) -> Message;
    fn completed() -> Message;
    fn wrong_link() -> Message;

    /// Hooks, then the one transaction. `None`: the flow changed meanwhile, or somebody was faster.
    async fn settle(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        proof: Proof,
    ) -> Result<Option<Self::Done>, Halt>;
}

/// How a submission ended.
pub(crate) enum Turn<K: Challenge> {
    /// The form again; `complains` when something has to be mended.
    Form { flow: Flow<K>, complains: bool },
    /// The secret was right.
    Done(Flow<K>, K::Done),
}

/// A new flow, drawn and stored.
pub(crate) async fn begin<K: Challenge>(
    cx: &Cx<'_>,
    init: crate::begin::Init,
    adjust: impl FnOnce(&mut K::State),
) -> Result<Flow<K>, Error> {
    let config = K::config(cx);
    if !config.enabled {
        return Err(disabled::<K>());
    }
    let return_to = crate::begin::return_to(cx, init.return_to.as_deref())?;
    let (mut state, step) = K::fresh(cx);
    adjust(&mut state);
    let mut flow = Flow::<K>::new(
        cx,
        Opening {
            transport: init.transport,
            request_url: init.request_url,
            return_to,
            identity_schema: None,
            lifespan: config.lifespan,
            state,
        },
    );
    flow.go_to(step);
    crate::begin::draw(cx, &mut flow).await?;
    store::insert(cx.project, &flow).await?;
    Ok(flow)
}

/// A method that is switched off is not there; for any other there is only the form.
pub(crate) fn unclaimed(cx: &Cx<'_>, submission: &Submission, nobody: Message) -> Halt {
    let is_off = match submission.method() {
        Some("code") => !cx.project.config::<CodeConfig>().is_enabled(),
        Some("link") => !cx.project.config::<LinkConfig>().enabled,
        _ => false,
    };
    if is_off {
        return Error::MethodDisabled.into();
    }
    Halt::refused(Refusal::form(nobody))
}

/// These flows are off until somebody switches them on.
pub(crate) fn disabled<K: Challenge>() -> Error {
    Error::BadRequest(format!("The {} flow is disabled in this project.", K::NAME))
}

/// A flow to be read, whatever its age.
pub(crate) async fn read<K: Challenge>(cx: &Cx<'_>, id: Option<Uuid>) -> Result<Flow<K>, Error> {
    if !K::config(cx).enabled {
        return Err(disabled::<K>());
    }
    let id = id.ok_or(Error::NotFound)?;
    let flow = store::load::<K>(cx.project, id).await?;
    flow.ok_or(Error::NotFound)
}

/// A flow that can still be used; an expired one is replaced.
pub(crate) async fn open<K: Challenge>(cx: &Cx<'_>, id: Uuid) -> Result<Flow<K>, Error> {
    if !K::config(cx).enabled {
        return Err(disabled::<K>());
    }
    let flow = store::load::<K>(cx.project, id)
        .await?
        .ok_or(Error::NotFound)?;
    if flow.is_expired(cx.project.now()) {
        let expired_at = flow.expires_at;
        return Err(expired(cx, &flow, expired_at).await);
    }
    Ok(flow)
}

pub(crate) async fn expired<K: Challenge>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    expired_at: DateTime<Utc>,
) -> Error {
    match successor(cx, flow, K::expired(expired_at)).await {
        Ok(replacement) => Error::Expired {
            expired_at,
            since: (cx.project.now() - expired_at).to_std().unwrap_or_default(),
            transport: flow.transport,
            replacement,
        },
        Err(error) => error,
    }
}

/// Another flow in the place of one that is of no further use. Always an error: that is how the client
/// hears of it.
pub(crate) async fn replaced<K: Challenge>(cx: &Cx<'_>, flow: &Flow<K>, message: Message) -> Error {
    let because = message.text.clone();
    match successor(cx, flow, message).await {
        Ok(replacement) => Error::Replaced {
            replacement,
            because,
        },
        Err(error) => error,
    }
}

async fn successor<K: Challenge>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    message: Message,
) -> Result<Uuid, Error> {
    let (state, step) = K::fresh(cx);
    let lifespan = K::config(cx).lifespan;
    submit::successor(cx, flow, (state, step), (lifespan, message))
        .await
        .map(|flow| flow.id)
}

/// Judge a submission and write what follows.
pub(crate) async fn submit<K: Challenge>(
    cx: &Cx<'_>,
    id: Uuid,
    submission: &Result<Submission, String>,
) -> Result<Turn<K>, Error> {
    let mut counted = Counted::default();
    for _ in 0..TURNS_MAX {
        let mut flow = open::<K>(cx, id).await?;
        K::memory_mut(&mut flow.state).counted = counted;
        let step = match submit::ask(cx, &mut flow, submission, K::nobody).await {
            Ok(Step::Decided(proof)) => match K::settle(cx, &mut flow, proof).await {
                Ok(Some(done)) => return Ok(Turn::Done(flow, done)),
                Ok(None) => {
                    counted = K::memory(&flow.state).counted.clone();
                    continue;
                }
                Err(halt) => Err(halt),
            },
            Ok(Step::Ask(effects)) => Ok(effects),
            Err(halt) => Err(halt),
        };
        counted = K::memory(&flow.state).counted.clone();
        let (refusal, effects) = match step {
            Ok(effects) => (None, effects),
            Err(Halt::Refused(refusal, effects)) => (Some(refusal), effects),
            Err(Halt::Stopped(Error::Spent(message))) => {
                return Err(replaced(cx, &flow, *message).await);
            }
            Err(Halt::Stopped(error)) => return Err(error),
        };
        if let Some(flow) = write(cx, flow, refusal.as_ref(), &effects).await? {
            let complains = refusal.is_some_and(|refusal| !refusal.is_mild);
            return Ok(Turn::Form { flow, complains });
        }
    }
    Err(submit::busy())
}

/// Draw the form and store it with what goes with it. `None`: another submission was faster.
async fn write<K: Challenge>(
    cx: &Cx<'_>,
    mut flow: Flow<K>,
    refusal: Option<&Refusal>,
    effects: &Effects,
) -> Result<Option<Flow<K>>, Error> {
    flow.active = Some(K::memory(&flow.state).method.as_str().to_owned());
    submit::redrawn(cx, &mut flow, refusal).await?;
    let mut tx = cx.project.begin().await?;
    if !store::save(&mut tx, &flow).await? {
        return Ok(None);
    }
    match write::carry_out(&mut tx, effects, None).await {
        Ok(()) => {}
        Err(Halt::Refused(..)) => return Ok(None),
        Err(Halt::Stopped(error)) => return Err(error),
    }
    tx.commit().await?;
    flow.version += 1;
    Ok(Some(flow))
}

fn tries_max(cx: &Cx<'_>) -> i32 {
    cx.project.config::<CodeConfig>().config.max_submissions
}

/// The code was right, once.
pub(crate) fn used() -> Halt {
    spent(USED)
}

fn spent(why: &str) -> Halt {
    Error::Spent(Box::new(text::generic(why))).into()
}

/// Judge a code that came back. The try is counted first, in a commit of its own.
pub(crate) async fn use_code<K: Challenge>(
    cx: &Cx<'_>,
    flow: &mut Flow<K>,
    code: &str,
) -> Result<Step<Proof>, Halt> {
    let memory = K::memory_mut(&mut flow.state);
    let tries = if let Some(tries) = memory.counted.tries {
        tries
    } else {
        // What an administrator handed over went to no address.
        let whose = match memory.address.as_str() {
            "" => flow.id.to_string(),
            typed => normalize::identifier(typed),
        };
        memory.counted.guess = limits::guess_code(cx, &whose).await?;
        one_time::count_submission(cx.project, flow.id).await?
    };
    memory.counted.tries = Some(tries);
    let guess = memory.counted.guess.clone();
    if tries > tries_max(cx) {
        return Err(spent(TOO_OFTEN));
    }
    let mut tx = cx.project.begin().await?;
    let judged = one_time::judge(&mut tx, (flow.id, K::PURPOSE), code.trim()).await?;
    drop(tx);
    match judged {
        Judged::Used => Err(used()),
        Judged::Right(found) => match proof(found) {
            Some(mut proof) => {
                proof.effects.0.push(Write::ForgiveGuess(guess));
                Ok(Step::Decided(proof))
            }
            None => Ok(wrong_code::<K>(flow)),
        },
        Judged::Wrong | Judged::Expired => Ok(wrong_code::<K>(flow)),
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

fn wrong_code<K: Challenge>(flow: &mut Flow<K>) -> Step<Proof> {
    K::memory_mut(&mut flow.state).notice = Some(Notice::WrongCode);
    Step::Ask(Effects::default())
}

/// Judge the token of a link that somebody followed, and write what follows.
pub(crate) async fn redeem<K: Challenge>(
    cx: &Cx<'_>,
    id: Uuid,
    token: &str,
) -> Result<(Flow<K>, K::Done), Error> {
    for _ in 0..TURNS_MAX {
        let mut flow = open::<K>(cx, id).await?;
        let mut tx = cx.project.begin().await?;
        let judged = one_time::judge(&mut tx, (flow.id, K::PURPOSE), token).await?;
        drop(tx);
        let proof = match judged {
            Judged::Right(found) if K::memory(&flow.state).method == Use::Link => proof(found),
            Judged::Expired => {
                let at = K::memory(&flow.state).good_until;
                return Err(expired(cx, &flow, at.unwrap_or(flow.expires_at)).await);
            }
            _ => None,
        };
        let Some(proof) = proof else {
            return Err(replaced(cx, &flow, K::wrong_link()).await);
        };
        match K::settle(cx, &mut flow, proof).await {
            Ok(Some(done)) => return Ok((flow, done)),
            Ok(None) => {}
            Err(Halt::Stopped(error)) => return Err(error),
            // There is no form on which to say it: a new one does.
            Err(Halt::Refused(refusal, _)) => {
                let said = refusal.complaints.into_iter().next().map(|(_, said)| said);
                return Err(replaced(cx, &flow, said.unwrap_or_else(K::wrong_link)).await);
            }
        }
    }
    Err(submit::busy())
}
