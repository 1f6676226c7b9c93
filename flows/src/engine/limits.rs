//! Who has to wait: guesses at secrets, and mails that a stranger would get. What is counted says
//! nothing about whether an account exists, so neither does the refusal.

use std::time::Duration;

use courier::CourierConfig;
use identity::{
    limits::{self, Admission, Bucket, Counted, Forgive, Network, Owner, Try},
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
/// How long strangers to an identifier or address wait for each other, at most: then each has a place.
const SHARED_WAIT_MAX: Duration = Duration::from_secs(30);
/// The same of the whole project's messages: these cost money, so they leave no faster than that.
const PROJECT_WAIT_MAX: Duration = HOUR;
/// All strangers together have so many times the tries that one of their networks has.
const ROOMY: u32 = 3;
/// A wide network (48 bits of an IPv6 address) has so many times what one of its networks has.
const WIDE: u32 = 10;

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
    /// At one identifier from one network before long pauses; from all strangers three times as many before each
    /// waits for a place.
    pub per_identifier: u32,
    /// From one network, at whomever.
    pub per_network: u32,
    /// Wrong ones in the whole project, before strangers have one try each.
    pub wrong_per_project: u32,
}

impl Default for GuessLimits {
    fn default() -> Self {
        Self {
            per_identifier: 10,
            per_network: 300,
            wrong_per_project: 3_000,
        }
    }
}

/// `insula.limits.mails`: so many in an hour before each has to wait.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct MailLimits {
    /// To one address, caused from one network before long pauses; by all strangers three times as many before each
    /// waits for a place.
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
/// caller commits. A visitor who is right gets the buckets back with [`identity::limits::Forgive`].
///
/// A network that guesses soon waits for minutes, without making the owner wait who is elsewhere
/// (docs/security.md, "Guesses").
pub async fn guess(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    tx: Tx,
    identifier: &str,
) -> Result<(Tx, Forgive), Halt> {
    let per_identifier = cx.project.config::<LimitsConfig>().guesses.per_identifier;
    let all = bucket(
        cx,
        ("guess at", identifier),
        per_identifier.saturating_mul(ROOMY),
    );
    let mut tried = guess_at(cx, "guess", identifier, Owner::Password);
    tried.at_subject = Some(all.pausing_at_most(SHARED_WAIT_MAX));
    let (tx, counted) = take_guess(cx, attempt, tx, &tried).await?;
    Ok((tx, Forgive(counted.buckets)))
}

/// The same for a code that was sent to an address. Strangers do not wait for each other here: a code is good in
/// the flow that asked for it alone, so what others try says nothing about the owner's. What limits all of them
/// together are the messages to one address, and the tries of each code.
pub async fn guess_code(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    tx: Tx,
    identifier: &str,
) -> Result<(Tx, CodeGuess), Halt> {
    let tried = guess_at(cx, "guess a code", identifier, Owner::Address);
    let (tx, counted) = take_guess(cx, attempt, tx, &tried).await?;
    let (strict, forgive) = (counted.strict, Forgive(counted.buckets));
    Ok((tx, CodeGuess { strict, forgive }))
}

/// The same for a second factor of an identity, whatever the method: who guesses there has the first one already, so
/// strangers hold each other up, and few of all are let in. The owner's own browsers and networks are known, and wait
/// for no stranger.
pub async fn guess_second_factor(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    tx: Tx,
    identity: Uuid,
) -> Result<(Tx, CodeGuess), Halt> {
    let owner = Owner::Identity(identity);
    let tried = guess_at(cx, "second factor", &identity.to_string(), owner);
    let per_identifier = cx.project.config::<LimitsConfig>().guesses.per_identifier;
    let tried = among_strangers(cx, tried, ("second factor of", per_identifier));
    let (tx, counted) = take_guess(cx, attempt, tx, &tried).await?;
    let (strict, forgive) = (counted.strict, Forgive(counted.buckets));
    Ok((tx, CodeGuess { strict, forgive }))
}

/// All strangers together have what one of their networks has.
fn among_strangers(cx: &Cx<'_>, tried: Try, (what, free): (&str, u32)) -> Try {
    let strangers = bucket(cx, (what, &tried.subject), free).forgiving();
    Try {
        strangers: Some(strangers),
        ..tried
    }
}

/// A guess at a code that was counted.
#[derive(Debug)]
pub struct CodeGuess {
    strict: bool,
    /// What is given back when it was right.
    pub forgive: Forgive,
}

impl CodeGuess {
    /// How many tries a code is good for: as configured, and a single one for strangers while there are too many wrong
    /// guesses in the project.
    pub fn tries_max(&self, configured: i32) -> i32 {
        if self.strict {
            configured.min(1)
        } else {
            configured
        }
    }
}

/// A guess was wrong: beyond the project's budget strangers have one try each, and an alarm is raised.
pub async fn wrong(cx: &Cx<'_>) -> Result<(), Fault> {
    metrics::counter!("insula_wrong_guesses_total").increment(1);
    if limits::wrong(cx.project, &budget(cx)).await? {
        metrics::counter!("insula_guess_budgets_spent_total").increment(1);
        let (project, wrong_per_project) = (cx.project.slug(), budget_size(cx));
        tracing::warn!(
            project,
            wrong_per_project,
            "more wrong passwords and codes than a project should see in an hour: visitors from networks that are \
             new to an identifier have one try each until there are fewer"
        );
    }
    Ok(())
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

/// Count a message that a submission would cause, whether or not any account has the address. One that could
/// never leave is refused, likewise.
pub async fn message(cx: &Cx<'_>, attempt: &mut Attempt, to: &Address) -> Result<(), Halt> {
    check_way_out(cx, to.via)?;
    match count_message(cx, attempt, message_to(cx, to)).await? {
        None => Ok(()),
        Some(wait) => Err(too_many(cx, wait)),
    }
}

/// The same for a message to an address of the identity that is signed in, which asks for another proof. Who asks
/// there has the first factor, so strangers hold each other up.
pub async fn message_to_own(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    identity: Uuid,
    to: &Address,
) -> Result<(), Halt> {
    check_way_out(cx, to.via)?;
    let tried = Try {
        owner: Owner::Identity(identity),
        ..message_to(cx, to)
    };
    let per_address = cx.project.config::<LimitsConfig>().mails.per_address;
    let tried = among_strangers(cx, tried, ("mail to own", per_address));
    match count_message(cx, attempt, tried).await? {
        None => Ok(()),
        Some(wait) => Err(too_many(cx, wait)),
    }
}

/// The same for a message that may be left out. False: it has to be.
pub async fn optional_message(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    to: &Address,
) -> Result<bool, Fault> {
    Ok(can_leave(cx, to.via)
        && count_message(cx, attempt, message_to(cx, to))
            .await?
            .is_none())
}

/// How long it has to wait, if it has to. What an earlier judgement of the submission counted is not counted
/// again.
async fn count_message(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    tried: Try,
) -> Result<Option<Duration>, Fault> {
    let counted = &mut attempt.counted.messages;
    if counted.take(&tried.subject) {
        return Ok(None);
    }
    let wait = limits::take(cx.project, &tried).await?;
    if wait.is_none() {
        counted.note(&tried.subject);
    }
    Ok(wait)
}

fn check_way_out(cx: &Cx<'_>, via: Via) -> Result<(), Halt> {
    if can_leave(cx, via) {
        return Ok(());
    }
    let message = match via {
        Via::Email => text::mails_unavailable(),
        Via::Sms => text::text_messages_unavailable(),
    };
    Err(Halt::refused(Refusal::form(message)))
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

/// A try of the visitor at that subject.
fn try_at(cx: &Cx<'_>, what: &str, (subject, owner): (&str, Owner), free: u32) -> Try {
    let at = |of: &str| format!("{of} {subject}");
    let own = |of: &str, free| bucket(cx, (what, &at(of)), free).forgiving();
    let network = Network::of(&cx.client.ip_address);
    let wide = network.wide.as_deref();
    Try {
        subject: subject.to_owned(),
        owner,
        ip_address: cx.client.ip_address.clone(),
        browser: cx.client.browser.clone(),
        own: own(&network.narrow, free),
        own_wide: wide.map(|wide| own(wide, free.saturating_mul(ROOMY))),
        known_browsers: own("known browsers", free),
        known_networks: own("known networks", free),
        strangers: None,
        networks: Vec::new(),
        at_subject: None,
        in_project: None,
        budget: budget(cx),
    }
}

/// What is counted of the visitor's networks, at whatever subject.
fn from_here(cx: &Cx<'_>, what: &str, free: u32) -> Vec<Bucket> {
    let network = Network::of(&cx.client.ip_address);
    let wide = network.wide.as_deref();
    let wide = wide.map(|wide| bucket(cx, (what, wide), free.saturating_mul(WIDE)));
    let narrow = bucket(cx, (what, &network.narrow), free);
    std::iter::once(narrow).chain(wide).collect()
}

fn guess_at(cx: &Cx<'_>, what: &str, identifier: &str, owner: Owner) -> Try {
    let config = &cx.project.config::<LimitsConfig>().guesses;
    Try {
        networks: from_here(cx, "guess from", config.per_network),
        ..try_at(cx, what, (identifier, owner), config.per_identifier)
    }
}

fn message_to(cx: &Cx<'_>, to: &Address) -> Try {
    let config = &cx.project.config::<LimitsConfig>().mails;
    let all = config.per_address.saturating_mul(ROOMY);
    let at_subject = bucket(cx, ("mail at", &to.value), all).pausing_at_most(SHARED_WAIT_MAX);
    let in_project = bucket(cx, ("mail", ""), config.per_project);
    Try {
        networks: from_here(cx, "mail from", config.per_network),
        at_subject: Some(at_subject),
        in_project: Some(in_project.pausing_at_most(PROJECT_WAIT_MAX)),
        ..try_at(
            cx,
            "mail to",
            (&to.value, Owner::Address),
            config.per_address,
        )
    }
}

fn bucket(cx: &Cx<'_>, what: (&str, &str), free: u32) -> Bucket {
    Bucket::new(cx.project, what, free, HOUR)
}

fn budget(cx: &Cx<'_>) -> Bucket {
    bucket(cx, ("wrong", ""), budget_size(cx))
}

fn budget_size(cx: &Cx<'_>) -> u32 {
    cx.project
        .config::<LimitsConfig>()
        .guesses
        .wrong_per_project
}

async fn take_guess(
    cx: &Cx<'_>,
    attempt: &mut Attempt,
    mut tx: Tx,
    tried: &Try,
) -> Result<(Tx, Counted), Halt> {
    if let Some(counted) = &attempt.counted.guess {
        return Ok((tx, counted.clone()));
    }
    match limits::admit(&mut tx, tried).await? {
        Admission::Counted(counted) => {
            attempt.counted.guess = Some(counted.clone());
            Ok((tx, counted))
        }
        Admission::Wait(wait) => {
            drop(tx);
            // Nothing of this transaction is committed, so the try was not counted either.
            attempt.counted.tries = None;
            let wait = wait.keep(cx.project).await?;
            Err(too_many(cx, wait))
        }
    }
}

fn too_many(cx: &Cx<'_>, retry_after: Duration) -> Halt {
    if cx.client.json {
        Error::TooMany { retry_after }.into()
    } else {
        Halt::refused(Refusal::form(text::too_many(retry_after)))
    }
}
