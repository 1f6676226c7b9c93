//! Verification that begins with something else, in its commit: a registration, a sign-in, a change of an
//! address.

use identity::{
    Identity,
    identities::{AddressStatus, VerifiableAddress},
    one_time::Purpose,
    schema::{Address, Via},
};
use serde_json::Value;
use url::Url;

use super::Verification;
use crate::engine::{
    address_proof::{self, AddressProof as _, DeliveryMethod, Notice},
    attempt::Attempt,
    begin as opening,
    continue_with::ContinueWith,
    cx::{ClientInfo, Cx},
    decision::{Effects, Halt},
    flags::FeatureFlags,
    flow::{Flow, NewFlow, SENT, Transport},
    form,
    hook::About,
    kind::{Kind as _, Listed as _},
    limits,
    messages::{self, SecretMessage},
    pages::page_of,
    rows::FlowWrite,
    store,
};

/// What makes an address known: a flow that is about to be written.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Whether a browser or an API client began that flow.
    pub transport: Transport,
    /// The absolute URL of its init request.
    pub request_url: &'a str,
    /// Where it ends, as it was asked for.
    pub return_to: Option<&'a str>,
    /// As the client sent it.
    pub transient_payload: Option<&'a Value>,
    /// What the visitor's CSRF cookie will hold once this is answered.
    pub csrf_secret: [u8; 32],
    /// After too many messages: go on without one, rather than be refused.
    pub is_optional: bool,
}

impl<'a> Occasion<'a> {
    /// That flow; the visitor keeps their CSRF cookie.
    pub fn of(cx: &Cx<'_>, about: &About<'a>) -> Self {
        Self {
            transport: about.transport,
            request_url: about.request_url,
            return_to: about.return_to,
            transient_payload: about.transient_payload,
            csrf_secret: cx.client.csrf_secret,
            is_optional: false,
        }
    }

    /// The same where too many messages make no visitor wait.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            is_optional: true,
            ..self
        }
    }

    /// The same for an answer that hands out the next CSRF secret.
    #[must_use]
    pub fn with_next_csrf(self, cx: &Cx<'_>) -> Self {
        Self {
            csrf_secret: cx.client.next_csrf_secret,
            ..self
        }
    }
}

/// Verifications that begin with something else.
#[derive(Debug, Default)]
pub struct Announcement {
    /// To be written with it.
    pub effects: Effects,
    /// How clients hear of them.
    pub shown: Vec<ContinueWith>,
}

/// Begin the verification of the first of an identity's addresses that `wants` it (of each, with the flag
/// `legacy_continue_with_verification_ui`), and mark it as sent. Nothing while verification is off.
pub async fn announce(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    attempt: &mut Attempt,
    identity: &mut Identity,
    wants: impl Fn(&VerifiableAddress) -> bool + Send,
) -> Result<Announcement, Halt> {
    let mut announcement = Announcement::default();
    if !Verification::config(cx).enabled {
        return Ok(announcement);
    }
    let each = cx
        .project
        .config::<FeatureFlags>()
        .legacy_continue_with_verification_ui;
    let wanted: Vec<usize> = (0..identity.verifiable_addresses.len())
        .filter(|at| wants(&identity.verifiable_addresses[*at]))
        .take(if each { usize::MAX } else { 1 })
        .collect();
    for at in wanted {
        let wanted = &identity.verifiable_addresses[at];
        let address = Address {
            via: wanted.via,
            value: wanted.value.clone(),
        };
        if !occasion.is_optional {
            limits::message(cx, attempt, &address).await?;
        } else if !limits::optional_message(cx, attempt, &address).await? {
            continue;
        }
        let status = &mut identity.verifiable_addresses[at].status;
        if *status == AddressStatus::Pending {
            *status = AddressStatus::Sent;
        }
        let flow = announced_flow(cx, occasion, &address);
        let (effects, next) = begin(cx, occasion, flow, (identity, &address)).await?;
        announcement.effects.append(effects);
        announcement.shown.push(next);
    }
    Ok(announcement)
}

/// Write that flow and its message.
pub(super) async fn begin(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    mut flow: Flow<Verification>,
    (identity, address): (&Identity, &Address),
) -> Result<(Effects, ContinueWith), Halt> {
    let client = ClientInfo {
        csrf_secret: occasion.csrf_secret,
        ..cx.client.clone()
    };
    let cx = &Cx {
        client: &client,
        ..*cx
    };
    let message = SecretMessage {
        flow_id: flow.id,
        flow_ends: flow.expires_at,
        purpose: Purpose::Verification,
        method: flow.data.proof.method,
        lifespan: address_proof::lifespan::<Verification>(cx, flow.data.proof.method),
        address,
        owner: Some(identity),
        request_url: occasion.request_url,
        transient_payload: occasion.transient_payload,
        notify_unknown: false,
    };
    let (sent, good_until) = messages::send(cx, &message)?;
    flow.data.proof.good_until = Some(good_until);
    form::redraw(cx, &mut flow, None).await?;
    let mut effects = Effects::one(FlowWrite::Begin(Box::new(store::row(&flow)?)));
    effects.append(sent);
    let next = ContinueWith::ShowVerificationUi {
        flow_id: flow.id,
        address: address.value.clone(),
        url: page_of::<Verification>(cx.project, flow.id),
    };
    Ok((effects, next))
}

pub(super) fn announced_flow(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    address: &Address,
) -> Flow<Verification> {
    let (mut data, _) = Verification::fresh(cx);
    // A text message carries no link.
    if address.via == Via::Sms && serves_codes(cx) {
        data.proof.method = DeliveryMethod::Code;
    }
    data.proof.address.clone_from(&address.value);
    data.proof.notice = Some(Notice::Sent);
    data.announced = true;
    let mut flow = Flow::<Verification>::new(
        cx,
        NewFlow {
            transport: occasion.transport,
            request_url: occasion.request_url.to_owned(),
            return_to: return_to(cx, occasion),
            identity_schema: None,
            lifespan: Verification::lifespan(cx),
            data,
            state: SENT,
        },
    );
    flow.active = Verification::active(&flow);
    flow
}

fn serves_codes(cx: &Cx<'_>) -> bool {
    let mut strategies = Verification::strategies().iter();
    let code = DeliveryMethod::Code.as_str();
    strategies.any(|strategy| strategy.id() == code && strategy.is_enabled(cx))
}

/// `after_verification_return_to` of the init request, else where that flow ends; neither when it is not
/// allowed.
fn return_to(cx: &Cx<'_>, occasion: Occasion<'_>) -> Option<String> {
    let asked = Url::parse(occasion.request_url).ok().and_then(|url| {
        let mut pairs = url.query_pairs();
        let found = pairs.find(|(name, _)| name == "after_verification_return_to");
        found.map(|(_, value)| value.into_owned())
    });
    let asked = asked.filter(|url| !url.is_empty());
    let asked = asked.or_else(|| occasion.return_to.map(str::to_owned));
    opening::return_to(cx, asked.as_deref()).ok().flatten()
}
