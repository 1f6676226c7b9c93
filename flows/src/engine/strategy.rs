//! A method's part in one kind of flow: it draws its fields, claims its submissions and judges them. It
//! decides and never writes.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tenants::{Fault, Tx};

use super::{
    attempt::Attempt,
    cx::Cx,
    decision::{Effects, Error, Halt},
    flow::{Flow, NewFlow},
    kind::Kind,
    submission::Submission,
};
use crate::ui::Ui;

/// One way to get through one kind of flow. Zero-sized; all it needs is handed in.
#[async_trait]
pub trait Strategy<K: Kind>: Send + Sync {
    /// The value of `method` on its button.
    fn id(&self) -> &'static str;

    /// Is the method switched on?
    fn is_enabled(&self, _cx: &Cx<'_>) -> bool {
        true
    }

    /// How long a secret is good that this method sends; `None` for a method that sends none.
    fn lifespan(&self, _cx: &Cx<'_>) -> Option<Duration> {
        None
    }

    /// Has this method taken the form over? `None`: it has not.
    fn takes_over(&self, _flow: &Flow<K>) -> Option<TakesOver> {
        None
    }

    /// What the method does when a flow begins, before the form is drawn: `None` is nothing.
    async fn at_init(
        &self,
        _cx: &Cx<'_>,
        _flow: &mut Flow<K>,
        _params: &K::Params,
    ) -> Result<Option<Effects>, Error> {
        Ok(None)
    }

    /// Draw this method's part of the form.
    async fn draw(&self, cx: &Cx<'_>, flow: &Flow<K>, ui: &mut Ui) -> Result<(), Halt>;

    /// Put this method's nodes where they belong, after the kind has ordered all of them.
    fn order_own(&self, _ui: &mut Ui) {}

    /// Can the identity of that identifier use this method?
    async fn offers(&self, _cx: &Cx<'_>, _identifier: &str) -> Result<Offer, Fault> {
        Ok(Offer::No)
    }

    /// Go on with the only method that an identifier has, without being asked to: an [`Offer::AtOnce`].
    async fn go_on(
        &self,
        _cx: &Cx<'_>,
        _flow: &mut Flow<K>,
        _attempt: &mut Attempt,
    ) -> Result<Step<K>, Halt> {
        Err(Fault::broken("a method was asked to go on that cannot").into())
    }

    /// Is this submission for this method? Pure; the first in the list that says yes judges it.
    fn claims(&self, flow: &Flow<K>, submission: &Submission) -> bool;

    /// Judge a submission. Decide; never write. `tx` is the transaction in which the flow was loaded: to be used
    /// for what has to be read, and to be dropped or committed before anything else is waited for.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<K>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<K>, Halt>;

    /// Judge what a browser brings back from where it was sent ([`Step::Leave`], a link in a mail).
    async fn come_back(
        &self,
        _cx: &Cx<'_>,
        _flow: &mut Flow<K>,
        _attempt: &mut Attempt,
        _tx: Tx,
    ) -> Result<Step<K>, Halt> {
        Err(Error::NotFound.into())
    }
}

/// A method that has taken the form over. What it draws keeps its order, unless a refusal is said on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakesOver {
    /// No other method draws on its screen.
    Alone,
    /// Others draw as well.
    WithOthers,
}

/// The method whose screen is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveScreen {
    /// The method's id.
    pub method: &'static str,
    /// No other method draws on it.
    pub exclusive: bool,
}

/// Can an identifier use a method?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It cannot, or there is no such identifier.
    No,
    /// It can.
    Yes,
    /// It can; and where nothing else is offered, the method goes on at once ([`Strategy::go_on`]).
    AtOnce,
}

/// How judging ended.
pub enum Step<K: Kind> {
    /// The method is satisfied.
    Decided(K::Decision),
    /// The flow goes on to another screen; these writes go with it.
    Ask(Effects),
    /// The browser goes elsewhere, and comes back to [`Strategy::come_back`].
    Leave(Leave),
    /// The flow is about something else: it goes on as one of another kind.
    Become(Box<Become<K::Counterpart>>),
}

/// Where a browser is sent, to come back later.
#[derive(Debug)]
pub struct Leave {
    /// An absolute URL.
    pub to: String,
    /// Written with the flow before the browser leaves.
    pub effects: Effects,
}

/// The flow that takes over.
pub struct Become<K: Kind> {
    /// As it begins.
    pub flow: NewFlow<K>,
    /// The method that goes on in it, by [`Strategy::come_back`].
    pub method: &'static str,
    /// What that method is told ([`Attempt::handed_over`]).
    pub handed_over: Value,
    /// Written with the new flow.
    pub effects: Effects,
}
