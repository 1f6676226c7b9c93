//! The profile method: in settings the person's traits; in registration the first of two screens, where
//! traits are judged before any credential is asked for.

mod settings;

pub(crate) use settings::SettingsFields;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use tenants::{Section, Tx};
use utoipa::ToSchema;

use crate::{
    engine::{
        attempt::Attempt,
        cx::Cx,
        decision::{Effects, Halt, Refusal},
        fields::Fields,
        flow::{CHOOSE_METHOD, Flow},
        form::schema_of,
        guard,
        strategy::{Step, Strategy},
        submission::Submission,
        traits::derive,
    },
    kinds::{
        registration::{Registration, Screen},
        settings::notices::PROFILE,
    },
    ui::{self, Group, Ui, text, traits::is_storable},
};

/// `selfservice.methods.profile`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct ProfileConfig {
    /// May people change their traits?
    pub enabled: bool,
}

impl Section for ProfileConfig {
    const POINTER: &'static str = "/selfservice/methods/profile";
}

impl Default for ProfileConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Traits.
pub struct Profile;

/// Its `method`.
const ID: &str = PROFILE;

/// `method` of older clients for going back.
const BACK: &str = "profile:back";

/// The screen before this one.
const PREVIOUS: &str = "previous";

/// Sign up on two screens: the traits, before any credential is asked for; or back to them.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RegistrationFields {
    /// The screen to go to; by default the next one.
    #[schema(inline, value_type = Option<ProfileScreen>)]
    screen: Option<String>,
}

// What `screen` is described to hold; anything else is as good as the next one.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "for the description alone")]
enum ProfileScreen {
    Previous,
    CredentialSelection,
}

impl Fields for RegistrationFields {
    const METHOD: &'static str = ID;
    const TRAITS: Option<&'static str> = Some("As the identity schema says.");
}

#[async_trait]
impl Strategy<Registration> for Profile {
    fn id(&self) -> &'static str {
        ID
    }

    async fn draw(&self, _cx: &Cx<'_>, flow: &Flow<Registration>, ui: &mut Ui) -> Result<(), Halt> {
        match flow.data.screen {
            Screen::OneStep => {}
            Screen::Profile => {
                let next = ui::submit("method", ID).group(Group::Profile);
                ui.push(next.label(text::sign_up_label()));
            }
            Screen::Credentials => {
                let back = ui::submit("screen", PREVIOUS).group(Group::Profile);
                ui.push(back.label(text::registration_back_label()));
            }
        }
        Ok(())
    }

    fn claims(&self, flow: &Flow<Registration>, submission: &Submission) -> bool {
        flow.data.screen != Screen::OneStep
            && (matches!(submission.method(), Some(ID | BACK))
                || submission.text("screen").is_some())
    }

    /// Going back needs valid traits too, but no CSRF token, as Kratos does: nothing is written that
    /// was not on the person's own screen.
    async fn judge(
        &self,
        cx: &Cx<'_>,
        flow: &mut Flow<Registration>,
        attempt: &mut Attempt,
        tx: Tx,
    ) -> Result<Step<Registration>, Halt> {
        drop(tx);
        let submission = &attempt.submission;
        let schema = schema_of(cx, flow)?;
        let traits = submission.traits(schema.schema.fields());
        let fields: RegistrationFields = submission.read()?;
        let back = submission.method() == Some(BACK) || fields.screen.as_deref() == Some(PREVIOUS);
        if let Err(halt) = derive(cx, &schema, &traits).await {
            // On the way back the fields are hidden: what they held stays good.
            if !back {
                flow.remember_traits(cx, &traits);
            }
            return Err(halt);
        }
        if back {
            // What is not in the payload is lost on the way back.
            flow.go_to(CHOOSE_METHOD);
            flow.data.traits = Value::Null;
            flow.remember_traits(cx, &traits);
            flow.data.screen = Screen::Profile;
            return Ok(Step::Ask(Effects::default()));
        }
        guard::check_csrf(cx, flow, submission)?;
        if !is_storable(&traits, flow.typed_bytes_left(cx)) {
            return Err(Halt::refused(Refusal::form(text::too_much_typed())));
        }
        // No code is awaited any more, so what was typed counts.
        flow.go_to(CHOOSE_METHOD);
        flow.remember_traits(cx, &traits);
        flow.data.screen = Screen::Credentials;
        flow.active = None;
        Ok(Step::Ask(Effects::default()))
    }
}
