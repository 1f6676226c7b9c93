//! What is sent to an address: a secret and the mail that carries it, as writes of the submission that
//! causes them. An address that nobody has costs the same work.

use std::time::Duration;

use chrono::{DateTime, Utc};
use courier::{Mail, Subject};
use identity::{
    Identity,
    one_time::{self, Errand, Minted, Purpose},
    schema::{Address, Via},
};
use serde_json::Value;
use tenants::Fault;
use uuid::Uuid;

use crate::{
    config::Use,
    cx::Cx,
    decision::{Effects, Write},
    methods::{code::CodeConfig, link::LinkConfig},
};

/// What goes where, and why.
pub(crate) struct Letter<'a> {
    /// In which flow the secret is good.
    pub(crate) flow_id: Uuid,
    /// When that flow is over.
    pub(crate) flow_ends: DateTime<Utc>,
    /// For what.
    pub(crate) purpose: Purpose,
    /// Digits or a link.
    pub(crate) method: Use,
    /// Where to, in its stored form.
    pub(crate) address: &'a Address,
    /// Who has that address, if anybody.
    pub(crate) owner: Option<&'a Identity>,
    /// The absolute URL of the request that began the flow.
    pub(crate) request_url: &'a str,
    /// As the client sent it.
    pub(crate) transient_payload: Option<&'a Value>,
    /// Somebody unknown is told so.
    pub(crate) notify_unknown: bool,
}

/// How long a secret of that method is good.
pub(crate) fn lifespan(cx: &Cx<'_>, method: Use) -> Duration {
    match method {
        Use::Code => cx.project.config::<CodeConfig>().config.lifespan,
        Use::Link => cx.project.config::<LinkConfig>().config.lifespan,
    }
}

/// How long a secret can be made use of, as its recipient is told: not when its flow is over. To the minute, because
/// the seconds that somebody took to type their address make no odd number worth reading.
pub(crate) fn usable(cx: &Cx<'_>, lifespan: Duration, flow_ends: DateTime<Utc>) -> Duration {
    let left = (flow_ends - cx.project.now()).to_std().unwrap_or_default();
    lifespan.min(Duration::from_mins((left.as_secs() + 30) / 60))
}

/// A fresh secret and its mail. A code takes the place of the flow's former ones; a link of a former mail
/// stays good until one of them is used: people open whichever mail comes first. Also: until when it is good.
pub(crate) fn post(cx: &Cx<'_>, letter: &Letter<'_>) -> Result<(Effects, DateTime<Utc>), Fault> {
    let lifespan = lifespan(cx, letter.method);
    let expires_at = cx.project.now() + lifespan;
    let errand = Errand {
        flow_id: letter.flow_id,
        purpose: letter.purpose,
        identity_id: letter.owner.map(|owner| owner.id),
        address: letter.address.clone(),
        expires_at,
    };
    let minted = match letter.method {
        Use::Code => one_time::code(cx.project, errand),
        Use::Link => one_time::token(cx.project, errand),
    };
    let usable = usable(cx, lifespan, letter.flow_ends);
    let subject = subject(cx, letter, &minted, usable);
    let cause = Cause {
        identity: letter.owner,
        request_url: letter.request_url,
        transient_payload: letter.transient_payload,
    };
    let valid = written(cx, letter.address, subject, &cause)?;
    let mut writes = Vec::new();
    if letter.method == Use::Code {
        writes.push(Write::DropCodes {
            flow_id: letter.flow_id,
        });
    }
    // Also when nobody has the address: a secret that was sent to nobody comes back from nobody.
    writes.push(Write::StoreCode(Box::new(minted.code)));
    writes.push(match letter.owner {
        Some(_) => Write::Send(valid),
        None => Write::PretendToSend(valid),
    });
    if letter.purpose == Purpose::Verification {
        writes.push(Write::AddressSent {
            identity_id: letter.owner.map_or(Uuid::nil(), |owner| owner.id),
            address: letter.address.clone(),
        });
    }
    if letter.owner.is_none() && letter.notify_unknown && letter.address.via == Via::Email {
        let subject = unknown(letter);
        writes.push(Write::Send(written(cx, letter.address, subject, &cause)?));
    }
    Ok((Effects(writes), expires_at))
}

/// Who a message is about, and what asked for it.
pub(crate) struct Cause<'a> {
    /// As far as it is known.
    pub(crate) identity: Option<&'a Identity>,
    /// Where the flow began.
    pub(crate) request_url: &'a str,
    /// What its caller sent along.
    pub(crate) transient_payload: Option<&'a Value>,
}

/// A message in its words.
pub(crate) fn written(
    cx: &Cx<'_>,
    to: &Address,
    subject: Subject,
    cause: &Cause<'_>,
) -> Result<Box<courier::Message>, Fault> {
    let mail = Mail {
        to: to.clone(),
        subject,
        identity: cause.identity.map(|identity| courier::MailIdentity {
            id: identity.id,
            view: identity.public_view(cx.project.base_url()),
        }),
        request_url: cause.request_url.to_owned(),
        transient_payload: cause.transient_payload.cloned(),
        accept_language: cx.client.accept_language.clone(),
        request_headers: cx.client.told_headers.clone(),
    };
    courier::render(cx.project, &mail).map(Box::new)
}

fn subject(cx: &Cx<'_>, letter: &Letter<'_>, minted: &Minted, expires_in: Duration) -> Subject {
    let secret = &minted.secret;
    let url = |flow: &str, name: &str| {
        let base = cx.project.base_url();
        let id = letter.flow_id;
        format!(
            "{base}/self-service/{flow}?flow={id}&{name}={}",
            secret.as_str()
        )
    };
    match (letter.method, letter.purpose == Purpose::Recovery) {
        (Use::Code, true) => Subject::RecoveryCodeValid {
            code: secret.clone(),
            expires_in,
        },
        (Use::Code, false) => Subject::VerificationCodeValid {
            code: secret.clone(),
            url: url("verification", "code"),
            expires_in,
        },
        (Use::Link, true) => Subject::RecoveryValid {
            url: url("recovery", "token"),
            expires_in,
        },
        (Use::Link, false) => Subject::VerificationValid {
            url: url("verification", "token"),
            expires_in,
        },
    }
}

fn unknown(letter: &Letter<'_>) -> Subject {
    match (letter.method, letter.purpose == Purpose::Recovery) {
        (Use::Code, true) => Subject::RecoveryCodeInvalid,
        (Use::Code, false) => Subject::VerificationCodeInvalid,
        (Use::Link, true) => Subject::RecoveryInvalid,
        (Use::Link, false) => Subject::VerificationInvalid,
    }
}
