//! Minting a code and rendering the message that carries it. Sends nothing: these are writes of a commit.

use std::time::Duration;

use courier::Template;
use identity::{
    Identity,
    one_time::{self, CodeSpec, Minted, Purpose},
    schema::Address,
};
use tenants::Fault;

use super::CodeConfig;
use crate::engine::{cx::Cx, flow::Flow, kind::Kind, messages};

/// How long a code of this flow can be made use of.
pub(super) fn usable<K: Kind>(cx: &Cx<'_>, flow: &Flow<K>) -> Duration {
    let lifespan = cx.project.config::<CodeConfig>().config.lifespan;
    messages::usable(cx, lifespan, flow.expires_at)
}

/// A code of this flow for that address.
pub(super) fn mint<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    purpose: Purpose,
    (identity, address): (Option<&Identity>, &Address),
) -> Minted {
    let lifespan = cx.project.config::<CodeConfig>().config.lifespan;
    let spec = CodeSpec {
        flow_id: flow.id,
        purpose,
        identity_id: identity.map(|identity| identity.id),
        address: address.clone(),
        expires_at: cx.project.now() + lifespan,
    };
    one_time::code(cx.project, spec)
}

/// The rendered message.
pub(super) fn message<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    template: Template,
    (identity, address): (Option<&Identity>, &Address),
) -> Result<Box<courier::Message>, Fault> {
    let payload = flow.transient_payload.as_ref();
    let cause = messages::cause(cx, identity, &flow.request_url, payload);
    messages::render(cx, address, template, &cause)
}
