//! Who has to wait: guesses at secrets, and mails that a stranger would get. What is counted says
//! nothing about whether an account exists, so neither does the refusal.

use std::time::Duration;

use courier::CourierConfig;
use identity::{
    limits::{self, Bucket, Forgive},
    schema::{Address, Via},
};
use serde::Deserialize;
use tenants::{Environment, Fault, Section, Tx};
use uuid::Uuid;

use super::{
    attempt::Attempt,
    cx::Cx,
    decision::{Error, Halt, Refusal},
    rows,
};
use crate::ui::text;

const HOUR: Duration = Duration::from_hours(1);
/// How long a guesser elsewhere can make the owner of an identifier wait.
const SHARED_PAUSE_MAX: Duration = Duration::from_secs(30);

/// `insula.limits`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LimitsConfig {
    /// At passwords and codes.
    pub guesses: GuessLimits,
    /// That a visitor causes.
    pub mails: MailLimits,
}

impl Section for LimitsConfig {
    const POINTER: &'static str = "/insula/limits";
}

/// `insula.limits.guesses`: so many in an hour before each has to wait.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct GuessLimits {
    /// At one identifier: from one network before long pauses, from all before short ones.
    pub per_identifier: u32,
    /// From one network, at whomever.
    pub per_network: u32,
}

impl Default for GuessLimits {
    fn default() -> Self {
        Self {
            per_identifier: 10,
            per_network: 300,
        }
    }
}

/// `insula.limits.mails`: so many in an hour before each has to wait.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct MailLimits {
    /// To one address.
    pub per_address: u32,
    /// Caused from one network.
    pub per_network: u32,
    /// Of the whole project.
    pub per_project: u32,
}

impl Default for MailLimits {
    fn default() -> Self {
        Self {
            per_address: 10,
            per_network: 100,
            per_project: 10_000,
        }
    }
}

/// Count a guess at the password of an identifier in its stored form. To be called before it is judged; the
/// caller commits. Who is right gets the buckets back with [`identity::limits::Forgive`].
///
/// Who guesses from one network soon waits for minutes, without making the owner wait who is elsewhere. All
/// networks together guess once in [`SHARED_PAUSE_MAX`].
pub async fn guess(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    tx: &mut Tx,
    identifier: &str,
) -> Result<Forgive, Halt> {
    let per_identifier = cx.project.config::<LimitsConfig>().guesses.per_identifier;
    let shared = Bucket::new(cx.project, ("guess at", identifier), per_identifier, HOUR);
    let shared = shared.forgiving().pausing_at_most(SHARED_PAUSE_MAX);
    let buckets = vec![shared, from_here(cx, "guess", identifier)];
    take_guess(cx, attempt, tx, buckets).await
}

/// The same for a code that was sent to an address. Networks do not share a bucket here: a code is good in
/// the flow that asked for it alone, so what others try says nothing about the owner's. By default 10 mails
/// an hour to one address (`mails.per_address`) and 5 tries of each flow (`max_submissions`) let all of them
/// together try 50 of the million codes in an hour; and one network 10.
pub async fn guess_code(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    tx: &mut Tx,
    identifier: &str,
) -> Result<Forgive, Halt> {
    let buckets = vec![from_here(cx, "guess a code", identifier)];
    take_guess(cx, attempt, tx, buckets).await
}

/// Count one more try at the codes of a flow, in the caller's transaction. Answers how many there were, this one
/// included. Comes before [`guess_code`]: everything locks the flow first, then what is counted.
pub(crate) async fn code_try(
    attempt: &mut Attempt,
    tx: &mut Tx,
    flow_id: Uuid,
) -> Result<i32, Fault> {
    if let Some(tries) = attempt.counted.tries {
        return Ok(tries);
    }
    let tries = rows::count_try(tx, flow_id).await?;
    attempt.counted.tries = Some(tries);
    Ok(tries)
}

/// The visitor's network at one identifier.
fn from_here(cx: &Cx<'_>, what: &str, identifier: &str) -> Bucket {
    let per_identifier = cx.project.config::<LimitsConfig>().guesses.per_identifier;
    let network = limits::network(&cx.client.ip_address);
    let value = format!("{network} {identifier}");
    Bucket::new(cx.project, (what, &value), per_identifier, HOUR).forgiving()
}

/// Besides those buckets, a network has one for all guesses, at whichever identifier.
async fn take_guess(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    tx: &mut Tx,
    mut buckets: Vec<Bucket>,
) -> Result<Forgive, Halt> {
    if let Some(counted) = &attempt.counted.guess {
        return Ok(Forgive(counted.clone()));
    }
    let per_network = cx.project.config::<LimitsConfig>().guesses.per_network;
    let network = limits::network(&cx.client.ip_address);
    let from = Bucket::new(cx.project, ("guess from", &network), per_network, HOUR);
    buckets.push(from);
    if let Err(halt) = refused(cx, limits::take_in(tx, &buckets).await?) {
        // Nothing of this transaction is committed, so the try was not counted either.
        attempt.counted.tries = None;
        return Err(halt);
    }
    attempt.counted.guess = Some(buckets.clone());
    Ok(Forgive(buckets))
}

/// Count a message that a submission would cause, whether or not any account has the address. One that could
/// never leave is refused, likewise.
pub async fn message(cx: &Cx<'_>, attempt: &mut Attempt, to: &Address) -> Result<(), Halt> {
    if !can_leave(cx, to.via) {
        let message = match to.via {
            Via::Email => text::mails_unavailable(),
            Via::Sms => text::text_messages_unavailable(),
        };
        return Err(Halt::refused(Refusal::form(message)));
    }
    let wait = count_message(cx, attempt, to).await?;
    refused(cx, wait)
}

/// The same for a message that may be left out. False: it has to be.
pub async fn optional_message(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    to: &Address,
) -> Result<bool, Fault> {
    Ok(can_leave(cx, to.via) && count_message(cx, attempt, to).await?.is_none())
}

/// How long it has to wait, if it has to. What an earlier judgement of the submission counted is not counted
/// again.
async fn count_message(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    to: &Address,
) -> Result<Option<Duration>, Fault> {
    let counted = &mut attempt.counted.messages;
    if counted.take(&to.value) {
        return Ok(None);
    }
    let wait = limits::take(cx.project, &mail_buckets(cx, to)).await?;
    if wait.is_none() {
        counted.note(&to.value);
    }
    Ok(wait)
}

/// Is there a way out? In DEVELOPMENT messages are kept to be read. Elsewhere the configuration was judged,
/// but not for schemas that administrators alone use.
fn can_leave(cx: &Cx<'_>, via: Via) -> bool {
    let project = cx.project;
    let can = project.environment() == Environment::Development
        || project.config::<CourierConfig>().has_transport(via);
    if !can {
        let (project, channel) = (project.slug(), via.as_str());
        tracing::warn!(project, channel, "no way for messages is configured");
    }
    can
}

fn mail_buckets(cx: &Cx<'_>, to: &Address) -> [Bucket; 3] {
    let config = &cx.project.config::<LimitsConfig>().mails;
    let network = limits::network(&cx.client.ip_address);
    let bucket = |what, free| Bucket::new(cx.project, what, free, HOUR);
    [
        bucket(("mail to", &to.value), config.per_address),
        bucket(("mail from", &network), config.per_network),
        bucket(("mail", ""), config.per_project),
    ]
}

fn refused(cx: &Cx<'_>, wait: Option<Duration>) -> Result<(), Halt> {
    match wait {
        None => Ok(()),
        Some(retry_after) if cx.client.json => Err(Error::TooMany { retry_after }.into()),
        Some(retry_after) => Err(Halt::refused(Refusal::form(text::too_many(retry_after)))),
    }
}
