//! The registration flow: sign up, on one screen or two.

mod config;
mod data;
mod finish;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use identity::schemas::Schemas;
use serde_json::Value;
use tenants::Project;

pub use config::{RegistrationConfig, RegistrationStyle};
pub use data::{RegistrationData, Screen};
pub use finish::SignedUp;

use crate::{
    engine::{
        after::HookConfig,
        attempt::Attempt,
        begin::{Init, identity_schema, return_to, signed_in_already},
        cx::Cx,
        decision::{Error, Halt, Refusal, SignUp},
        flow::{Flow, NewFlow},
        form::schema_of,
        kind::{Ending, Kind},
        submission::Submission,
        traits::derive,
    },
    ui::{Group, InputType, Message, Ui, order, text, traits},
};

/// Sign up.
#[derive(Clone, Debug)]
pub struct Registration;

#[async_trait]
impl Kind for Registration {
    const NAME: &'static str = "registration";
    type Params = ();
    type Data = RegistrationData;
    type Decision = SignUp;
    type Rest = ();
    type Done = SignedUp;

    fn ui_url(project: &Project) -> Option<String> {
        project.config::<RegistrationConfig>().ui_url.clone()
    }

    fn lifespan(cx: &Cx<'_>) -> std::time::Duration {
        cx.project.config::<RegistrationConfig>().lifespan
    }

    fn serve(cx: &Cx<'_>) -> Result<(), Error> {
        if cx.project.config::<RegistrationConfig>().enabled {
            Ok(())
        } else {
            Err(Error::FlowDisabled)
        }
    }

    fn open(cx: &Cx<'_>, init: Init, (): &()) -> Result<NewFlow<Self>, Error> {
        Self::serve(cx)?;
        let return_to = return_to(cx, init.return_to.as_deref())?;
        let identity_schema = identity_schema(cx, init.identity_schema.as_deref())?;
        if cx.session.is_some() {
            return Err(signed_in_already(cx, return_to.as_deref()));
        }
        let config = cx.project.config::<RegistrationConfig>();
        let one_step = config.enable_legacy_one_step || config.style == RegistrationStyle::Unified;
        let screen = if one_step {
            Screen::OneStep
        } else {
            Screen::Profile
        };
        Ok(NewFlow {
            transport: init.transport,
            request_url: init.request_url,
            return_to,
            identity_schema,
            lifespan: config.lifespan,
            data: RegistrationData {
                screen,
                traits: Value::Null,
            },
            state: Self::FIRST_STATE,
        })
    }

    /// The first screen of the former flow.
    fn renewed(_cx: &Cx<'_>, former: &Flow<Self>) -> (RegistrationData, &'static str) {
        let screen = match former.data.screen {
            Screen::OneStep => Screen::OneStep,
            Screen::Profile | Screen::Credentials => Screen::Profile,
        };
        let data = RegistrationData {
            screen,
            traits: Value::Null,
        };
        (data, Self::FIRST_STATE)
    }

    fn expired(at: DateTime<Utc>) -> Message {
        text::registration_expired(at)
    }

    /// The traits: fields on the first screen, hidden on the second.
    fn common_nodes(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        let schemas = Schemas::of(cx.project);
        let Some(schema) = schemas.get(flow.identity_schema.as_deref().unwrap_or_default()) else {
            return;
        };
        for mut node in traits::nodes(schema.schema.fields(), &flow.data.traits, Group::Default) {
            if (flow.data.screen == Screen::Credentials || flow.has_sent_code())
                && let Some(input) = node.input_mut()
            {
                input.kind = InputType::Hidden;
            }
            ui.push(node);
        }
        traits::fill(ui, &flow.data.traits, Group::Default);
    }

    fn order_nodes(cx: &Cx<'_>, flow: &Flow<Self>, ui: &mut Ui) {
        let schemas = Schemas::of(cx.project);
        let schema = schemas.get(flow.identity_schema.as_deref().unwrap_or_default());
        let keys = schema.map(|s| s.schema.fields()).unwrap_or_default();
        order::registration(&mut ui.nodes, keys.iter().map(|field| field.name.as_str()));
    }

    fn notices(flow: &mut Flow<Self>) {
        if flow.awaits_code() {
            flow.ui.messages.push(text::registration_code_sent());
        } else if flow.data.screen == Screen::Credentials {
            flow.ui.messages.push(text::choose_credential());
        }
    }

    fn admit(cx: &Cx<'_>, flow: &mut Flow<Self>) -> Result<(), Halt> {
        if cx.session.is_some() {
            return Err(signed_in_already(cx, None).into());
        }
        if flow.is_expired(cx.project.now()) {
            return Err(Halt::Expired(flow.expires_at));
        }
        Ok(())
    }

    fn no_strategy() -> Message {
        text::no_registration_strategy()
    }

    /// What is wrong with the traits is said first.
    async fn unclaimed(cx: &Cx<'_>, flow: &mut Flow<Self>, submission: &Submission) -> Halt {
        let schema = match schema_of(cx, flow) {
            Ok(schema) => schema,
            Err(halt) => return halt,
        };
        let traits = submission.traits(schema.schema.fields());
        flow.remember_traits(cx, &traits);
        match derive(cx, &schema, &traits).await {
            Ok(_) => Halt::refused(Refusal::form(Self::no_strategy())),
            Err(halt) => halt,
        }
    }

    fn hooks(cx: &Cx<'_>, method: &str) -> Vec<HookConfig> {
        let config = cx.project.config::<RegistrationConfig>();
        config.after.hooks_of(method).to_vec()
    }

    async fn prepare(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        decision: SignUp,
    ) -> Result<Ending<Self>, Halt> {
        finish::prepare(cx, flow, decision)
    }

    async fn finish(
        cx: &Cx<'_>,
        flow: &mut Flow<Self>,
        attempt: &mut Attempt,
        ending: &mut Ending<Self>,
    ) -> Result<SignedUp, Halt> {
        finish::finish(cx, flow, attempt, ending).await
    }
}
