//! Minting a code and writing the letter that carries it. Sends nothing: these are writes of a commit.

use identity::{
    Identity,
    courier::{self, Mail, MailIdentity, Subject},
    one_time::{self, Errand, Minted, Purpose},
    schema::Address,
};
use tenants::Fault;

use super::CodeConfig;
use crate::{
    cx::Cx,
    flow::{Flow, Kind},
};

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

/// The letter, rendered. Fails when the project's own template does.
pub(super) fn letter<K: Kind>(
    cx: &Cx<'_>,
    flow: &Flow<K>,
    subject: Subject,
    (identity, address): (Option<&Identity>, &Address),
) -> Result<Box<courier::Message>, Fault> {
    let known = identity.map(|identity| MailIdentity {
        id: identity.id,
        view: identity.public_view(cx.project.base_url()),
    });
    let mail = Mail {
        to: address.clone(),
        subject,
        identity: known,
        request_url: flow.request_url.clone(),
        transient_payload: flow.transient_payload.clone(),
        accept_language: cx.client.accept_language.clone(),
        request_headers: cx.client.told_headers.clone(),
    };
    match courier::render(cx.project, &mail) {
        Ok(message) => Ok(Box::new(message)),
        Err(error) => Err(Fault::broken(error.to_string())),
    }
}
