//! The login flow: sign in, authenticate again, or add a second factor.

mod config;
mod data;
mod finish;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::sessions::Aal;
use serde_json::{Map, Value, json};
use tenants::Project;

pub use config::{LoginConfig, LoginStyle};
pub use data::{LoginData, LoginScreen};
pub use finish::SignedIn;

use crate::{
    engine::{
        after::HookConfig,
        attempt::Attempt,
        begin::{Init, identity_schema, return_to, signed_in_already},
        cx::Cx,
        decision::{Error, Halt, Refusal, SignIn},
        flow::{Flow, NewFlow, Transport},
        kind::{Ending, Kind},
        pages::with_query,
    },
    ui::{Message, Ui, order, text},
};

/// Sign in, authenticate again, or add a second factor.
#[derive(Clone, Debug)]
pub struct Login;

/// What a visitor asks of a new login.
#[derive(Clone, Debug, Default)]
pub struct LoginParams {
    /// Authenticate again.
    pub refresh: bool,
    /// `aal1`, `aal2`, or nothing.
    pub aal: Option<String>,
    /// The trait whose address a code of a second factor goes to.
    pub via: Option<String>,
}

#[async_trait]
impl Kind for Login {
    const NAME: &'static str = "login";
    type Params = LoginParams;
    type Data = LoginData;
    type Decision = SignIn;
    type Rest = SignIn;
    type Done = SignedIn;

    fn ui_url(project: &Project) -> Option<String> {
        project.config::<LoginConfig>().ui_url.clone()
    }

    fn lifespan(cx: &Cx<'_>) -> std::time::Duration {
        cx.project.config::<LoginConfig>().lifespan
    }

    fn open(cx: &Cx<'_>, init: Init, params: &LoginParams) -> Result<NewFlow<Self>, Error> {
        let requested_aal = requested_aal(params)?;
        let return_to = return_to(cx, init.return_to.as_deref())?;
        let identity_schema = identity_schema(cx, init.identity_schema.as_deref())?;
        let refresh = params.refresh && cx.session.is_some();
        match cx.session {
            None if requested_aal == Aal::Aal2 => return Err(Error::FirstFactorMissing),
            Some(session) if !refresh && requested_aal <= session.aal => {
                return Err(signed_in_already(cx, return_to.as_deref()));
            }
            _ => {}
        }
        Ok(NewFlow {
            transport: init.transport,
            request_url: init.request_url,
            return_to,
            identity_schema,
            lifespan: Self::lifespan(cx),
            data: LoginData {
                refresh,
                requested_aal,
                screen: first_screen(cx, refresh, requested_aal),
                ..LoginData::default()
            },
            state: Self::FIRST_STATE,
        })
    }

    /// A fresh first-factor login.
    fn renewed(cx: &Cx<'_>, _former: &Flow<Self>) -> (LoginData, &'static str) {
        let data = LoginData {
            screen: first_screen(cx, false, Aal::Aal1),
            ..LoginData::default()
        };
        (data, Self::FIRST_STATE)
    }

    fn expired(at: DateTime<Utc>) -> Message {
        text::login_expired(at)
    }

    fn order_nodes(_cx: &Cx<'_>, _flow: &Flow<Self>, ui: &mut Ui) {
        order::login(&mut ui.nodes);
    }

    fn welcome(cx: &Cx<'_>, flow: &mut Flow<Self>) {
        if flow.data.refresh {
            flow.ui.messages.push(text::confirm_it_is_you());
        }
        let asked = flow.data.requested_aal;
        if cx.session.is_some_and(|session| asked > session.aal) {
            flow.ui.messages.push(text::second_factor_wanted());
        }
    }

    fn notices(flow: &mut Flow<Self>) {
        if flow.awaits_code() {
            let known = flow.data.refresh || flow.data.requested_aal == Aal::Aal2;
            flow.ui.messages.push(if known {
                text::second_factor_code_sent()
            } else {
                text::login_code_sent()
            });
        }
    }

    fn extra_fields(flow: &Flow<Self>, view: &mut Map<String, Value>) {
        view.insert("created_at".into(), json!(flow.issued_at));
        view.insert("updated_at".into(), json!(flow.updated_at));
        view.insert("refresh".into(), json!(flow.data.refresh));
        view.insert("requested_aal".into(), json!(flow.data.requested_aal));
    }

    fn admit(cx: &Cx<'_>, flow: &mut Flow<Self>) -> Result<(), Halt> {
        let asked = flow.data.requested_aal;
        if cx
            .session
            .is_some_and(|session| !flow.data.refresh && asked <= session.aal)
        {
            if !cx.client.json && flow.transport == Transport::Browser {
                return Err(signed_in_already(cx, None).into());
            }
            return Err(Halt::refused(Refusal::form(text::signed_in_already())));
        }
        if cx.session.is_none() && asked == Aal::Aal2 {
            return Err(Error::FirstFactorMissing.into());
        }
        if !flow.is_expired(cx.project.now()) {
            return Ok(());
        }
        // A login is replaced by a fresh one of the first factor; a refresh is not: its form says so.
        if cx.session.is_some() {
            let refusal = Refusal::form(text::expired_while_signed_in());
            return Err(Halt::refused(refusal));
        }
        Err(Halt::Expired(flow.expires_at))
    }

    fn no_strategy() -> Message {
        text::no_login_strategy()
    }

    fn hooks(cx: &Cx<'_>, method: &str) -> Vec<HookConfig> {
        let config = cx.project.config::<LoginConfig>();
        config.after.hooks_of(method).to_vec()
    }

    async fn prepare(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        decision: SignIn,
    ) -> Result<Ending<Self>, Halt> {
        finish::prepare(cx, flow, decision)
    }

    async fn finish(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        _attempt: &mut Attempt,
        ending: &mut Ending<Self>,
    ) -> Result<SignedIn, Halt> {
        finish::finish(cx, flow, ending).await
    }
}

fn requested_aal(params: &LoginParams) -> Result<Aal, Error> {
    match params.aal.as_deref() {
        None | Some("" | "aal1") => Ok(Aal::Aal1),
        Some("aal2") => Ok(Aal::Aal2),
        Some(other) => Err(Error::BadRequest(format!(
            "Unable to parse AuthenticationMethod Assurance Level (AAL): {other:?} is neither aal1 nor aal2."
        ))),
    }
}

fn first_screen(cx: &Cx<'_>, refresh: bool, requested_aal: Aal) -> LoginScreen {
    match cx.project.config::<LoginConfig>().style {
        LoginStyle::IdentifierFirst if !refresh && requested_aal == Aal::Aal1 => {
            LoginScreen::Identify
        }
        _ => LoginScreen::Methods,
    }
}

/// Where a visitor goes to add a second factor.
pub fn second_factor_url(project: &Project, return_to: Option<&str>) -> String {
    let url = format!("{}/self-service/login/browser?aal=aal2", project.base_url());
    return_to.map_or_else(
        || url.clone(),
        |return_to| with_query(&url, "return_to", return_to),
    )
}
