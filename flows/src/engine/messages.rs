//! What is sent to an address: a one-time secret and the message that carries it, as writes of the submission
//! that causes them. An address that no identity has costs the same work.

use std::time::Duration;

use chrono::{DateTime, Utc};
use courier::{Cause, MessageWrite, Template};
use identity::{
    Identity,
    addresses::AddressWrite,
    one_time::{self, CodeSpec, CodeWrite, Minted, Purpose},
    schema::{Address, Via},
};
use serde_json::Value;
use tenants::Fault;
use uuid::Uuid;

use super::{address_proof::DeliveryMethod, cx::Cx, decision::Effects};

/// A one-time secret, where it goes and what it is for.
pub(crate) struct SecretMessage<'a> {
    /// In which flow the secret is good.
    pub(crate) flow_id: Uuid,
    /// When that flow is over.
    pub(crate) flow_ends: DateTime<Utc>,
    /// What the secret is good for.
    pub(crate) purpose: Purpose,
    /// A code or a link.
    pub(crate) method: DeliveryMethod,
    /// How long it is good.
    pub(crate) lifespan: Duration,
    /// The recipient, in its stored form.
    pub(crate) address: &'a Address,
    /// The identity that has the address, if there is one.
    pub(crate) owner: Option<&'a Identity>,
    /// The absolute URL of the request that began the flow.
    pub(crate) request_url: &'a str,
    /// As the client sent it.
    pub(crate) transient_payload: Option<&'a Value>,
    /// A recipient without an account is told that there is none.
    pub(crate) notify_unknown: bool,
}

/// How long a secret can be used, as its recipient is told: no longer than its flow. Rounded to minutes, because the
/// seconds it took to type the address would only make the number odd.
pub(crate) fn usable(cx: &Cx<'_>, lifespan: Duration, flow_ends: DateTime<Utc>) -> Duration {
    let left = (flow_ends - cx.project.now()).to_std().unwrap_or_default();
    lifespan.min(Duration::from_mins((left.as_secs() + 30) / 60))
}

/// A fresh secret and its message, and until when the secret is good. A code replaces the flow's earlier ones; an
/// earlier link stays good until one of them is used, because people open whichever mail comes first.
pub(crate) fn send(
    cx: &Cx<'_>,
    message: &SecretMessage<'_>,
) -> Result<(Effects, DateTime<Utc>), Fault> {
    let expires_at = cx.project.now() + message.lifespan;
    let spec = CodeSpec {
        flow_id: message.flow_id,
        purpose: message.purpose,
        identity_id: message.owner.map(|owner| owner.id),
        address: message.address.clone(),
        expires_at,
    };
    let minted = match message.method {
        DeliveryMethod::Code => one_time::code(cx.project, spec),
        DeliveryMethod::Link => one_time::token(cx.project, spec),
    };
    let usable = usable(cx, message.lifespan, message.flow_ends);
    let template = template(cx, message, &minted, usable);
    let cause = cause(
        cx,
        message.owner,
        message.request_url,
        message.transient_payload,
    );
    let valid = render(cx, message.address, template, &cause)?;
    let mut effects = Effects::default();
    if message.method == DeliveryMethod::Code {
        effects.push(CodeWrite::DropOfFlow(message.flow_id));
    }
    // Also when no identity has the address: that secret was sent nowhere, so it cannot come back.
    effects.push(CodeWrite::Store(Box::new(minted.code)));
    effects.push(match message.owner {
        Some(_) => MessageWrite::Send(valid),
        None => MessageWrite::Pretend(valid),
    });
    if message.purpose == Purpose::Verification {
        effects.push(AddressWrite::Sent {
            identity_id: message.owner.map_or(Uuid::nil(), |owner| owner.id),
            address: message.address.clone(),
        });
    }
    if message.owner.is_none() && message.notify_unknown && message.address.via == Via::Email {
        let template = unknown(message);
        let told = render(cx, message.address, template, &cause)?;
        effects.push(MessageWrite::Send(told));
    }
    Ok((effects, expires_at))
}

/// Why a message of this request is sent: the identity that it is about, and where its flow began with what payload.
pub(crate) fn cause<'a>(
    cx: &'a Cx<'_>,
    identity: Option<&'a Identity>,
    request_url: &'a str,
    transient_payload: Option<&'a Value>,
) -> Cause<'a> {
    Cause {
        identity,
        request_url,
        transient_payload,
        accept_language: cx.client.accept_language.as_deref(),
        request_headers: &cx.client.forwarded_headers,
    }
}

/// A rendered message, as effects hold it.
pub(crate) fn render(
    cx: &Cx<'_>,
    to: &Address,
    template: Template,
    cause: &Cause<'_>,
) -> Result<Box<courier::Message>, Fault> {
    courier::render(cx.project, to, template, cause).map(Box::new)
}

fn template(
    cx: &Cx<'_>,
    message: &SecretMessage<'_>,
    minted: &Minted,
    expires_in: Duration,
) -> Template {
    let secret = &minted.secret;
    let url = |flow: &str, name: &str| {
        let base = cx.project.base_url();
        let id = message.flow_id;
        format!(
            "{base}/self-service/{flow}?flow={id}&{name}={}",
            secret.as_str()
        )
    };
    match (message.method, message.purpose == Purpose::Recovery) {
        (DeliveryMethod::Code, true) => Template::RecoveryCodeValid {
            code: secret.clone(),
            expires_in,
        },
        (DeliveryMethod::Code, false) => Template::VerificationCodeValid {
            code: secret.clone(),
            url: url("verification", "code"),
            expires_in,
        },
        (DeliveryMethod::Link, true) => Template::RecoveryValid {
            url: url("recovery", "token"),
            expires_in,
        },
        (DeliveryMethod::Link, false) => Template::VerificationValid {
            url: url("verification", "token"),
            expires_in,
        },
    }
}

fn unknown(message: &SecretMessage<'_>) -> Template {
    match (message.method, message.purpose == Purpose::Recovery) {
        (DeliveryMethod::Code, true) => Template::RecoveryCodeInvalid,
        (DeliveryMethod::Code, false) => Template::VerificationCodeInvalid,
        (DeliveryMethod::Link, true) => Template::RecoveryInvalid,
        (DeliveryMethod::Link, false) => Template::VerificationInvalid,
    }
}
