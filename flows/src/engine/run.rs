//! The submission machine: the one way in which every submission of every kind of flow is answered.
//!
//! *load > admit > ask > (prepare > hooks > finish > hooks)*, one commit at the end. What was judged may not
//! be true any more when it is written, because another submission was faster: then everything is judged again
//! by what the flow has become, [`TURNS_MAX`] times at most.

use std::{future::Future, pin::Pin, time::Duration};

use identity::{limits::Forgive, write::WriteError};
use tenants::Tx;
use uuid::Uuid;

use super::{
    attempt::Attempt,
    begin::insert,
    cx::Cx,
    decision::{Effects, Error, Halt, Refusal},
    flow::{Flow, PASSED},
    form::{draw, redraw, successor},
    hook::Hook,
    kind::{Ending, Kind},
    store,
    strategy::{Become, Leave, Step},
    submission::Submission,
};
use crate::ui::text::{self, Message};

pub use super::outcome::{Arrival, Outcome};

/// Submissions of one flow at the same moment take turns this often before one is told to try again.
pub(crate) const TURNS_MAX: u32 = 12;
/// A flow may go on as another kind, and that one back again, this often in one request.
const CHANGES_MAX: u32 = 2;

/// The future of a machine: a flow may go on as another kind, whose machine is this one again.
pub type Running<'a, K> = Pin<Box<dyn Future<Output = Result<Outcome<K>, Error>> + Send + 'a>>;

/// Answer what reached a flow.
pub fn run<'a, K: Kind>(cx: &'a Cx<'a>, id: Uuid, arrival: Arrival) -> Running<'a, K> {
    run_with(cx, id, (arrival, Attempt::default()))
}

/// The same with what is known of the submission already.
pub(crate) fn run_with<'a, K: Kind>(
    cx: &'a Cx<'a>,
    id: Uuid,
    (arrival, attempt): (Arrival, Attempt),
) -> Running<'a, K> {
    start(Machine::new(cx, arrival, attempt), id)
}

/// A type of its own for the future, so that one machine can wait for another.
fn start<K: Kind>(machine: Machine<'_>, id: Uuid) -> Running<'_, K> {
    Box::pin(machine.run(id))
}

/// Show the form of a flow with a refusal that no submission caused. `None`: another submission was faster.
pub(crate) async fn refuse<K: Kind>(
    cx: &Cx<'_>,
    flow: Flow<K>,
    refusal: Refusal,
) -> Result<Option<Outcome<K>>, Error> {
    let nothing = Arrival::Submission(Ok(Submission::default()));
    let machine = Machine::new(cx, nothing, Attempt::default());
    let halt = Halt::refused(refusal);
    machine.halted(flow, halt).await
}

/// A flow as it is stored, and the transaction in which it was read.
pub(crate) async fn load<K: Kind>(cx: &Cx<'_>, id: Uuid) -> Result<(Flow<K>, Tx), Error> {
    K::serve(cx)?;
    let mut tx = cx.project.begin().await?;
    let flow = store::load_in::<K>(&mut tx, id).await?;
    Ok((flow.ok_or(Error::NotFound)?, tx))
}

/// The error that a flow of no further use ends with: a successor says why.
pub(crate) async fn ended<K: Kind>(cx: &Cx<'_>, flow: &Flow<K>, halt: Halt) -> Error {
    let (message, expired_at) = match halt {
        Halt::Expired(at) => (K::expired(at), Some(at)),
        Halt::Replaced(message, _) => (*message, None),
        Halt::Stopped(error, _) => return error,
        Halt::Refused(..) | Halt::Outdated => return busy(),
    };
    let because = message.text.clone();
    match (successor(cx, flow, message).await, expired_at) {
        (Ok(replacement), Some(expired_at)) => Error::Expired {
            expired_at,
            since: (cx.project.now() - expired_at).to_std().unwrap_or_default(),
            transport: flow.transport,
            replacement,
        },
        (Ok(replacement), None) => Error::Replaced {
            replacement,
            because,
        },
        (Err(error), _) => error,
    }
}

/// So many submissions of one flow at once are a mistake of the client's.
pub(crate) fn busy() -> Error {
    tenants::Fault::Overloaded {
        what: "one flow",
        retry_after: Duration::from_secs(1),
    }
    .into()
}

struct Machine<'a> {
    cx: &'a Cx<'a>,
    /// The method that a browser came back to; `None` for a submission.
    returns_to: Option<&'static str>,
    /// Why the submission could not be decoded.
    unreadable: Option<Message>,
    attempt: Attempt,
    changes: u32,
}

impl<'a> Machine<'a> {
    fn new(cx: &'a Cx<'a>, arrival: Arrival, attempt: Attempt) -> Self {
        let (returns_to, submission) = match arrival {
            Arrival::Submission(submission) => (None, submission),
            Arrival::Return { method, brings } => (Some(method), Ok(brings)),
        };
        let (submission, unreadable) = match submission {
            Ok(submission) => (submission, None),
            Err(why) => (Submission::default(), Some(why)),
        };
        Self {
            cx,
            returns_to,
            unreadable,
            attempt: Attempt {
                submission,
                ..attempt
            },
            changes: 0,
        }
    }

    async fn run<K: Kind>(mut self, id: Uuid) -> Result<Outcome<K>, Error> {
        for turn in 0..TURNS_MAX {
            if let Some(outcome) = self.turn::<K>(id).await? {
                return Ok(outcome);
            }
            tracing::debug!(flow = %id, turn, "a submission is judged again");
        }
        Err(busy())
    }

    /// Judge and write. `None`: what was judged is not true any more.
    async fn turn<K: Kind>(&mut self, id: Uuid) -> Result<Option<Outcome<K>>, Error> {
        self.attempt.begin_turn();
        let (mut flow, tx) = load::<K>(self.cx, id).await?;
        let admitted = K::admit(self.cx, &mut flow);
        let state = flow.state.clone();
        let judged = match admitted {
            Ok(()) => self.ask(&mut flow, tx).await,
            Err(halt) => {
                drop(tx);
                Err(halt)
            }
        };
        let halt = match judged {
            Ok(Step::Ask(effects)) => return self.show(flow, None, &effects).await,
            Ok(Step::Leave(leave)) => return self.leave(flow, leave).await,
            Ok(Step::Become(next)) => return self.become_other::<K>(*next).await,
            Ok(Step::Decided(decision)) => match self.settle(&mut flow, decision).await {
                Ok(done) => {
                    return Ok(Some(Outcome::Done {
                        flow: Box::new(flow),
                        done: Box::new(done),
                    }));
                }
                Err(halt) => {
                    // Nothing was written, so the flow is where it was; what was typed is kept.
                    flow.state = state;
                    self.forgiving(halt)
                }
            },
            Err(halt) => halt,
        };
        self.halted(flow, halt).await
    }

    async fn halted<K: Kind>(
        &self,
        mut flow: Flow<K>,
        halt: Halt,
    ) -> Result<Option<Outcome<K>>, Error> {
        let halt = match halt {
            Halt::Refused(refusal, effects) if self.returns_to.is_some() => {
                K::refused_return(refusal, effects)
            }
            halt => halt,
        };
        match halt {
            Halt::Outdated => Ok(None),
            Halt::Refused(refusal, effects) => {
                flow.active = refusal.active.map(str::to_owned).or(K::active(&flow));
                self.show(flow, Some(refusal), &effects).await
            }
            Halt::Stopped(error, effects) => {
                let written = self.write_alone(&effects).await?;
                if written { Err(error) } else { Ok(None) }
            }
            Halt::Replaced(message, effects) => {
                if !self.write_alone(&effects).await? {
                    return Ok(None);
                }
                Err(ended(self.cx, &flow, Halt::replaced(*message)).await)
            }
            over @ Halt::Expired(_) => Err(ended(self.cx, &flow, over).await),
        }
    }

    /// What the strategy says to which the submission belongs. Nothing is drawn or written.
    async fn ask<K: Kind>(&mut self, flow: &mut Flow<K>, tx: Tx) -> Result<Step<K>, Halt> {
        let cx = self.cx;
        if let Some(method) = self.returns_to {
            let mut strategies = K::strategies().iter();
            let strategy = strategies.find(|strategy| strategy.id() == method);
            let strategy = strategy.ok_or(Error::NotFound)?;
            if !strategy.is_enabled(cx) {
                return Err(Halt::refused(Refusal::form(K::no_strategy())));
            }
            return strategy.come_back(cx, flow, &mut self.attempt, tx).await;
        }
        if let Some(why) = &self.unreadable {
            return Err(Halt::refused(Refusal::form(why.clone())));
        }
        let submission = &self.attempt.submission;
        if let Some(actual) = submission.bad_transient_payload() {
            let allowed = ["object".to_owned()];
            let refusal = Refusal::at("transient_payload", text::wrong_type(&allowed, actual));
            return Err(Halt::refused(refusal));
        }
        let payload = submission.transient_payload();
        let bytes_max = cx.project.lengths().typed;
        if payload.is_some_and(|payload| payload.to_string().len() > bytes_max) {
            let refusal = Refusal::at("transient_payload", text::payload_too_long(bytes_max));
            return Err(Halt::refused(refusal));
        }
        flow.transient_payload = payload.cloned();
        let mut strategies = K::strategies().iter();
        match strategies.find(|strategy| strategy.claims(flow, submission)) {
            Some(strategy) => strategy.judge(cx, flow, &mut self.attempt, tx).await,
            // Another click of the same kind ended it while this one was judged.
            None if self.attempt.is_again() && flow.state == PASSED => {
                Err(Halt::refused(Refusal::form(text::submitted_twice())))
            }
            None => {
                drop(tx);
                Err(K::unclaimed(cx, flow, submission).await)
            }
        }
    }

    /// Hooks, the one transaction, hooks.
    async fn settle<K: Kind>(
        &mut self,
        flow: &mut Flow<K>,
        decision: K::Decision,
    ) -> Result<K::Done, Halt> {
        let cx = self.cx;
        let mut ending = K::prepare(cx, flow, decision).await?;
        let hooks = hooks_of::<K>(cx, &ending);
        for hook in &hooks {
            let about = flow.about();
            hook.before_commit(cx, &about, &mut self.attempt, &mut ending.subject)
                .await?;
        }
        flow.updated_at = cx.project.now();
        let mut done = K::finish(cx, flow, &mut self.attempt, &mut ending).await?;
        for hook in &hooks {
            let about = flow.about();
            hook.after_commit(cx, &about, &ending.subject, done.as_mut())
                .await?;
        }
        Ok(done)
    }

    /// The secret was right, so the guess at it is not counted, whatever else was refused.
    fn forgiving(&self, halt: Halt) -> Halt {
        let Some(guess) = &self.attempt.counted.guess else {
            return halt;
        };
        let and_forgive = |mut effects: Effects| {
            effects.push(Forgive(guess.buckets.clone()));
            effects
        };
        match halt {
            Halt::Refused(refusal, effects) => Halt::Refused(refusal, and_forgive(effects)),
            Halt::Stopped(error, effects) => Halt::Stopped(error, and_forgive(effects)),
            other => other,
        }
    }

    /// The form and what goes with it, in one commit. `None`: another submission was faster.
    ///
    /// A refusal that writes nothing leaves the version alone, so that a submission judged at the same moment is
    /// not held up by it.
    async fn show<K: Kind>(
        &self,
        mut flow: Flow<K>,
        refusal: Option<Refusal>,
        effects: &Effects,
    ) -> Result<Option<Outcome<K>>, Error> {
        redraw(self.cx, &mut flow, refusal.as_ref()).await?;
        let goes_on = refusal.is_none() || !effects.is_empty();
        match self.write(&mut flow, effects, goes_on).await {
            Ok(()) => {}
            Err(Halt::Outdated) => return Ok(None),
            // What was to be written is not possible any more; its reason is what the form says.
            Err(Halt::Refused(again, _)) => {
                flow.active = again.active.map(str::to_owned).or(K::active(&flow));
                let nothing = Effects::default();
                return Box::pin(self.show(flow, Some(again), &nothing)).await;
            }
            Err(halt) => return Err(ended(self.cx, &flow, halt).await),
        }
        Ok(Some(Outcome::Form {
            flow: Box::new(flow),
            complains: refusal.is_some_and(|refusal| !refusal.is_mild),
        }))
    }

    /// The flow waits for a browser to come back.
    async fn leave<K: Kind>(
        &self,
        mut flow: Flow<K>,
        leave: Leave,
    ) -> Result<Option<Outcome<K>>, Error> {
        draw(self.cx, &mut flow).await?;
        flow.updated_at = self.cx.project.now();
        match self.write(&mut flow, &leave.effects, true).await {
            Ok(()) => Ok(Some(Outcome::Leave {
                flow: Box::new(flow),
                to: leave.to,
            })),
            Err(Halt::Outdated) => Ok(None),
            Err(halt) => Err(ended(self.cx, &flow, halt).await),
        }
    }

    async fn write<K: Kind>(
        &self,
        flow: &mut Flow<K>,
        effects: &Effects,
        goes_on: bool,
    ) -> Result<(), Halt> {
        let mut tx = self.cx.project.begin().await?;
        let saved = if goes_on {
            store::save(&mut tx, flow).await?
        } else {
            store::save_refused(&mut tx, flow).await?
        };
        if !saved {
            return Err(Halt::Outdated);
        }
        let session = self.cx.session.map(AsRef::as_ref);
        effects
            .write(&mut tx, session)
            .await
            .map_err(Halt::unwritten)?;
        tx.commit().await?;
        flow.version += i32::from(goes_on);
        Ok(())
    }

    /// What a submission writes that ends without its form. False: it is not possible any more, and nothing of it
    /// was written.
    async fn write_alone(&self, effects: &Effects) -> Result<bool, Error> {
        if effects.is_empty() {
            return Ok(true);
        }
        let mut tx = self.cx.project.begin().await?;
        let session = self.cx.session.map(AsRef::as_ref);
        match effects.write(&mut tx, session).await {
            Ok(()) => {
                tx.commit().await?;
                Ok(true)
            }
            Err(WriteError::Fault(fault)) => Err(fault.into()),
            Err(WriteError::Outdated | WriteError::Conflict(_)) => Ok(false),
        }
    }

    /// Another flow takes over, and the method that said so goes on in it.
    async fn become_other<K: Kind>(
        &mut self,
        next: Become<K::Counterpart>,
    ) -> Result<Option<Outcome<K>>, Error> {
        if self.changes >= CHANGES_MAX {
            return Err(tenants::Fault::broken("a flow changes its kind for ever").into());
        }
        let mut flow = Flow::<K::Counterpart>::new(self.cx, next.flow);
        draw(self.cx, &mut flow).await?;
        insert(self.cx, &flow, &next.effects).await?;
        let machine = Self {
            cx: self.cx,
            returns_to: Some(next.method),
            unreadable: None,
            attempt: Attempt {
                submission: self.attempt.submission.clone(),
                handed_over: Some(next.handed_over),
                ..Attempt::default()
            },
            changes: self.changes + 1,
        };
        let other = start::<K::Counterpart>(machine, flow.id).await?;
        Ok(Some(Outcome::Became(Box::new(other))))
    }
}

/// The configured hooks, in order; but those that may hold everything back come first.
fn hooks_of<K: Kind>(cx: &Cx<'_>, ending: &Ending<K>) -> Vec<Box<dyn Hook>> {
    let configured = K::hooks(cx, &ending.subject.method);
    let mut hooks: Vec<Box<dyn Hook>> = configured.iter().filter_map(K::hook).collect();
    hooks.sort_by_key(|hook| !hook.goes_first());
    hooks
}
