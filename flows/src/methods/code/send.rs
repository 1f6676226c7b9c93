//! Minting a code and writing the letter that carries it. Sends nothing: these are writes of a commit.

use std::time::Duration;

use courier::Subject;
use identity::{
    Identity,
    one_time::{self, Errand, Minted, Purpose},
    schema::Address,
};
use tenants::Fault;

use super::CodeConfig;
use crate::{
    cx::Cx,
    flow::{Flow, Kind},
    letters::{self, Cause},
};

/// How long a code of this flow can be made use of.
pub(super) fn usable<K: Kind>(cx: &Cx<'_>, flow: &Flow<K>) -> Duration {
    let lifespan = cx.project.config::<CodeConfig>().config.lifespan;
    letters::usable(cx, lifespan, flow.expires_at)
}

/// A code of this flow for that address.
pub(super) fn mint<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    purpose: Purpose,
    (identity, address): (Option<&Identity>, &Address),
) -> Minted {
    let lifespan = cx.project.config::<CodeConfig>().config.lifespan;
    let errand = Errand {
        flow_id: flow.id,
        purpose,
        identity_id: identity.map(|identity| identity.id),
        address: address.clone(),
        expires_at: cx.project.now() + lifespan,
    };
    one_time::code(cx.project, errand)
}

/// The letter, in its words.
pub(super) fn letter<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    subject: Subject,
    (identity, address): (Option<&Identity>, &Address),
) -> Result<Box<courier::Message>, Fault> {
    let cause = Cause {
        identity,
        request_url: &flow.request_url,
        transient_payload: flow.transient_payload.as_ref(),
    };
    letters::written(cx, address, subject, &cause)
}
