//! Recovery that an administrator begins for an account: the code or the link is told by other means, so
//! nothing is sent and no address is proved.

use chrono::{DateTime, Utc};
use identity::{
    identities,
    one_time::{self, CodeSpec, Purpose},
    schema::{Address, Via},
};
use uuid::Uuid;

use super::{Recovery, RecoveryData};
use crate::engine::{
    address_proof::{self, DeliveryMethod},
    cx::Cx,
    decision::Error,
    flow::{CHOOSE_METHOD, Flow, NewFlow, SENT, Transport},
    form,
    pages::page_of,
    rows, store,
};

/// What an administrator asks for an account.
#[derive(Clone, Debug)]
pub struct Handover {
    /// For that identity.
    pub identity_id: Uuid,
    /// A code to type, or a link to follow.
    pub method: DeliveryMethod,
    /// In which kind of client.
    pub transport: Transport,
    /// The absolute URL of the request.
    pub request_url: String,
    /// Judged already.
    pub return_to: Option<String>,
    /// How long it is good; as configured for the method otherwise.
    pub lifespan: Option<std::time::Duration>,
}

/// What an administrator hands over.
pub struct HandedOver {
    /// Where it is used.
    pub link: String,
    /// The digits, or the token that is in the link already.
    pub secret: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for HandedOver {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandedOver")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Begin a recovery for an account. `None`: there is no such identity.
pub async fn hand_over(cx: &Cx<'_>, handover: Handover) -> Result<Option<HandedOver>, Error> {
    let method = handover.method;
    let lifespan = handover
        .lifespan
        .unwrap_or_else(|| address_proof::lifespan::<Recovery>(cx, method));
    let mut flow = handed_over_flow(cx, &handover, lifespan);
    form::draw(cx, &mut flow).await?;
    let spec = CodeSpec {
        flow_id: flow.id,
        purpose: Purpose::Recovery,
        identity_id: Some(handover.identity_id),
        address: Address {
            via: Via::Email,
            value: String::new(),
        },
        expires_at: flow.expires_at,
    };
    let minted = match method {
        DeliveryMethod::Code => one_time::code(cx.project, spec),
        DeliveryMethod::Link => one_time::token(cx.project, spec),
    };
    let mut tx = cx.project.begin().await?;
    let found = identities::store::get(&mut tx, handover.identity_id).await?;
    if found.is_none() {
        return Ok(None);
    }
    rows::insert(&mut tx, &store::row(&flow)?).await?;
    one_time::insert(&mut tx, &minted.code).await?;
    tx.commit().await?;
    let secret = minted.secret.to_string();
    Ok(Some(HandedOver {
        link: match method {
            DeliveryMethod::Code => page_of::<Recovery>(cx.project, flow.id),
            DeliveryMethod::Link => format!(
                "{}/self-service/recovery?flow={}&token={secret}",
                cx.project.base_url(),
                flow.id
            ),
        },
        secret,
        expires_at: flow.expires_at,
    }))
}

fn handed_over_flow(
    cx: &Cx<'_>,
    handover: &Handover,
    lifespan: std::time::Duration,
) -> Flow<Recovery> {
    let state = match handover.method {
        DeliveryMethod::Code => SENT,
        DeliveryMethod::Link => CHOOSE_METHOD,
    };
    Flow::<Recovery>::new(
        cx,
        NewFlow {
            transport: handover.transport,
            request_url: handover.request_url.clone(),
            return_to: handover.return_to.clone(),
            identity_schema: None,
            lifespan,
            data: RecoveryData {
                by_administrator: true,
                ..RecoveryData::by(handover.method)
            },
            state,
        },
    )
}
