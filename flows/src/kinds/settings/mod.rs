//! The settings flow: what an identity that is signed in changes about itself.

mod config;
mod data;
mod finish;
pub(crate) mod notices;
pub mod pending;
mod privileged;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::{Identity, Session, schemas::Schemas, sessions};
use serde_json::{Map, Value, json};
use tenants::Project;
use uuid::Uuid;

pub use config::SettingsConfig;
pub use data::SettingsData;
pub use finish::Saved;
pub(crate) use privileged::check_privileged;

use super::login::second_factor_url;
use crate::{
    engine::{
        after::HookConfig,
        attempt::Attempt,
        begin::{self, Init, return_to},
        cx::Cx,
        decision::{Effects, Error, Halt, Judged, Refusal},
        flow::{Flow, NewFlow, Transport},
        form,
        kind::{Ending, Kind, Listed as _},
        pages::{page_of, with_query},
        run::{self, Arrival, Outcome},
        store,
    },
    ui::{Message, Ui, order, text},
};

const SHOW_FORM: &str = "show_form";
const SUCCESS: &str = "success";

/// Change what is stored.
#[derive(Clone, Debug)]
pub struct Settings;

/// What a method wants changed.
#[derive(Debug)]
pub struct Change {
    /// The method.
    pub method: &'static str,
    /// The identity as it was judged.
    pub before: Arc<Identity>,
    /// As it will be; `None`: it will be gone.
    pub after: Option<Identity>,
    /// Credentials that must still be as they were judged.
    pub judged: Vec<Judged>,
    /// What is written.
    pub effects: Effects,
}

#[async_trait]
impl Kind for Settings {
    const NAME: &'static str = "settings";
    const FIRST_STATE: &'static str = SHOW_FORM;
    type Params = ();
    type Data = SettingsData;
    type Decision = Change;
    type Rest = Vec<Judged>;
    type Done = Saved;

    fn ui_url(project: &Project) -> Option<String> {
        project.config::<SettingsConfig>().ui_url.clone()
    }

    fn lifespan(cx: &Cx<'_>) -> std::time::Duration {
        cx.project.config::<SettingsConfig>().lifespan
    }

    fn open(cx: &Cx<'_>, init: Init, (): &()) -> Result<NewFlow<Self>, Error> {
        let asked = init.return_to.as_deref().filter(|url| !url.is_empty());
        let Some(session) = cx.session else {
            let login = format!("{}/self-service/login/browser", cx.project.base_url());
            let login =
                asked.map_or_else(|| login.clone(), |to| with_query(&login, "return_to", to));
            return Err(Error::SessionInactive { login });
        };
        // Only a browser that said where to end up comes back here.
        let back = asked.filter(|_| init.transport == Transport::Browser);
        check_aal(cx, session, back.map(|_| init.request_url.as_str()))?;
        let return_to = return_to(cx, asked)?;
        Ok(new_flow(cx, session, Init { return_to, ..init }))
    }

    fn renewed(cx: &Cx<'_>, former: &Flow<Self>) -> (SettingsData, &'static str) {
        let session = cx
            .session
            .filter(|it| it.identity.id == former.data.identity_id);
        let data = session.map_or_else(
            || former.data.clone(),
            |session| SettingsData::of(cx, &session.identity),
        );
        (data, Self::FIRST_STATE)
    }

    fn expired(at: DateTime<Utc>) -> Message {
        text::settings_expired(at)
    }

    fn order_nodes(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        let schemas = Schemas::of(cx.project);
        let schema = schemas.get(flow.data.schema_id());
        let keys = schema.map(|s| s.schema.fields()).unwrap_or_default();
        order::settings(&mut ui.nodes, keys.iter().map(|field| field.name.as_str()));
        for strategy in Self::strategies() {
            strategy.order_own(ui);
        }
    }

    fn extra_fields(flow: &Flow<Self>, view: &mut Map<String, Value>) {
        view.insert("identity".into(), json!(flow.data.identity));
    }

    /// Of the identity that is signed in, at the level that settings ask for.
    fn admit(cx: &Cx<'_>, flow: &mut Flow<Self>) -> Result<(), Halt> {
        let session = check_own(cx, flow)?;
        check_aal(cx, session, Some(&flow.ui.action))?;
        if flow.is_expired(cx.project.now()) {
            return Err(Halt::Expired(flow.expires_at));
        }
        flow.go_to(SHOW_FORM);
        flow.data.identity = session.identity.public_view(cx.project.base_url());
        Ok(())
    }

    fn serve(cx: &Cx<'_>) -> Result<(), Error> {
        cx.session.map(|_| ()).ok_or(Error::SessionMissing)
    }

    fn no_strategy() -> Message {
        text::no_settings_strategy()
    }

    fn hooks(cx: &Cx<'_>, method: &str) -> Vec<HookConfig> {
        let config = cx.project.config::<SettingsConfig>();
        config.after.hooks_of(method).to_vec()
    }

    async fn prepare(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        change: Change,
    ) -> Result<Ending<Self>, Halt> {
        finish::prepare(cx, flow, change)
    }

    async fn finish(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        attempt: &mut Attempt,
        ending: &mut Ending<Self>,
    ) -> Result<Saved, Halt> {
        finish::finish(cx, flow, attempt, ending).await
    }
}

fn new_flow(cx: &Cx<'_>, session: &Session, init: Init) -> NewFlow<Settings> {
    NewFlow {
        transport: init.transport,
        request_url: init.request_url,
        return_to: init.return_to,
        identity_schema: None,
        lifespan: Settings::lifespan(cx),
        data: SettingsData::of(cx, &session.identity),
        state: SHOW_FORM,
    }
}

/// Begin settings; what waited in this browser for another flow is dropped.
pub async fn begin(cx: &Cx<'_>, init: Init) -> Result<Flow<Settings>, Error> {
    let flow = begin::begin::<Settings>(cx, init, &()).await?;
    pending::drop_former(cx).await?;
    Ok(flow)
}

/// A settings flow of that session's identity, drawn but not stored: for the end of a recovery, which
/// stores it in its own commit. `init.return_to` was judged.
pub(crate) async fn drawn(
    cx: &Cx<'_>,
    session: &Session,
    init: Init,
) -> Result<Flow<Settings>, Error> {
    let mut flow = Flow::<Settings>::new(cx, new_flow(cx, session, init));
    form::draw(cx, &mut flow).await?;
    Ok(flow)
}

/// Read a settings flow of one's own; any number of times.
pub async fn read(cx: &Cx<'_>, id: Option<Uuid>) -> Result<Flow<Settings>, Error> {
    let (mut flow, session) = load_own(cx, id).await?;
    let back = page_of::<Settings>(cx.project, flow.id);
    check_aal(cx, session, Some(&back))?;
    flow.data.identity = session.identity.public_view(cx.project.base_url());
    Ok(flow)
}

/// Go on after the detour: carry out what waited for this flow. Whatever waited for another flow, or for
/// another identity, is dropped.
pub async fn resume(cx: &Cx<'_>, id: Uuid) -> Result<Outcome<Settings>, Error> {
    let (flow, session) = match load_own(cx, Some(id)).await {
        Err(error @ (Error::IdentityMismatch | Error::NotFound)) => {
            pending::drop_former(cx).await?;
            return Err(error);
        }
        own => own?,
    };
    check_aal(cx, session, Some(&flow.ui.action))?;
    let waiting = pending::take(cx).await?;
    let waiting = waiting.filter(|p| p.flow_id == id && p.identity_id == session.identity.id);
    let Some(waiting) = waiting else {
        return nothing_waits(cx, flow).await;
    };
    let attempt = Attempt::after_waiting(waiting.asked_at);
    let arrival = Arrival::Submission(Ok(waiting.submission));
    run::run_with(cx, id, (arrival, attempt)).await
}

/// A browser that asks twice comes here when the change is made, or while it is being made.
async fn nothing_waits(cx: &Cx<'_>, flow: Flow<Settings>) -> Result<Outcome<Settings>, Error> {
    let (id, mut flow) = (flow.id, flow);
    for _ in 0..run::TURNS_MAX {
        if flow.state == SUCCESS {
            return Ok(Outcome::Form {
                flow: Box::new(flow),
                complains: false,
            });
        }
        let refusal = Refusal::form(text::change_not_kept());
        if let Some(outcome) = run::refuse(cx, flow, refusal).await? {
            return Ok(outcome);
        }
        flow = load_own(cx, Some(id)).await?.0;
    }
    Err(run::busy())
}

/// A flow of the identity that is signed in.
async fn load_own<'r>(
    cx: &Cx<'r>,
    id: Option<Uuid>,
) -> Result<(Flow<Settings>, &'r Arc<Session>), Error> {
    Settings::serve(cx)?;
    let flow = match id {
        Some(id) => store::load::<Settings>(cx.project, id).await?,
        None => None,
    };
    let flow = flow.ok_or(Error::NotFound)?;
    let session = check_own(cx, &flow)?;
    Ok((flow, session))
}

fn check_own<'r>(cx: &Cx<'r>, flow: &Flow<Settings>) -> Result<&'r Arc<Session>, Error> {
    let session = cx.session.ok_or(Error::SessionMissing)?;
    if flow.data.identity_id == session.identity.id {
        Ok(session)
    } else {
        Err(Error::IdentityMismatch)
    }
}

/// Does the session reach the level that settings ask for? `back`: where to return to from the detour.
pub fn check_aal(cx: &Cx<'_>, session: &Session, back: Option<&str>) -> Result<(), Error> {
    let required = cx.project.config::<SettingsConfig>().required_aal;
    if session.satisfies(required, sessions::code_as_factor(cx.project)) {
        return Ok(());
    }
    Err(Error::AalTooLow {
        redirect_to: second_factor_url(cx.project, back),
    })
}
