//! From a secret that came back to a session, and to the settings in which its owner goes on.

use std::sync::Arc;

use identity::{
    Identity, Session, addresses,
    identities::{self, State},
    one_time::{self, CodeWrite},
    sessions::{Aal, SessionConfig, store as session_store, token},
};
use tenants::{Fault, Tx};
use uuid::Uuid;

use super::Recovery;
use crate::{
    engine::{
        address_proof::{AddressProof as _, DeliveryMethod, Notice, Proof},
        continue_with::ContinueWith,
        cx::{ClientInfo, Cx},
        decision::{Effects, Error, Halt, Refusal},
        flow::{Flow, PASSED, Transport},
        form, guard,
        hook::{Next, Person, Subject},
        init::Init,
        kind::{Ending, Kind as _},
        pages::page_of,
        rows::{self, FlowRow},
        store,
    },
    kinds::settings::{self, Settings, SettingsConfig},
    ui::text,
};

/// The owner is back in the account.
pub struct Recovered {
    /// Privileged, because it has just begun.
    pub session: Arc<Session>,
    /// Its token.
    pub token: String,
    /// The settings flow in which they go on, and its page; `None` where that is skipped.
    pub settings: Option<(Uuid, String)>,
    /// What the client does next.
    pub next: Next,
}

impl AsMut<Next> for Recovered {
    fn as_mut(&mut self) -> &mut Next {
        &mut self.next
    }
}

impl std::fmt::Debug for Recovered {
    /// Without what it must not show in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovered")
            .field("target", &self.next.target)
            .finish_non_exhaustive()
    }
}

impl Recovered {
    /// What clients are told to do next.
    pub fn continue_with(&self, transport: Transport) -> Vec<ContinueWith> {
        let mut next = Vec::new();
        if transport == Transport::Api {
            next.push(ContinueWith::SetSessionToken(self.token.clone()));
        }
        if let Some((flow_id, url)) = &self.settings {
            next.push(ContinueWith::ShowSettingsUi {
                flow_id: *flow_id,
                url: url.clone(),
            });
        }
        next
    }
}

pub(super) async fn prepare(
    cx: &Cx<'_>,
    flow: &Flow<Recovery>,
    mut proof: Proof,
) -> Result<Ending<Recovery>, Halt> {
    let identity = owner(cx, flow, &proof).await?;
    let after = Recovery::config(cx).after;
    let target = guard::target(cx, flow, after.default_browser_return_url.as_deref())?;
    let method = flow.data.proof.method.as_str();
    let amr = cx.completed(&format!("{method}_recovery"), Aal::Aal1);
    let lifespan = cx.project.config::<SessionConfig>().lifespan;
    let device = cx.client.device();
    let session = Session::begin(Arc::clone(&identity), amr.clone(), device, lifespan);
    let subject = Subject {
        amr: Some(amr),
        session: Some(session),
        effects: std::mem::take(&mut proof.effects),
        ..Subject::new(method, Person::Known(identity))
    };
    Ok(Ending {
        rest: proof,
        subject,
        target,
    })
}

/// The account that the secret was made for, with the address that it proves.
async fn owner(cx: &Cx<'_>, flow: &Flow<Recovery>, proof: &Proof) -> Result<Arc<Identity>, Halt> {
    let mut tx = cx.project.begin().await?;
    let found = identities::store::get(&mut tx, proof.identity_id).await?;
    let is_theirs = is_still_theirs(&mut tx, proof).await?;
    drop(tx);
    let found = found.filter(|_| is_theirs);
    let mut identity = found.ok_or_else(|| no_more(flow))?;
    if identity.state == State::Inactive {
        return Err(Halt::refused(Refusal::form(text::account_disabled())));
    }
    if let Some(proved) = &proof.address {
        identity.note_verified(proved, cx.project.now());
    }
    Ok(Arc::new(identity))
}

/// Does the account still go by the address that the secret was sent to? An owner who took a stranger's address
/// out of it must not let the stranger in by what was sent before.
async fn is_still_theirs(tx: &mut Tx, proof: &Proof) -> Result<bool, Fault> {
    match &proof.address {
        Some(address) => {
            let owner = addresses::owner_of_recovery(tx, address).await?;
            Ok(owner == Some(proof.identity_id))
        }
        None => Ok(true),
    }
}

/// What the secret was sent for is no more: it is as good as a wrong one.
fn no_more(flow: &Flow<Recovery>) -> Halt {
    let message = match flow.data.proof.method {
        DeliveryMethod::Code => text::wrong_recovery_code(),
        DeliveryMethod::Link => text::wrong_recovery_link(),
    };
    let forget = Effects::one(CodeWrite::DropOfFlow(flow.id));
    Halt::Refused(Refusal::form(message).mild(), forget)
}

/// The one transaction.
pub(super) async fn finish(
    cx: &Cx<'_>,
    flow: &mut Flow<Recovery>,
    ending: &mut Ending<Recovery>,
) -> Result<Recovered, Halt> {
    let (subject, proof) = (&ending.subject, &ending.rest);
    let (Person::Known(identity), Some(session)) = (&subject.person, &subject.session) else {
        return Err(Fault::broken("a recovery ends without identity or session").into());
    };
    let session = Arc::new(Session {
        identity: Arc::clone(identity),
        ..session.clone()
    });
    let token = token::mint();
    let settings = if flow.data.skip_settings {
        None
    } else {
        Some(settings_of(cx, flow, &session).await?)
    };
    let passed = passed(cx, flow).await?;
    let mut tx = cx.project.begin().await?;
    let still_true = store::save(&mut tx, &passed).await?
        && identities::store::is_still_active(&mut tx, identity.id).await? == Some(true)
        && is_still_theirs(&mut tx, proof).await?
        && one_time::consume(&mut tx, proof.code_id).await?;
    if !still_true {
        return Err(Halt::Outdated);
    }
    session_store::insert(&mut tx, &session, &token).await?;
    if let Some(address) = &proof.address {
        addresses::mark_verified(&mut tx, identity.id, address).await?;
    }
    if let Some((row, _)) = &settings {
        rows::insert(&mut tx, row).await?;
    }
    subject
        .effects
        .write(&mut tx, Some(&session))
        .await
        .map_err(Halt::unwritten)?;
    tx.commit().await?;
    *flow = passed;
    let settings = settings.map(|(row, url)| (row.id(), url));
    let target = std::mem::take(&mut ending.target);
    let target = settings.as_ref().map_or(target, |(_, url)| url.clone());
    Ok(Recovered {
        session,
        token,
        settings,
        next: Next::to(target, Vec::new(), Vec::new()),
    })
}

/// The flow once its secret was right.
async fn passed(cx: &Cx<'_>, flow: &Flow<Recovery>) -> Result<Flow<Recovery>, Error> {
    let mut passed = flow.clone();
    passed.go_to(PASSED);
    passed.data.proof.notice = Some(Notice::Passed);
    passed.active = Recovery::active(&passed);
    form::redraw(cx, &mut passed, None).await?;
    Ok(passed)
}

/// The settings flow in which a recovered account goes on, under the CSRF secret that the answer hands out.
async fn settings_of(
    cx: &Cx<'_>,
    flow: &Flow<Recovery>,
    session: &Arc<Session>,
) -> Result<(FlowRow, String), Error> {
    let client = ClientInfo {
        csrf_secret: cx.client.next_csrf_secret,
        ..cx.client.clone()
    };
    let cx = &Cx {
        client: &client,
        session: Some(session),
        ..*cx
    };
    let init = Init {
        transport: flow.transport,
        request_url: flow.request_url.clone(),
        return_to: flow.return_to.clone(),
        identity_schema: None,
    };
    let mut settings = settings::drawn(cx, session, init).await?;
    let config = cx.project.config::<SettingsConfig>();
    let until = session.authenticated_at + config.privileged_session_max_age;
    settings.ui.messages.push(text::recovered(until));
    let url = page_of::<Settings>(cx.project, settings.id);
    Ok((store::row(&settings)?, url))
}
