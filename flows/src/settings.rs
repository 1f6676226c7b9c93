//! The settings flow: what somebody who is signed in changes about themselves.

use identity::Session;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    config::SelfService,
    cx::Cx,
    decision::Error,
    flow::{Flow, Kind, Opening, Transport},
    methods::{self, Strategy},
    ui::Ui,
};

/// Change what is stored.
#[derive(Debug)]
pub struct Settings;

/// What a settings flow remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SettingsState {
    /// Whose settings these are.
    pub identity_id: Uuid,
    /// As they may see themselves, as of the last drawing.
    pub identity: Value,
}

/// What a method wants changed.
#[derive(Debug)]
pub struct Change {}

impl Kind for Settings {
    const NAME: &'static str = "settings";
    type Decision = Change;
    type State = SettingsState;

    fn strategies() -> &'static [&'static dyn Strategy<Self>] {
        methods::SETTINGS
    }

    fn frame(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}

    fn sort(_cx: &Cx<'_>, _flow: &Flow<Self>, _ui: &mut Ui) {}

    fn show(flow: &Flow<Self>, view: &mut Map<String, Value>) {
        view.insert("identity".into(), json!(flow.state.identity));
    }
}

/// How long after signing in people may change everything.
pub(crate) fn privileged_for(_cx: &Cx<'_>) -> std::time::Duration {
    std::time::Duration::from_hours(1)
}

/// A settings flow of that session's identity, drawn but not stored: for the end of a recovery, which
/// stores it in its own commit.
pub async fn open(
    cx: &Cx<'_>,
    session: &Session,
    (transport, request_url, return_to): (Transport, String, Option<String>),
) -> Result<Flow<Settings>, Error> {
    let lifespan = cx.project.config::<SelfService>().flows.login.lifespan;
    let mut flow = Flow::<Settings>::new(
        cx,
        Opening {
            transport,
            request_url,
            return_to,
            identity_schema: None,
            lifespan,
            state: SettingsState {
                identity_id: session.identity.id,
                identity: session.identity.public_view(cx.project.base_url()),
            },
        },
    );
    "show_form".clone_into(&mut flow.step);
    crate::begin::draw(cx, &mut flow).await?;
    Ok(flow)
}
