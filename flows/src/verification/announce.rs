//! Verification that begins with something else, in its commit: a registration, a sign-in, a change of an
//! address.

use identity::{
    Identity,
    identities::VerifiableAddress,
    one_time::Purpose,
    schema::{Address, Via},
};
use serde_json::Value;
use url::Url;

use super::{Verification, held::Held};
use crate::{
    begin as opening,
    challenge::{Challenge as _, Notice},
    config::{FeatureFlags, Pages, SelfService, Use, with_query},
    continue_with::ContinueWith,
    cx::{ClientInfo, Cx},
    decision::{Effects, Halt, Write},
    flow::{Flow, Kind, Opening, SENT, Transport},
    limits,
    messages::{self, SecretMessage},
    methods::code::CodeConfig,
    store::NewFlow,
};

/// What makes an address known: a flow that is about to be written.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Who began that flow.
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
    pub fn of<K: Kind>(cx: &Cx<'_>, flow: &'a Flow<K>) -> Self {
        Self {
            transport: flow.transport,
            request_url: &flow.request_url,
            return_to: flow.return_to.as_deref(),
            transient_payload: flow.transient_payload.as_ref(),
            csrf_secret: cx.client.csrf_secret,
            is_optional: false,
        }
    }

    /// The same where nobody has to wait because of too many messages.
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

/// Begin the verification of the first of somebody's addresses that `wants` it (of each, with the flag
/// `legacy_continue_with_verification_ui`), and mark it as sent. Nothing while verification is off.
pub async fn announce(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
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
            limits::mail(cx, &address).await?;
        } else if !limits::mail_if_any(cx, &address).await? {
            continue;
        }
        let status = &mut identity.verifiable_addresses[at].status;
        if status == "pending" {
            "sent".clone_into(status);
        }
        let flow = announced_flow(cx, occasion, &address);
        let (effects, next) = begin(cx, occasion, flow, (identity, &address)).await?;
        announcement.effects.0.extend(effects.0);
        announcement.shown.push(next);
    }
    Ok(announcement)
}

/// Begin the verification that a change waits for, in the place of all that waited before. `after`: the
/// identity as it will be. Also how clients hear of it.
pub(crate) async fn hold(
    cx: &Cx<'_>,
    occasion: Occasion<'_>,
    after: &Identity,
    held: &Held,
) -> Result<(Effects, ContinueWith), Halt> {
    let address = held.address();
    limits::mail(cx, &address).await?;
    let mut flow = announced_flow(cx, occasion, &address);
    flow.state.identity_id = Some(after.id);
    flow.state.held = Some(held.seal(cx, flow.id)?);
    let mut effects = Effects(vec![Write::DropHeld {
        identity_id: after.id,
    }]);
    let (begun, next) = begin(cx, occasion, flow, (after, &address)).await?;
    effects.0.extend(begun.0);
    Ok((effects, next))
}

/// Write that flow and its message.
async fn begin(
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
        method: flow.state.memory.method,
        address,
        owner: Some(identity),
        request_url: occasion.request_url,
        transient_payload: occasion.transient_payload,
        notify_unknown: false,
    };
    let (effects, good_until) = messages::send(cx, &message)?;
    flow.state.memory.good_until = Some(good_until);
    crate::submit::redrawn(cx, &mut flow, None).await?;
    let mut writes = vec![Write::BeginFlow(Box::new(NewFlow::of(&flow)?))];
    writes.extend(effects.0);
    let config = cx.project.config::<SelfService>();
    let page = config.flows.verification.ui_url.as_deref();
    let page = Pages::of(cx.project).page(page, "verification");
    let next = ContinueWith::ShowVerificationUi {
        flow_id: flow.id,
        address: address.value.clone(),
        url: with_query(&page, "flow", &flow.id.to_string()),
    };
    Ok((Effects(writes), next))
}

fn announced_flow(cx: &Cx<'_>, occasion: Occasion<'_>, address: &Address) -> Flow<Verification> {
    let (mut state, _) = Verification::fresh(cx);
    // A text message carries no link.
    if address.via == Via::Sms && cx.project.config::<CodeConfig>().is_enabled() {
        state.memory.method = Use::Code;
    }
    state.memory.address.clone_from(&address.value);
    state.memory.notice = Some(Notice::Sent);
    state.announced = true;
    let opening = Opening {
        transport: occasion.transport,
        request_url: occasion.request_url.to_owned(),
        return_to: return_to(cx, occasion),
        identity_schema: None,
        lifespan: Verification::config(cx).lifespan,
        state,
    };
    let mut flow = Flow::<Verification>::new(cx, opening);
    flow.go_to(SENT);
    flow.active = Some(flow.state.memory.method.as_str().to_owned());
    flow
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
